//! A disk in memory that writes down what was done to it, fails when told to, and can be put
//! together again as it was at any moment.

use crate::storage::File;
use crate::storage::Storage;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// Something that changes the disk; files by their number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Create(String),
    Rename(String, String),
    Remove(String),
    SyncFolder,
    Write(usize, u64, Vec<u8>),
    SetLen(usize, u64),
    Reserve(usize, u64),
    Sync(usize),
}

/// Says whether an operation fails.
type Fails = Box<dyn FnMut(&Op) -> bool + Send>;

#[derive(Clone, Default)]
pub(super) struct Memory {
    state: Arc<Mutex<State>>,
    fails: Arc<Mutex<Option<Fails>>>,
}

#[derive(Default)]
struct State {
    names: BTreeMap<String, usize>,
    files: Vec<Vec<u8>>,
    log: Vec<Op>,
}

struct Handle {
    disk: Memory,
    id: usize,
}

impl State {
    fn apply(&mut self, op: Op) -> io::Result<()> {
        match op {
            Op::Create(name) => {
                self.names.insert(name, self.files.len());
                self.files.push(Vec::new());
            }
            Op::Rename(from, to) => {
                let id = self.names.remove(&from).ok_or(io::ErrorKind::NotFound)?;
                self.names.insert(to, id);
            }
            Op::Remove(name) => drop(self.names.remove(&name).ok_or(io::ErrorKind::NotFound)?),
            Op::Write(id, offset, bytes) => {
                let (begin, file) = (usize::try_from(offset).unwrap(), &mut self.files[id]);
                file.resize(file.len().max(begin + bytes.len()), 0);
                file[begin..begin + bytes.len()].copy_from_slice(&bytes);
            }
            Op::SetLen(id, len) => self.files[id].resize(usize::try_from(len).unwrap(), 0),
            Op::Reserve(id, len) => {
                let file = &mut self.files[id];
                file.resize(file.len().max(usize::try_from(len).unwrap()), 0);
            }
            Op::SyncFolder | Op::Sync(_) => {}
        }
        Ok(())
    }
}

impl Memory {
    /// The disk after operations that were done to an empty one.
    pub(super) fn after(ops: &[Op]) -> Self {
        let mut state = State::default();
        ops.iter().for_each(|op| state.apply(op.clone()).unwrap());
        Self { state: Arc::new(Mutex::new(state)), fails: Arc::default() }
    }

    /// A disk with these files.
    pub(super) fn with(files: &BTreeMap<String, Vec<u8>>) -> Self {
        let names = files.keys().cloned().zip(0..).collect();
        let state = State { names, files: files.values().cloned().collect(), ..State::default() };
        Self { state: Arc::new(Mutex::new(state)), fails: Arc::default() }
    }

    pub(super) fn log(&self) -> Vec<Op> {
        self.state.lock().log.clone()
    }

    pub(super) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.state.lock();
        state.names.iter().map(|(name, id)| (name.clone(), state.files[*id].clone())).collect()
    }

    /// Asks whether it fails without holding the state: an answer may take its time.
    fn run(&self, op: Op) -> io::Result<()> {
        let failed = self.fails.lock().as_mut().is_some_and(|fails| fails(&op));
        let mut state = self.state.lock();
        state.log.push(op.clone());
        if failed { Err(io::Error::other("the disk is on fire")) } else { state.apply(op) }
    }

    /// From now on, operations for which this says so fail, and do nothing.
    pub(super) fn fail(&self, fails: impl FnMut(&Op) -> bool + Send + 'static) {
        *self.fails.lock() = Some(Box::new(fails));
    }

    pub(super) fn shared(&self) -> crate::storage::Shared {
        Arc::new(self.clone())
    }

    fn opened(&self, name: &str) -> io::Result<Box<dyn File>> {
        let id = *self.state.lock().names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Handle { disk: self.clone(), id }))
    }
}

impl Storage for Memory {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let inside = |name: &String| name.strip_prefix(folder)?.strip_prefix('/').map(str::to_owned);
        Ok(self.state.lock().names.keys().filter_map(inside).collect())
    }

    fn create_folder(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        self.opened(name)
    }

    fn open_to_write(&self, name: &str) -> io::Result<Box<dyn File>> {
        self.opened(name)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn File>> {
        self.run(Op::Create(name.to_owned()))?;
        self.opened(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.run(Op::Rename(from.to_owned(), to.to_owned()))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.run(Op::Remove(name.to_owned()))
    }

    fn sync_folder(&self, _: &str) -> io::Result<()> {
        self.run(Op::SyncFolder)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(1 << 30)
    }

    fn describe(&self, name: &str) -> String {
        name.to_owned()
    }
}

impl File for Handle {
    fn size(&self) -> io::Result<u64> {
        Ok(self.disk.state.lock().files[self.id].len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.state.lock();
        let rest = state.files[self.id].get(usize::try_from(offset).unwrap()..).unwrap_or_default();
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.disk.run(Op::Write(self.id, offset, bytes.to_vec())).map(|()| bytes.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.run(Op::SetLen(self.id, len))
    }

    fn reserve(&self, len: u64) -> io::Result<()> {
        self.disk.run(Op::Reserve(self.id, len))
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.run(Op::Sync(self.id))
    }
}
