//! One sealed bucket: sorted ids, a packed column for each figure, sparse histograms. Immutable.
//!
//! ```text
//! ids        3        7        9        12          sorted: a row is found by binary search
//! requests   1        1        4        1           one packed column for each figure
//! …
//! bins       [410]    []       [3,3,9]  [77]        row by row, one after another
//! ```
//!
//! An id is a series, or a rollup group; a slice does not know which.

use super::aggregate::Aggregate;
use super::aggregate::Cost;
use super::column::Column;
use super::column::Time;
use super::column::unzigzag;
use super::histogram::Distribution;
use super::money::Currency;
use super::packed::Packed;

/// The money of one currency.
#[derive(Clone, Debug)]
pub(crate) struct CostColumn {
    pub(crate) currency: Currency,
    pub(crate) nanos: Packed,
    pub(crate) calls: Packed,
}

/// The histograms of one time. Extremes are kept only for rows with two values or more: of a
/// single value the sum is both.
#[derive(Clone, Debug)]
pub(crate) struct Bins {
    pub(crate) many: Box<[u32]>, // rows, upwards
    pub(crate) min: Packed,      // by place in `many`
    pub(crate) max: Packed,
    pub(crate) lens: Packed,      // bins by row
    pub(crate) marks: Box<[u32]>, // where rows 0, MARK, 2*MARK … begin in `bins`
    pub(crate) bins: Box<[u16]>,
    pub(crate) counts: Packed,
}

/// A row that counts nowhere.
pub(super) const NOWHERE: u32 = u32::MAX;

/// Rows between two marks.
pub(crate) const MARK: usize = 64;

impl Bins {
    /// Where the bins of a row begin.
    fn begin(&self, row: usize) -> usize {
        if let Packed::Const(len) = self.lens {
            return row * usize::try_from(len).expect("fits: it was a Vec's length");
        }
        let near = row / MARK;
        let rest: u128 = (near * MARK..row).map(|row| self.lens.get(row)).sum();
        self.marks[near] as usize + usize::try_from(rest).expect("fits: it was a Vec's length")
    }

    fn bytes(&self) -> usize {
        let packed = [&self.min, &self.max, &self.lens, &self.counts].map(Packed::bytes);
        (self.many.len() + self.marks.len()) * 4 + self.bins.len() * 2 + packed.iter().sum::<usize>()
    }
}

/// Reads histograms row by row, and so knows where the next row's bins begin.
pub(super) struct RowBins<'a> {
    slice: &'a Slice,
    time: Time,
    row: usize,
    at: usize, // where the bins of `row` begin
}

impl RowBins<'_> {
    /// Adds a row's histogram and extremes to a distribution.
    pub(super) fn add(&mut self, row: usize, to: &mut Distribution) {
        let Some((min, max)) = self.slice.extremes(self.time, row) else { return };
        to.stretch(min, max);
        let all = &self.slice.times[self.time as usize];
        if row != self.row {
            self.at = all.begin(row);
        }
        let len = usize::try_from(all.lens.get(row)).expect("fits: it was a Vec's length");
        let places = self.at..self.at + len;
        (self.row, self.at) = (row + 1, places.end);
        let bins = &all.bins[places.clone()];
        let Some(highest) = bins.last() else { return };
        let (mut table, mut bins) = (to.reach(*highest), bins.iter());
        all.counts.visit(places, |count| {
            if let Some(bin) = bins.next() {
                table.add(*bin, u64::try_from(count).expect("a count fits 64 bits"));
            }
        });
    }
}

/// One sealed bucket. Invariant: `ids` ascend, and every column has a value for each.
#[derive(Clone, Debug)]
pub(crate) struct Slice {
    pub(crate) ids: Box<[u32]>,
    pub(crate) columns: [Packed; Column::ALL.len()],
    pub(crate) costs: Vec<CostColumn>,
    pub(crate) times: [Bins; 2],
}

impl Slice {
    /// How many rows.
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// The row of an id.
    #[inline]
    pub(super) fn find(&self, id: u32) -> Option<usize> {
        self.ids.binary_search(&id).ok()
    }

    /// One figure of a row, as stored.
    #[inline]
    pub(super) fn raw(&self, column: Column, row: usize) -> u128 {
        self.columns[column as usize].get(row)
    }

    /// Adds a row to an aggregate.
    pub(super) fn add_row(&self, row: usize, to: &mut Aggregate) {
        let count = |column| u64::try_from(self.raw(column, row)).expect("a count fits 64 bits");
        let sum = |column| self.raw(column, row);
        to.requests += count(Column::Requests);
        to.failures += count(Column::Failures);
        to.overflowed += count(Column::Overflowed);
        to.unmetered += count(Column::Unmetered);
        to.input_tokens += sum(Column::InputTokens);
        to.output_tokens += sum(Column::OutputTokens);
        to.cache_read_tokens += sum(Column::CacheReadTokens);
        to.cache_write_tokens += sum(Column::CacheWriteTokens);
        to.reasoning_tokens += sum(Column::ReasoningTokens);
        let plain = sum(Column::InputTokens) + sum(Column::OutputTokens);
        to.total_tokens = (to.total_tokens + plain).wrapping_add_signed(unzigzag(sum(Column::TotalExcess)));
        to.latency.count += count(Column::LatencyCount);
        to.latency.sum_us += sum(Column::LatencySum);
        to.ttft.count += count(Column::TtftCount);
        to.ttft.sum_us += sum(Column::TtftSum);
        for cost in &self.costs {
            let calls = u64::try_from(cost.calls.get(row)).expect("a count fits 64 bits");
            if calls > 0 {
                to.cost.add(Cost { currency: cost.currency, nanos: cost.nanos.get(row).cast_signed(), calls });
            }
        }
    }

    /// Reads the histograms of a time, best row by row upwards.
    pub(super) fn row_bins(&self, time: Time) -> RowBins<'_> {
        RowBins { slice: self, time, row: 0, at: 0 }
    }

    /// The extremes of a time in a row; `None` where it has no value.
    pub(super) fn extremes(&self, time: Time, row: usize) -> Option<(u64, u64)> {
        let read = |value: u128| u64::try_from(value).expect("one latency fits 64 bits");
        let bins = &self.times[time as usize];
        match self.raw(Column::count(time), row) {
            0 => None,
            1 => {
                let only = read(self.raw(Column::sum(time), row));
                Some((only, only))
            }
            _ => {
                let place = bins.many.binary_search(&(row as u32)).expect("rows with two values are listed");
                Some((read(bins.min.get(place)), read(bins.max.get(place))))
            }
        }
    }

    /// Visits the bins of some rows: row, bin, count.
    pub(super) fn each_bin(&self, time: Time, rows: std::ops::Range<usize>, mut visit: impl FnMut(usize, u16, u64)) {
        let bins = &self.times[time as usize];
        let mut at = bins.begin(rows.start);
        for row in rows {
            let len = usize::try_from(bins.lens.get(row)).expect("fits: it was a Vec's length");
            for place in at..at + len {
                visit(row, bins.bins[place], u64::try_from(bins.counts.get(place)).expect("a count fits 64 bits"));
            }
            at += len;
        }
    }

    /// Where the bins of each row begin, and where the last ones end.
    pub(super) fn begins(&self, time: Time) -> Vec<usize> {
        let lens = &self.times[time as usize].lens;
        let mut begins = vec![0; self.len() + 1];
        lens.for_each(self.len(), |row, len| begins[row + 1] = usize::try_from(len).expect("it was a Vec's length"));
        (0..self.len()).for_each(|row| begins[row + 1] += begins[row]);
        begins
    }

    /// Visits the bins at some places: bin, count.
    pub(super) fn bins_between(&self, time: Time, places: std::ops::Range<usize>, mut visit: impl FnMut(u16, u64)) {
        let bins = &self.times[time as usize];
        for place in places {
            visit(bins.bins[place], u64::try_from(bins.counts.get(place)).expect("a count fits 64 bits"));
        }
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        let columns: usize = self.columns.iter().map(Packed::bytes).sum();
        let costs: usize =
            self.costs.iter().map(|cost| cost.nanos.bytes() + cost.calls.bytes() + size_of::<CostColumn>()).sum();
        self.ids.len() * 4 + columns + costs + self.times.iter().map(Bins::bytes).sum::<usize>() + size_of::<Self>()
    }
}
