//! Writing a snapshot: aside, section by section, hashed on the way, then published under its name.
//!
//! | a crash after | leaves |
//! |---|---|
//! | `next.tmp` was made, written, synced | a file that nothing reads, and the next writer empties |
//! | the renaming | that file or the whole snapshot |
//! | the folder was synced | the whole snapshot |

use super::FOLDER;
use super::Head;
use super::Lean;
use super::MAX_SECTION;
use super::Section;
use super::SnapshotError;
use super::layout::MAX_ZSTD;
use super::layout::SECTION;
use super::layout::Tail;
use super::name;
use crate::failpoint;
use crate::storage::File;
use crate::storage::Storage;
use crate::storage::write_all_at;
use std::io;

/// How much is gathered before it is written.
const BUFFER: usize = 1 << 20;

/// The level of compression: most of the gain at a fraction of the time.
const LEVEL: i32 = 1;

/// A snapshot being written.
pub struct Writer<'a> {
    storage: &'a dyn Storage,
    file: Box<dyn File>,
    head: Head,
    sections: Vec<Section>,
    buffer: Vec<u8>,
    written: u64,
    hasher: blake3::Hasher,
}

/// A snapshot that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Its name, without the folder.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// BLAKE3 of everything in it up to the hash.
    pub blake3: [u8; 32],
}

impl<'a> Writer<'a> {
    /// Begins a snapshot, in place of one that was begun and not finished.
    ///
    /// # Errors
    /// [`SnapshotError::Io`]; `AlreadyExists` where there is one of that place, which is never
    /// written over.
    pub fn begin(storage: &'a dyn Storage, head: Head) -> Result<Self, SnapshotError> {
        let fault = |name: &str| {
            let name = storage.describe(name);
            move |fault| SnapshotError::Io { name, fault }
        };
        storage.create_folder(FOLDER).map_err(fault(FOLDER))?;
        let own = name::of(&head.place);
        if storage.list(FOLDER).map_err(fault(FOLDER))?.contains(&own) {
            return Err(fault(&name::path(&own))(io::ErrorKind::AlreadyExists.into()));
        }
        failpoint::hit("snapshot.create");
        let file = storage.create(name::NEXT).map_err(fault(name::NEXT))?;
        failpoint::hit("snapshot.created");
        let hasher = blake3::Hasher::new();
        let buffer = Vec::with_capacity(BUFFER);
        let mut writer = Self { storage, file, head, sections: Vec::new(), buffer, written: 0, hasher };
        writer.put(&writer.head.to_bytes())?;
        Ok(writer)
    }

    /// The number of the next section.
    #[must_use]
    pub fn next(&self) -> u32 {
        u32::try_from(self.sections.len()).expect("a file of 2^32 sections would be larger than any disk")
    }

    /// Writes a section and tells its number.
    ///
    /// # Errors
    /// [`SnapshotError::Io`]; `FileTooLarge` where it is larger than [`MAX_SECTION`].
    pub fn section(&mut self, kind: u32, version: u16, raw: &[u8]) -> Result<u32, SnapshotError> {
        if raw.len() > MAX_SECTION {
            return Err(self.fault(io::ErrorKind::FileTooLarge.into()));
        }
        let packed = if raw.len() <= MAX_ZSTD { zstd::bulk::compress(raw, LEVEL).ok() } else { None };
        let packed = packed.filter(|packed| packed.len() < raw.len());
        let body = packed.as_deref().unwrap_or(raw);
        let section = Section {
            kind,
            version,
            zstd: packed.is_some(),
            offset: self.position() + SECTION as u64,
            raw: raw.len() as u64,
            stored: body.len() as u64,
            crc: crc32c::crc32c(body),
        };
        self.put(&section.header())?;
        self.put(body)?;
        let number = self.next();
        self.sections.push(section);
        Ok(number)
    }

    /// Finishes the file and gives it its name, durably.
    ///
    /// # Errors
    /// [`SnapshotError::Io`]: whether it was published is known only where that failed before the
    /// renaming.
    pub fn publish(mut self, leans: &[Lean]) -> Result<Published, SnapshotError> {
        self.flush()?;
        failpoint::hit("snapshot.writing");
        let rows = self.sections.iter().flat_map(Section::row);
        let mut index: Vec<u8> = rows.chain(leans.iter().flat_map(Lean::to_bytes)).collect();
        self.hasher.update(&index);
        let blake3 = *self.hasher.finalize().as_bytes();
        index.extend(blake3);
        let leans = u32::try_from(leans.len()).expect("nobody keeps 2^32 snapshots");
        let mut tail = Tail { rows: self.next(), leans, crc: 0 };
        tail.crc = crc32c::crc32c_append(crc32c::crc32c(&index), &tail.counts());
        index.extend(tail.to_bytes());
        self.write(&index)?;
        self.rename()?;
        Ok(Published { name: name::of(&self.head.place), bytes: self.written, blake3 })
    }

    fn rename(&self) -> Result<(), SnapshotError> {
        failpoint::hit("snapshot.sync");
        self.file.sync().map_err(|fault| self.fault(fault))?;
        failpoint::hit("snapshot.synced");
        let path = name::path(&name::of(&self.head.place));
        self.storage.rename(name::NEXT, &path).map_err(|fault| self.fault(fault))?;
        failpoint::hit("snapshot.renamed");
        self.storage.sync_folder(FOLDER).map_err(|fault| self.fault(fault))?;
        failpoint::hit("snapshot.durable");
        Ok(())
    }

    /// Where the next byte goes.
    fn position(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.hasher.update(bytes);
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() < BUFFER {
            return Ok(());
        }
        self.flush()?;
        failpoint::hit("snapshot.writing");
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SnapshotError> {
        let buffer = std::mem::take(&mut self.buffer);
        self.write(&buffer)?;
        self.buffer = buffer;
        self.buffer.clear();
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        write_all_at(&*self.file, bytes, self.written).map_err(|fault| self.fault(fault))?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn fault(&self, fault: io::Error) -> SnapshotError {
        SnapshotError::Io { name: self.storage.describe(name::NEXT), fault }
    }
}

/// Removes what a writer that failed has left, to give the room back; that it can't be removed is
/// no fault.
pub fn discard(storage: &dyn Storage) {
    let _ = storage.remove(name::NEXT);
}
