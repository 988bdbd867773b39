//! The sums of a query's groups: whole aggregates where rollups tell them, which are few groups, and
//! columns where slices are scanned.

use super::aggregate::Aggregate;
use super::cell::Cell;
use super::columns::Columns;
use std::borrow::Cow;

/// Sums by slot.
#[derive(Debug)]
pub(super) enum Sums {
    Few(Vec<Aggregate>),
    Scanned(Box<Columns>),
}

impl Sums {
    /// Adds calls of an open bucket to a slot.
    pub(super) fn add(&mut self, slot: usize, calls: &Cell) {
        match self {
            Self::Few(sums) => calls.add_to(&mut sums[slot]),
            Self::Scanned(sums) => sums.add(slot, calls),
        }
    }

    /// How many calls a slot has.
    pub(super) fn requests(&self, slot: usize) -> u64 {
        match self {
            Self::Few(sums) => sums[slot].requests,
            Self::Scanned(sums) => sums.requests(slot),
        }
    }

    /// The sums of a slot.
    pub(super) fn get(&self, slot: usize) -> Cow<'_, Aggregate> {
        match self {
            Self::Few(sums) => Cow::Borrowed(&sums[slot]),
            Self::Scanned(sums) => Cow::Owned(sums.get(slot)),
        }
    }

    /// All slots together.
    pub(super) fn whole(&self) -> Aggregate {
        match self {
            Self::Few(sums) => {
                let mut whole = Aggregate::default();
                sums.iter().for_each(|calls| whole.merge(calls));
                whole
            }
            Self::Scanned(sums) => sums.whole(),
        }
    }
}
