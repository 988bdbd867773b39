//! An image written as a snapshot: all of it, or what changed since the last one.

use super::Saved;
use super::draft::Draft;
use super::draft::Spot;
use super::draft::Written;
use super::thaw::Thawed;
use crate::codec::Id;
use crate::engine::Engine;
use crate::engine::image::Image;
use crate::engine::image::Leaf;
use crate::engine::image::Mark;
use crate::engine::time::Timestamp;
use crate::snapshot;
use crate::snapshot::Head;
use crate::snapshot::Lean;
use crate::snapshot::Published;
use crate::snapshot::SnapshotError;
use crate::storage::Storage;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// Snapshots that lean on others, before one that does not.
const INCREMENTS: usize = 11;

/// Writes one snapshot after another and remembers where each leaf was written last, so that what
/// did not change need not be written again. A new one begins with a full snapshot.
#[derive(Default)]
pub struct Freezer {
    files: Vec<Filed>, // the last full one and those since
    leaves: BTreeMap<(usize, i64), (Mark, Spot)>,
}

/// A file that was written.
struct Filed {
    lean: Lean,
    bytes: u64, // of leaves
}

impl Freezer {
    /// Writes the state of an engine as of `now`, with the ids that came before; all of it if `full`,
    /// or where it pays. Nothing may be recorded meanwhile that is to be told from what the snapshot
    /// covers. Where there is a snapshot of that place already, it is told and nothing is written.
    ///
    /// # Errors
    /// [`SnapshotError`]; the next call can be made as if this one had not been.
    pub fn save(
        &mut self,
        storage: &dyn Storage,
        engine: &Engine,
        now: Timestamp,
        head: Head,
        ids: impl Iterator<Item = ([u8; 16], u64)>,
        full: bool,
    ) -> Result<Saved, SnapshotError> {
        self.write(storage, &engine.image(now, || ()), head, ids, full)
    }

    /// Writes an image; all of it if `full`, or where it pays. If there is a snapshot of that place
    /// already, that one is told and nothing is written.
    ///
    /// # Errors
    /// [`SnapshotError`]; the next call can be made as if this one had not been.
    pub(crate) fn write(
        &mut self,
        storage: &dyn Storage,
        image: &Image,
        head: Head,
        ids: impl Iterator<Item = Id>,
        full: bool,
    ) -> Result<Saved, SnapshotError> {
        if let Some(there) = snapshot::find(storage, head.instance, &head.place)? {
            return Ok(Thawed::of(storage, there)?.info());
        }
        let known = self.known(image);
        let known = if full || !self.pays(&known) { vec![None; known.len()] } else { known };
        let leans: BTreeSet<usize> = known.iter().flatten().map(|spot| spot.file).collect();
        let leans: Vec<usize> = leans.into_iter().collect();
        let own = if leans.is_empty() { 0 } else { self.files.len() };
        let draft = Draft { image, known: &known, own, leans: &leans };
        let files: Vec<Lean> = leans.iter().map(|file| self.files[*file].lean.clone()).collect();
        let of = head.clone();
        let written = draft.write(storage, head, &files, ids).inspect_err(|_| snapshot::discard(storage))?;
        Ok(self.remember(image, &of, leans.is_empty(), written))
    }

    /// Where the leaves of an image are written already.
    fn known(&self, image: &Image) -> Vec<Option<Spot>> {
        let known = |leaf: &Leaf| {
            let (mark, spot) = self.leaves.get(&(leaf.tier, leaf.number))?;
            leaf.same(mark).then_some(*spot)
        };
        image.leaves().iter().map(known).collect()
    }

    /// Whether leaning on older files pays: until there are many of them, or more than half of what
    /// is in them is no longer needed.
    fn pays(&self, known: &[Option<Spot>]) -> bool {
        let used: BTreeSet<usize> = known.iter().flatten().map(|spot| spot.file).collect();
        let held: u64 = used.iter().map(|file| self.files[*file].bytes).sum();
        let live: u64 = known.iter().flatten().map(|spot| spot.bytes).sum();
        self.files.len() <= INCREMENTS && held / 2 <= live
    }

    fn remember(&mut self, image: &Image, head: &Head, full: bool, written: Written) -> Saved {
        let Written { published, spots } = written;
        if full {
            self.files.clear();
        }
        let own = || spots.iter().filter(|spot| spot.file == self.files.len());
        let (leaves_written, bytes) = (own().count(), own().map(|spot| spot.bytes).sum());
        let Head { place, taken_us, .. } = *head;
        let lean = Lean { frames: place.frames, events: place.events, blake3: published.blake3 };
        self.files.push(Filed { lean, bytes });
        let marked = image.leaves().iter().zip(&spots);
        let marked = marked.filter_map(|(leaf, spot)| Some(((leaf.tier, leaf.number), (leaf.mark()?, *spot))));
        self.leaves = marked.collect();
        let Published { name, bytes, blake3 } = published;
        Saved { name, place, taken_us, bytes, blake3, full, leaves_written, leaves_total: spots.len() }
    }
}
