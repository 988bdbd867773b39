//! A slice as files hold it: columns a whole number of bytes wide, ids and bins in full.
//!
//! The engine keeps slices in less room ([`Slice`]); files keep this form, which says what it holds and
//! stays as it is whatever becomes of the other.

use super::column::Column;
use super::column::Time;
use super::money::Currency;
use super::packed::Packed;
use super::plain_column::PlainColumn;
use super::slice::Slice;
use super::times::Histograms;

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
    pub(crate) bins: Box<[u16]>,
    pub(crate) counts: PlainColumn,
}

impl PlainBins {
    fn of(slice: &Slice, time: Time) -> Self {
        let (mut many, mut min, mut max) = (Vec::new(), Vec::new(), Vec::new());
        let (mut lens, mut bins, mut counts) = (Vec::with_capacity(slice.len()), Vec::new(), Vec::new());
        let mut read = slice.row_bins(time);
        for row in 0..slice.len() {
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
        let [min, max, lens, counts] = [min, max, lens, counts].map(|values| PlainColumn::pack(values.into_iter()));
        Self { many: many.into(), min, max, lens, bins: bins.into(), counts }
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

    /// Where the bins of each row begin, and where the last ones end.
    pub(super) fn begins(&self, time: Time) -> Vec<usize> {
        let lens = &self.times[time as usize].lens;
        let mut begins = vec![0; self.len() + 1];
        lens.for_each(self.len(), |row, len| begins[row + 1] = usize::try_from(len).expect("it was a Vec's length"));
        (0..self.len()).for_each(|row| begins[row + 1] += begins[row]);
        begins
    }

    /// Of the rows with two values or more.
    fn histograms(&self, time: Time) -> Histograms {
        let PlainBins { many, min, max, bins, counts, .. } = &self.times[time as usize];
        let begins = self.begins(time);
        let narrow = |value: u128| u64::try_from(value).expect("a latency fits 64 bits, and so does a count");
        let mut histograms = Histograms::default();
        for (place, row) in many.iter().enumerate() {
            histograms.rows.push(*row);
            histograms.extremes.push((narrow(min.get(place)), narrow(max.get(place))));
            let own = begins[*row as usize]..begins[*row as usize + 1];
            histograms.push(own.map(|at| (bins[at], narrow(counts.get(at)))));
        }
        histograms
    }

    /// One figure of a row, as stored.
    #[inline]
    pub(super) fn raw(&self, column: Column, row: usize) -> u128 {
        self.columns[column as usize].get(row)
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

impl From<&PlainSlice> for Slice {
    fn from(plain: &PlainSlice) -> Self {
        let packed = |column: &PlainColumn| Packed::pack_wide((0..plain.len()).map(|row| column.get(row)).collect());
        let costs = plain.costs.iter().map(|cost| (cost.currency, packed(&cost.nanos), packed(&cost.calls)));
        let times = Time::BOTH.map(|time| plain.histograms(time).pack());
        Self::new(&plain.ids, plain.columns.each_ref().map(packed), costs.collect(), times)
    }
}
