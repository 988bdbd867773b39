//! A copy of a data folder, taken file by file while calls come in as docs/OPERATIONS.md says, is
//! whole and holds everything that was answered before the copy began.

use crate::ends::Ends;
use crate::kit::Server;
use crate::kit::run;
use crate::kit::tallyring;
use crate::kit::wait_until;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

const ROUNDS: usize = 5;
const EVENTS: u64 = 100;

/// `cp` with the snapshots first: one that is newer than the copied journal would lead it.
fn copy(data: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for part in ["snapshots", "journal", "key-pepper"] {
        let done = Command::new("cp").args(["-r", "--sparse=always"]).arg(data.join(part)).arg(to).output().unwrap();
        // A file that was on its way to another name, or pruned, may be gone when its turn comes.
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(said.lines().all(|line| line.contains("No such file")), "{said}");
    }
}

/// Sends requests until it is told to stop; counts what was answered.
fn send(url: &str, stop: &AtomicBool, answered: &AtomicU64) {
    let agent = ureq::Agent::new_with_defaults();
    while !stop.load(Ordering::Relaxed) {
        let first = answered.load(Ordering::Relaxed);
        let lines = (first..first + EVENTS).map(|n| format!("{{\"id\":\"c-{n}\",\"user\":\"u-{}\"}}\n", n % 97));
        let sent = agent.post(format!("{url}/v1/events")).content_type("application/x-ndjson");
        assert_eq!(sent.send(lines.collect::<String>()).unwrap().status().as_u16(), 200);
        answered.fetch_add(EVENTS, Ordering::SeqCst);
    }
}

#[test]
fn a_copy_taken_under_load_holds_all_that_was_answered() {
    let often = ["--snapshot-every", "1s", "--journal-segment-bytes", "1MiB", "--journal-max-bytes", "2MiB"];
    let server = Server::start_with(&[&["serve"], &often[..]].concat());
    let (data, folder) = (server.folder.path().join("data"), tempfile::tempdir().unwrap());
    let (stop, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    let copies: Vec<_> = std::thread::scope(|scope| {
        let _ends = Ends(&stop);
        scope.spawn(|| send(&server.url, &stop, &answered));
        wait_until("some are answered", || answered.load(Ordering::SeqCst) > 0);
        let copies = (0..ROUNDS).map(|round| {
            std::thread::sleep(std::time::Duration::from_millis(700));
            let (to, before) = (folder.path().join(format!("copy-{round}")), answered.load(Ordering::SeqCst));
            copy(&data, &to);
            (to, before)
        });
        copies.collect()
    });
    for (copy, before) in copies {
        let name = copy.to_str().unwrap();
        let verified = run(&["verify", name]);
        assert_eq!(verified.code, 0, "{verified:?}");
        assert_eq!(run(&["fsck", name]).code, 0);
        let restored = Server::start_in(tempdir_with(&copy), &["serve"]);
        let requests = restored.requests();
        assert!(requests >= before && before > 0, "{requests} of {before}");
    }
    assert_eq!(tallyring(&["ready", "--url", &server.url]).status().unwrap().code(), Some(0));
}

#[test]
fn a_folder_without_its_pepper_says_that_keys_have_other_names() {
    let server = Server::start();
    assert!(!server.log().contains("key-pepper"), "a new folder misses nothing: {}", server.log());
    let folder = server.into_folder();
    fs::remove_file(folder.path().join("data/key-pepper")).unwrap();
    let server = Server::start_in(folder, &["serve"]);
    assert!(server.log().contains("key-pepper is missing"), "{}", server.log());
    let again = Server::start_in(server.into_folder(), &["serve"]);
    assert!(!again.log().contains("key-pepper"), "it is told once: {}", again.log());
}

/// A folder in which `data` is the copy.
fn tempdir_with(copy: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    assert!(Command::new("cp").arg("-r").arg(copy).arg(folder.path().join("data")).status().unwrap().success());
    folder
}
