//! One sealed bucket: sorted ids, a packed column for each figure, sparse histograms. Immutable.
//!
//! ```text
//! ids        3        7        9        12          sorted: a row is found by binary search
//! requests   1        1        4        1           one packed column for each figure
//! …
//! times                        9: 3 3 9             of rows with several values; one value is its sum
//! ```
//!
//! An id is a series, or a rollup group; a slice does not know which. Columns that are alike are kept
//! once, and those of zeros not at all.

use super::aggregate::Aggregate;
use super::aggregate::Cost;
use super::bins::BinRows;
use super::column::Column;
use super::column::Time;
use super::column::unzigzag;
use super::forwards::Forwards;
use super::histogram::Distribution;
use super::histogram::bin_of;
use super::ids::Ids;
use super::money::Currency;
use super::packed::Packed;
use super::times::Spot;
use super::times::Times;
use std::ops::Range;

/// A row that counts nowhere.
pub(super) const NOWHERE: u32 = u32::MAX;

/// One sealed bucket. Invariant: `ids` ascend, and every column has a value for each.
#[derive(Clone, Debug)]
pub(crate) struct Slice {
    pub(super) ids: Ids,
    columns: Box<[Packed]>, // the first is zeros
    places: [u16; Column::ALL.len()],
    costs: Box<[CostPlaces]>,
    times: [Option<Box<Times>>; 2],
}

/// The money of one currency: where its columns are.
#[derive(Clone, Copy, Debug)]
struct CostPlaces {
    currency: Currency,
    nanos: u16,
    calls: u16,
}

/// The money of one currency.
#[derive(Clone, Copy, Debug)]
pub(super) struct CostColumn<'a> {
    pub(super) currency: Currency,
    pub(super) nanos: &'a Packed,
    pub(super) calls: &'a Packed,
}

/// Columns as they are put into a slice.
struct Store(Vec<Packed>);

/// Columns looked through for one that is alike: the named figures.
const ALIKE: usize = Column::ALL.len() + 1;

impl Store {
    fn put(&mut self, column: Packed) -> u16 {
        let alike = self.0.iter().take(ALIKE).position(|known| *known == column);
        let place = alike.unwrap_or_else(|| {
            self.0.push(column);
            self.0.len() - 1
        });
        u16::try_from(place).expect("three letters make fewer currencies")
    }
}

impl Slice {
    /// Puts one together; `costs` are by currency, nano-units and calls, `times` by [`Time`].
    pub(super) fn new(
        ids: &[u32],
        columns: [Packed; Column::ALL.len()],
        costs: Vec<(Currency, Packed, Packed)>,
        times: [Option<Box<Times>>; 2],
    ) -> Self {
        let mut store = Store(vec![Packed::Const(0)]);
        let places = columns.map(|column| store.put(column));
        let costs = costs.into_iter().filter(|(.., calls)| *calls != Packed::Const(0));
        let cost = |(currency, nanos, calls)| CostPlaces { currency, nanos: store.put(nanos), calls: store.put(calls) };
        let costs = costs.map(cost).collect();
        Self { ids: Ids::pack(ids), columns: store.0.into(), places, costs, times }
    }

    /// How many rows.
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// The row of an id.
    #[inline]
    pub(super) fn find(&self, id: u32) -> Option<usize> {
        self.ids.find(id)
    }

    /// The values of a figure by row, as stored.
    #[inline]
    pub(super) fn column(&self, column: Column) -> &Packed {
        &self.columns[usize::from(self.places[column as usize])]
    }

    /// The money by currency, which ascend.
    pub(super) fn costs(&self) -> impl Iterator<Item = CostColumn<'_>> {
        let column = |place: u16| &self.columns[usize::from(place)];
        let cost = move |cost: &CostPlaces| CostColumn {
            currency: cost.currency,
            nanos: column(cost.nanos),
            calls: column(cost.calls),
        };
        self.costs.iter().map(cost)
    }

    /// The money of a currency.
    pub(super) fn cost(&self, currency: Currency) -> Option<CostColumn<'_>> {
        self.costs().find(|cost| cost.currency == currency)
    }

    /// Adds a row to an aggregate.
    pub(super) fn add_row(&self, row: usize, to: &mut Aggregate) {
        let sum = |column| self.column(column).get(row);
        let count = |column| u64::try_from(sum(column)).expect("a count fits 64 bits");
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
        for cost in self.costs() {
            let calls = u64::try_from(cost.calls.get(row)).expect("a count fits 64 bits");
            if calls > 0 {
                to.cost.add(Cost { currency: cost.currency, nanos: cost.nanos.get(row).cast_signed(), calls });
            }
        }
    }

    /// Reads the histograms of a time, best row by row upwards.
    pub(super) fn row_bins(&self, time: Time) -> RowBins<'_> {
        RowBins {
            counts: self.column(Column::count(time)),
            sums: self.column(Column::sum(time)),
            times: self.times[time as usize].as_deref(),
            near: Spot::default(),
        }
    }

    /// The extremes of a time in a row; `None` where it has no value.
    pub(super) fn extremes(&self, time: Time, row: usize) -> Option<(u64, u64)> {
        self.row_bins(time).extremes(row)
    }

    /// How many bins the histograms of a time have, or a few more.
    pub(super) fn bins(&self, time: Time) -> usize {
        self.len() + self.times[time as usize].as_ref().map_or(0, |times| times.len())
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        let columns: usize = self.columns.iter().map(|column| column.bytes() + size_of::<Packed>()).sum();
        let times: usize = self.times.iter().flatten().map(|times| times.bytes()).sum();
        self.ids.bytes() + columns + self.costs.len() * size_of::<CostPlaces>() + times + size_of::<Self>()
    }
}

/// Reads histograms row by row, and so knows where the next one is.
pub(super) struct RowBins<'a> {
    counts: &'a Packed,
    sums: &'a Packed,
    times: Option<&'a Times>,
    near: Spot,
}

impl<'a> RowBins<'a> {
    /// The extremes of a row; `None` where it has no value.
    pub(super) fn extremes(&mut self, row: usize) -> Option<(u64, u64)> {
        match self.counts.get(row) {
            0 => None,
            1 => Some((self.only(row), self.only(row))),
            _ => {
                self.near = self.times().spot(row, self.near);
                Some(self.times().extremes(self.near))
            }
        }
    }

    /// Adds a row's histogram and extremes to a distribution.
    pub(super) fn add(&mut self, row: usize, to: &mut Distribution) {
        match u64::try_from(self.counts.get(row)).expect("a count fits 64 bits") {
            0 => {}
            1 => to.record(self.only(row)),
            calls => {
                let (times, spot) = (self.times(), self.times().spot(row, self.near));
                let (min, max) = times.extremes(spot);
                to.stretch(min, max);
                let table = to.reach(bin_of(max), calls);
                self.near = times.visit(spot, |bin, count| table[usize::from(bin)] += count);
            }
        }
    }

    /// Visits the bins of a row, upwards, each with its count.
    pub(super) fn visit(&mut self, row: usize, mut visit: impl FnMut(u16, u64)) {
        match self.counts.get(row) {
            0 => {}
            1 => visit(bin_of(self.only(row)), 1),
            _ => {
                let spot = self.times().spot(row, self.near);
                self.near = self.times().visit(spot, visit);
            }
        }
    }

    /// Appends the histograms of the next rows, from the first one on; tells the extremes of those that have a value.
    pub(super) fn append(&mut self, rows: Range<usize>, to: &mut BinRows, mut extremes: impl FnMut(usize, u64, u64)) {
        let (mut counts, mut sums) = (Forwards::new(self.counts, rows.start), Forwards::new(self.sums, rows.start));
        let mut times = self.times.map(|times| times.from(self.near));
        for row in rows {
            match (counts.next(), sums.next()) {
                (0, _) => to.end(),
                (1, only) => {
                    to.push(bin_of(only), 1);
                    to.end();
                    extremes(row, only, only);
                }
                _ => {
                    let (min, max) = times.as_mut().expect(TWO).append(to);
                    extremes(row, min, max);
                }
            }
        }
        self.near = times.map_or(self.near, |times| times.spot());
    }

    /// The one value of a row.
    fn only(&self, row: usize) -> u64 {
        u64::try_from(self.sums.get(row)).expect("one latency fits 64 bits")
    }

    fn times(&self) -> &'a Times {
        self.times.expect(TWO)
    }
}

/// Why there are histograms.
const TWO: &str = "there are rows with two values";
