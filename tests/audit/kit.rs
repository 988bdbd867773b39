//! Journals to audit.

use crate::program;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tallyring::audit;
use tallyring::audit::Checkpoint;
use tallyring::audit::Report;
use tallyring::journal::Ack;
use tallyring::journal::Draft;
use tallyring::journal::Evidence;
use tallyring::journal::Identity;
use tallyring::journal::Journal;
use tallyring::journal::Kind;
use tallyring::journal::Settings;
use tallyring::storage::Disk;
use tallyring::storage::Shared;
use tempfile::TempDir;

/// Numbers that look random; the seed is the whole repro.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        std::iter::repeat_with(|| self.next().to_le_bytes()[0]).take(len).collect()
    }
}

/// What opens a folder, once it is not locked: a test beside this one that starts a process shares the lock with it
/// for the moment before it runs.
pub(crate) fn unlocked<T, E: Debug>(open: impl Fn() -> Result<T, E>, locked: impl Fn(&E) -> bool) -> T {
    for _ in 0..500 {
        match open() {
            Err(fault) if locked(&fault) => std::thread::sleep(Duration::from_millis(10)),
            opened => return opened.unwrap(),
        }
    }
    panic!("the folder stays locked")
}

/// A folder with a journal, written by the library.
pub(crate) fn journal(folder: &Path, instance: u8, frames: u64) {
    let settings = Settings { ack: Ack::Fsync, segment_bytes: 4_096, flush_ms: 5, queue_bytes: 1 << 20 };
    let storage: Shared = Arc::new(unlocked(|| Disk::lock(folder), |fault| fault.kind() == ErrorKind::WouldBlock));
    let identity = Identity { instance: [instance; 16], schema: b"team".to_vec() };
    let (journal, _) = Journal::open(storage, settings, identity, &Evidence::default(), &mut |_| Ok(())).unwrap();
    let mut rng = Rng(u64::from(instance));
    for n in 0..frames {
        let arrived = 1_795_000_000_000_000 + i64::try_from(n).unwrap() * 1_000_000;
        let len = 20 + rng.below(200);
        let payload = if n % 7 == 3 { vec![b'a'; len * 4] } else { rng.bytes(len) };
        let events = 1 + u32::try_from(rng.below(4)).unwrap();
        journal.append(Draft { kind: Kind::Events, events, arrived, span: (arrived, arrived), payload }).unwrap();
        if n % 10 == 9 {
            journal.sync().unwrap();
        }
    }
    journal.close().unwrap();
}

pub(crate) fn verify(folder: &Path, noted: Option<&Checkpoint>) -> Report {
    let storage: Shared = Arc::new(Disk::read_only(folder).unwrap());
    audit::verify(&storage, noted).unwrap()
}

/// Verified without a fault; what a checkpoint of it would be.
pub(crate) fn checkpoint(folder: &Path) -> Checkpoint {
    let report = verify(folder, None);
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    report.checkpoint.unwrap()
}

/// The texts of faults.
pub(crate) fn faults(report: &Report) -> Vec<String> {
    report.faults.iter().map(ToString::to_string).collect()
}

/// All files of a folder and of the folders in it, by their names; the lock aside.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name != Path::new("lock") {
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// A folder with these files.
pub(crate) fn folder_of(files: &BTreeMap<PathBuf, Vec<u8>>) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    dir
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs the binary; without the settings of whoever runs the tests.
pub(crate) fn tallyring(args: &[&str]) -> Said {
    let output = program::tallyring().args(args).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
