//! What is durable and what is pending, as the log is followed.

use super::image::Image;
use super::loss::Loss;
use super::op::Change;
use super::op::Inode;
use super::op::Op;
use super::op::folder;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The disk at one point of the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Platter {
    /// Durable names.
    names: BTreeMap<String, Inode>,
    folders: BTreeSet<String>,
    /// Changes of names since their folder was synced, in order.
    renamings: Vec<Op>,
    files: BTreeMap<Inode, Contents>,
    noted: u64,
}

#[derive(Clone, Debug, Default)]
struct Contents {
    durable: Arc<Vec<u8>>,
    /// Changes since the file was synced, in order.
    pending: Vec<Change>,
}

impl Platter {
    /// The disk before anything was changed.
    pub(crate) fn of(image: &Image) -> Self {
        let mut platter = Self { folders: image.folders.clone(), ..Self::default() };
        for (inode, (name, bytes)) in (0..).zip(&image.files) {
            platter.names.insert(name.clone(), inode);
            platter.files.insert(inode, Contents { durable: Arc::clone(bytes), pending: Vec::new() });
        }
        platter
    }

    /// Follows one change.
    pub(crate) fn step(&mut self, op: &Op) {
        match op {
            Op::Link { .. } | Op::Rename { .. } | Op::Remove { .. } => self.renamings.push(op.clone()),
            Op::Folder { name } => drop(self.folders.insert(name.clone())),
            Op::SyncFolder { folder } => self.sync_folder(folder),
            Op::Data { inode, change } => self.contents(*inode).pending.push(change.clone()),
            Op::Sync { inode } => self.contents(*inode).sync(),
            Op::SyncLost { inode } => self.contents(*inode).pending.clear(),
            Op::Note(noted) => self.noted = *noted,
        }
    }

    /// The last number written down by now; 0 before the first.
    pub(crate) fn noted(&self) -> u64 {
        self.noted
    }

    /// How many changes a power cut could undo.
    pub(crate) fn pending(&self) -> usize {
        self.renamings.len() + self.files.values().map(|file| file.pending.len()).sum::<usize>()
    }

    fn contents(&mut self, inode: Inode) -> &mut Contents {
        self.files.entry(inode).or_default()
    }

    fn sync_folder(&mut self, synced: &str) {
        for op in std::mem::take(&mut self.renamings) {
            if folder(target(&op)) == synced {
                rename(&mut self.names, &op);
            } else {
                self.renamings.push(op);
            }
        }
    }

    /// What is left after a power cut.
    pub(crate) fn image(&self, loss: &mut Loss) -> Image {
        let mut names = self.names.clone();
        for op in &self.renamings {
            if loss.keeps_name() {
                rename(&mut names, op);
            }
        }
        let mut bytes = |inode: &Inode| self.files.get(inode).map_or_else(Arc::default, |file| file.left(loss));
        let files = names.iter().map(|(name, inode)| (name.clone(), bytes(inode))).collect();
        Image { files, folders: self.folders.clone() }
    }
}

impl Contents {
    fn sync(&mut self) {
        let durable = Arc::make_mut(&mut self.durable);
        self.pending.drain(..).for_each(|change| change.apply(durable));
    }

    fn left(&self, loss: &mut Loss) -> Arc<Vec<u8>> {
        let mut left = Arc::clone(&self.durable);
        for change in loss.kept(&self.pending) {
            change.apply(Arc::make_mut(&mut left));
        }
        left
    }
}

/// The name that a change is about.
fn target(op: &Op) -> &str {
    match op {
        Op::Link { name, .. } | Op::Remove { name } | Op::Rename { to: name, .. } => name,
        _ => "",
    }
}

fn rename(names: &mut BTreeMap<String, Inode>, op: &Op) {
    match op {
        Op::Link { name, inode } => drop(names.insert(name.clone(), *inode)),
        Op::Remove { name } => drop(names.remove(name)),
        Op::Rename { from, to, inode } => {
            if names.get(from) == Some(inode) {
                names.remove(from);
            }
            names.insert(to.clone(), *inode);
        }
        _ => {}
    }
}
