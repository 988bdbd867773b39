//! A data folder in memory, to be read.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use tallyring::storage::File;
use tallyring::storage::Shared;
use tallyring::storage::Storage;

/// Files in memory, to be read: making two thousand folders takes longer than reading them.
pub(crate) struct Memory(BTreeMap<PathBuf, Vec<u8>>);

impl Memory {
    pub(crate) fn of(files: BTreeMap<PathBuf, Vec<u8>>) -> Shared {
        Arc::new(Self(files))
    }
}

fn refused<T>() -> io::Result<T> {
    Err(io::ErrorKind::ReadOnlyFilesystem.into())
}

impl Storage for Memory {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let inside = self.0.keys().filter(|name| name.parent() == Some(Path::new(folder)));
        Ok(inside.map(|name| name.file_name().unwrap().to_str().unwrap().to_owned()).collect())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        let bytes = self.0.get(Path::new(name)).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Bytes(bytes.clone())))
    }

    fn create_folder(&self, _: &str) -> io::Result<()> {
        refused()
    }

    fn open_to_write(&self, _: &str) -> io::Result<Box<dyn File>> {
        refused()
    }

    fn create(&self, _: &str) -> io::Result<Box<dyn File>> {
        refused()
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        refused()
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        refused()
    }

    fn sync_folder(&self, _: &str) -> io::Result<()> {
        refused()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(0)
    }

    fn describe(&self, name: &str) -> String {
        name.to_owned()
    }
}

struct Bytes(Vec<u8>);

impl File for Bytes {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = self.0.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
        refused()
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        refused()
    }

    fn reserve(&self, _: u64) -> io::Result<()> {
        refused()
    }

    fn sync(&self) -> io::Result<()> {
        refused()
    }
}
