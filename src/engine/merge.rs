//! Several parts into one slice: sealing (open buckets) and folding (slices) are the same work.
//!
//! Everything is summed by id, column by column, so that one column's sums are in memory at a
//! time; histograms are merged for a few thousand ids at a time. The result depends only on what
//! the parts hold together, never on their order.

use super::aggregate::Cost;
use super::bins::BinRows;
use super::column::Column;
use super::column::Time;
use super::column::unzigzag;
use super::column::zigzag;
use super::money::Currency;
use super::packed::Packed;
use super::slice::Slice;
use super::times::Histograms;
use super::times::Times;
use std::borrow::Cow;
use std::ops::Range;

/// Ids whose histograms are merged at a time.
const BLOCK: usize = 4_096;

/// Rows by ascending id, to be merged; several may have the same.
pub(super) trait Part {
    fn ids(&self) -> Cow<'_, [u32]>;
    /// Visits the rows whose value is not zero.
    fn column(&self, column: Column, visit: &mut dyn FnMut(usize, u128));
    /// Visits every row's money.
    fn costs(&self, visit: &mut dyn FnMut(usize, Cost));
    /// Visits the rows that have a time with its extremes.
    fn extremes(&self, time: Time, visit: &mut dyn FnMut(usize, u64, u64));
    /// Visits the bins of some rows.
    fn bins(&self, time: Time, rows: Range<usize>, visit: &mut dyn FnMut(usize, u16, u64));
}

impl Part for Slice {
    fn ids(&self) -> Cow<'_, [u32]> {
        Cow::Owned(self.ids.to_vec())
    }

    fn column(&self, column: Column, visit: &mut dyn FnMut(usize, u128)) {
        Slice::column(self, column).for_each(self.len(), visit);
    }

    fn costs(&self, visit: &mut dyn FnMut(usize, Cost)) {
        for column in self.costs() {
            column.calls.for_each(self.len(), |row, calls| {
                let calls = u64::try_from(calls).expect("a count fits 64 bits");
                visit(row, Cost { currency: column.currency, nanos: column.nanos.get(row).cast_signed(), calls });
            });
        }
    }

    fn extremes(&self, time: Time, visit: &mut dyn FnMut(usize, u64, u64)) {
        let mut bins = self.row_bins(time);
        for row in 0..self.len() {
            if let Some((min, max)) = bins.extremes(row) {
                visit(row, min, max);
            }
        }
    }

    fn bins(&self, time: Time, rows: Range<usize>, visit: &mut dyn FnMut(usize, u16, u64)) {
        self.each_bin(time, rows, visit);
    }
}

/// Merges parts into one slice.
pub(super) fn merge(parts: &[&dyn Part]) -> Slice {
    let of_parts: Vec<Cow<'_, [u32]>> = parts.iter().map(|part| part.ids()).collect();
    let ids = union(&of_parts);
    let rows: Vec<Vec<u32>> = of_parts.iter().map(|of_part| places(&ids, of_part)).collect();
    drop(of_parts);
    let merger = Merger { parts, rows: &rows, len: ids.len() };
    let columns = Column::ALL.map(|column| Packed::pack_wide(merger.sums(column)));
    let times = Time::BOTH.map(|time| merger.times(time, &columns[Column::count(time) as usize]));
    Slice::new(&ids, columns, merger.costs(), times)
}

fn union(parts: &[Cow<'_, [u32]>]) -> Vec<u32> {
    let mut ids: Vec<u32> = parts.iter().flat_map(|part| part.iter()).copied().collect();
    if parts.len() > 1 {
        ids.sort_unstable();
    }
    ids.dedup();
    ids
}

/// Where each of `some` stands in `all`; both ascend.
fn places(all: &[u32], some: &[u32]) -> Vec<u32> {
    let mut place = 0;
    let find = |id: &u32| {
        while all[place] != *id {
            place += 1;
        }
        place as u32
    };
    some.iter().map(find).collect()
}

/// `rows[p][r]` is where row `r` of part `p` goes among the `len` rows of the result.
struct Merger<'a> {
    parts: &'a [&'a dyn Part],
    rows: &'a [Vec<u32>],
    len: usize,
}

impl Merger<'_> {
    fn sums(&self, column: Column) -> Vec<u128> {
        let mut sums = vec![0_u128; self.len];
        let signed = matches!(column, Column::TotalExcess);
        for (part, rows) in self.parts.iter().zip(self.rows) {
            part.column(column, &mut |row, value| {
                let sum = &mut sums[rows[row] as usize];
                *sum = if signed { zigzag(unzigzag(*sum) + unzigzag(value)) } else { *sum + value };
            });
        }
        sums
    }

    /// Money by currency: nano-units and calls.
    fn costs(&self) -> Vec<(Currency, Packed, Packed)> {
        let mut sums: Vec<(Currency, Vec<u128>, Vec<u128>)> = Vec::new();
        for (part, rows) in self.parts.iter().zip(self.rows) {
            part.costs(&mut |row, cost| {
                let known = sums.iter().position(|(currency, ..)| *currency == cost.currency);
                let place = known.unwrap_or_else(|| {
                    sums.push((cost.currency, vec![0; self.len], vec![0; self.len]));
                    sums.len() - 1
                });
                let (_, nanos, calls) = &mut sums[place];
                nanos[rows[row] as usize] += cost.nanos.cast_unsigned(); // never negative
                calls[rows[row] as usize] += u128::from(cost.calls);
            });
        }
        sums.sort_unstable_by_key(|(currency, ..)| *currency);
        let pack = |(currency, nanos, calls)| (currency, Packed::pack_wide(nanos), Packed::pack_wide(calls));
        sums.into_iter().map(pack).collect()
    }

    /// The histograms of the rows with two values or more.
    fn times(&self, time: Time, counts: &Packed) -> Option<Box<Times>> {
        let mut places = vec![NOWHERE; self.len]; // by row, among those with two values or more
        let mut merged = Histograms::default();
        counts.for_each(self.len, |row, count| {
            if count > 1 {
                places[row] = merged.rows.len() as u32;
                merged.rows.push(row as u32);
            }
        });
        if merged.rows.is_empty() {
            return None;
        }
        merged.extremes = self.extremes(time, &places, merged.rows.len());
        self.merge_bins(time, &places, &mut merged);
        merged.pack()
    }

    /// The smallest and the largest value, by place.
    fn extremes(&self, time: Time, places: &[u32], len: usize) -> Vec<(u64, u64)> {
        let mut extremes = vec![(u64::MAX, 0_u64); len];
        for (part, rows) in self.parts.iter().zip(self.rows) {
            part.extremes(time, &mut |row, min, max| {
                if let Some((low, high)) = extremes.get_mut(places[rows[row] as usize] as usize) {
                    *low = (*low).min(min);
                    *high = (*high).max(max);
                }
            });
        }
        extremes
    }

    fn merge_bins(&self, time: Time, places: &[u32], merged: &mut Histograms) {
        let mut begins = vec![0_usize; self.parts.len()];
        let (mut first, all) = (0, merged.rows.len());
        while first < all {
            let next = (first + BLOCK).min(all);
            let end = if next < all { merged.rows[next] as usize } else { self.len };
            let stop = |(rows, begin): (&Vec<u32>, &usize)| {
                begin + rows[*begin..].partition_point(|row| (*row as usize) < end)
            };
            let stops: Vec<usize> = self.rows.iter().zip(&begins).map(stop).collect();
            let block = BinRows::gather(next - first, |visit| {
                for (part, (rows, (from, to))) in self.parts.iter().zip(self.rows.iter().zip(begins.iter().zip(&stops)))
                {
                    part.bins(time, *from..*to, &mut |row, bin, count| {
                        let place = places[rows[row] as usize];
                        if place != NOWHERE {
                            visit(place - first as u32, bin, count);
                        }
                    });
                }
            });
            block.rows().for_each(|row| merged.push(row));
            (first, begins) = (next, stops);
        }
    }
}

/// The place of a row that has none.
const NOWHERE: u32 = u32::MAX;
