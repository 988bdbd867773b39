//! Sums of many groups, each figure in an array of its own.
//!
//! An [`Aggregate`] takes 300 bytes. A scan adds rows in the order of their series, whose groups lie
//! anywhere, so with tens of thousands of groups it would fetch other memory for each row. Here the
//! sums of one figure lie together, 8 bytes a group, and stay in the cache while all slices are read.
//!
//! Where every call has a latency, a first token and a price, four counts are the same in every row,
//! and a slice keeps them once. They are added once, too, as long as that holds.

use super::aggregate::Aggregate;
use super::aggregate::Cost;
use super::aggregate::Timing;
use super::cell::Cell;
use super::column::Column;
use super::column::Time;
use super::column::unzigzag;
use super::money::Currency;
use super::rows::Rows;
use super::slice::Slice;
use super::wide::Wide;
use std::ptr;

/// The figures that are summed up by themselves.
const FIGURES: [Column; 11] = [
    Column::Failures,
    Column::Overflowed,
    Column::Unmetered,
    Column::InputTokens,
    Column::OutputTokens,
    Column::CacheReadTokens,
    Column::CacheWriteTokens,
    Column::ReasoningTokens,
    Column::TotalExcess,
    Column::LatencySum,
    Column::TtftSum,
];

/// Counts that may be the numbers of calls all over: then there are none of their own.
#[derive(Clone, Debug)]
struct Counts(Option<Wide>);

impl Counts {
    /// Counts of their own from here on, where they differ from the calls of what is added next.
    fn part(&mut self, requests: &Wide) -> &mut Wide {
        self.0.get_or_insert_with(|| requests.clone())
    }
}

/// The money of one currency.
#[derive(Clone, Debug)]
struct CostSums {
    currency: Currency,
    nanos: Wide,
    calls: Counts,
}

/// Sums by slot. The last slot takes what counts nowhere.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    slots: usize,
    requests: Wide,
    figures: [Wide; Column::ALL.len()], // but for the calls and what may be alike
    timed: [Counts; 2],                 // by `Time`
    costs: Vec<CostSums>,
}

impl Columns {
    /// Nothing in so many slots.
    pub(super) fn new(slots: usize) -> Self {
        Self {
            slots: slots + 1,
            requests: Wide::default(),
            figures: Column::ALL.map(|_| Wide::default()),
            timed: [Counts(None), Counts(None)],
            costs: Vec::new(),
        }
    }

    /// The slot of what counts nowhere: with it, a loop over rows has nothing to decide.
    pub(super) fn nowhere(&self) -> u32 {
        self.slots as u32 - 1
    }

    /// Adds rows of some slices, one figure after the other; the calls at last, since until then
    /// they are what counts alike begin with.
    pub(super) fn add_rows(&mut self, parts: &[(&Slice, Rows)]) {
        let slots = self.slots;
        for column in FIGURES {
            let sums = &mut self.figures[column as usize];
            for (slice, rows) in parts {
                let packed = slice.column(column);
                match column {
                    Column::TotalExcess => sums.add_column(slots, packed, rows, |stored| summed(column, stored)),
                    _ => sums.add_column(slots, packed, rows, |stored| stored),
                }
            }
        }
        for time in Time::BOTH {
            let counts = &mut self.timed[time as usize];
            let own = |slice: &Slice| !ptr::eq(slice.column(Column::count(time)), slice.column(Column::Requests));
            if counts.0.is_some() || parts.iter().any(|(slice, _)| own(slice)) {
                let counts = counts.part(&self.requests);
                for (slice, rows) in parts {
                    counts.add_column(slots, slice.column(Column::count(time)), rows, |value| value);
                }
            }
        }
        self.add_costs(parts);
        for (slice, rows) in parts {
            self.requests.add_column(slots, slice.column(Column::Requests), rows, |value| value);
        }
    }

    fn add_costs(&mut self, parts: &[(&Slice, Rows)]) {
        let slots = self.slots;
        for (slice, rows) in parts {
            for cost in slice.costs() {
                self.cost(cost.currency).nanos.add_column(slots, cost.nanos, rows, |value| value);
            }
        }
        for sums in &mut self.costs {
            let alike = |slice: &Slice| {
                let cost = slice.cost(sums.currency);
                cost.is_some_and(|cost| ptr::eq(cost.calls, slice.column(Column::Requests)))
            };
            if sums.calls.0.is_some() || !parts.iter().all(|(slice, _)| alike(slice)) {
                let calls = sums.calls.part(&self.requests);
                for (slice, rows) in parts {
                    let cost = slice.cost(sums.currency);
                    cost.into_iter().for_each(|cost| calls.add_column(slots, cost.calls, rows, |value| value));
                }
            }
        }
    }

    /// Adds calls of an open bucket to a slot.
    pub(super) fn add(&mut self, slot: usize, calls: &Cell) {
        let slots = self.slots;
        let add = |sums: &mut Wide, value: u128| {
            if value != 0 {
                sums.reach(slots);
                sums.add(slot, value);
            }
        };
        for column in FIGURES {
            add(&mut self.figures[column as usize], summed(column, u128::from(calls.column(column))));
        }
        let requests = calls.column(Column::Requests);
        for time in Time::BOTH {
            let (counts, count) = (&mut self.timed[time as usize], calls.column(Column::count(time)));
            if counts.0.is_some() || count != requests {
                add(counts.part(&self.requests), u128::from(count));
            }
        }
        for cost in calls.cost.raw() {
            add(&mut self.cost(cost.currency).nanos, cost.nanos.cast_unsigned());
        }
        for sums in &mut self.costs {
            let count = calls.cost.raw().find(|cost| cost.currency == sums.currency).map_or(0, |cost| cost.calls);
            if sums.calls.0.is_some() || count != requests {
                add(sums.calls.part(&self.requests), u128::from(count));
            }
        }
        add(&mut self.requests, u128::from(requests));
    }

    fn cost(&mut self, currency: Currency) -> &mut CostSums {
        let known = self.costs.iter().position(|cost| cost.currency == currency);
        let place = known.unwrap_or_else(|| {
            // Whatever was added before had none of it.
            let calls = Counts((!self.requests.is_empty()).then(Wide::default));
            self.costs.push(CostSums { currency, nanos: Wide::default(), calls });
            self.costs.len() - 1
        });
        &mut self.costs[place]
    }

    /// How many calls a slot has.
    pub(super) fn requests(&self, slot: usize) -> u64 {
        count(&self.requests, slot)
    }

    fn count(&self, column: Column, slot: usize) -> u64 {
        count(&self.figures[column as usize], slot)
    }

    /// Counts that may be those of the calls.
    fn counts<'a>(&'a self, counts: &'a Counts) -> &'a Wide {
        counts.0.as_ref().unwrap_or(&self.requests)
    }

    fn sum(&self, column: Column, slot: usize) -> u128 {
        self.figures[column as usize].get(slot)
    }

    /// The sums of a slot.
    pub(super) fn get(&self, slot: usize) -> Aggregate {
        let (input_tokens, output_tokens) = (self.sum(Column::InputTokens, slot), self.sum(Column::OutputTokens, slot));
        let timing = |time| Timing {
            count: count(self.counts(&self.timed[time as usize]), slot),
            sum_us: self.sum(Column::sum(time), slot),
        };
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
        for CostSums { currency, nanos, calls: counts } in &self.costs {
            let told = count(self.counts(counts), slot);
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
        let counts = |counts: &Counts| Counts(counts.0.as_ref().map(whole));
        let cost = |cost: &CostSums| CostSums {
            currency: cost.currency,
            nanos: whole(&cost.nanos),
            calls: counts(&cost.calls),
        };
        let sums = Self {
            slots: 1,
            requests: whole(&self.requests),
            figures: self.figures.each_ref().map(whole),
            timed: self.timed.each_ref().map(counts),
            costs: self.costs.iter().map(cost).collect(),
        };
        sums.get(0)
    }
}

fn count(sums: &Wide, slot: usize) -> u64 {
    u64::try_from(sums.get(slot)).expect("a count fits 64 bits")
}

/// A figure as it is summed up here, from how cells and slices store it.
fn summed(column: Column, stored: u128) -> u128 {
    match column {
        Column::TotalExcess => unzigzag(stored).cast_unsigned(),
        _ => stored,
    }
}
