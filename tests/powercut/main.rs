//! Power cuts on a real file system. The data folder is on ext4 on a loop device; the device is
//! copied as it is at some instant, and the copy is what a machine finds when the power is back:
//! what was in the page cache only is not in it.
//!
//! The server is stopped while the device is copied, so that the copy is of one instant. Needs root
//! and loop devices; says `skipped` where it has none. `TALLYRING_TIMES=100` makes 3,000 cuts.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../model/chance.rs"]
#[allow(dead_code, reason = "a part of it is for others")]
mod chance;
#[path = "../ends/mod.rs"]
mod ends;
#[path = "../durability/kit.rs"]
mod kit;
#[path = "../durability/ledger.rs"]
#[allow(dead_code, reason = "a part of it is for others")]
mod ledger;
#[path = "../program/mod.rs"]
mod program;
#[path = "../runs/mod.rs"]
mod runs;
#[path = "../skipping/mod.rs"]
mod skipping;

use chance::Chance;
use kit::DEADLINE;
use kit::Server;
use kit::busy_files;
use kit::has;
use kit::is_root;
use kit::signal;
use ledger::Ledger;
use ledger::Load;
use skipping::skipped;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

const SIZE: u64 = 64 << 20;
/// Cuts of one running server.
const CUTS: u64 = 6;

/// The device is smaller than the reserve that is usual: without this nothing would be taken.
fn args() -> Vec<String> {
    let mut args = busy_files();
    args.push("--min-free-bytes=0B".to_owned());
    args
}

/// ext4 on a loop device; unmounted when it is dropped.
struct Mount {
    folder: PathBuf,
    image: PathBuf,
}

impl Mount {
    fn make(image: &Path, folder: &Path) -> Option<Self> {
        fs::File::create(image).unwrap().set_len(SIZE).unwrap();
        let made = quiet(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(image));
        if made { Self::attach(image, folder) } else { None }
    }

    /// `commit=`: the file system writes nothing by itself while a copy is made.
    fn attach(image: &Path, folder: &Path) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let mounted = quiet(Command::new("mount").args(["-o", "loop,commit=300"]).arg(image).arg(folder));
        mounted.then(|| Self { folder: folder.to_owned(), image: image.to_owned() })
    }

    /// Returns once the device has nothing to do.
    fn settle(&self) {
        let began = Instant::now();
        let mut idle = 0;
        while idle < 3 && began.elapsed() < DEADLINE {
            let busy = loops_of(&self.image).iter().any(|device| {
                let inflight = fs::read_to_string(format!("/sys/block/{device}/inflight")).unwrap_or_default();
                inflight.split_whitespace().any(|count| count != "0")
            });
            idle = if busy { 0 } else { idle + 1 };
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = quiet(Command::new("umount").arg("-l").arg(&self.folder));
    }
}

/// The loop devices of an image.
fn loops_of(image: &Path) -> Vec<String> {
    let output = Command::new("losetup").arg("-j").arg(image).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(|line| line.strip_prefix("/dev/")?.split(':').next().map(str::to_owned)).collect()
}

fn quiet(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

#[test]
fn what_was_synced_survives_power_cuts() {
    let test = "what_was_synced_survives_power_cuts";
    if !is_root() || !has("mkfs.ext4") && !has("losetup") {
        return skipped(test, "needs root, mkfs.ext4 and loop devices");
    }
    let seed = runs::seed_of_the_day(test);
    let (mut cuts, mut acked) = (0, 0);
    for server in 0..5 * runs::times() {
        let folder = tempfile::tempdir().unwrap();
        let Some(mount) = Mount::make(&folder.path().join("disk"), &folder.path().join("mount")) else {
            return skipped(test, "no file system can be mounted here");
        };
        acked += cut_a_server(&mount, folder.path(), seed + server);
        cuts += CUTS;
    }
    println!("{cuts} power cuts, {acked} acknowledged requests looked for in what they left");
    assert!(cuts >= 30 && acked > 50 * cuts, "hardly any load: {acked} requests");
}

/// Cuts the power of a server several times as it runs; answers how many acknowledged requests were
/// looked for in what was left.
fn cut_a_server(mount: &Mount, folder: &Path, seed: u64) -> u64 {
    let (ledger, mut chance) = (Ledger::new(), Chance(seed));
    let server = Server::ready(&mount.folder.join("data"), &args(), "the first start");
    let address = server.address.clone();
    let load = Load { clients: 3, largest: 300 };
    let mut looked_for = 0;
    load.run(&ledger, &address, seed, || {
        for cut in 0..CUTS {
            thread::sleep(Duration::from_millis(20 + u64::try_from(chance.below(400)).unwrap()));
            let acked = ledger.fork();
            signal(server.id(), "STOP");
            mount.settle();
            let copy = folder.join("copy");
            assert!(quiet(Command::new("cp").args(["--sparse=always"]).arg(&mount.image).arg(&copy)));
            signal(server.id(), "CONT");
            power_is_back(&copy, folder, &acked, &format!("seed {seed}, cut {cut}"));
            looked_for += acked.acked() as u64;
        }
        server.kill();
    });
    looked_for
}

/// Starts from the copy. What was acknowledged before the server was stopped is there; more may be.
fn power_is_back(copy: &Path, folder: &Path, acked: &Ledger, what: &str) {
    let mount =
        Mount::attach(copy, &folder.join("again")).unwrap_or_else(|| panic!("{what}: the copy is no file system"));
    let data = mount.folder.join("data");
    let server = Server::ready(&data, &args(), what);
    acked.check_at_least(&server.address, what);
    server.kill();
}
