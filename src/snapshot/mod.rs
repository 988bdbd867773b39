//! Snapshots as files: framed, checksummed, published whole. It knows sections, not engines.
//!
//! ```text
//! head │ section │ section │ … │ index │ leans │ BLAKE3 │ tail
//!  CRC    CRC+CRC   CRC+CRC      └──── CRC ────────────────┘
//!  └─────────── BLAKE3 ────────────────┘
//! ```
//!
//! Every byte is under a checksum that is checked before the byte is used, and every length is
//! held against the size of the file before room is made for it. A file is written aside, synced,
//! renamed, and the folder is synced: a name in the folder is a whole file. Its name tells what it
//! covers, so that a snapshot of a place is written once and never again. The format byte by byte
//! is in docs/FORMAT.md.
//!
//! A file may lean on older ones: what did not change since is read from there. It names them with
//! their BLAKE3; one that leans on a file which is gone or not the same is not valid.

mod layout;
mod name;
mod read;
mod shelf;
pub mod vouch;
mod write;

pub use crate::journal::Place;
pub use layout::Lean;
pub use layout::Section;
pub use read::Snapshot;
pub use shelf::Listed;
pub use shelf::find;
pub use shelf::list;
pub use shelf::remove_old;
pub use shelf::verify;
pub use write::Published;
pub use write::Writer;
pub use write::discard;

use std::io;

/// The folder of the snapshots in a data folder.
pub const FOLDER: &str = "snapshots";

/// The newest format this program writes and reads.
pub const FORMAT: u16 = 1;

/// The most bytes of a section, compressed or not.
pub const MAX_SECTION: usize = 64 << 20;

/// What a snapshot is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The installation it belongs to.
    pub instance: [u8; 16],
    /// The place in the journal up to which it covers everything.
    pub place: Place,
    /// When it was taken, in µs.
    pub taken_us: i64,
}

/// Why a snapshot can't be used or written.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The disk failed.
    #[error("{name}: {fault}")]
    Io {
        /// The file.
        name: String,
        /// What the system says.
        fault: io::Error,
    },
    /// Bytes are not what was written.
    #[error(
        "{name}: damaged: {detail}; nothing was changed. The snapshot before it and the journal hold the same calls: restore the file from a copy, or move it out of the folder"
    )]
    Damaged {
        /// The file.
        name: String,
        /// What is wrong.
        detail: String,
    },
    /// It is whole, but of a newer release, of another installation, or not for this configuration.
    #[error("{name}: {detail}; nothing was changed")]
    Foreign {
        /// The file.
        name: String,
        /// What it is, and what to do.
        detail: String,
    },
}

impl SnapshotError {
    /// Whether there is no such file (any more).
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io { fault, .. } if fault.kind() == io::ErrorKind::NotFound)
    }
}

#[cfg(test)]
pub(crate) mod memory;
#[cfg(test)]
mod tests;
