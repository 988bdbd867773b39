//! Calls that fail when told to.

use std::io;

/// The calls of a disk and of its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Call {
    List,
    CreateFolder,
    Open,
    OpenToWrite,
    Create,
    Rename,
    Remove,
    SyncFolder,
    FreeBytes,
    Size,
    Read,
    Write,
    SetLen,
    Reserve,
    Sync,
}

impl Call {
    pub(crate) const ALL: [Self; 15] = [
        Self::List,
        Self::CreateFolder,
        Self::Open,
        Self::OpenToWrite,
        Self::Create,
        Self::Rename,
        Self::Remove,
        Self::SyncFolder,
        Self::FreeBytes,
        Self::Size,
        Self::Read,
        Self::Write,
        Self::SetLen,
        Self::Reserve,
        Self::Sync,
    ];
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// With an error of the system, having done nothing.
    Error(i32),
    /// A write or read does half of what it was asked to.
    Short,
    /// A sync fails, and what it should have made durable never will be, though it can be read.
    Dropped,
}

impl How {
    pub(crate) const EIO: Self = Self::Error(5);
    pub(crate) const EINTR: Self = Self::Error(4);
    pub(crate) const ENOSPC: Self = Self::Error(28);

    pub(crate) fn error(self) -> io::Error {
        match self {
            Self::Error(code) => io::Error::from_raw_os_error(code),
            Self::Short | Self::Dropped => io::Error::from_raw_os_error(5),
        }
    }
}

/// The `nth` call of a kind fails, counted from 1; with `ever`, all after it too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) call: Call,
    pub(crate) nth: u64,
    pub(crate) ever: bool,
    pub(crate) how: How,
}

impl Fault {
    pub(crate) fn strikes(&self, call: Call, nth: u64) -> bool {
        self.call == call && (nth == self.nth || (self.ever && nth > self.nth))
    }
}
