//! Rows of an open bucket, gathered: column by column, not packed yet.

use super::aggregate::Aggregate;
use super::aggregate::Cost;
use super::aggregate::Timing;
use super::bins::BinRows;
use super::cell::Cell;
use super::column::Column;
use super::column::Time;
use super::column::unzigzag;
use super::money::Currency;
use super::packed::Packed;
use super::slice::Slice;
use super::times::Histograms;

/// Rows by ascending id, column by column.
#[derive(Debug, Default)]
pub(super) struct Table {
    ids: Vec<u32>,
    columns: [Vec<u64>; Column::ALL.len()],
    costs: Vec<(u32, Cost)>,        // (row, …)
    extremes: [Vec<(u64, u64)>; 2], // by row, (1, 0) where there are none
    pub(super) bins: [BinRows; 2],
}

impl Table {
    /// Without rows yet, and with room for so many.
    pub(super) fn with_room(rows: usize) -> Self {
        Self {
            ids: Vec::with_capacity(rows),
            columns: std::array::from_fn(|_| Vec::with_capacity(rows)),
            costs: Vec::with_capacity(rows),
            extremes: std::array::from_fn(|_| Vec::with_capacity(rows)),
            bins: std::array::from_fn(|_| BinRows::default()),
        }
    }

    /// Appends a row; its bins come apart.
    #[inline]
    pub(super) fn push(&mut self, id: u32, cell: &Cell) {
        let row = self.ids.len() as u32;
        self.ids.push(id);
        for (column, values) in Column::ALL.into_iter().zip(&mut self.columns) {
            values.push(cell.column(column));
        }
        self.costs.extend(cell.cost.raw().map(|cost| (row, *cost)));
        for (time, extremes) in Time::BOTH.into_iter().zip(&mut self.extremes) {
            extremes.push(cell.extremes(time).unwrap_or((1, 0)));
        }
    }

    /// The rows with their sums.
    pub(super) fn rows(&self) -> impl Iterator<Item = (u32, Aggregate)> {
        let mut costs = self.costs.iter().peekable();
        self.ids.iter().enumerate().map(move |(row, id)| {
            let mut sums = self.sums_of(row);
            while let Some((_, cost)) = costs.next_if(|(of, _)| *of as usize == row) {
                sums.cost.add(*cost);
            }
            (*id, sums)
        })
    }

    /// The sums of a row, its money left out.
    fn sums_of(&self, row: usize) -> Aggregate {
        let count = |column: Column| self.columns[column as usize][row];
        let sum = |column| u128::from(count(column));
        let plain = sum(Column::InputTokens) + sum(Column::OutputTokens);
        let timing = |time| Timing { count: count(Column::count(time)), sum_us: sum(Column::sum(time)) };
        Aggregate {
            requests: count(Column::Requests),
            failures: count(Column::Failures),
            overflowed: count(Column::Overflowed),
            unmetered: count(Column::Unmetered),
            input_tokens: sum(Column::InputTokens),
            output_tokens: sum(Column::OutputTokens),
            cache_read_tokens: sum(Column::CacheReadTokens),
            cache_write_tokens: sum(Column::CacheWriteTokens),
            reasoning_tokens: sum(Column::ReasoningTokens),
            total_tokens: plain.wrapping_add_signed(unzigzag(sum(Column::TotalExcess))),
            latency: timing(Time::Latency),
            ttft: timing(Time::Ttft),
            ..Aggregate::default()
        }
    }

    /// The bins of a row.
    pub(super) fn bins_of(&self, time: Time, row: usize) -> impl Iterator<Item = (u16, u64)> {
        self.bins[time as usize].row(row)
    }

    /// The rows as a slice.
    pub(super) fn pack(&self) -> Slice {
        let columns = Column::ALL.map(|column| Packed::pack(&self.columns[column as usize]));
        let times = Time::BOTH.map(|time| self.histograms(time).pack());
        Slice::new(&self.ids, columns, self.packed_costs(), times)
    }

    fn packed_costs(&self) -> Vec<(Currency, Packed, Packed)> {
        let mut currencies: Vec<Currency> = self.costs.iter().map(|(_, cost)| cost.currency).collect();
        currencies.sort_unstable();
        currencies.dedup();
        let column = |currency: Currency| {
            let (mut nanos, mut calls) = (vec![0; self.ids.len()], vec![0; self.ids.len()]);
            for (row, cost) in self.costs.iter().filter(|(_, cost)| cost.currency == currency) {
                nanos[*row as usize] = cost.nanos.cast_unsigned(); // never negative
                calls[*row as usize] = cost.calls;
            }
            (currency, Packed::pack_wide(nanos), Packed::pack(&calls))
        };
        currencies.into_iter().map(column).collect()
    }

    /// Of the rows with two values or more.
    fn histograms(&self, time: Time) -> Histograms {
        let mut histograms = Histograms::with_room(self.bins[time as usize].len());
        let several = (0..).zip(&self.columns[Column::count(time) as usize]).filter(|(_, count)| **count > 1);
        for (row, _) in several {
            histograms.rows.push(row);
            histograms.extremes.push(self.extremes[time as usize][row as usize]);
            histograms.push(self.bins_of(time, row as usize));
        }
        histograms
    }
}

#[cfg(test)]
mod tests {
    use super::super::aggregate::Kind;
    use super::super::bins::Tally;
    use super::super::entry::Entry;
    use super::super::event::Measures;
    use super::super::histogram::bin_of;
    use super::super::merge::merge;
    use super::super::money::Money;
    use super::*;
    use proptest::option::of;
    use proptest::prelude::*;

    /// Of one call: input tokens, latency, currency and nano-units, failure.
    type Told = (Option<u64>, Option<u64>, Option<(usize, i64)>, bool);

    /// The calls of each series.
    fn calls() -> impl Strategy<Value = Vec<Vec<Told>>> {
        let call = (of(0_u64..3_000), of(0_u64..1_000_000), of((0_usize..3, 0_i64..1_000)), any::<bool>());
        proptest::collection::vec(proptest::collection::vec(call, 1..6), 1..200)
    }

    proptest! {
        #[test]
        fn a_slice_alone_is_merged_to_what_it_is(series in calls()) {
            let mut table = Table::default();
            for (id, calls) in (0..).zip(series) {
                let mut cell = Cell::default();
                let mut bins: [Vec<u16>; 2] = Default::default();
                for (input, latency, cost, failure) in calls {
                    let money = |(place, nanos): (usize, i64)| {
                        Money { nanos, currency: Currency::parse(["USD", "EUR", "CNY"][place]).unwrap() }
                    };
                    let measures =
                        Measures { input_tokens: input, latency_us: latency, cost: cost.map(money), ..Measures::default() };
                    cell.add(&Entry::new(id * 3, 0, Kind { failure, overflowed: false }, &measures));
                    bins[0].extend(latency.map(bin_of));
                }
                table.push(id * 3, &cell);
                table.bins.iter_mut().zip(&mut bins).for_each(|(rows, bins)| rows.push_log(bins, &mut Tally::default()));
            }
            let slice = table.pack();
            prop_assert_eq!(format!("{:?}", merge(&[&slice])), format!("{slice:?}"));
        }
    }
}
