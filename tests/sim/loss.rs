//! What a power cut does to everything that is pending.

use super::SECTOR;
use super::op::Change;
use crate::chance::Chance;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Kept,
    Lost,
    Chance,
}

/// Decides; the seed is the whole reproduction.
pub(crate) struct Loss {
    names: Fate,
    data: Fate,
    chance: Chance,
}

impl Loss {
    /// Everything that was not synced is lost.
    pub(crate) fn all() -> Self {
        Self { names: Fate::Lost, data: Fate::Lost, chance: Chance(0) }
    }

    /// Nothing is lost: the process died, not the machine.
    pub(crate) fn nothing() -> Self {
        Self { names: Fate::Kept, data: Fate::Kept, chance: Chance(0) }
    }

    /// Data outlived the names of its files.
    pub(crate) fn names() -> Self {
        Self { names: Fate::Lost, ..Self::nothing() }
    }

    /// Names outlived the data of their files.
    pub(crate) fn data() -> Self {
        Self { data: Fate::Lost, ..Self::nothing() }
    }

    /// Anything.
    pub(crate) fn random(seed: u64) -> Self {
        Self { names: Fate::Chance, data: Fate::Chance, chance: Chance(seed) }
    }

    pub(super) fn keeps_name(&mut self) -> bool {
        match self.names {
            Fate::Kept => true,
            Fate::Lost => false,
            Fate::Chance => self.chance.one_in(2),
        }
    }

    /// Which changes of a file are kept, in which order.
    pub(super) fn kept(&mut self, pending: &[Change]) -> Vec<Change> {
        match self.data {
            Fate::Kept => pending.to_vec(),
            Fate::Lost => Vec::new(),
            Fate::Chance => self.some(pending),
        }
    }

    fn some(&mut self, pending: &[Change]) -> Vec<Change> {
        let mut kept = match self.chance.below(4) {
            0 => pending.to_vec(),
            1 => pending.iter().filter(|_| self.chance.one_in(2)).cloned().collect(),
            2 => pending.iter().flat_map(|change| self.sectors(change, false)).collect(),
            _ => pending.iter().flat_map(|change| self.sectors(change, true)).collect(),
        };
        if self.chance.one_in(2) {
            self.shuffle(&mut kept);
        }
        kept
    }

    /// About half of the sectors of a write; the others are lost or, with `junk`, come out as
    /// bytes that nobody wrote.
    fn sectors(&mut self, change: &Change, junk: bool) -> Vec<Change> {
        let Change::Write { offset, bytes } = change else {
            return if self.chance.one_in(2) { vec![change.clone()] } else { Vec::new() };
        };
        let (mut kept, mut start) = (Vec::new(), 0);
        while start < bytes.len() {
            let end = sector_end(*offset, start).min(bytes.len());
            let offset = offset + start as u64;
            if self.chance.one_in(2) {
                kept.push(Change::Write { offset, bytes: Arc::from(&bytes[start..end]) });
            } else if junk && self.chance.one_in(2) {
                let bytes = (start..end).map(|_| self.chance.next().to_le_bytes()[0]).collect();
                kept.push(Change::Write { offset, bytes });
            }
            start = end;
        }
        kept
    }

    fn shuffle(&mut self, changes: &mut [Change]) {
        for last in (1..changes.len()).rev() {
            let other = self.chance.next() % (last as u64 + 1);
            changes.swap(last, super::op::index(other));
        }
    }
}

/// Where the sector ends that holds byte `start` of a write at `offset`.
fn sector_end(offset: u64, start: usize) -> usize {
    let at = offset + start as u64;
    start + super::op::index(SECTOR - at % SECTOR)
}

/// A write cut at each border of a sector.
pub(crate) fn torn(change: &Change) -> Vec<Change> {
    let Change::Write { offset, bytes } = change else { return Vec::new() };
    let (mut cuts, mut end) = (Vec::new(), sector_end(*offset, 0));
    while end < bytes.len() {
        cuts.push(Change::Write { offset: *offset, bytes: Arc::from(&bytes[..end]) });
        end = sector_end(*offset, end);
    }
    cuts
}
