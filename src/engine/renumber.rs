//! The rows of a slice under other ids: for a file, where ids are ranks of names; from a file, where
//! they become the engine's again; and by rollup group.

use super::merge::merge;
use super::merge::merge_under;
use super::plain::PlainSlice;
use super::slice::Slice;

impl PlainSlice {
    /// The same rows under other numbers, in their order. Numbers must be distinct.
    pub(crate) fn renumbered(&self, number: impl Fn(u32) -> u32) -> Self {
        let ids: Box<[u32]> = self.ids.iter().map(|id| number(*id)).collect();
        if ids.is_sorted() {
            return Self { ids, ..self.clone() }; // as they are where names were numbered in their order
        }
        Self::from(&merge_under(vec![(&Slice::from(self), ids.into())]))
    }
}

impl Slice {
    /// The same calls by rollup group; `groups` tells those of an id, `stride` of them.
    pub(super) fn by_group<'g>(&self, stride: usize, groups: impl Fn(u32) -> &'g [u32]) -> Self {
        let ids = self.ids.to_vec();
        let side = |place: usize| merge_under(vec![(self, ids.iter().map(|id| groups(*id)[place]).collect())]);
        let sides: Vec<Self> = (0..stride).map(side).collect();
        merge(&sides.iter().collect::<Vec<_>>())
    }
}
