//! One snapshot being written.

use super::IDS;
use super::MANIFEST;
use super::SECTION_BYTES;
use super::SLICES;
use super::VERSION;
use super::cut::Cut;
use super::dictionary::Dictionary;
use super::dictionary::Used;
use crate::codec;
use crate::codec::Id;
use crate::codec::LeafAt;
use crate::codec::List;
use crate::codec::Manifest;
use crate::codec::Piece;
use crate::engine::image::Image;
use crate::engine::plain::PlainSlice;
use crate::snapshot::Head;
use crate::snapshot::Lean;
use crate::snapshot::Published;
use crate::snapshot::SnapshotError;
use crate::snapshot::Writer;
use crate::storage::Storage;

/// Where a leaf was written.
#[derive(Clone, Copy)]
pub(super) struct Spot {
    pub(super) file: usize, // place in `Freezer::files`
    pub(super) at: LeafAt,  // its `file` is filled in for each manifest
    pub(super) bytes: u64,
}

/// A file to be written.
pub(super) struct Draft<'a> {
    pub(super) image: &'a Image,
    pub(super) known: &'a [Option<Spot>], // by leaf
    pub(super) own: usize,                // its place in `Freezer::files`, which are forgotten for a full one
    pub(super) leans: &'a [usize],        // places of those it leans on, upwards
}

/// A file that was written, and where each leaf is.
pub(super) struct Written {
    pub(super) published: Published,
    pub(super) spots: Vec<Spot>,
}

impl Draft<'_> {
    pub(super) fn write(
        &self,
        storage: &dyn Storage,
        head: Head,
        leans: &[Lean],
        ids: impl Iterator<Item = Id>,
    ) -> Result<Written, SnapshotError> {
        let dictionary = self.dictionary();
        let mut writer = Writer::begin(storage, head)?;
        dictionary.write(&mut writer)?;
        let spots = self.slices(&mut writer, &dictionary)?;
        let ids = write_ids(&mut writer, ids)?;
        let leaves = spots.iter().map(|spot| LeafAt { file: self.file(*spot), ..spot.at }).collect();
        let manifest = Manifest { facts: self.image.facts.clone(), series: dictionary.len() as u32, ids, leaves };
        writer.section(MANIFEST, VERSION, &codec::encode(&manifest))?;
        Ok(Written { published: writer.publish(leans)?, spots })
    }

    /// How the manifest names the file a leaf is in.
    fn file(&self, spot: Spot) -> u32 {
        if spot.file == self.own {
            return 0;
        }
        let place = self.leans.binary_search(&spot.file).expect("a file with a known leaf is leaned on");
        place as u32 + 1
    }

    fn dictionary(&self) -> Dictionary {
        let mut used = Used::default();
        let new = self.image.leaves().iter().zip(self.known).filter(|(_, known)| known.is_none());
        new.for_each(|(leaf, _)| used.add(&leaf.ids()));
        Dictionary::new(self.image, &used)
    }

    /// Writes the leaves that are nowhere yet.
    fn slices(&self, writer: &mut Writer<'_>, dictionary: &Dictionary) -> Result<Vec<Spot>, SnapshotError> {
        let mut slices = Slices { writer, list: List::new() };
        let mut spots = Vec::with_capacity(self.known.len());
        for (leaf, known) in self.image.leaves().iter().zip(self.known) {
            spots.push(match known {
                Some(spot) => *spot,
                None => {
                    let slice = leaf.plain().renumbered(|id| dictionary.rank(id));
                    let (at, bytes) = slices.leaf(leaf.tier, leaf.number, slice)?;
                    Spot { file: self.own, at, bytes }
                }
            });
        }
        slices.flush()?;
        Ok(spots)
    }
}

/// Leaves on their way into sections.
struct Slices<'a, 'b> {
    writer: &'a mut Writer<'b>,
    list: List,
}

impl Slices<'_, '_> {
    fn leaf(&mut self, tier: usize, number: i64, slice: PlainSlice) -> Result<(LeafAt, u64), SnapshotError> {
        let tier = u8::try_from(tier).expect("there are at most six tiers");
        let at =
            LeafAt { tier, number, file: 0, section: self.writer.next(), piece: self.list.count() as u32, pieces: 0 };
        let mut leaf = (at, 0);
        let cut = Cut::new(&slice, SECTION_BYTES);
        if cut.is_whole() {
            self.piece(&mut leaf, slice)?;
        } else {
            for rows in cut {
                self.piece(&mut leaf, rows)?;
            }
        }
        Ok(leaf)
    }

    fn piece(&mut self, (at, bytes): &mut (LeafAt, u64), rows: PlainSlice) -> Result<(), SnapshotError> {
        let before = self.list.len();
        self.list.push(&Piece { tier: at.tier, number: at.number, rows });
        *bytes += (self.list.len() - before) as u64;
        at.pieces += 1;
        if self.list.len() >= SECTION_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), SnapshotError> {
        if self.list.count() > 0 {
            self.writer.section(SLICES, VERSION, &self.list.take())?;
        }
        Ok(())
    }
}

/// Writes the ids and tells how many there were.
fn write_ids(writer: &mut Writer<'_>, ids: impl Iterator<Item = Id>) -> Result<u64, SnapshotError> {
    let mut all = 0;
    let mut list = List::new();
    let mut ids = ids.peekable();
    while let Some(id) = ids.next() {
        list.push(&id);
        if list.len() >= SECTION_BYTES || ids.peek().is_none() {
            all += list.count();
            writer.section(IDS, VERSION, &list.take())?;
        }
    }
    Ok(all)
}
