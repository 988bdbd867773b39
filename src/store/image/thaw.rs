//! A snapshot read: checked, and made an engine again.
//!
//! Nothing is believed: whoever can write the file can write its checksums too. What the checksums
//! can't tell is checked value by value before the engine sees it.

use super::IDS;
use super::MANIFEST;
use super::NAMES;
use super::SLICES;
use super::Saved;
use super::dictionary;
use super::read::Ids;
use super::read::Reader;
use super::read::section;
use crate::codec::LeafAt;
use crate::codec::Manifest;
use crate::engine::Engine;
use crate::engine::config::Config;
use crate::engine::event::Dimension;
use crate::engine::event::MAX_LABELS;
use crate::engine::image::Facts;
use crate::engine::plain::PlainSlice;
use crate::engine::restore::Restoration;
use crate::snapshot;
use crate::snapshot::Head;
use crate::snapshot::Section;
use crate::snapshot::Snapshot;
use crate::snapshot::SnapshotError;
use crate::storage::Storage;

/// The last second that can be counted, and some room: the year 9999.
const LAST: i64 = 1 << 38;

/// More events than anyone counts.
const MOST: u64 = 1 << 62;

/// A snapshot opened: its files are whole, its manifest is sound.
pub(crate) struct Thawed {
    files: Vec<Snapshot>, // itself, then those it leans on
    manifest: Manifest,
}

impl Thawed {
    /// Opens a snapshot by its name, without the folder, and checks the files.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub(crate) fn open(storage: &dyn Storage, name: &str) -> Result<Self, SnapshotError> {
        Self::of(storage, snapshot::verify(storage, name)?)
    }

    /// The same for one whose files are checked already.
    pub(super) fn of(storage: &dyn Storage, own: Snapshot) -> Result<Self, SnapshotError> {
        let manifest = manifest(&own)?;
        let mut files = Vec::with_capacity(own.leans().len() + 1);
        for lean in own.leans() {
            let file = Snapshot::open(storage, &lean.name())?;
            if *file.blake3() != lean.blake3 {
                return Err(own.damaged(&format!("{} changed while it was read", file.name())));
            }
            files.push(file);
        }
        files.insert(0, own);
        let thawed = Self { files, manifest };
        match thawed.fault() {
            Some(fault) => Err(thawed.own().damaged(fault)),
            None => Ok(thawed),
        }
    }

    /// What it is of.
    pub(crate) fn head(&self) -> &Head {
        self.own().head()
    }

    /// What the engine knew.
    pub(crate) fn facts(&self) -> &Facts {
        &self.manifest.facts
    }

    pub(crate) fn info(&self) -> Saved {
        let (own, leaves) = (self.own(), &self.manifest.leaves);
        let Head { place, taken_us, .. } = own.head().clone();
        Saved {
            name: own.name().to_owned(),
            place,
            taken_us,
            bytes: own.bytes(),
            blake3: *own.blake3(),
            full: own.leans().is_empty(),
            leaves_written: leaves.iter().filter(|leaf| leaf.file == 0).count(),
            leaves_total: leaves.len(),
        }
    }

    /// Reads and checks everything that is in it.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub(crate) fn check(&self) -> Result<(), SnapshotError> {
        let mut tally = Tally(0);
        self.walk(&mut tally)?;
        for id in self.ids() {
            id?;
        }
        let mut series = 0;
        dictionary::read(self.own(), self.width(), |_| series += 1)?;
        if series == self.manifest.series {
            return Ok(());
        }
        Err(self.own().damaged("its manifest tells another number of series than there are"))
    }

    /// An engine of this state.
    ///
    /// # Errors
    /// [`SnapshotError`]: damage, or a configuration that can't take it.
    pub(crate) fn restore(&self, config: Config) -> Result<Engine, SnapshotError> {
        let restoration = Restoration::new(config, self.facts());
        let mut restoration = restoration.map_err(|reason| self.own().foreign(&reason))?;
        self.walk(&mut restoration)?;
        Ok(restoration.finish())
    }

    /// The ids that came before, in the order of arrival.
    pub(crate) fn ids(&self) -> Ids<'_> {
        Ids::new(self.own(), self.manifest.ids)
    }

    /// Where its leaves are.
    #[cfg(test)]
    pub(super) fn leaves(&self) -> &[LeafAt] {
        &self.manifest.leaves
    }

    fn own(&self) -> &Snapshot {
        &self.files[0]
    }

    fn width(&self) -> usize {
        Dimension::FIXED.len() + self.facts().labels.len()
    }

    /// What is wrong with the manifest.
    fn fault(&self) -> Option<&'static str> {
        let Manifest { facts, leaves, .. } = &self.manifest;
        let possible = |second: &i64| (-LAST..LAST).contains(second);
        let tier = |(step, len): &(u32, u32)| *step > 0 && *len > 0;
        if !(1..=6).contains(&facts.tiers.len()) || !facts.tiers.iter().all(tier) || facts.labels.len() > MAX_LABELS {
            return Some("its manifest tells of tiers or labels that can't be");
        }
        if facts.covered.len() != facts.tiers.len() || !facts.covered.iter().chain([&facts.now]).all(possible) {
            return Some("its manifest tells of a time that can't be");
        }
        let Facts { accepted, late, rejected, duplicates, .. } = facts;
        if rejected.iter().chain([accepted, late, duplicates]).any(|count| *count > MOST) {
            return Some("its manifest tells of more events than there can be");
        }
        let mut end = i64::MIN;
        let sound = |leaf: &LeafAt| {
            let step = facts.tiers.get(usize::from(leaf.tier)).map(|(step, _)| i64::from(*step))?;
            let start = leaf.number.checked_mul(step).filter(|start| *start >= end && possible(start))?;
            end = start + step;
            ((leaf.file as usize) < self.files.len() && leaf.pieces > 0).then_some(())
        };
        leaves.iter().map(sound).any(|leaf| leaf.is_none()).then_some("its manifest tells of leaves that can't be")
    }

    /// Visits every leaf in order, and the series of each file before its first leaf.
    fn walk(&self, visitor: &mut impl Visitor) -> Result<(), SnapshotError> {
        let mut readers: Vec<Option<Reader<'_>>> = self.files.iter().map(|_| None).collect();
        for at in &self.manifest.leaves {
            let place = at.file as usize;
            if readers[place].is_none() {
                readers[place] = Some(Reader::new(&self.files[place], self.width(), |names| visitor.series(names))?);
            }
            let reader = readers[place].as_mut().expect("made just now");
            let slice = reader.leaf(at)?;
            visitor.leaf(at, slice).map_err(|fault| reader.damaged(at, fault))?;
        }
        Ok(())
    }
}

/// Takes what is in a snapshot.
trait Visitor {
    /// A number for a series.
    fn series(&mut self, names: &[&str]) -> u32;
    /// A leaf by these numbers.
    ///
    /// # Errors
    /// Why that can't be.
    fn leaf(&mut self, at: &LeafAt, slice: PlainSlice) -> Result<(), &'static str>;
}

impl Visitor for Restoration {
    fn series(&mut self, names: &[&str]) -> u32 {
        self.series(names.iter().copied())
    }

    fn leaf(&mut self, at: &LeafAt, slice: PlainSlice) -> Result<(), &'static str> {
        self.leaf(usize::from(at.tier), at.number, &slice)
    }
}

/// Only looks.
struct Tally(u32);

impl Visitor for Tally {
    fn series(&mut self, _: &[&str]) -> u32 {
        self.0 += 1;
        self.0 - 1
    }

    fn leaf(&mut self, _: &LeafAt, _: PlainSlice) -> Result<(), &'static str> {
        Ok(())
    }
}

fn manifest(file: &Snapshot) -> Result<Manifest, SnapshotError> {
    let known = |section: &Section| matches!(section.kind, MANIFEST | NAMES | SLICES | IDS);
    if let Some(other) = file.sections().iter().find(|section| !known(section)) {
        return Err(file.foreign(&format!("it has a section of kind {}: start a newer release", other.kind)));
    }
    let mut found = file.sections().iter().enumerate().filter(|(_, section)| section.kind == MANIFEST);
    match (found.next(), found.next()) {
        (Some((place, _)), None) => section(file, place),
        _ => Err(file.damaged("it must have one manifest")),
    }
}
