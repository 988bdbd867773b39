//! What an open bucket holds, brought together: by series, and by rollup group.
//!
//! The calls are sorted by series with a radix sort (a second's numbers of series are dense), and
//! each run of equal ones becomes a row. Rollup groups are made of the few combinations that occur.

use super::bins::BinRows;
use super::bins::Tally;
use super::cell::Cell;
use super::column::Time;
use super::combinations::Combinations;
use super::histogram::bin_of;
use super::log::Log;
use super::table::Table;

/// An open bucket, gathered.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) series: Table,
    pub(super) groups: Table,
}

impl Gathered {
    pub(super) fn new(log: &Log, sums: &Combinations) -> Self {
        let mut combinations = Vec::new();
        let series = by_series(log, |combination| combinations.push(combination));
        let groups = by_group(&series, &combinations, sums);
        Self { series, groups }
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

/// Tells the combination of each row: calls of one series are all of the same.
fn by_series(log: &Log, mut told: impl FnMut(u32)) -> Table {
    let sorted = sorted(log);
    let rows = sorted.chunk_by(|a, b| a.0 == b.0).count();
    let mut table = Table::with_room(rows);
    table.bins = Time::BOTH.map(|_| BinRows::with_room(rows, sorted.len()));
    let Some(first) = sorted.first() else { return table };
    let mut row = Row::default();
    let mut series = first.0;
    told(log.at(first.1 as usize).combination);
    let mut block = [*log.at(0); BLOCK];
    for places in sorted.chunks(BLOCK) {
        block.iter_mut().zip(places).for_each(|(call, (_, place))| *call = *log.at(*place as usize));
        for call in &block[..places.len()] {
            if call.series != series {
                row.end(series, &mut table);
                series = call.series;
                told(call.combination);
            }
            row.cell.add(call);
            for time in Time::BOTH {
                row.bins[time as usize].extend(call.time(time).map(bin_of));
            }
        }
    }
    row.end(series, &mut table);
    table
}

/// The calls of one series, while they are added up.
#[derive(Default)]
struct Row {
    cell: Cell,
    bins: [Vec<u16>; 2],
    tally: Tally,
}

impl Row {
    /// Appends itself as the row of a series, and begins anew.
    fn end(&mut self, series: u32, table: &mut Table) {
        table.push(series, &std::mem::take(&mut self.cell));
        for (rows, bins) in table.bins.iter_mut().zip(&mut self.bins) {
            rows.push_log(bins, &mut self.tally);
            bins.clear();
        }
    }
}

/// `combinations` has the combination of each row of `series`.
fn by_group(series: &Table, combinations: &[u32], sums: &Combinations) -> Table {
    let groups = sums.by_group();
    let mut order: Vec<u32> = (0..groups.ids.len() as u32).collect();
    order.sort_unstable_by_key(|slot| groups.ids[*slot as usize]);
    let mut row_of = vec![0; order.len()];
    (0..).zip(&order).for_each(|(row, slot)| row_of[*slot as usize] = row);
    let mut table = Table::with_room(order.len());
    for slot in order {
        table.push(groups.ids[slot as usize], &groups.cells[slot as usize]);
    }
    let members = (0..sums.len())
        .flat_map(|combination| groups.slots(combination).iter().map(move |slot| (*slot, combination as u32)));
    let members = members.map(|(slot, combination)| (row_of[slot as usize], combination));
    table.bins = Time::BOTH.map(|time| {
        let by_combination = series.bins[time as usize].regroup(sums.len(), combinations.iter().copied().zip(0..));
        by_combination.regroup(row_of.len(), members.clone())
    });
    table
}
