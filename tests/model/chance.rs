//! A small repeatable source of chance: the seed is the whole reproduction.

/// SplitMix64.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In `0..below`.
    pub(crate) fn below(&mut self, below: i64) -> i64 {
        let below = u64::try_from(below).expect("a positive bound");
        i64::try_from(self.next() % below).expect("below an i64")
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let place = self.below(i64::try_from(from.len()).expect("a short list"));
        &from[usize::try_from(place).expect("not negative")]
    }

    /// True once in so many times.
    pub(crate) fn one_in(&mut self, times: i64) -> bool {
        self.below(times) == 0
    }
}
