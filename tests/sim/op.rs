//! Changes of a disk, in the order they were made.

use std::sync::Arc;

/// The number of a file, whatever it is called.
pub(crate) type Inode = u64;

/// One change.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// A name was given to a file; one that had it before has lost it.
    Link {
        name: String,
        inode: Inode,
    },
    Rename {
        from: String,
        to: String,
        inode: Inode,
    },
    Remove {
        name: String,
    },
    Folder {
        name: String,
    },
    SyncFolder {
        folder: String,
    },
    Data {
        inode: Inode,
        change: Change,
    },
    Sync {
        inode: Inode,
    },
    /// A sync failed, and what it should have made durable never will be.
    SyncLost {
        inode: Inode,
    },
    /// The test wrote something down; the number is its own.
    Note(u64),
}

/// A change of a file's bytes.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Write {
        offset: u64,
        bytes: Arc<[u8]>,
    },
    /// Cut or lengthened with zeros.
    Len(u64),
    /// Lengthened with zeros, never cut.
    AtLeast(u64),
}

impl Change {
    pub(crate) fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => put(to, *offset, bytes),
            Self::Len(len) => to.resize(index(*len), 0),
            Self::AtLeast(len) => to.resize(index(*len).max(to.len()), 0),
        }
    }
}

/// Writes bytes; what lies between the end and them becomes zeros.
pub(crate) fn put(to: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let (start, end) = (index(offset), index(offset) + bytes.len());
    to.resize(to.len().max(end), 0);
    to[start..end].copy_from_slice(bytes);
}

pub(crate) fn index(offset: u64) -> usize {
    usize::try_from(offset).expect("a simulated file fits into memory")
}

/// The folder a name is in.
pub(crate) fn folder(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}
