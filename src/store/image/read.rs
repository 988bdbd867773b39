//! What stands in the sections of a snapshot, read piece by piece and checked value by value.

use super::IDS;
use super::SLICES;
use super::VERSION;
use super::cut;
use super::dictionary;
use crate::codec;
use crate::codec::Id;
use crate::codec::LeafAt;
use crate::codec::Piece;
use crate::engine::plain::PlainSlice;
use crate::snapshot::Snapshot;
use crate::snapshot::SnapshotError;

/// Reads a section into what it holds.
pub(super) fn section<T: codec::Read>(file: &Snapshot, place: usize) -> Result<T, SnapshotError> {
    if let Some(newer) = file.sections().get(place).map(|section| section.version).filter(|version| *version > VERSION)
    {
        let detail =
            format!("section {place} is of version {newer}, and this release reads up to {VERSION}: start a newer one");
        return Err(file.foreign(&detail));
    }
    let raw = file.read(place)?;
    codec::decode(&raw).map_err(|fault| file.damaged(&format!("section {place}: {fault}")))
}

/// Reads leaves from one file, each section once.
pub(super) struct Reader<'a> {
    file: &'a Snapshot,
    numbers: Vec<u32>, // the reader's for each series, by place in the dictionary
    section: usize,
    place: u32, // of the next piece
    pieces: std::vec::IntoIter<Piece>,
}

impl<'a> Reader<'a> {
    /// Reads the dictionary; `number` is asked for each series in it.
    pub(super) fn new(
        file: &'a Snapshot,
        width: usize,
        mut number: impl FnMut(&[&str]) -> u32,
    ) -> Result<Self, SnapshotError> {
        let mut numbers = Vec::new();
        dictionary::read(file, width, |names| numbers.push(number(names)))?;
        Ok(Self { file, numbers, section: usize::MAX, place: 0, pieces: Vec::new().into_iter() })
    }

    /// A leaf under the numbers given; each must stand after the one read before.
    pub(super) fn leaf(&mut self, at: &LeafAt) -> Result<PlainSlice, SnapshotError> {
        let slice = self.stored(at)?;
        Ok(slice.renumbered(|rank| self.numbers[rank as usize]))
    }

    fn stored(&mut self, at: &LeafAt) -> Result<PlainSlice, SnapshotError> {
        self.seek(at)?;
        let mut parts = Vec::new();
        for _ in 0..at.pieces {
            let piece = self.next()?;
            let series = self.numbers.len() as u32;
            let fault = match piece.rows.check(series) {
                Ok(()) if (piece.tier, piece.number) == (at.tier, at.number) => None,
                Ok(()) => Some("of another leaf"),
                Err(fault) => Some(fault),
            };
            if let Some(fault) = fault {
                return Err(self.damaged(at, fault));
            }
            parts.push(piece.rows);
        }
        let many = parts.len() > 1;
        let slice = cut::join(parts).ok_or_else(|| self.damaged(at, "its pieces don't fit together"))?;
        if many {
            slice.check(self.numbers.len() as u32).map_err(|fault| self.damaged(at, fault))?;
        }
        Ok(slice)
    }

    fn seek(&mut self, at: &LeafAt) -> Result<(), SnapshotError> {
        let section = at.section as usize;
        if self.section == usize::MAX || section > self.section {
            self.load(section)?;
        }
        if section < self.section || at.piece < self.place {
            return Err(self.damaged(at, "it is not in order"));
        }
        while self.place < at.piece {
            self.pieces.next().ok_or_else(|| self.damaged(at, "it is not there"))?;
            self.place += 1;
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Piece, SnapshotError> {
        loop {
            if let Some(piece) = self.pieces.next() {
                self.place += 1;
                return Ok(piece);
            }
            self.load(self.section + 1)?;
        }
    }

    fn load(&mut self, place: usize) -> Result<(), SnapshotError> {
        if self.file.sections().get(place).is_none_or(|section| section.kind != SLICES) {
            return Err(self.file.damaged(&format!("section {place} does not hold leaves")));
        }
        self.pieces = section::<Vec<Piece>>(self.file, place)?.into_iter();
        (self.section, self.place) = (place, 0);
        Ok(())
    }

    /// An error that names the file and the leaf.
    pub(super) fn damaged(&self, at: &LeafAt, fault: &str) -> SnapshotError {
        self.file.damaged(&format!("bucket {} of tier {}: {fault}", at.number, at.tier))
    }
}

/// Reads ids, one section at a time.
pub(crate) struct Ids<'a> {
    file: &'a Snapshot,
    section: usize,
    list: std::vec::IntoIter<Id>,
    left: u64,
}

impl<'a> Ids<'a> {
    /// Those of a file that should have so many.
    pub(super) fn new(file: &'a Snapshot, left: u64) -> Self {
        Self { file, section: 0, list: Vec::new().into_iter(), left }
    }
}

impl Iterator for Ids<'_> {
    type Item = Result<Id, SnapshotError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(id) = self.list.next() {
                match self.left.checked_sub(1) {
                    Some(left) => self.left = left,
                    None => return Some(Err(self.file.damaged("it has more ids than its manifest tells"))),
                }
                return Some(Ok(id));
            }
            if self.section >= self.file.sections().len() {
                let missing = std::mem::take(&mut self.left) > 0;
                return missing.then(|| Err(self.file.damaged("it has fewer ids than its manifest tells")));
            }
            let place = self.section;
            self.section += 1;
            if self.file.sections()[place].kind == IDS {
                match section::<Vec<Id>>(self.file, place) {
                    Ok(list) => self.list = list.into_iter(),
                    Err(fault) => return Some(Err(fault)),
                }
            }
        }
    }
}
