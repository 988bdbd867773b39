//! Why a journal can't be used, or not now.

use crate::storage::Storage;
use std::io;

/// Why a journal can't be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk failed.
    #[error("{name}: {fault}")]
    Io {
        /// The file.
        name: String,
        /// What the system says.
        fault: io::Error,
    },
    /// Bytes are not what was written, and not the torn end of a last write.
    #[error(
        "{name}: damaged at byte {offset} (events after position {position}): {detail}; nothing was changed. Restore the file from a copy, or save what is whole with `tallyring fsck --salvage`"
    )]
    Damaged {
        /// The file.
        name: String,
        /// Where in it.
        offset: u64,
        /// Events before the damage.
        position: u64,
        /// What is wrong.
        detail: String,
    },
    /// The file is of another kind or version, or of another installation.
    #[error("{name}: {detail}; nothing was changed")]
    Foreign {
        /// The file.
        name: String,
        /// What it is.
        detail: String,
    },
}

/// Why nothing can be appended now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// Too much waits to be written: try again soon.
    #[error("too much is waiting to be written")]
    Busy,
    /// A write or sync failed: nothing is acknowledged until a restart.
    #[error("the journal failed: {0}")]
    Failed(String),
}

/// Says of which file a fault is.
pub(super) fn at<'a>(storage: &'a dyn Storage, name: &'a str) -> impl Fn(io::Error) -> JournalError + 'a {
    move |fault| JournalError::Io { name: storage.describe(name), fault }
}

pub(super) fn foreign(storage: &dyn Storage, name: &str, detail: impl Into<String>) -> JournalError {
    JournalError::Foreign { name: storage.describe(name), detail: detail.into() }
}
