//! The rollup groups that a call belongs to besides the total, as one number.
//!
//! Few of the possible combinations of model, provider, endpoint and status occur. Numbers are never
//! used again, so that one resolved before series were forgotten still means what it meant.

use super::event::MAX_DIMENSIONS;
use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// The groups of a series, one for each dimension rolled up; the rest is 0.
pub(super) type Combination = [u32; MAX_DIMENSIONS];

/// Numbers are below this.
const LIMIT: u32 = 1 << 30;

/// The numbers given.
#[derive(Debug, Default)]
pub(super) struct CombinationTable {
    numbers: HashMap<Combination, u32, RandomState>,
    next: u32,
}

impl CombinationTable {
    /// The number of a combination, a new one where it has none.
    pub(super) fn number(&mut self, combination: &Combination) -> u32 {
        let next = &mut self.next;
        *self.numbers.entry(*combination).or_insert_with(|| {
            let number = *next;
            *next = (*next + 1) % LIMIT; // no open bucket is as old as so many combinations
            number
        })
    }

    /// Forgets the combinations, not the numbers given.
    pub(super) fn clear(&mut self) {
        self.numbers.clear();
        self.numbers.shrink_to_fit();
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        self.numbers.allocation_size()
    }
}
