//! The rows of a slice under other ids: for a file, where ids are ranks of names; from a file, where
//! they become the engine's again; and by rollup group.

use super::aggregate::Cost;
use super::column::Column;
use super::column::Time;
use super::merge::Part;
use super::merge::merge;
use super::plain::PlainSlice;
use super::slice::Slice;
use std::borrow::Cow;
use std::ops::Range;

/// A slice seen under other ids; several rows may get the same.
struct Renumbered<'a> {
    slice: &'a PlainSlice,
    ids: Vec<u32>,           // ascending
    rows: Vec<u32>,          // by row here: the row in the slice
    places: Vec<u32>,        // by row in the slice: the row here
    begins: [Vec<usize>; 2], // by row in the slice: where its bins begin
}

impl<'a> Renumbered<'a> {
    fn new(slice: &'a PlainSlice, number: impl Fn(u32) -> u32) -> Self {
        let mut order: Vec<(u32, u32)> = slice.ids.iter().map(|id| number(*id)).zip(0..).collect();
        order.sort_unstable();
        let mut places = vec![0; order.len()];
        order.iter().zip(0..).for_each(|((_, row), place)| places[*row as usize] = place);
        let (ids, rows) = order.into_iter().unzip();
        Self { slice, ids, rows, places, begins: Time::BOTH.map(|time| slice.begins(time)) }
    }
}

impl Part for Renumbered<'_> {
    fn ids(&self) -> Cow<'_, [u32]> {
        Cow::Borrowed(&self.ids)
    }

    fn column(&self, column: Column, visit: &mut dyn FnMut(usize, u128)) {
        Part::column(self.slice, column, &mut |row, value| visit(self.places[row] as usize, value));
    }

    fn costs(&self, visit: &mut dyn FnMut(usize, Cost)) {
        self.slice.costs(&mut |row, cost| visit(self.places[row] as usize, cost));
    }

    fn extremes(&self, time: Time, visit: &mut dyn FnMut(usize, u64, u64)) {
        Part::extremes(self.slice, time, &mut |row, min, max| visit(self.places[row] as usize, min, max));
    }

    fn bins(&self, time: Time, rows: Range<usize>, visit: &mut dyn FnMut(usize, u16, u64)) {
        let begins = &self.begins[time as usize];
        for row in rows {
            let from = self.rows[row] as usize;
            self.slice.bins_between(time, begins[from]..begins[from + 1], |bin, count| visit(row, bin, count));
        }
    }
}

impl PlainSlice {
    /// The same rows under other numbers, in their order. Numbers must be distinct.
    pub(crate) fn renumbered(&self, number: impl Fn(u32) -> u32) -> Self {
        let ids: Box<[u32]> = self.ids.iter().map(|id| number(*id)).collect();
        if ids.is_sorted() {
            return Self { ids, ..self.clone() }; // as they are where names were numbered in their order
        }
        Self::from(&merge(&[&Renumbered::new(self, number)]))
    }

    /// The same calls by rollup group; `groups` tells those of an id.
    pub(super) fn by_group<'g>(&self, stride: usize, groups: impl Fn(u32) -> &'g [u32]) -> Slice {
        let sides: Vec<Renumbered<'_>> =
            (0..stride).map(|place| Renumbered::new(self, |id| groups(id)[place])).collect();
        let sides: Vec<&dyn Part> = sides.iter().map(|side| side as &dyn Part).collect();
        merge(&sides)
    }
}
