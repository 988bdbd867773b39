//! A slice as files hold it: columns a whole number of bytes wide, ids and bins in full.
//!
//! The engine keeps slices in less room ([`Slice`]); files keep this form, which says what it holds and
//! stays as it is whatever becomes of the other.

use super::aggregate::Cost;
use super::column::Column;
use super::column::Time;
use super::merge::Part;
use super::money::Currency;
use super::packed::Packed;
use super::plain_column::PlainColumn;
use super::slice::Slice;
use std::borrow::Cow;
use std::ops::Range;

/// The money of one currency.
#[derive(Clone, Debug)]
pub(crate) struct PlainCosts {
    pub(crate) currency: Currency,
    pub(crate) nanos: PlainColumn,
    pub(crate) calls: PlainColumn,
}

/// The histograms of one time. Extremes are kept only for rows with two values or more: of a
/// single value the sum is both.
#[derive(Clone, Debug)]
pub(crate) struct PlainBins {
    pub(crate) many: Box<[u32]>, // rows, upwards
    pub(crate) min: PlainColumn, // by place in `many`
    pub(crate) max: PlainColumn,
    pub(crate) lens: PlainColumn, // bins by row
    pub(crate) marks: Box<[u32]>, // where rows 0, MARK, 2*MARK … begin in `bins`
    pub(crate) bins: Box<[u16]>,
    pub(crate) counts: PlainColumn,
}

/// Rows between two marks.
pub(crate) const MARK: usize = 64;

impl PlainBins {
    /// Where the bins of a row begin.
    fn begin(&self, row: usize) -> usize {
        if let PlainColumn::Const(len) = self.lens {
            return row * usize::try_from(len).expect("fits: it was a Vec's length");
        }
        let near = row / MARK;
        let rest: u128 = (near * MARK..row).map(|row| self.lens.get(row)).sum();
        self.marks[near] as usize + usize::try_from(rest).expect("fits: it was a Vec's length")
    }

    fn of(slice: &Slice, time: Time) -> Self {
        let (mut many, mut min, mut max) = (Vec::new(), Vec::new(), Vec::new());
        let (mut lens, mut marks) = (Vec::with_capacity(slice.len()), Vec::new());
        let (mut bins, mut counts) = (Vec::new(), Vec::new());
        let mut read = slice.row_bins(time);
        for row in 0..slice.len() {
            if row.is_multiple_of(MARK) {
                marks.push(bins.len() as u32);
            }
            if let Some((low, high)) = read.extremes(row)
                && slice.column(Column::count(time)).get(row) > 1
            {
                many.push(row as u32);
                min.push(u128::from(low));
                max.push(u128::from(high));
            }
            let before = bins.len();
            read.visit(row, |bin, count| {
                bins.push(bin);
                counts.push(u128::from(count));
            });
            lens.push((bins.len() - before) as u128);
        }
        if slice.len().is_multiple_of(MARK) {
            marks.push(bins.len() as u32);
        }
        let [min, max, lens, counts] = [min, max, lens, counts].map(|values| PlainColumn::pack(values.into_iter()));
        Self { many: many.into(), min, max, lens, marks: marks.into(), bins: bins.into(), counts }
    }
}

/// One sealed bucket. Invariant of those that are sound: `ids` ascend, and every column has a value for each.
#[derive(Clone, Debug)]
pub(crate) struct PlainSlice {
    pub(crate) ids: Box<[u32]>,
    pub(crate) columns: [PlainColumn; Column::ALL.len()],
    pub(crate) costs: Vec<PlainCosts>,
    pub(crate) times: [PlainBins; 2],
}

impl PlainSlice {
    /// How many rows.
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// One figure of a row, as stored.
    #[inline]
    pub(super) fn raw(&self, column: Column, row: usize) -> u128 {
        self.columns[column as usize].get(row)
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
    pub(super) fn each_bin(&self, time: Time, rows: Range<usize>, mut visit: impl FnMut(usize, u16, u64)) {
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
    pub(super) fn bins_between(&self, time: Time, places: Range<usize>, mut visit: impl FnMut(u16, u64)) {
        let bins = &self.times[time as usize];
        for place in places {
            visit(bins.bins[place], u64::try_from(bins.counts.get(place)).expect("a count fits 64 bits"));
        }
    }
}

impl Part for PlainSlice {
    fn ids(&self) -> Cow<'_, [u32]> {
        Cow::Borrowed(&self.ids)
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

impl From<&Slice> for PlainSlice {
    fn from(slice: &Slice) -> Self {
        let rows = slice.len();
        let plain = |column: &Packed| PlainColumn::pack((0..rows).map(|row| column.get(row)));
        let costs = slice.costs().map(|cost| PlainCosts {
            currency: cost.currency,
            nanos: plain(cost.nanos),
            calls: plain(cost.calls),
        });
        Self {
            ids: slice.ids.to_vec().into(),
            columns: Column::ALL.map(|column| plain(slice.column(column))),
            costs: costs.collect(),
            times: Time::BOTH.map(|time| PlainBins::of(slice, time)),
        }
    }
}
