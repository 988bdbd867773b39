//! The disk as the running process sees it.

use super::Call;
use super::Fault;
use super::How;
use super::Image;
use super::Loss;
use super::Op;
use super::Platter;
use super::op::Change;
use super::op::Inode;
use super::op::folder;
use super::op::index;
use parking_lot::Condvar;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use tallyring::storage::File;
use tallyring::storage::Shared;
use tallyring::storage::Storage;

/// A data folder in memory; clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct SimDisk {
    shared: Arc<Sync>,
}

#[derive(Default)]
struct Sync {
    state: Mutex<State>,
    moved: Condvar,
}

struct State {
    /// What it was booted from.
    first: Image,
    names: BTreeMap<String, Inode>,
    folders: BTreeSet<String>,
    files: Vec<Arc<Vec<u8>>>, // by inode
    log: Vec<Op>,
    faults: Vec<Fault>,
    calls: BTreeMap<Call, u64>,
    struck: u64,
    /// All the bytes that files may have together.
    room: u64,
    /// While held, writes wait.
    held: bool,
    waiting: usize,
}

impl Default for State {
    fn default() -> Self {
        Self {
            first: Image::default(),
            names: BTreeMap::new(),
            folders: BTreeSet::new(),
            files: Vec::new(),
            log: Vec::new(),
            faults: Vec::new(),
            calls: BTreeMap::new(),
            struck: 0,
            room: 1 << 40,
            held: false,
            waiting: 0,
        }
    }
}

impl SimDisk {
    /// An empty disk.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A disk that starts with what another one left.
    pub(crate) fn boot(image: &Image) -> Self {
        let disk = Self::new();
        {
            let mut state = disk.shared.state.lock();
            state.folders.clone_from(&image.folders);
            state.files = image.files.values().cloned().collect();
            state.names = image.files.keys().cloned().zip(0..).collect();
            state.first = image.clone();
        }
        disk
    }

    pub(crate) fn storage(&self) -> Shared {
        Arc::new(self.clone())
    }

    /// Everything as it is now, synced or not.
    pub(crate) fn image(&self) -> Image {
        let state = self.shared.state.lock();
        let file = |(name, inode): (&String, &Inode)| (name.clone(), Arc::clone(&state.files[index(*inode)]));
        Image { files: state.names.iter().map(file).collect(), folders: state.folders.clone() }
    }

    /// What is left if the power is cut now.
    pub(crate) fn cut(&self, loss: &mut Loss) -> Image {
        let (mut platter, log) = self.history();
        log.iter().for_each(|op| platter.step(op));
        platter.image(loss)
    }

    /// The disk as it was booted, and what was changed since.
    pub(crate) fn history(&self) -> (Platter, Vec<Op>) {
        let state = self.shared.state.lock();
        (Platter::of(&state.first), state.log.clone())
    }

    /// Writes down a number between the changes.
    pub(crate) fn note(&self, number: u64) {
        self.shared.state.lock().log.push(Op::Note(number));
    }

    /// How many changes were made.
    pub(crate) fn changes(&self) -> usize {
        self.shared.state.lock().log.len()
    }

    /// Has calls fail; counting begins anew.
    pub(crate) fn fail(&self, faults: &[Fault]) {
        let mut state = self.shared.state.lock();
        state.faults = faults.to_vec();
        state.calls.clear();
        state.struck = 0;
    }

    /// How many calls failed since then.
    pub(crate) fn struck(&self) -> u64 {
        self.shared.state.lock().struck
    }

    /// How often something was called since then.
    pub(crate) fn calls(&self, call: Call) -> u64 {
        self.shared.state.lock().calls.get(&call).copied().unwrap_or_default()
    }

    /// Lets files have so many bytes together.
    pub(crate) fn set_room(&self, bytes: u64) {
        self.shared.state.lock().room = bytes;
    }

    /// Lets no write begin until [`release`](Self::release).
    pub(crate) fn hold(&self) {
        self.shared.state.lock().held = true;
    }

    /// Returns once a write waits.
    pub(crate) fn wait_for_a_write(&self) {
        let mut state = self.shared.state.lock();
        while state.waiting == 0 {
            self.shared.moved.wait(&mut state);
        }
    }

    pub(crate) fn release(&self) {
        self.shared.state.lock().held = false;
        self.shared.moved.notify_all();
    }

    fn open_file(&self, name: &str, call: Call) -> io::Result<Box<dyn File>> {
        let mut state = self.shared.state.lock();
        state.pass(call)?;
        if state.folders.contains(name) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "is a folder"));
        }
        let inode = state.names.get(name).copied().ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(SimFile { disk: self.clone(), inode }))
    }
}

impl State {
    /// Counts a call; the error it is to fail with, or that it falls short.
    fn pass(&mut self, call: Call) -> io::Result<bool> {
        match self.strike(call) {
            None => Ok(false),
            Some(How::Short) => Ok(true),
            Some(how) => Err(how.error()),
        }
    }

    fn strike(&mut self, call: Call) -> Option<How> {
        let nth = self.calls.entry(call).or_default();
        *nth += 1;
        let nth = *nth;
        let how = self.faults.iter().find(|fault| fault.strikes(call, nth))?.how;
        self.struck += 1;
        Some(how)
    }

    fn change(&mut self, inode: Inode, change: Change) -> io::Result<()> {
        let file = &mut self.files[index(inode)];
        let before = file.len() as u64;
        let len = match &change {
            Change::Write { offset, bytes } => before.max(offset + bytes.len() as u64),
            Change::Len(len) => *len,
            Change::AtLeast(len) => before.max(*len),
        };
        if len > before && self.used() - before + len > self.room {
            return Err(io::ErrorKind::StorageFull.into());
        }
        change.apply(Arc::make_mut(&mut self.files[index(inode)]));
        self.log.push(Op::Data { inode, change });
        Ok(())
    }

    fn used(&self) -> u64 {
        self.names.values().map(|inode| self.files[index(*inode)].len() as u64).sum()
    }

    /// The inode of a name, its folder being there.
    fn known(&self, name: &str) -> io::Result<Inode> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Storage for SimDisk {
    fn list(&self, wanted: &str) -> io::Result<Vec<String>> {
        let mut state = self.shared.state.lock();
        state.pass(Call::List)?;
        let inside = state.names.keys().filter(|name| folder(name) == wanted);
        Ok(inside.map(|name| name.rsplit('/').next().unwrap_or_default().to_owned()).collect())
    }

    fn create_folder(&self, folder: &str) -> io::Result<()> {
        let mut state = self.shared.state.lock();
        state.pass(Call::CreateFolder)?;
        if state.folders.insert(folder.to_owned()) {
            state.log.push(Op::Folder { name: folder.to_owned() });
        }
        Ok(())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        self.open_file(name, Call::Open)
    }

    fn open_to_write(&self, name: &str) -> io::Result<Box<dyn File>> {
        self.open_file(name, Call::OpenToWrite)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn File>> {
        let mut state = self.shared.state.lock();
        state.pass(Call::Create)?;
        let above = folder(name);
        if state.folders.contains(name) || !(above.is_empty() || state.folders.contains(above)) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inode = if let Some(inode) = state.names.get(name).copied() {
            state.change(inode, Change::Len(0))?;
            inode
        } else {
            let inode = state.files.len() as Inode;
            state.files.push(Arc::default());
            state.names.insert(name.to_owned(), inode);
            state.log.push(Op::Link { name: name.to_owned(), inode });
            inode
        };
        Ok(Box::new(SimFile { disk: self.clone(), inode }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.shared.state.lock();
        state.pass(Call::Rename)?;
        let inode = state.known(from)?;
        state.names.remove(from);
        state.names.insert(to.to_owned(), inode);
        state.log.push(Op::Rename { from: from.to_owned(), to: to.to_owned(), inode });
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.shared.state.lock();
        state.pass(Call::Remove)?;
        state.known(name)?;
        state.names.remove(name);
        state.log.push(Op::Remove { name: name.to_owned() });
        Ok(())
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        let mut state = self.shared.state.lock();
        state.pass(Call::SyncFolder)?;
        state.log.push(Op::SyncFolder { folder: folder.to_owned() });
        Ok(())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let mut state = self.shared.state.lock();
        state.pass(Call::FreeBytes)?;
        Ok(state.room.saturating_sub(state.used()))
    }

    fn describe(&self, name: &str) -> String {
        name.to_owned()
    }
}

/// An open file: it stays the same whatever becomes of its name.
struct SimFile {
    disk: SimDisk,
    inode: Inode,
}

impl File for SimFile {
    fn size(&self) -> io::Result<u64> {
        let mut state = self.disk.shared.state.lock();
        state.pass(Call::Size)?;
        Ok(state.files[index(self.inode)].len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.shared.state.lock();
        let short = state.pass(Call::Read)?;
        let bytes = &state.files[index(self.inode)];
        let left = bytes.get(index(offset)..).unwrap_or_default();
        let read = half(left.len().min(buffer.len()), short);
        buffer[..read].copy_from_slice(&left[..read]);
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.shared.state.lock();
        state.waiting += 1;
        self.disk.shared.moved.notify_all();
        while state.held {
            self.disk.shared.moved.wait(&mut state);
        }
        state.waiting -= 1;
        let short = state.pass(Call::Write)?;
        let written = half(bytes.len(), short);
        state.change(self.inode, Change::Write { offset, bytes: Arc::from(&bytes[..written]) })?;
        Ok(written)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.shared.state.lock();
        state.pass(Call::SetLen)?;
        state.change(self.inode, Change::Len(len))
    }

    fn reserve(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.shared.state.lock();
        state.pass(Call::Reserve)?;
        state.change(self.inode, Change::AtLeast(len))
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.shared.state.lock();
        let inode = self.inode;
        match state.strike(Call::Sync) {
            None => state.log.push(Op::Sync { inode }),
            Some(how) => {
                if how == How::Dropped {
                    state.log.push(Op::SyncLost { inode });
                }
                return Err(how.error());
            }
        }
        Ok(())
    }
}

/// Half of what was asked for, but never nothing of something.
fn half(len: usize, short: bool) -> usize {
    if short { len.div_ceil(2) } else { len }
}
