//! Files as the journal and the snapshots need them: a data folder, and what a disk promises.
//!
//! | after | what a power cut leaves |
//! |---|---|
//! | [`File::write_at`], [`File::set_len`], [`File::reserve`] | any part of it, in any order |
//! | [`File::sync`] | all of it, if the file itself has a durable name |
//! | [`Storage::create`], [`Storage::rename`], [`Storage::remove`] | the old name or the new one |
//! | [`Storage::sync_folder`] | the new one |
//!
//! Names are relative to the data folder, with `/` between folder and file. The real disk is
//! [`Disk`]; tests bring disks that fail and lose what was not synced.

mod disk;
mod real;

pub use disk::Disk;

use std::io;
use std::sync::Arc;

/// A data folder.
pub trait Storage: Send + Sync + 'static {
    /// Names of the files in a folder, without the folder, sorted; none where it does not exist.
    ///
    /// # Errors
    /// Of the file system.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;

    /// Makes a folder unless it is there, durably.
    ///
    /// # Errors
    /// Of the file system.
    fn create_folder(&self, folder: &str) -> io::Result<()>;

    /// Opens a file that is there, to read.
    ///
    /// # Errors
    /// Of the file system; `InvalidInput` where the name is a folder.
    fn open(&self, name: &str) -> io::Result<Box<dyn File>>;

    /// Opens a file that is there, to read and write.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    fn open_to_write(&self, name: &str) -> io::Result<Box<dyn File>>;

    /// Makes an empty file, readable by its owner only; one of that name is emptied.
    ///
    /// # Errors
    /// Of the file system.
    fn create(&self, name: &str) -> io::Result<Box<dyn File>>;

    /// Gives a file another name, in place of a file that has it.
    ///
    /// # Errors
    /// Of the file system.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// Of the file system.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes creations, renamings and removals in a folder durable.
    ///
    /// # Errors
    /// Of the file system.
    fn sync_folder(&self, folder: &str) -> io::Result<()>;

    /// Bytes that can still be written.
    ///
    /// # Errors
    /// Of the file system.
    fn free_bytes(&self) -> io::Result<u64>;

    /// What to call a file in a message.
    fn describe(&self, name: &str) -> String;
}

/// An open file.
pub trait File: Send + Sync {
    /// How long it is, in bytes.
    ///
    /// # Errors
    /// Of the file system.
    fn size(&self) -> io::Result<u64>;

    /// Reads at most as much as the buffer holds; 0 at the end.
    ///
    /// # Errors
    /// Of the file system.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes some of the bytes and says how many.
    ///
    /// # Errors
    /// Of the file system.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Cuts the file, or lengthens it with zeros.
    ///
    /// # Errors
    /// Of the file system.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Lengthens the file with zeros that are sure to have room on the disk.
    ///
    /// # Errors
    /// Of the file system: `StorageFull` where there is no room.
    fn reserve(&self, len: u64) -> io::Result<()>;

    /// Makes what was written, and the length, durable. After an error nothing can be said of
    /// what was written before, not even by a second call that succeeds.
    ///
    /// # Errors
    /// Of the file system.
    fn sync(&self) -> io::Result<()>;
}

/// Any storage, shared.
pub type Shared = Arc<dyn Storage>;

/// Writes all bytes.
///
/// # Errors
/// Of [`File::write_at`], except interruptions; `WriteZero` where nothing more is taken.
pub fn write_all_at(file: &dyn File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write_at(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = &bytes[written..];
                offset += written as u64;
            }
            Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(())
}

/// Reads until the buffer is full or the file ends; says how much.
///
/// # Errors
/// Of [`File::read_at`], except interruptions.
pub fn read_full_at(file: &dyn File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut read = 0;
    while read < buffer.len() {
        match file.read_at(&mut buffer[read..], offset + read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(read)
}
