//! What an open bucket holds, brought together: by series, and by rollup group.
//!
//! The calls are sorted by series with a radix sort (a second's numbers of series are dense), and
//! each run of equal ones becomes a row. Rollup groups are made of the few combinations that occur.

use super::aggregate::Aggregate;
use super::aggregate::Cost;
use super::aggregate::Timing;
use super::bins::BinRows;
use super::cell::Cell;
use super::column::Column;
use super::column::Time;
use super::column::unzigzag;
use super::combinations::Combinations;
use super::histogram::bin_of;
use super::log::Log;
use super::merge::Part;
use std::borrow::Cow;
use std::ops::Range;

/// An open bucket, gathered.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) series: Table,
    pub(super) groups: Table,
}

/// Rows by ascending id, column by column.
#[derive(Debug, Default)]
pub(super) struct Table {
    ids: Vec<u32>,
    columns: [Vec<u64>; Column::ALL.len()],
    costs: Vec<(u32, Cost)>,        // (row, …)
    extremes: [Vec<(u64, u64)>; 2], // by row, (1, 0) where there are none
    bins: [BinRows; 2],
}

impl Gathered {
    pub(super) fn new(log: &Log, sums: &Combinations) -> Self {
        Self { series: by_series(log), groups: by_group(log, sums) }
    }
}

/// The places of the calls, sorted by series; calls of one series keep their order.
fn sorted(log: &Log) -> Vec<(u32, u32)> {
    /// Bits of a pass: the counters of one fit the first-level cache.
    const BITS: u32 = 11;
    let mut calls: Vec<(u32, u32)> = (0..).zip(log.iter()).map(|(place, call)| (call.series, place)).collect();
    let mut other = vec![(0, 0); calls.len()];
    let most = calls.iter().map(|(series, _)| *series).max().unwrap_or(0);
    for shift in (0..u32::BITS - most.leading_zeros()).step_by(BITS as usize) {
        let digit = |series: u32| (series >> shift) as usize & ((1 << BITS) - 1);
        let mut ends = [0_usize; 1 << BITS];
        calls.iter().for_each(|(series, _)| ends[digit(*series)] += 1);
        let mut begin = 0;
        for end in &mut ends {
            begin += std::mem::replace(end, begin);
        }
        for call in &calls {
            let place = &mut ends[digit(call.0)];
            other[*place] = *call;
            *place += 1;
        }
        std::mem::swap(&mut calls, &mut other);
    }
    calls
}

/// Calls copied at a time: fetched one by one each would wait for memory, so many are asked for at once.
const BLOCK: usize = 32;

fn by_series(log: &Log) -> Table {
    let sorted = sorted(log);
    let mut table = Table::with_room(sorted.chunk_by(|a, b| a.0 == b.0).count());
    let Some(first) = sorted.first() else { return table };
    let mut row = Row::default();
    let mut series = first.0;
    let mut block = [*log.at(0); BLOCK];
    for places in sorted.chunks(BLOCK) {
        block.iter_mut().zip(places).for_each(|(call, (_, place))| *call = *log.at(*place as usize));
        for call in &block[..places.len()] {
            if call.series != series {
                table.end(series, &mut row);
                series = call.series;
            }
            row.cell.add(call);
            for time in Time::BOTH {
                row.bins[time as usize].extend(call.time(time).map(bin_of));
            }
        }
    }
    table.end(series, &mut row);
    table
}

/// The calls of one series, while they are added up.
#[derive(Default)]
struct Row {
    cell: Cell,
    bins: [Vec<u16>; 2],
}

fn by_group(log: &Log, sums: &Combinations) -> Table {
    let groups = sums.by_group();
    let mut order: Vec<u32> = (0..groups.ids.len() as u32).collect();
    order.sort_unstable_by_key(|slot| groups.ids[*slot as usize]);
    let mut row_of = vec![0; order.len()];
    (0..).zip(&order).for_each(|(row, slot)| row_of[*slot as usize] = row);
    let mut table = Table::with_room(order.len());
    for slot in order {
        table.push(groups.ids[slot as usize], &groups.cells[slot as usize]);
    }
    table.bins = Time::BOTH.map(|time| {
        let by_combination = BinRows::gather(sums.len(), |visit| {
            let timed = log.iter().filter_map(|call| Some((call.combination, call.time(time)?)));
            timed.for_each(|(combination, us)| visit(combination, bin_of(us), 1));
        });
        BinRows::gather(row_of.len(), |visit| {
            for (combination, bins) in by_combination.rows().enumerate() {
                for slot in groups.slots(combination) {
                    bins.clone().for_each(|(bin, count)| visit(row_of[*slot as usize], bin, count));
                }
            }
        })
    });
    table
}

impl Table {
    fn with_room(rows: usize) -> Self {
        Self {
            ids: Vec::with_capacity(rows),
            columns: std::array::from_fn(|_| Vec::with_capacity(rows)),
            costs: Vec::with_capacity(rows),
            extremes: std::array::from_fn(|_| Vec::with_capacity(rows)),
            bins: std::array::from_fn(|_| BinRows::default()),
        }
    }

    /// Appends what was added up for a series, and begins anew.
    fn end(&mut self, series: u32, row: &mut Row) {
        self.push(series, &std::mem::take(&mut row.cell));
        for (rows, bins) in self.bins.iter_mut().zip(&mut row.bins) {
            rows.push_log(bins);
            bins.clear();
        }
    }

    /// Appends a row; its bins come apart.
    #[inline]
    fn push(&mut self, id: u32, cell: &Cell) {
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
}

impl Part for Table {
    fn ids(&self) -> Cow<'_, [u32]> {
        Cow::Borrowed(&self.ids)
    }

    fn column(&self, column: Column, visit: &mut dyn FnMut(usize, u128)) {
        for (row, value) in self.columns[column as usize].iter().enumerate().filter(|(_, value)| **value != 0) {
            visit(row, u128::from(*value));
        }
    }

    fn costs(&self, visit: &mut dyn FnMut(usize, Cost)) {
        self.costs.iter().filter(|(_, cost)| cost.calls > 0).for_each(|(row, cost)| visit(*row as usize, *cost));
    }

    fn extremes(&self, time: Time, visit: &mut dyn FnMut(usize, u64, u64)) {
        let seen = self.extremes[time as usize].iter().enumerate().filter(|(_, (min, max))| min <= max);
        seen.for_each(|(row, (min, max))| visit(row, *min, *max));
    }

    fn bins(&self, time: Time, rows: Range<usize>, visit: &mut dyn FnMut(usize, u16, u64)) {
        for row in rows {
            self.bins_of(time, row).for_each(|(bin, count)| visit(row, bin, count));
        }
    }
}
