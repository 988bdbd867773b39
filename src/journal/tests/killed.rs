//! The process dies at every failpoint: what was acknowledged is there afterwards.
//!
//! The victim is this test binary again, running one ignored test. It notes in a file of its own
//! what was acknowledged; that file survives, as the page cache does.

use super::kit::draft;
use super::kit::identity;
use super::kit::noise;
use super::kit::open;
use super::kit::payloads;
use super::kit::small;
use crate::failpoint;
use crate::journal::Evidence;
use crate::journal::Kind;
use crate::journal::Place;
use crate::journal::segments;
use crate::storage::Disk;
use crate::storage::Shared;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

const FOLDER: &str = "TALLYRING_TEST_VICTIM";
const VICTIM: &str = "journal::tests::killed::victim";
const LEN: usize = 900;

fn disk(folder: &Path) -> Shared {
    Arc::new(Disk::lock(&folder.join("data")).unwrap())
}

/// From the oldest frame that is kept.
fn evidence(storage: &Shared, durable: u64) -> Evidence {
    let from = segments(storage).unwrap().first().map_or_else(Place::default, |oldest| oldest.first);
    Evidence { from, durable, ..Evidence::default() }
}

#[test]
#[ignore = "it is run, and killed, by the test below"]
fn victim() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let folder = Path::new(&folder);
    for _ in 0..2 {
        let storage = disk(folder);
        let evidence = evidence(&storage, 0);
        let opened = open(storage, small(), identity(), &evidence).unwrap();
        for _ in 0..6 {
            let n = opened.journal.append(draft(0, 0)).unwrap().base + 1;
            let appended = opened.journal.append(draft(n, LEN)).unwrap();
            opened.journal.ticket(appended.frame + 1).wait().unwrap();
            fs::write(folder.join("acknowledged"), (n + 1).to_string()).unwrap();
        }
        thread::sleep(Duration::from_millis(80)); // idle: a mark
        let place = opened.journal.sync().unwrap();
        opened.journal.prune(place, 10_000, i64::MIN).unwrap();
        drop(opened);
        tear(&folder.join("data/journal"));
    }
}

/// Writes something that is no frame behind the last.
fn tear(journal: &Path) {
    let last = fs::read_dir(journal).unwrap().map(|entry| entry.unwrap().path());
    let last = last.filter(|path| path.extension().is_some_and(|e| e == "seg")).max().unwrap();
    let mut bytes = fs::read(&last).unwrap();
    bytes.extend_from_slice(b"half a frame");
    fs::write(&last, bytes).unwrap();
}

fn run(folder: &Path, failpoint: &str) -> ExitStatus {
    let mut victim = Command::new(std::env::current_exe().unwrap());
    victim.args([VICTIM, "--exact", "--ignored"]).stdout(Stdio::null()).stderr(Stdio::null());
    victim.env(FOLDER, folder).env("TALLYRING_FAILPOINT", failpoint).status().unwrap()
}

/// Every other event tells its number; all that are kept follow one another.
fn check(folder: &Path, failpoint: &str) {
    let acknowledged = fs::read_to_string(folder.join("acknowledged")).unwrap_or_default();
    let acknowledged: u64 = acknowledged.parse().unwrap_or(0);
    let storage = disk(folder);
    let evidence = evidence(&storage, acknowledged);
    let opened = open(storage, small(), identity(), &evidence).unwrap_or_else(|fault| panic!("{failpoint}: {fault}"));
    assert!(opened.recovered.end.events >= acknowledged, "{failpoint}");
    let frames: Vec<_> = opened.frames.into_iter().filter(|frame| frame.kind == Kind::Events).collect();
    for (frame, payload) in frames.iter().zip(payloads(&frames)) {
        let n = u64::try_from(frame.arrived).unwrap();
        assert!(n == 0 || n == frame.before.events, "{failpoint}");
        assert!(payload == if n > 0 { noise(n, LEN) } else { Vec::new() }, "{failpoint}");
    }
}

/// One folder for all: each victim begins with what the one before left.
#[test]
fn it_may_be_killed_anywhere_and_again() {
    let dir = tempfile::tempdir().unwrap();
    for name in failpoint::NAMES.iter().filter(|name| name.starts_with("journal.")) {
        for pass in [1, 2] {
            let failpoint = format!("{name}:{pass}");
            let killed = run(dir.path(), &failpoint).signal() == Some(9);
            assert!(killed || pass > 1, "{failpoint} is not passed");
            check(dir.path(), &failpoint);
        }
    }
    assert!(run(dir.path(), "none").success());
    check(dir.path(), "none");
}
