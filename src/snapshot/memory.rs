//! A data folder in memory, for tests.

use crate::storage::File;
use crate::storage::Storage;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

type Bytes = Arc<Mutex<Vec<u8>>>;

/// Files by name, and what was done to them.
#[derive(Default)]
pub(crate) struct Memory {
    files: Mutex<BTreeMap<String, Bytes>>,
    changes: Arc<Mutex<Changes>>,
}

#[derive(Default)]
struct Changes {
    done: Vec<&'static str>,
    left: Option<usize>, // so many succeed and none after them
}

impl Changes {
    fn note(&mut self, what: &'static str) -> io::Result<()> {
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(1).ok_or(io::ErrorKind::StorageFull)?;
        }
        if self.done.last() != Some(&what) {
            self.done.push(what);
        }
        Ok(())
    }
}

struct Opened(Bytes, Arc<Mutex<Changes>>);

impl Memory {
    /// From now on so many changes succeed; all of them with `None`.
    pub(crate) fn fail_after(&self, changes: Option<usize>) {
        self.changes.lock().left = changes;
    }

    /// What was done, in order; the same again and again is told once.
    pub(crate) fn done(&self) -> Vec<&'static str> {
        self.changes.lock().done.clone()
    }

    /// The bytes of a file.
    pub(crate) fn get(&self, name: &str) -> Vec<u8> {
        self.files.lock()[name].lock().clone()
    }

    /// Makes a file of these bytes.
    pub(crate) fn put(&self, name: &str, bytes: Vec<u8>) {
        self.files.lock().insert(name.to_owned(), Arc::new(Mutex::new(bytes)));
    }

    /// The names of all files.
    pub(crate) fn names(&self) -> Vec<String> {
        self.files.lock().keys().cloned().collect()
    }
}

impl Storage for Memory {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let folder = format!("{folder}/");
        Ok(self.names().iter().filter_map(|name| name.strip_prefix(&folder)).map(str::to_owned).collect())
    }

    fn create_folder(&self, _: &str) -> io::Result<()> {
        self.changes.lock().note("create folder")
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        let bytes = self.files.lock().get(name).cloned().ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Opened(bytes, self.changes.clone())))
    }

    fn open_to_write(&self, name: &str) -> io::Result<Box<dyn File>> {
        self.open(name)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn File>> {
        self.changes.lock().note("create")?;
        self.put(name, Vec::new());
        self.open(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.changes.lock().note("rename")?;
        let mut files = self.files.lock();
        let bytes = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), bytes);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.changes.lock().note("remove")?;
        self.files.lock().remove(name).map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync_folder(&self, _: &str) -> io::Result<()> {
        self.changes.lock().note("sync folder")
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(u64::MAX)
    }

    fn describe(&self, name: &str) -> String {
        name.to_owned()
    }
}

impl File for Opened {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.lock().len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let bytes = self.0.lock();
        let begin = usize::try_from(offset).unwrap().min(bytes.len());
        let len = buffer.len().min(bytes.len() - begin);
        buffer[..len].copy_from_slice(&bytes[begin..begin + len]);
        Ok(len)
    }

    fn write_at(&self, new: &[u8], offset: u64) -> io::Result<usize> {
        self.1.lock().note("write")?;
        let mut bytes = self.0.lock();
        let begin = usize::try_from(offset).unwrap();
        let end = begin + new.len();
        let len = bytes.len().max(end);
        bytes.resize(len, 0);
        bytes[begin..end].copy_from_slice(new);
        Ok(new.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.1.lock().note("set length")?;
        self.0.lock().resize(usize::try_from(len).unwrap(), 0);
        Ok(())
    }

    fn reserve(&self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.1.lock().note("sync")
    }
}
