//! What a journal is opened with, and what opening it tells.

use super::Place;

/// How much is promised by an acknowledgement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ack {
    /// Counted; a crash of the process may lose it.
    Memory,
    /// Written; a crash of the system may lose it.
    Write,
    /// Synced; it survives a power cut.
    #[default]
    Fsync,
}

impl Ack {
    /// All of them, the weakest first.
    pub const ALL: [Self; 3] = [Self::Memory, Self::Write, Self::Fsync];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Write => "write",
            Self::Fsync => "fsync",
        }
    }
}

/// Limits of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What [`Journal::ticket`](super::Journal::ticket) waits for.
    pub ack: Ack,
    /// Bytes of a segment, reserved when it begins. At least 1 MiB. Default 64 MiB.
    pub segment_bytes: u64,
    /// The longest time until written frames are synced where nobody waits for it, in ms. Default 1,000.
    pub flush_ms: u64,
    /// Bytes of frames that may wait to be written. Default 64 MiB.
    pub queue_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { ack: Ack::Fsync, segment_bytes: 64 << 20, flush_ms: 1_000, queue_bytes: 64 << 20 }
    }
}

/// Who the journal belongs to; told in the head of every segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Random, made with the data folder.
    pub instance: [u8; 16],
    /// What the payloads are made of; opaque here (the store writes the names of its labels).
    /// At most 3,900 bytes.
    pub schema: Vec<u8>,
}

/// What recovery has to start from and to prove.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Where reading begins: what the newest valid snapshot covers, or the start.
    pub from: Place,
    /// The highest position known durable from elsewhere (any snapshot).
    pub durable: u64,
    /// The instance of the snapshots, if there are any.
    pub instance: Option<[u8; 16]>,
}

/// What recovery did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Where the journal ends now.
    pub end: Place,
    /// Frames read after [`Evidence::from`].
    pub frames: u64,
    /// Bytes of the torn tail that were copied aside and cut; 0 where it was whole.
    pub torn_bytes: u64,
    /// The file they were copied to.
    pub torn_file: Option<String>,
}

/// What there is on the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// How many segments.
    pub segments: usize,
    /// Their bytes, reserved ones included.
    pub bytes: u64,
    /// The first frame that is kept.
    pub first: Place,
}
