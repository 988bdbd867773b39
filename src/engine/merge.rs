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
use super::slice::Bins;
use super::slice::CostColumn;
use super::slice::MARK;
use super::slice::Slice;
use std::ops::Range;

/// Ids whose histograms are merged at a time.
const BLOCK: usize = 4_096;

/// Rows by ascending id, to be merged; several may have the same.
pub(super) trait Part {
    fn ids(&self) -> &[u32];
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
    fn ids(&self) -> &[u32] {
        &self.ids
    }

    fn column(&self, column: Column, visit: &mut dyn FnMut(usize, u128)) {
        self.columns[column as usize].for_each(self.len(), visit);
    }

    fn costs(&self, visit: &mut dyn FnMut(usize, Cost)) {
        for column in &self.costs {
            column.calls.for_each(self.len(), |row, calls| {
                let calls = u64::try_from(calls).expect("a count fits 64 bits");
                visit(row, Cost { currency: column.currency, nanos: column.nanos.get(row).cast_signed(), calls });
            });
        }
    }

    fn extremes(&self, time: Time, visit: &mut dyn FnMut(usize, u64, u64)) {
        for row in 0..self.len() {
            if let Some((min, max)) = self.extremes(time, row) {
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
    let ids = union(parts);
    let rows: Vec<Vec<u32>> = parts.iter().map(|part| places(&ids, part.ids())).collect();
    let merger = Merger { parts, rows: &rows, len: ids.len() };
    let columns = Column::ALL.map(|column| Packed::pack(merger.sums(column).into_iter()));
    let times = Time::BOTH.map(|time| merger.bins(time, &columns[Column::count(time) as usize]));
    let costs = merger.costs();
    Slice { ids: ids.into(), columns, costs, times }
}

fn union(parts: &[&dyn Part]) -> Vec<u32> {
    let mut ids: Vec<u32> = parts.iter().flat_map(|part| part.ids()).copied().collect();
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

    fn costs(&self) -> Vec<CostColumn> {
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
        let pack = |values: Vec<u128>| Packed::pack(values.into_iter());
        let column = |(currency, nanos, calls)| CostColumn { currency, nanos: pack(nanos), calls: pack(calls) };
        sums.into_iter().map(column).collect()
    }

    fn bins(&self, time: Time, counts: &Packed) -> Bins {
        let mut extremes = vec![(u64::MAX, 0_u64); self.len];
        for (part, rows) in self.parts.iter().zip(self.rows) {
            part.extremes(time, &mut |row, min, max| {
                let (low, high) = &mut extremes[rows[row] as usize];
                *low = (*low).min(min);
                *high = (*high).max(max);
            });
        }
        let many: Vec<u32> = (0..self.len as u32).filter(|row| counts.get(*row as usize) > 1).collect();
        let of = |pick: fn(&(u64, u64)) -> u64| {
            let values = many.iter().map(|row| u128::from(pick(&extremes[*row as usize])));
            Packed::pack(values)
        };
        let (min, max) = (of(|e| e.0), of(|e| e.1));
        let merged = self.merged_bins(time);
        let marks = std::iter::once(0).chain(merged.lens.iter().scan(0, |end, len| {
            *end += len;
            Some(*end)
        }));
        let marks = marks.step_by(MARK).collect();
        let lens = Packed::pack(merged.lens.iter().map(|len| u128::from(*len)));
        let counts = Packed::pack(merged.counts.iter().map(|count| u128::from(*count)));
        Bins { many: many.into(), min, max, lens, marks, bins: merged.bins.into(), counts }
    }

    fn merged_bins(&self, time: Time) -> MergedBins {
        let mut merged = MergedBins { lens: Vec::with_capacity(self.len), bins: Vec::new(), counts: Vec::new() };
        let mut begins = vec![0_usize; self.parts.len()];
        for begin in (0..self.len).step_by(BLOCK) {
            let end = (begin + BLOCK).min(self.len);
            let stop = |(rows, begin): (&Vec<u32>, &usize)| {
                begin + rows[*begin..].partition_point(|row| (*row as usize) < end)
            };
            let stops: Vec<usize> = self.rows.iter().zip(&begins).map(stop).collect();
            let block = BinRows::gather(end - begin, |visit| {
                for (part, (rows, (from, to))) in self.parts.iter().zip(self.rows.iter().zip(begins.iter().zip(&stops)))
                {
                    part.bins(time, *from..*to, &mut |row, bin, count| visit(rows[row] - begin as u32, bin, count));
                }
            });
            merged.append(&block);
            begins = stops;
        }
        merged
    }
}

/// Bins by row, one after another.
struct MergedBins {
    lens: Vec<u32>,
    bins: Vec<u16>,
    counts: Vec<u64>,
}

impl MergedBins {
    fn append(&mut self, block: &BinRows) {
        for row in block.rows() {
            self.lens.push(row.len() as u32);
            self.bins.extend(row.clone().map(|(bin, _)| bin));
            self.counts.extend(row.map(|(_, count)| count));
        }
    }
}
