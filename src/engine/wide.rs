//! Sums of one figure, slot by slot.

use super::packed::Packed;
use super::rows::Rows;

/// Sums by slot, of 128 bits (two's complement). The upper halves take no room until one of them is
/// needed, and neither does a figure that is zero everywhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Wide {
    low: Vec<u64>,
    high: Vec<u64>,
}

impl Wide {
    /// The sum of a slot.
    pub(super) fn get(&self, slot: usize) -> u128 {
        let half = |halves: &[u64]| u128::from(halves.get(slot).copied().unwrap_or(0));
        half(&self.high) << 64 | half(&self.low)
    }

    /// Whether nothing was added yet.
    pub(super) fn is_empty(&self) -> bool {
        self.low.is_empty()
    }

    /// Makes room, so that there is something to add to.
    pub(super) fn reach(&mut self, slots: usize) {
        self.low.resize(slots, 0);
    }

    /// Adds to a slot below the number that was reached for.
    #[inline]
    pub(super) fn add(&mut self, slot: usize, value: u128) {
        let (low, carry) = self.low[slot].overflowing_add(value as u64);
        self.low[slot] = low;
        let high = ((value >> 64) as u64).wrapping_add(u64::from(carry));
        if high != 0 {
            self.add_high(slot, high);
        }
    }

    #[cold]
    fn add_high(&mut self, slot: usize, high: u64) {
        self.high.resize(self.low.len(), 0);
        self.high[slot] = self.high[slot].wrapping_add(high);
    }

    /// Adds the rows of a column to their slots; `read` tells what a stored value stands for.
    pub(super) fn add_column(&mut self, slots: usize, packed: &Packed, rows: &Rows, read: impl Fn(u128) -> u128) {
        if !matches!(packed, Packed::Const(0)) {
            self.reach(slots);
            rows.visit(packed, |slot, value| self.add(slot, read(value)));
        }
    }

    /// Packs the sums of all slots as they are.
    pub(super) fn pack(&self) -> Packed {
        if self.high.is_empty() { Packed::pack(&self.low) } else { self.pack_as(|sum| sum) }
    }

    /// Packs what `stored` makes of the sum of each slot.
    pub(super) fn pack_as(&self, stored: impl Fn(u128) -> u128) -> Packed {
        Packed::pack_wide((0..self.low.len()).map(|slot| stored(self.get(slot))).collect())
    }
}
