//! Every snapshot: whole in itself and in what it leans on, of this installation, at a place of this
//! journal, and named by the journal with the hash it has.
//!
//! A snapshot that the journal does not name may be forged. Or a crash came between its publication
//! and the frame that names it; then counting anew up to its place proves it.

use super::chain::Kept;
use super::compare::Comparison;
use super::compare::compare;
use super::fault::DISTRUST;
use super::fault::Fault;
use super::fault::Unreadable;
use super::hex;
use super::origin::of_snapshot;
use crate::engine::time::Timestamp;
use crate::journal::Place;
use crate::snapshot;
use crate::snapshot::FOLDER;
use crate::snapshot::Listed;
use crate::snapshot::Snapshot;
use crate::snapshot::SnapshotError;
use crate::storage::Shared;
use crate::store::image::Thawed;
use std::collections::BTreeSet;

/// A snapshot that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// Its name, without the folder.
    pub name: String,
    /// What it covers.
    pub place: Place,
    /// When it was taken.
    pub taken: Timestamp,
    /// Its bytes.
    pub bytes: u64,
    /// Its hash.
    pub blake3: [u8; 32],
    /// Whether the kept journal names it, or a snapshot it names leans on it.
    pub named: bool,
}

/// What was found out about snapshots.
#[derive(Default)]
pub(super) struct Checked {
    /// Newest first.
    pub(super) whole: Vec<Whole>,
    pub(super) faults: Vec<Fault>,
    pub(super) notes: Vec<String>,
}

const MOVE: &str = "move it out of the folder: the journal and the other snapshots hold the same calls";

/// Checks all that are listed against a journal that was read afterwards.
pub(super) fn check(storage: &Shared, listed: &[Listed], kept: &Kept) -> Result<Checked, Unreadable> {
    let mut checking = Checking { storage, kept, leaned: BTreeSet::new(), checked: Checked::default() };
    for listed in listed {
        match open(storage, &listed.name) {
            Ok(snapshot) => checking.one(&snapshot)?,
            Err(SnapshotError::Io { fault, .. }) if fault.kind() == std::io::ErrorKind::NotFound => {} // removed by now
            Err(SnapshotError::Io { name, fault }) => return Err(Unreadable::Io { name, fault }),
            Err(SnapshotError::Damaged { name, detail }) => {
                checking.fault(name, format!("damaged: {detail}"), MOVE);
            }
            Err(SnapshotError::Foreign { name, detail }) => checking.fault(name, detail, MOVE),
        }
    }
    checking.covered();
    Ok(checking.checked)
}

/// Reads everything in it.
fn open(storage: &Shared, name: &str) -> Result<Snapshot, SnapshotError> {
    Thawed::open(&**storage, name)?.check()?;
    Snapshot::open(&**storage, name)
}

struct Checking<'a> {
    storage: &'a Shared,
    kept: &'a Kept,
    /// What named snapshots lean on; these come first, since they are newer.
    leaned: BTreeSet<String>,
    checked: Checked,
}

impl Checking<'_> {
    fn fault(&mut self, file: String, what: String, advice: &'static str) {
        self.checked.faults.push(Fault::new(file, what, advice));
    }

    fn one(&mut self, snapshot: &Snapshot) -> Result<(), Unreadable> {
        let file = self.storage.describe(&format!("{FOLDER}/{}", snapshot.name()));
        let head = snapshot.head();
        if let Some(instance) = self.kept.instance.filter(|instance| *instance != head.instance) {
            let what =
                format!("it is of installation {}, the journal of {}", hex::of(&head.instance), hex::of(&instance));
            self.fault(file, what, MOVE);
            return Ok(());
        }
        if let Some(what) = self.misplaced(&head.place) {
            self.fault(file, what, DISTRUST);
            return Ok(());
        }
        let named = match self.naming(snapshot) {
            Naming::Other(frame) => {
                let what = format!("frame {frame} of the journal names it with another BLAKE3");
                self.fault(file, what, DISTRUST);
                return Ok(());
            }
            Naming::Named => true,
            Naming::Not => self.prove(snapshot, &file)?,
        };
        if named {
            self.leaned.extend(snapshot.leans().iter().map(snapshot::Lean::name));
        }
        self.checked.whole.push(Whole {
            name: snapshot.name().to_owned(),
            place: head.place,
            taken: Timestamp::from_micros(head.taken_us).unwrap_or_default(),
            bytes: snapshot.bytes(),
            blake3: *snapshot.blake3(),
            named,
        });
        Ok(())
    }

    /// What is wrong with its place, as far as the journal still has it.
    fn misplaced(&self, place: &Place) -> Option<String> {
        let first = self.kept.first?;
        match self.kept.places.get(&place.frames) {
            Some(found) if found == place => None,
            Some(_) => Some(format!("the journal up to frame {} is another one than it was made from", place.frames)),
            None if place.frames > self.kept.end.frames && self.kept.faults.is_empty() => {
                Some(format!("it covers {} frames, and the journal ends after {}", place.frames, self.kept.end.frames))
            }
            // Before the first kept frame, or where the journal is damaged.
            None => {
                (first.frames == 0 && self.kept.faults.is_empty()).then(|| "its place is not in the journal".to_owned())
            }
        }
    }

    fn naming(&self, snapshot: &Snapshot) -> Naming {
        let mut named = self.kept.vouches.iter().filter(|(_, vouch)| vouch.name == snapshot.name()).peekable();
        let found = named.peek().is_some();
        match named.find(|(_, vouch)| vouch.blake3 != *snapshot.blake3()) {
            Some((frame, _)) => Naming::Other(*frame),
            None if found || self.leaned.contains(snapshot.name()) => Naming::Named,
            None => Naming::Not,
        }
    }

    /// Counts anew what the journal does not vouch for.
    fn prove(&mut self, snapshot: &Snapshot, file: &str) -> Result<bool, Unreadable> {
        let name = snapshot.name();
        if !self.kept.faults.is_empty()
            || self.kept.first.is_none_or(|first| snapshot.head().place.frames < first.frames)
        {
            self.checked.notes.push(format!("{name}: nothing in the kept journal names it"));
            return Ok(false);
        }
        match compare(self.storage, name)? {
            Comparison::Equal { .. } => {
                self.checked.notes.push(format!(
                    "{name}: the journal does not name it (a crash came first); counting anew proves it"
                ));
                return Ok(true);
            }
            Comparison::Different { differences, count } => {
                let first = differences.first().map(ToString::to_string).unwrap_or_default();
                let what = format!("the journal does not name it and tells {count} other figures: {first}");
                self.fault(file.to_owned(), what, DISTRUST);
            }
            Comparison::NotProvable(why) => {
                let what = format!("the journal does not name it, and it is not provable: {why}");
                self.fault(file.to_owned(), what, MOVE);
            }
        }
        Ok(false)
    }

    /// What came before a pruned journal must be told by a snapshot.
    fn covered(&mut self) {
        let Some(first) = self.kept.first.filter(|first| first.frames > 0) else { return };
        if self.checked.whole.iter().any(|whole| whole.place.frames >= first.frames) {
            return;
        }
        let what = format!(
            "the journal begins with frame {} (position {}), and no whole snapshot covers what came before",
            first.frames, first.events
        );
        self.fault(self.storage.describe(FOLDER), what, "restore a snapshot, or the segments before, from a copy");
    }
}

enum Naming {
    Named,
    Other(u64),
    Not,
}

/// The snapshots there are.
pub(super) fn list(storage: &Shared) -> Result<Vec<Listed>, Unreadable> {
    snapshot::list(&**storage).map_err(of_snapshot)
}
