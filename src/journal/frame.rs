//! The words: a place between frames, a frame to append, a frame read back.

use std::sync::Arc;

/// A point between two frames: everything before it, told by one hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Frames before it.
    pub frames: u64,
    /// Events in them: the *position*.
    pub events: u64,
    /// BLAKE3 chain over them; zeros before the first.
    pub chain: [u8; 32],
}

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Events of one request.
    Events = 1,
    /// Nothing but the durable position: written when the journal goes idle, so that damage to
    /// what was synced last can be told from a torn tail.
    Mark = 2,
    /// A snapshot was published: the payload names it.
    Snapshot = 3,
}

impl Kind {
    pub(super) fn of(byte: u8) -> Option<Self> {
        [Self::Events, Self::Mark, Self::Snapshot].into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// A frame to append.
#[derive(Debug)]
pub struct Draft {
    /// What it is for.
    pub kind: Kind,
    /// Events in the payload.
    pub events: u32,
    /// When the request came, in µs.
    pub arrived: i64,
    /// The earliest and the latest timestamp of its events, in µs.
    pub span: (i64, i64),
    /// The payload, not compressed; the journal compresses it.
    pub payload: Vec<u8>,
}

/// A frame read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is for.
    pub kind: Kind,
    /// The place before it.
    pub before: Place,
    /// The chain after it.
    pub chain: [u8; 32],
    /// Events in the payload.
    pub events: u32,
    /// When the request came, in µs.
    pub arrived: i64,
    /// The earliest and the latest timestamp of its events, in µs.
    pub span: (i64, i64),
    /// The position that was known durable when the frame was written.
    pub durable: u64,
    /// What payloads of its segment are made of: [`Identity::schema`](super::Identity::schema) of
    /// whoever wrote it.
    pub schema: Arc<[u8]>,
    /// The payload, decompressed.
    pub payload: Vec<u8>,
}

impl Frame {
    /// The place after it.
    #[must_use]
    pub fn after(&self) -> Place {
        let Place { frames, events, .. } = self.before;
        Place { frames: frames + 1, events: events + u64::from(self.events), chain: self.chain }
    }
}

/// What is told of a frame without reading its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// What it is for.
    pub kind: Kind,
    /// The place before it.
    pub before: Place,
    /// Events in the payload.
    pub events: u32,
    /// When the request came, in µs.
    pub arrived: i64,
    /// The earliest and the latest timestamp of its events, in µs.
    pub span: (i64, i64),
    /// Bytes of the payload, decompressed.
    pub bytes: u32,
}
