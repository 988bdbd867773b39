//! A disk that fills up under load, on a small file system of its own.

use crate::chance::Chance;
use crate::kit::Client;
use crate::kit::DEADLINE;
use crate::kit::Server;
use crate::kit::get;
use crate::kit::is_root;
use crate::kit::serve;
use crate::ledger::Ledger;
use crate::ledger::Load;
use crate::runs;
use crate::skipping::skipped;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// A file system in memory; unmounted when it is dropped.
struct Mount {
    folder: tempfile::TempDir,
}

impl Mount {
    fn new(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let options = format!("size={size},mode=700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder.path()).status();
        mounted.is_ok_and(|status| status.success()).then_some(Self { folder })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

/// Takes all the room there is, or leaves some.
fn fill(folder: &Path, leave: usize) {
    let ballast = folder.join("ballast");
    let mut file = fs::File::create(&ballast).unwrap();
    while file.write_all(&[1; 65_536]).is_ok() {}
    let full = file.metadata().unwrap().len();
    file.set_len(full.saturating_sub(leave as u64)).unwrap();
}

fn free(folder: &Path) {
    fs::remove_file(folder.join("ballast")).unwrap();
}

fn names(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for part in ["journal", "snapshots"] {
        for entry in fs::read_dir(folder.join(part)).into_iter().flatten() {
            names.insert(format!("{part}/{}", entry.unwrap().file_name().display()));
        }
    }
    names.retain(|name| !name.ends_with(".tmp"));
    names
}

/// How long until a request is answered so.
fn until(ledger: &Ledger, address: &str, status: u16) -> Duration {
    let began = Instant::now();
    while began.elapsed() < DEADLINE {
        let request = ledger.request(1, false);
        let answer = Client::connect(address).unwrap().send(None, &ledger.body(&request)).unwrap();
        let got = answer.status;
        ledger.enter(request, Some(answer));
        if got == status {
            return began.elapsed();
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("it never answers {status}");
}

fn args(min_free: &str) -> Vec<String> {
    ["--journal-segment-bytes=1MiB", "--snapshot-every=1s"]
        .map(str::to_owned)
        .into_iter()
        .chain([format!("--min-free-bytes={min_free}")])
        .collect()
}

fn mount(test: &str) -> Option<Mount> {
    if !is_root() {
        skipped(test, "needs root to mount");
        return None;
    }
    let mount = Mount::new("48m");
    if mount.is_none() {
        skipped(test, "no tmpfs can be mounted here");
    }
    mount
}

/// Below its limit it takes nothing in, goes on answering, and takes events again once there is
/// room, without a restart.
#[test]
fn a_disk_that_is_nearly_full_refuses_and_recovers() {
    let test = "a_disk_that_is_nearly_full_refuses_and_recovers";
    let Some(mount) = mount(test) else { return };
    let data = mount.path().join("data");
    let (ledger, args) = (Ledger::new(), args("6MiB"));
    let mut chance = Chance(runs::seed_of_the_day(test));
    let server = Server::ready(&data, &args, test);
    for _ in 0..3 * runs::times() {
        let load = Load { clients: 2, largest: 200 };
        load.run(&ledger, &server.address, chance.next() >> 8, || {
            thread::sleep(Duration::from_millis(300));
            fill(mount.path(), 2 << 20);
            let took = until(&ledger, &server.address, 503);
            println!("refused {took:?} after it was full");
            assert!(took < Duration::from_secs(5));
            assert_eq!(get(&server.address, "/v1/usage").unwrap().status, 200, "questions are answered");
            let before = names(&data);
            thread::sleep(Duration::from_millis(300));
            free(mount.path());
            let took = until(&ledger, &server.address, 200);
            println!("took events {took:?} after there was room");
            assert!(took < Duration::from_secs(10));
            let gone: Vec<String> =
                before.difference(&names(&data)).filter(|n| n.starts_with("journal")).cloned().collect();
            assert!(gone.is_empty(), "removed: {gone:?}");
        });
        ledger.retry(&server.address, test);
        ledger.check(&server.address, test);
    }
    server.kill();
    let server = Server::ready(&data, &args, test);
    ledger.check(&server.address, test);
}

/// No room at all, with no limit that would have stopped it before: it may end, with the code that
/// has it started again, but acknowledges nothing that is not safe.
#[test]
fn a_disk_without_any_room_loses_nothing() {
    let test = "a_disk_without_any_room_loses_nothing";
    let Some(mount) = mount(test) else { return };
    let data = mount.path().join("data");
    let (ledger, args) = (Ledger::new(), args("0B"));
    let mut chance = Chance(runs::seed_of_the_day(test));
    for _ in 0..3 * runs::times() {
        let mut server = Server::ready(&data, &args, test);
        ledger.retry(&server.address, test);
        ledger.check(&server.address, test);
        let address = server.address.clone();
        let load = Load { clients: 3, largest: 1_000 };
        load.run(&ledger, &address, chance.next() >> 8, || {
            thread::sleep(Duration::from_millis(200));
            fill(mount.path(), 0);
            let began = Instant::now();
            while began.elapsed() < Duration::from_secs(3) && !server.has_ended() {
                thread::sleep(Duration::from_millis(20));
            }
        });
        if server.has_ended() {
            assert_eq!(server.end().0.code(), Some(74));
            // A start on a full disk says so, and changes nothing.
            if let Ok(mut server) = Server::start(serve(&data, &args)) {
                server.wait_until_ready();
                server.kill();
            }
        } else {
            server.kill();
        }
        free(mount.path());
    }
    let server = Server::ready(&data, &args, test);
    ledger.retry(&server.address, test);
    ledger.check(&server.address, test);
}
