//! Ascending numbers, looked up without reading them all: the first of each 64 in full, the others
//! as how many were skipped since it. Neighbouring numbers, such as all series in a busy bucket,
//! take next to nothing.

use super::packed::Packed;

/// Numbers in a block.
const BLOCK: usize = 64;

/// Numbers that ascend.
#[derive(Clone, Debug)]
pub(super) struct Ids {
    firsts: Box<[u32]>, // of each block
    skipped: Packed,    // by place: how many numbers between the block's first and this one are not here
    len: u32,
}

impl Ids {
    pub(super) fn pack(ids: &[u32]) -> Self {
        let firsts = ids.iter().step_by(BLOCK).copied().collect();
        let mut skipped: Vec<u64> = Vec::with_capacity(ids.len());
        for block in ids.chunks(BLOCK) {
            skipped.extend((0..).zip(block).map(|(place, id)| u64::from(id - block[0]) - place));
        }
        let len = u32::try_from(ids.len()).expect("rows are numbered by 32 bits");
        Self { firsts, skipped: Packed::pack(&skipped), len }
    }

    /// How many.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    /// The number at a place.
    #[inline]
    pub(super) fn get(&self, place: usize) -> u32 {
        self.firsts[place / BLOCK] + (place % BLOCK) as u32 + self.skipped.get(place) as u32
    }

    /// The place of a number.
    #[inline]
    pub(super) fn find(&self, id: u32) -> Option<usize> {
        let block = self.firsts.partition_point(|first| *first <= id).checked_sub(1)?;
        let (mut from, mut to) = (block * BLOCK, self.len().min((block + 1) * BLOCK));
        while to - from > 1 {
            let middle = from.midpoint(to);
            if self.get(middle) <= id { from = middle } else { to = middle }
        }
        (self.get(from) == id).then_some(from)
    }

    /// All of them.
    pub(super) fn to_vec(&self) -> Vec<u32> {
        let mut ids = Vec::with_capacity(self.len());
        self.skipped.visit(0..self.len(), |skipped| {
            let place = ids.len();
            ids.push(self.firsts[place / BLOCK] + (place % BLOCK) as u32 + skipped as u32);
        });
        ids
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        self.firsts.len() * 4 + self.skipped.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn numbers_are_found_where_they_are(ids in proptest::collection::btree_set(0_u32..1_000, 0..400), shift in 0_u32..22) {
            let ids: BTreeSet<u32> = ids.into_iter().map(|id| id << shift).collect();
            let sorted: Vec<u32> = ids.iter().copied().collect();
            let packed = Ids::pack(&sorted);
            prop_assert_eq!(packed.to_vec(), &sorted[..]);
            for id in (0..1_001).flat_map(|id| [id << shift, (id << shift) + 1]) {
                prop_assert_eq!(packed.find(id), sorted.binary_search(&id).ok());
            }
            prop_assert!((0..sorted.len()).all(|place| packed.get(place) == sorted[place]));
        }
    }

    #[test]
    fn neighbours_take_next_to_nothing() {
        let ids: Vec<u32> = (5..10_005).collect();
        assert_eq!(Ids::pack(&ids).bytes(), 10_000_usize.div_ceil(64) * 4);
    }
}
