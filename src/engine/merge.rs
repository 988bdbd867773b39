//! Several slices into one: what folding does, and sealing where a second has several parts.
//!
//! Everything is summed by id, column by column, so that one column's sums are in memory at a
//! time; histograms are merged for a few thousand ids at a time. The result depends only on what
//! the slices hold together, never on their order.

use super::bins::BinRows;
use super::column::Column;
use super::column::Time;
use super::column::unzigzag;
use super::column::zigzag;
use super::money::Currency;
use super::packed::Packed;
use super::slice::NOWHERE;
use super::slice::RowBins;
use super::slice::Slice;
use super::times::Histograms;
use super::times::Times;
use super::wide::Wide;
use std::ptr;

/// Ids whose histograms are merged at a time, at most.
const BLOCK: usize = 4_096;
/// Bins that are held while they are merged, about.
const BINS: usize = 1 << 20;

/// Merges slices into one.
pub(super) fn merge(slices: &[&Slice]) -> Slice {
    merge_under(slices.iter().map(|slice| (*slice, slice.ids.to_vec())).collect())
}

/// Merges slices whose rows have other ids here, in any order; several may have the same.
pub(super) fn merge_under(parts: Vec<(&Slice, Vec<u32>)>) -> Slice {
    let mut ids: Vec<u32> = parts.iter().flat_map(|(_, ids)| ids).copied().collect();
    ids.sort(); // by runs, which these are
    ids.dedup();
    let ordered = parts.iter().all(|(_, own)| own.is_sorted());
    let parts: Vec<Part<'_>> = parts.into_iter().map(|(slice, own)| (slice, places(&ids, own, ordered))).collect();
    let merger = Merger { parts: &parts, len: ids.len(), ordered };
    let requests = merger.sum(|slice| Some(slice.column(Column::Requests)));
    let columns = Column::ALL.map(|column| merger.column(column, &requests));
    let times = Time::BOTH.map(|time| merger.times(time, &columns[Column::count(time) as usize]));
    let costs = merger.costs(&requests);
    Slice::new(&ids, columns, costs, times)
}

/// Where each of `some` stands in `all`, which ascend; `some` do if they are ordered.
fn places(all: &[u32], mut some: Vec<u32>, ordered: bool) -> Vec<u32> {
    let mut place = 0;
    for id in &mut some {
        if ordered {
            place += all[place..].iter().take_while(|other| *other < id).count();
        } else {
            place = all.partition_point(|other| other < id);
        }
        *id = place as u32;
    }
    some
}

/// A slice, and for each of its rows the one of the result that it belongs to.
type Part<'a> = (&'a Slice, Vec<u32>);

/// Merges parts to a slice of `len` rows.
struct Merger<'a> {
    parts: &'a [Part<'a>],
    len: usize,
    ordered: bool, // the rows of each part come upwards
}

impl Merger<'_> {
    fn add<'s>(&'s self, column: impl Fn(&'s Slice) -> Option<&'s Packed>, read: impl Fn(u128) -> u128) -> Wide {
        let mut sums = Wide::default();
        for (slice, rows) in self.parts {
            if let Some(column) = column(slice).filter(|column| **column != Packed::Const(0)) {
                sums.reach(self.len);
                column.for_each(rows.len(), |row, value| sums.add(rows[row] as usize, read(value)));
            }
        }
        sums
    }

    fn sum<'s>(&'s self, column: impl Fn(&'s Slice) -> Option<&'s Packed>) -> Packed {
        self.add(column, |stored| stored).pack()
    }

    /// Counts, which often are those of the calls in every slice.
    fn counts<'s>(&'s self, column: impl Fn(&'s Slice) -> Option<&'s Packed>, requests: &Packed) -> Packed {
        let calls = |slice: &'s Slice| column(slice).is_some_and(|of| ptr::eq(of, slice.column(Column::Requests)));
        if self.parts.iter().all(|(slice, _)| calls(slice)) { requests.clone() } else { self.sum(column) }
    }

    fn column(&self, column: Column, requests: &Packed) -> Packed {
        match column {
            Column::TotalExcess => {
                let sums = self.add(|slice| Some(slice.column(column)), |stored| unzigzag(stored).cast_unsigned());
                sums.pack_as(|sum| zigzag(sum.cast_signed()))
            }
            column if column.is_count() => self.counts(|slice| Some(slice.column(column)), requests),
            column => self.sum(|slice| Some(slice.column(column))),
        }
    }

    /// Money by currency: nano-units and calls.
    fn costs(&self, requests: &Packed) -> Vec<(Currency, Packed, Packed)> {
        let all = self.parts.iter().flat_map(|(slice, _)| slice.costs());
        let mut currencies: Vec<Currency> = all.map(|cost| cost.currency).collect();
        currencies.sort_unstable();
        currencies.dedup();
        let sums = |currency: Currency| {
            let nanos = self.sum(|slice| slice.cost(currency).map(|cost| cost.nanos));
            (currency, nanos, self.counts(|slice| slice.cost(currency).map(|cost| cost.calls), requests))
        };
        currencies.into_iter().map(sums).collect()
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
        merged.extremes = vec![(u64::MAX, 0); merged.rows.len()];
        self.merge_bins(time, &places, &mut merged);
        merged.pack()
    }

    fn merge_bins(&self, time: Time, places: &[u32], merged: &mut Histograms) {
        let mut readers: Vec<Reader<'_>> = self.parts.iter().map(|part| Reader::new(part, time)).collect();
        let (mut first, rows) = (0, self.rows_at_a_time(time));
        while first < merged.rows.len() {
            let next = first.saturating_add(rows).min(merged.rows.len());
            let end = merged.rows.get(next).map_or(self.len, |row| *row as usize);
            let mut block = Block { first, places, extremes: &mut merged.extremes, ..Block::default() };
            readers.iter_mut().for_each(|reader| reader.read(end, &mut block));
            let sums = block.bins.regroup(next - first, block.members.iter().copied());
            sums.rows().for_each(|row| merged.push(row));
            first = next;
        }
    }

    /// Rows of the result whose histograms are merged at a time.
    fn rows_at_a_time(&self, time: Time) -> usize {
        let bins: usize = self.parts.iter().map(|(slice, _)| slice.bins(time)).sum();
        if self.ordered { (BINS / (bins / self.len + 1)).clamp(1, BLOCK) } else { usize::MAX }
    }
}

/// Histograms that are merged at a time.
#[derive(Default)]
struct Block<'a> {
    first: usize,                   // the place of the first
    places: &'a [u32],              // by row of the result
    extremes: &'a mut [(u64, u64)], // by place
    bins: BinRows,                  // as they were read
    members: Vec<(u32, u32)>,       // (place from `first` on, row of `bins`)
}

/// Reads the histograms of a part, and knows how far it has come.
struct Reader<'a> {
    bins: RowBins<'a>,
    rows: &'a [u32], // of the result, by row that is still to be read
    read: usize,
}

impl<'a> Reader<'a> {
    fn new((slice, rows): &'a Part<'_>, time: Time) -> Self {
        Self { bins: slice.row_bins(time), rows, read: 0 }
    }

    /// Reads the rows that belong to rows of the result before `end`.
    fn read(&mut self, end: usize, block: &mut Block<'_>) {
        let (rows, rest) = self.rows.split_at(self.rows.partition_point(|row| (*row as usize) < end));
        let first = block.bins.rows_held() as u32;
        let place = |row: &u32| block.places[*row as usize];
        let several = rows.iter().zip(first..).filter(|(row, _)| place(row) != NOWHERE);
        block.members.extend(several.map(|(row, read)| (place(row) - block.first as u32, read)));
        self.bins.append(self.read..self.read + rows.len(), &mut block.bins, |row, min, max| {
            if let Some((low, high)) = block.extremes.get_mut(place(&rows[row - self.read]) as usize) {
                *low = (*low).min(min);
                *high = (*high).max(max);
            }
        });
        (self.rows, self.read) = (rest, self.read + rows.len());
    }
}
