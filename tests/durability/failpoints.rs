//! Every failpoint of the program: it dies there, and a restart finds everything.

use crate::kit::Client;
use crate::kit::DEADLINE;
use crate::kit::Server;
use crate::kit::busy_files;
use crate::kit::serve;
use crate::ledger::Ledger;
use crate::runs;
use crate::skipping::skipped;
use std::collections::VecDeque;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;
use std::time::Instant;
use tallyring::failpoint;

/// Tested at once: they mostly wait.
const AT_ONCE: usize = 4;

#[test]
fn every_failpoint_is_hit_and_recovered_from() {
    if !cfg!(debug_assertions) {
        return skipped("every_failpoint_is_hit_and_recovered_from", "there are no failpoints in a release build");
    }
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::new();
    let template = folder.path().join("template");
    prepare(&template, &ledger);
    let points = failpoint::NAMES.iter().flat_map(|name| (1..=runs::times()).map(move |nth| format!("{name}:{nth}")));
    let points: Mutex<VecDeque<String>> = Mutex::new(points.collect());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(point) = { points.lock().unwrap().pop_front() } {
                    let data = folder.path().join(&point);
                    copy(&template, &data);
                    die_at(&point, &data, &ledger.fork());
                    fs::remove_dir_all(&data).unwrap();
                }
            });
        }
    });
    println!("{} failpoints", failpoint::NAMES.len() * usize::try_from(runs::times()).unwrap());
}

/// A data folder as a crash leaves it: a snapshot, a journal after it, and a torn tail.
fn prepare(data: &Path, ledger: &Ledger) {
    let server = Server::ready(data, &busy_files(), "the template");
    let mut client = Client::connect(&server.address).unwrap();
    for _ in 0..10 {
        assert!(ledger.send(&mut client, ledger.request(20, false)));
    }
    drop(server.terminate());
    let server = Server::ready(data, &busy_files(), "the template");
    let mut client = Client::connect(&server.address).unwrap();
    for _ in 0..10 {
        assert!(ledger.send(&mut client, ledger.request(20, true)));
    }
    server.kill();
    let segment = last_segment(data);
    let mut bytes = fs::read(&segment).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 40;
    bytes[end..end + 5_000].fill(b'x');
    fs::write(&segment, bytes).unwrap();
}

fn last_segment(data: &Path) -> PathBuf {
    let names = fs::read_dir(data.join("journal")).unwrap().map(|entry| entry.unwrap().path());
    names.filter(|path| path.extension().is_some_and(|end| end == "seg")).max().unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn die_at(point: &str, data: &Path, ledger: &Ledger) {
    let mut command = serve(data, &busy_files());
    command.env("TALLYRING_FAILPOINT", point);
    let status = match Server::start(command) {
        Err((status, _)) => status,
        Ok(server) => work_until_it_dies(server, ledger),
    };
    assert_eq!(status.signal(), Some(9), "{point} was not hit: {status}");
    let server = Server::ready(data, &busy_files(), point);
    ledger.check_whole_requests(&server.address, point);
    ledger.retry(&server.address, point);
    ledger.check(&server.address, point);
    // And it goes on.
    let mut client = Client::connect(&server.address).unwrap();
    assert!(ledger.send(&mut client, ledger.request(3, false)));
    ledger.check(&server.address, point);
}

/// Long requests that fill segments, and pauses in which the journal marks what is durable.
fn work_until_it_dies(mut server: Server, ledger: &Ledger) -> ExitStatus {
    // What is refused before it is ready can't be told from what got lost.
    let _ = server.wait_until_ready();
    let began = Instant::now();
    let mut client = Client::connect(&server.address).ok();
    let mut requests = 0_u64;
    while began.elapsed() < DEADLINE && !server.has_ended() {
        requests += 1;
        let events = if requests.is_multiple_of(8) { 1 } else { 1_500 };
        let sent = client.as_mut().is_some_and(|client| ledger.send(client, ledger.request(events, false)));
        if !sent {
            client = Client::connect(&server.address).ok();
        }
        thread::sleep(Duration::from_millis(if requests.is_multiple_of(8) { 70 } else { 5 }));
    }
    if server.has_ended() { server.end().0 } else { ExitStatus::from_raw(0) }
}
