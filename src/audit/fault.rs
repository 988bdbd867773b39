//! What an audit finds: a fault says where it is, what it is and what to do.

use crate::journal::JournalError;
use std::fmt;
use std::io;

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file or folder.
    pub file: String,
    /// Where in the file.
    pub offset: Option<u64>,
    /// Events before it.
    pub position: Option<u64>,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub advice: &'static str,
}

/// What to do about damage.
pub(super) const RESTORE: &str = "restore the file from a copy, or save what is whole with `tallyring fsck --salvage`";
/// What to do about a history that is not the one it was.
pub(super) const DISTRUST: &str = "do not trust these figures: find out who could write here, and restore a copy";

impl Fault {
    pub(super) fn new(file: impl Into<String>, what: impl Into<String>, advice: &'static str) -> Self {
        Self { file: file.into(), offset: None, position: None, what: what.into(), advice }
    }

    pub(super) fn at(self, offset: u64, position: u64) -> Self {
        Self { offset: Some(offset), position: Some(position), ..self }
    }

    pub(super) fn after(self, position: u64) -> Self {
        Self { position: Some(position), ..self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(offset) = self.offset {
            write!(f, ", byte {offset}")?;
        }
        if let Some(position) = self.position {
            write!(f, ", after position {position}")?;
        }
        write!(f, ": {}; {}", self.what, self.advice)
    }
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The disk failed, or the folder can't be read.
    #[error("{name}: {fault}")]
    Io {
        /// The file or folder.
        name: String,
        /// What the system says.
        fault: io::Error,
    },
    /// There is nothing of this program.
    #[error("{0}: neither a journal nor snapshots here; name the data folder of a server")]
    Empty(String),
    /// It is whole, but can't be used.
    #[error("{0}")]
    Unusable(String),
}

/// A fault found by the journal; an error of the disk is none.
pub(super) fn of_journal(error: JournalError) -> Result<Fault, Unreadable> {
    match error {
        JournalError::Io { name, fault } => Err(Unreadable::Io { name, fault }),
        JournalError::Damaged { name, offset, position, detail } => {
            Ok(Fault::new(name, detail, RESTORE).at(offset, position))
        }
        JournalError::Foreign { name, detail } => {
            Ok(Fault::new(name, detail, "move it out of the folder, and read it with the program it is of"))
        }
    }
}
