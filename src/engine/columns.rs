//! Sums of many groups, each figure in an array of its own.
//!
//! An [`Aggregate`] takes 300 bytes. A scan adds rows in the order of their series, whose groups lie
//! anywhere, so with tens of thousands of groups it would fetch other memory for each row. Here the
//! sums of one figure lie together, 8 bytes a group, and stay in the cache while all slices are read.

use super::aggregate::Aggregate;
use super::aggregate::Cost;
use super::aggregate::Timing;
use super::cell::Cell;
use super::column::Column;
use super::column::Time;
use super::column::unzigzag;
use super::money::Currency;
use super::packed::Packed;
use super::rows::Rows;
use super::slice::Slice;

/// Sums of one figure by slot, of 128 bits (two's complement). The upper halves take no room until
/// one of them is needed, and neither does a figure that is zero everywhere.
#[derive(Clone, Debug, Default)]
struct Wide {
    low: Vec<u64>,
    high: Vec<u64>,
}

impl Wide {
    fn get(&self, slot: usize) -> u128 {
        let half = |halves: &[u64]| u128::from(halves.get(slot).copied().unwrap_or(0));
        half(&self.high) << 64 | half(&self.low)
    }

    /// Makes room, so that there is something to add to.
    fn reach(&mut self, slots: usize) {
        self.low.resize(slots, 0);
    }

    /// Adds to a slot below the number that was reached for.
    #[inline]
    fn add(&mut self, slot: usize, value: u128) {
        let (low, carry) = self.low[slot].overflowing_add(value as u64);
        self.low[slot] = low;
        let high = ((value >> 64) as u64).wrapping_add(u64::from(carry));
        if high != 0 {
            self.add_high(slot, high);
        }
    }

    #[cold]
    fn add_high(&mut self, slot: usize, high: u64) {
        self.high.resize(self.low.len(), 0);
        self.high[slot] = self.high[slot].wrapping_add(high);
    }

    fn add_column(&mut self, slots: usize, packed: &Packed, rows: &Rows, read: impl Fn(u128) -> u128) {
        if !matches!(packed, Packed::Const(0)) {
            self.reach(slots);
            rows.visit(packed, |slot, value| self.add(slot, read(value)));
        }
    }
}

/// The money of one currency.
#[derive(Clone, Debug)]
struct CostSums {
    currency: Currency,
    nanos: Wide,
    calls: Wide,
}

/// Sums by slot. The last slot takes what counts nowhere.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    slots: usize,
    figures: [Wide; Column::ALL.len()],
    costs: Vec<CostSums>,
}

impl Columns {
    /// Nothing in so many slots.
    pub(super) fn new(slots: usize) -> Self {
        Self { slots: slots + 1, figures: Column::ALL.map(|_| Wide::default()), costs: Vec::new() }
    }

    /// The slot of what counts nowhere: with it, a loop over rows has nothing to decide.
    pub(super) fn nowhere(&self) -> u32 {
        self.slots as u32 - 1
    }

    /// Adds rows of some slices, one figure after the other.
    pub(super) fn add_rows(&mut self, parts: &[(&Slice, Rows)]) {
        let slots = self.slots;
        for (sums, column) in self.figures.iter_mut().zip(Column::ALL) {
            for (slice, rows) in parts {
                let packed = slice.column(column);
                match column {
                    Column::TotalExcess => sums.add_column(slots, packed, rows, |stored| summed(column, stored)),
                    _ => sums.add_column(slots, packed, rows, |stored| stored),
                }
            }
        }
        for (slice, rows) in parts {
            for cost in slice.costs() {
                let sums = self.cost(cost.currency);
                sums.nanos.add_column(slots, cost.nanos, rows, |value| value);
                sums.calls.add_column(slots, cost.calls, rows, |value| value);
            }
        }
    }

    /// Adds calls of an open bucket to a slot.
    pub(super) fn add(&mut self, slot: usize, calls: &Cell) {
        let slots = self.slots;
        for (sums, column) in self.figures.iter_mut().zip(Column::ALL) {
            let stored = u128::from(calls.column(column));
            if stored != 0 {
                sums.reach(slots);
                sums.add(slot, summed(column, stored));
            }
        }
        for cost in calls.cost.raw() {
            let sums = self.cost(cost.currency);
            sums.nanos.reach(slots);
            sums.nanos.add(slot, cost.nanos.cast_unsigned());
            sums.calls.reach(slots);
            sums.calls.add(slot, u128::from(cost.calls));
        }
    }

    fn cost(&mut self, currency: Currency) -> &mut CostSums {
        let known = self.costs.iter().position(|cost| cost.currency == currency);
        let place = known.unwrap_or_else(|| {
            self.costs.push(CostSums { currency, nanos: Wide::default(), calls: Wide::default() });
            self.costs.len() - 1
        });
        &mut self.costs[place]
    }

    /// How many calls a slot has.
    pub(super) fn requests(&self, slot: usize) -> u64 {
        self.count(Column::Requests, slot)
    }

    fn count(&self, column: Column, slot: usize) -> u64 {
        u64::try_from(self.sum(column, slot)).expect("a count fits 64 bits")
    }

    fn sum(&self, column: Column, slot: usize) -> u128 {
        self.figures[column as usize].get(slot)
    }

    /// The sums of a slot.
    pub(super) fn get(&self, slot: usize) -> Aggregate {
        let (input_tokens, output_tokens) = (self.sum(Column::InputTokens, slot), self.sum(Column::OutputTokens, slot));
        let timing =
            |time| Timing { count: self.count(Column::count(time), slot), sum_us: self.sum(Column::sum(time), slot) };
        let mut calls = Aggregate {
            requests: self.requests(slot),
            failures: self.count(Column::Failures, slot),
            overflowed: self.count(Column::Overflowed, slot),
            unmetered: self.count(Column::Unmetered, slot),
            input_tokens,
            output_tokens,
            cache_read_tokens: self.sum(Column::CacheReadTokens, slot),
            cache_write_tokens: self.sum(Column::CacheWriteTokens, slot),
            reasoning_tokens: self.sum(Column::ReasoningTokens, slot),
            total_tokens: (input_tokens + output_tokens).wrapping_add(self.sum(Column::TotalExcess, slot)),
            latency: timing(Time::Latency),
            ttft: timing(Time::Ttft),
            ..Aggregate::default()
        };
        for CostSums { currency, nanos, calls: count } in &self.costs {
            let told = u64::try_from(count.get(slot)).expect("a count fits 64 bits");
            if told > 0 {
                calls.cost.add(Cost { currency: *currency, nanos: nanos.get(slot).cast_signed(), calls: told });
            }
        }
        calls
    }

    /// All slots together but the one for what counts nowhere.
    pub(super) fn whole(&self) -> Aggregate {
        let whole = |sums: &Wide| {
            let mut whole = Wide::default();
            whole.reach(1);
            (0..self.slots - 1).for_each(|slot| whole.add(0, sums.get(slot)));
            whole
        };
        let cost = |cost: &CostSums| CostSums {
            currency: cost.currency,
            nanos: whole(&cost.nanos),
            calls: whole(&cost.calls),
        };
        let costs = self.costs.iter().map(cost).collect();
        Self { slots: 1, figures: self.figures.each_ref().map(whole), costs }.get(0)
    }
}

/// A figure as it is summed up here, from how cells and slices store it.
fn summed(column: Column, stored: u128) -> u128 {
    match column {
        Column::TotalExcess => unzigzag(stored).cast_unsigned(),
        _ => stored,
    }
}
