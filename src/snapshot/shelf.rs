//! All snapshots of a data folder: what there is, what is whole, what is no longer needed.

use super::FOLDER;
use super::Head;
use super::Lean;
use super::Snapshot;
use super::SnapshotError;
use super::name;
use crate::failpoint;
use crate::journal::Place;
use crate::storage::Storage;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;

/// A snapshot in the folder.
#[derive(Debug)]
pub struct Listed {
    /// Its name, without the folder.
    pub name: String,
    /// Its size; 0 where it can't be opened.
    pub bytes: u64,
    /// What it is of, if its head and its index are whole: not yet a proof for the rest.
    pub head: Result<Head, SnapshotError>,
}

/// The snapshots, newest first. Files of other names are not looked at.
///
/// # Errors
/// [`SnapshotError::Io`] of the folder; what is wrong with a file is told with it.
pub fn list(storage: &dyn Storage) -> Result<Vec<Listed>, SnapshotError> {
    let names = storage.list(FOLDER).map_err(|fault| SnapshotError::Io { name: storage.describe(FOLDER), fault })?;
    let mut names: Vec<String> = names.into_iter().filter(|name| name::read(name).is_some()).collect();
    names.sort_unstable_by(|a, b| b.cmp(a));
    let listed = names.into_iter().map(|name| match Snapshot::open(storage, &name) {
        Ok(snapshot) => Listed { name, bytes: snapshot.bytes(), head: Ok(snapshot.head().clone()) },
        Err(fault) => Listed { name, bytes: 0, head: Err(fault) },
    });
    Ok(listed.collect())
}

/// Opens a snapshot and checks all of it and of those it leans on.
///
/// # Errors
/// [`SnapshotError`] of the first that is not whole.
pub fn verify(storage: &dyn Storage, name: &str) -> Result<Snapshot, SnapshotError> {
    Checker { storage, known: BTreeMap::new() }.verify(name)
}

/// The snapshot of a place, checked and durable, if there is one.
///
/// # Errors
/// [`SnapshotError`]: there is one, but it is not whole, or the place has another history.
pub fn find(storage: &dyn Storage, instance: [u8; 16], place: &Place) -> Result<Option<Snapshot>, SnapshotError> {
    let name = name::of(place);
    let names = storage.list(FOLDER).map_err(|fault| SnapshotError::Io { name: storage.describe(FOLDER), fault })?;
    if !names.contains(&name) {
        return Ok(None);
    }
    // A crash may have come between its renaming and the syncing of the folder.
    storage.sync_folder(FOLDER).map_err(|fault| SnapshotError::Io { name: storage.describe(FOLDER), fault })?;
    let snapshot = verify(storage, &name)?;
    match snapshot.head() {
        head if (head.instance, &head.place) == (instance, place) => Ok(Some(snapshot)),
        _ => Err(snapshot.foreign("it is of another installation, or of another history of this one: move it away")),
    }
}

/// Removes snapshots older than the newest `keep` whole ones, except those these lean on. What is
/// damaged or of another installation stays: it may be wanted for more than we can know. Tells what
/// was removed.
///
/// # Errors
/// [`SnapshotError::Io`].
pub fn remove_old(storage: &dyn Storage, keep: usize) -> Result<Vec<String>, SnapshotError> {
    let listed = list(storage)?;
    // A look at heads and indexes tells whether anything could go; only then are files read whole.
    if doomed(&listed, keep, |name| Snapshot::open(storage, name)).is_empty() {
        return Ok(Vec::new());
    }
    let mut checker = Checker { storage, known: BTreeMap::new() };
    let gone = doomed(&listed, keep, |name| checker.verify(name));
    remove(storage, &gone)?;
    Ok(gone)
}

/// What is older than the newest `keep` that `open` finds whole, and not leaned on by these.
fn doomed(
    listed: &[Listed],
    keep: usize,
    mut open: impl FnMut(&str) -> Result<Snapshot, SnapshotError>,
) -> Vec<String> {
    let whole = listed.iter().filter(|item| item.head.is_ok()).filter_map(|item| open(&item.name).ok());
    let kept: Vec<Snapshot> = whole.take(keep.max(1)).collect();
    let Some(oldest) = kept.last().filter(|_| kept.len() == keep.max(1)) else { return Vec::new() };
    let own = |item: &&Listed| item.head.as_ref().is_ok_and(|head| head.instance == oldest.head().instance);
    let needed: BTreeSet<String> = kept.iter().flat_map(Snapshot::leans).map(Lean::name).collect();
    let older = listed.iter().filter(own).map(|item| &item.name).filter(|name| name.as_str() < oldest.name());
    older.filter(|name| !needed.contains(*name)).cloned().collect()
}

/// Oldest first, so that a crash on the way leaves no gap.
fn remove(storage: &dyn Storage, names: &[String]) -> Result<(), SnapshotError> {
    for name in names.iter().rev() {
        let path = name::path(name);
        failpoint::hit("snapshot.remove");
        storage.remove(&path).map_err(|fault| SnapshotError::Io { name: storage.describe(&path), fault })?;
        failpoint::hit("snapshot.removed");
    }
    if names.is_empty() {
        return Ok(());
    }
    storage.sync_folder(FOLDER).map_err(|fault| SnapshotError::Io { name: storage.describe(FOLDER), fault })
}

impl Lean {
    /// The name of the file, without the folder.
    #[must_use]
    pub fn name(&self) -> String {
        name::of(&Place { frames: self.frames, events: self.events, ..Place::default() })
    }
}

/// Checks files, each once.
struct Checker<'a> {
    storage: &'a dyn Storage,
    known: BTreeMap<String, [u8; 32]>, // whole ones, by name
}

impl Checker<'_> {
    fn verify(&mut self, name: &str) -> Result<Snapshot, SnapshotError> {
        let snapshot = self.check(name)?;
        for lean in snapshot.leans() {
            self.lean(&snapshot, lean)?;
        }
        Ok(snapshot)
    }

    fn check(&mut self, name: &str) -> Result<Snapshot, SnapshotError> {
        let snapshot = Snapshot::open(self.storage, name)?;
        if self.known.get(name) != Some(snapshot.blake3()) {
            snapshot.check()?;
            self.known.insert(name.to_owned(), *snapshot.blake3());
        }
        Ok(snapshot)
    }

    fn lean(&mut self, snapshot: &Snapshot, lean: &Lean) -> Result<(), SnapshotError> {
        let name = lean.name();
        if name.as_str() >= snapshot.name() {
            return Err(snapshot.damaged(&format!("it leans on {name}, which is no older one")));
        }
        let older = self.check(&name).map_err(|fault| match fault {
            SnapshotError::Io { fault, .. } if fault.kind() == io::ErrorKind::NotFound => {
                snapshot.damaged(&format!("it leans on {name}, which is gone"))
            }
            other => other,
        })?;
        if (older.blake3(), older.head().instance) != (&lean.blake3, snapshot.head().instance) {
            return Err(snapshot.damaged(&format!("it leans on {name}, which is not the file it was then")));
        }
        Ok(())
    }
}
