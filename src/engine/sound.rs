//! Whether a slice that came from outside can be read without a panic. Checksums tell accidents;
//! this is for what passes them.

use super::column::Column;
use super::column::Time;
use super::column::unzigzag;
use super::event::MAX_LATENCY_US;
use super::histogram::bin_of;
use super::plain::PlainBins;
use super::plain::PlainSlice;
use super::plain_column::PlainColumn;

/// More than one bucket can hold: sums of many slices still fit 128 bits, counts 64.
const MAX_SUM: u128 = 1 << 96;
const MAX_COUNT: u128 = 1 << 40;
/// Bins of all 64-bit values.
const MAX_BIN: u16 = 8_000;

type Fault = Result<(), &'static str>;

impl PlainSlice {
    /// Whether bytes from outside make a slice of `series` series that can be read without a
    /// panic.
    ///
    /// # Errors
    /// What is wrong.
    pub(crate) fn check(&self, series: u32) -> Fault {
        let rows = self.len();
        require(self.ids.is_sorted_by(|a, b| a < b), "ids do not ascend")?;
        require(self.ids.last().is_none_or(|last| *last < series), "an id has no name")?;
        for column in Column::ALL {
            let most = if column.is_count() { MAX_COUNT } else { MAX_SUM };
            check_column(&self.columns[column as usize], rows, most)?;
        }
        require(self.costs.is_sorted_by(|a, b| a.currency < b.currency), "currencies do not ascend")?;
        for cost in &self.costs {
            check_column(&cost.calls, rows, MAX_COUNT)?;
            check_column(&cost.nanos, rows, MAX_SUM)?;
        }
        (0..rows).try_for_each(|row| self.check_counts(row))?;
        Time::BOTH.into_iter().try_for_each(|time| self.check_times(time, &self.times[time as usize]))
    }

    /// No more calls of a row fail, or tell something, than there are: differences are taken of them.
    fn check_counts(&self, row: usize) -> Fault {
        let raw = |column| self.raw(column, row);
        let all = raw(Column::Requests);
        let parts =
            [Column::Failures, Column::Overflowed, Column::Unmetered, Column::LatencyCount, Column::TtftCount].map(raw);
        let priced: u128 = self.costs.iter().map(|cost| cost.calls.get(row)).sum();
        require(priced <= all && parts.iter().all(|part| *part <= all), "more calls tell something than there are")?;
        let plain = raw(Column::InputTokens) + raw(Column::OutputTokens);
        require(plain.checked_add_signed(unzigzag(raw(Column::TotalExcess))).is_some(), "fewer tokens than none")
    }

    fn check_times(&self, time: Time, bins: &PlainBins) -> Fault {
        let rows = self.len();
        let counts = &self.columns[Column::count(time) as usize];
        let many = (0..rows as u32).filter(|row| counts.get(*row as usize) > 1);
        require(many.eq(bins.many.iter().copied()), "rows with several values are listed wrongly")?;
        for extremes in [&bins.min, &bins.max] {
            check_column(extremes, bins.many.len(), u128::from(u64::MAX))?;
        }
        check_column(&bins.lens, rows, u128::from(MAX_BIN))?;
        check_column(&bins.counts, bins.bins.len(), MAX_COUNT)?;
        require(bins.bins.iter().all(|bin| *bin < MAX_BIN), "a bin is out of range")?;
        let all: u128 = (0..rows).map(|row| bins.lens.get(row)).sum();
        require(all == bins.bins.len() as u128, "bins do not add up")?;
        self.check_rows(time, bins)
    }

    /// Bins of a row ascend, hold as many values as the row counts, and reach from the smallest to
    /// the largest; a single value is its sum.
    fn check_rows(&self, time: Time, bins: &PlainBins) -> Fault {
        let begins = self.begins(time);
        for (row, span) in begins.windows(2).enumerate() {
            let (count, sum) = (self.raw(Column::count(time), row), self.raw(Column::sum(time), row));
            let places = span[0]..span[1];
            let own = &bins.bins[places.clone()];
            require(own.is_sorted_by(|a, b| a < b), "bins of a row do not ascend")?;
            let held: u128 = places.map(|place| bins.counts.get(place)).sum();
            require(held == count, "bins do not hold what the row counts")?;
            require(sum <= count * u128::from(MAX_LATENCY_US), "a sum of times is too large")?;
            let (low, high) = self.extremes(time, row).unzip();
            require(own.first().copied() == low.map(bin_of) && own.last().copied() == high.map(bin_of), OUTSIDE)?;
            let (low, high) = (low.unwrap_or(0), high.unwrap_or(0));
            let possible = count * u128::from(low)..=count * u128::from(high);
            require(high <= MAX_LATENCY_US && possible.contains(&sum), "times do not add up to their sum")?;
        }
        Ok(())
    }
}

const OUTSIDE: &str = "bins do not reach from the smallest to the largest value";

fn check_column(column: &PlainColumn, rows: usize, most: u128) -> Fault {
    let len = match column {
        PlainColumn::Const(_) => rows,
        PlainColumn::U8(values) => values.len(),
        PlainColumn::U16(values) => values.len(),
        PlainColumn::U32(values) => values.len(),
        PlainColumn::U64(values) => values.len(),
        PlainColumn::U128(values) => values.len(),
    };
    require(len == rows, "a column is too short or too long")?;
    let largest = match column {
        PlainColumn::Const(value) => u128::from(*value),
        _ => (0..rows).map(|row| column.get(row)).max().unwrap_or(0),
    };
    require(largest <= most, "a figure is out of range")
}

fn require(held: bool, otherwise: &'static str) -> Fault {
    if held { Ok(()) } else { Err(otherwise) }
}
