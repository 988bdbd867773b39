//! A packed column read from a place on, one value after the other.

use super::block::BLOCK;
use super::packed::Packed;

/// Reads forwards, and unpacks a whole block at a time.
pub(super) struct Forwards<'a> {
    packed: &'a Packed,
    at: usize,
    held: [u64; BLOCK], // the block that `at` lies in, once it was asked for
    fresh: bool,
}

impl<'a> Forwards<'a> {
    /// From a place on; no value of the column that is asked for may have more than 64 bits.
    pub(super) fn new(packed: &'a Packed, at: usize) -> Self {
        Self { packed, at, held: [0; BLOCK], fresh: false }
    }

    /// The next value.
    #[inline(always)]
    pub(super) fn next(&mut self) -> u64 {
        let place = self.at % BLOCK;
        if place == 0 || !self.fresh {
            self.packed.unpack(self.at / BLOCK, &mut self.held);
            self.fresh = true;
        }
        self.at += 1;
        self.held[place]
    }

    /// Where the next value is.
    pub(super) fn at(&self) -> usize {
        self.at
    }
}
