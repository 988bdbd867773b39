//! A journal in a folder of its own, and frames to fill it with.

use crate::journal::Ack;
use crate::journal::Draft;
use crate::journal::Evidence;
use crate::journal::Frame;
use crate::journal::Identity;
use crate::journal::Journal;
use crate::journal::JournalError;
use crate::journal::Kind;
use crate::journal::Recovered;
use crate::journal::Settings;
use crate::storage::Disk;
use crate::storage::Shared;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// A data folder that goes with its owner.
pub(super) struct Folder {
    pub(super) dir: tempfile::TempDir,
}

impl Folder {
    pub(super) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(super) fn storage(&self) -> Shared {
        Arc::new(lock(self.dir.path()))
    }

    pub(super) fn open(&self) -> Opened {
        open(self.storage(), small(), identity(), &Evidence::default()).unwrap()
    }

    pub(super) fn open_err(&self, evidence: &Evidence) -> JournalError {
        open(self.storage(), small(), identity(), evidence).unwrap_err()
    }

    /// The files of the journal, sorted.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.dir.path().join("journal")).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    pub(super) fn segments(&self) -> Vec<PathBuf> {
        self.files().into_iter().filter(|file| file.extension().unwrap() == "seg").collect()
    }
}

#[derive(Debug)]
pub(super) struct Opened {
    pub(super) journal: Journal,
    pub(super) recovered: Recovered,
    pub(super) frames: Vec<Frame>,
}

impl Opened {
    /// What the frames with events carry.
    pub(super) fn payloads(&self) -> Vec<Vec<u8>> {
        payloads(&self.frames)
    }
}

pub(super) fn payloads(frames: &[Frame]) -> Vec<Vec<u8>> {
    frames.iter().filter(|frame| frame.kind == Kind::Events).map(|frame| frame.payload.clone()).collect()
}

pub(super) fn open(
    storage: Shared,
    settings: Settings,
    identity: Identity,
    evidence: &Evidence,
) -> Result<Opened, JournalError> {
    let mut frames = Vec::new();
    let mut visit = |frame| {
        frames.push(frame);
        Ok(())
    };
    let (journal, recovered) = Journal::open(storage, settings, identity, evidence, &mut visit)?;
    Ok(Opened { journal, recovered, frames })
}

pub(super) fn identity() -> Identity {
    Identity { instance: [5; 16], schema: b"labels".to_vec() }
}

/// Segments of 4 KiB.
pub(super) fn small() -> Settings {
    Settings { ack: Ack::Fsync, segment_bytes: 4_096, flush_ms: 20, queue_bytes: 1 << 20 }
}

/// A frame of one event that LZ4 does not make smaller.
pub(super) fn draft(n: u64, bytes: usize) -> Draft {
    let arrived = i64::try_from(n).unwrap();
    Draft { kind: Kind::Events, events: 1, arrived, span: (arrived, arrived + 1), payload: noise(n, bytes) }
}

/// Appends frames of one event each.
pub(super) fn fill(journal: &Journal, numbers: Range<u64>, bytes: usize) {
    for n in numbers {
        journal.append(draft(n, bytes)).unwrap();
    }
}

/// Bytes that don't compress, made from a number.
pub(super) fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// A test beside this one that starts a process shares the lock with it for the moment before it runs.
fn lock(folder: &std::path::Path) -> Disk {
    for _ in 0..500 {
        match Disk::lock(folder) {
            Err(fault) if fault.kind() == std::io::ErrorKind::WouldBlock => {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            locked => return locked.unwrap(),
        }
    }
    panic!("the folder stays locked")
}
