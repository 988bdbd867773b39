//! The last buckets of one resolution.
//!
//! Bucket `k` is `[k * step, (k + 1) * step)` seconds and lives in slot `k % len`:
//!
//! ```text
//! bucket   41  42  43  44  45      len = 4
//! slot      1   2   3   0   1      45 has taken over the slot of 41
//! ```
//!
//! The ring knows bucket numbers only: neither the clock nor what a bucket holds.

/// Invariant: a slot holds what was put under its bucket number and nothing else; a slot taken
/// over by another bucket is emptied first, so nothing outlives its bucket.
#[derive(Debug)]
pub(super) struct Ring<T> {
    slots: Box<[(i64, T)]>, // never empty
}

impl<T: Default> Ring<T> {
    pub(super) fn new(len: usize) -> Self {
        Self { slots: (0..len.max(1)).map(|_| (i64::MIN, T::default())).collect() }
    }

    fn slot(&self, bucket: i64) -> usize {
        let len = i64::try_from(self.slots.len()).expect("a ring is shorter than 2^63");
        usize::try_from(bucket.rem_euclid(len)).expect("0..len")
    }

    /// What a bucket holds, if anything was put there.
    pub(super) fn get(&self, bucket: i64) -> Option<&T> {
        let (held, value) = &self.slots[self.slot(bucket)];
        (*held == bucket).then_some(value)
    }

    /// What a bucket holds, to be changed; takes the slot over where another bucket has it.
    pub(super) fn get_mut(&mut self, bucket: i64) -> &mut T {
        let slot = self.slot(bucket);
        let (held, value) = &mut self.slots[slot];
        if *held != bucket {
            *held = bucket;
            *value = T::default();
        }
        value
    }

    /// Empties the buckets before one; tells what they held.
    pub(super) fn evict_before(&mut self, bucket: i64) -> impl Iterator<Item = T> + '_ {
        let old = self.slots.iter_mut().filter(move |(held, _)| *held != i64::MIN && *held < bucket);
        old.map(|(held, value)| {
            *held = i64::MIN;
            std::mem::take(value)
        })
    }

    /// The buckets that hold something and what they hold, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (i64, &T)> {
        self.slots.iter().filter(|(held, _)| *held != i64::MIN).map(|(held, value)| (*held, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_taken_over_is_emptied_first() {
        let mut ring: Ring<u32> = Ring::new(4);
        *ring.get_mut(41) += 7;
        *ring.get_mut(45) += 1;
        assert_eq!((ring.get(41), ring.get(45)), (None, Some(&1)));
    }

    #[test]
    fn evicted_buckets_are_gone() {
        let mut ring: Ring<u32> = Ring::new(8);
        (0..4).for_each(|bucket| *ring.get_mut(bucket) = 10);
        assert_eq!(ring.evict_before(3).sum::<u32>(), 30);
        assert_eq!(ring.iter().collect::<Vec<_>>(), [(3, &10)]);
    }
}
