//! Sums of some calls of one open bucket: small integers, bounded by a few seconds' traffic.

use super::aggregate::Aggregate;
use super::aggregate::Costs;
use super::aggregate::Kind;
use super::column::Column;
use super::column::Time;
use super::column::zigzag;
use super::entry::Entry;
use super::event::Measures;
use super::money::Money;

/// The figures of a call that add up, by place.
const REQUESTS: usize = 0;
const FAILURES: usize = 1;
const OVERFLOWED: usize = 2;
const UNMETERED: usize = 3;
const INPUT: usize = 4;
const OUTPUT: usize = 5;
const CACHE_READ: usize = 6;
const CACHE_WRITE: usize = 7;
const REASONING: usize = 8;
const TOTAL: usize = 9;
const COUNTS: [usize; 2] = [10, 12]; // by `Time`
const SUMS: [usize; 2] = [11, 13];
const FIGURES: usize = 14;

/// One call as numbers, worked out once and added wherever it counts.
///
/// Everything here is inlined so that these stay in registers: written to memory number by number
/// and read back as vectors they cost more than all the additions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delta {
    sums: [u64; FIGURES],
    extremes: [u64; 4], // (!µs, µs) by `Time`: the maximum of `!µs` is the minimum; 0 is "none"
    cost: Option<Money>,
}

impl Delta {
    #[inline(always)]
    pub(super) fn new(measures: &Measures, kind: Kind) -> Self {
        let total = measures.total();
        let times = [measures.latency_us, measures.ttft_us];
        let mut sums = [0; FIGURES];
        sums[REQUESTS] = 1;
        sums[FAILURES] = u64::from(kind.failure);
        sums[OVERFLOWED] = u64::from(kind.overflowed);
        sums[UNMETERED] = u64::from(total.is_none());
        sums[INPUT] = measures.input_tokens.unwrap_or(0);
        sums[OUTPUT] = measures.output_tokens.unwrap_or(0);
        sums[CACHE_READ] = measures.cache_read_tokens.unwrap_or(0);
        sums[CACHE_WRITE] = measures.cache_write_tokens.unwrap_or(0);
        sums[REASONING] = measures.reasoning_tokens.unwrap_or(0);
        sums[TOTAL] = total.unwrap_or(0);
        let mut extremes = [0; 4];
        for time in 0..2 {
            sums[COUNTS[time]] = u64::from(times[time].is_some());
            sums[SUMS[time]] = times[time].unwrap_or(0);
            extremes[time * 2] = times[time].map_or(0, |us| !us);
            extremes[time * 2 + 1] = times[time].unwrap_or(0);
        }
        Self { sums, extremes, cost: measures.cost }
    }

    #[inline(always)]
    pub(super) fn of(call: &Entry) -> Self {
        Self::new(&call.measures(), call.kind())
    }

    /// This call alone.
    #[inline(always)]
    pub(super) fn alone(&self) -> Cell {
        let mut cell = Cell::default();
        cell.add(self);
        cell
    }
}

/// Counts and sums of some calls in one open bucket.
///
/// An open bucket is sealed within seconds, and one call is bounded (10^8 tokens, a day), so 64 bits
/// hold every sum; sealed slices and answers use 128.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    sums: [u64; FIGURES],
    extremes: [u64; 4],
    pub(super) cost: Costs,
}

impl Cell {
    #[inline(always)]
    pub(super) fn add(&mut self, delta: &Delta) {
        for place in 0..FIGURES {
            self.sums[place] = self.sums[place].wrapping_add(delta.sums[place]); // can't overflow, and need no check
        }
        for place in 0..4 {
            self.extremes[place] = self.extremes[place].max(delta.extremes[place]);
        }
        if let Some(Money { nanos, currency }) = delta.cost {
            self.cost.add_one(currency, nanos);
        }
    }

    /// Adds what another one counted.
    pub(super) fn merge(&mut self, other: &Self) {
        for (sum, more) in self.sums.iter_mut().zip(other.sums) {
            *sum = sum.wrapping_add(more);
        }
        for (extreme, us) in self.extremes.iter_mut().zip(other.extremes) {
            *extreme = (*extreme).max(us);
        }
        self.cost.merge(&other.cost);
    }

    /// The extremes of a time in µs; `None` where no call told it.
    pub(super) fn extremes(&self, time: Time) -> Option<(u64, u64)> {
        let place = time as usize;
        (self.sums[COUNTS[place]] > 0).then(|| (!self.extremes[place * 2], self.extremes[place * 2 + 1]))
    }

    /// One figure as a slice stores it.
    #[inline]
    pub(super) fn column(&self, column: Column) -> u64 {
        let sums = &self.sums;
        match column {
            Column::Requests => sums[REQUESTS],
            Column::Failures => sums[FAILURES],
            Column::Overflowed => sums[OVERFLOWED],
            Column::Unmetered => sums[UNMETERED],
            Column::InputTokens => sums[INPUT],
            Column::OutputTokens => sums[OUTPUT],
            Column::CacheReadTokens => sums[CACHE_READ],
            Column::CacheWriteTokens => sums[CACHE_WRITE],
            Column::ReasoningTokens => sums[REASONING],
            Column::TotalExcess => {
                let plain = sums[INPUT].wrapping_add(sums[OUTPUT]);
                zigzag(sums[TOTAL].wrapping_sub(plain).cast_signed().into()) as u64
            }
            Column::LatencyCount => sums[COUNTS[0]],
            Column::LatencySum => sums[SUMS[0]],
            Column::TtftCount => sums[COUNTS[1]],
            Column::TtftSum => sums[SUMS[1]],
        }
    }

    /// Adds this cell to an aggregate.
    pub(super) fn add_to(&self, aggregate: &mut Aggregate) {
        let sums = &self.sums;
        aggregate.requests += sums[REQUESTS];
        aggregate.failures += sums[FAILURES];
        aggregate.overflowed += sums[OVERFLOWED];
        aggregate.unmetered += sums[UNMETERED];
        aggregate.input_tokens += u128::from(sums[INPUT]);
        aggregate.output_tokens += u128::from(sums[OUTPUT]);
        aggregate.cache_read_tokens += u128::from(sums[CACHE_READ]);
        aggregate.cache_write_tokens += u128::from(sums[CACHE_WRITE]);
        aggregate.reasoning_tokens += u128::from(sums[REASONING]);
        aggregate.total_tokens += u128::from(sums[TOTAL]);
        for (timing, time) in [&mut aggregate.latency, &mut aggregate.ttft].into_iter().zip(Time::BOTH) {
            timing.count += sums[COUNTS[time as usize]];
            timing.sum_us += u128::from(sums[SUMS[time as usize]]);
        }
        aggregate.cost.merge(&self.cost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn maybe(most: u64) -> impl Strategy<Value = Option<u64>> {
        proptest::option::of(0..most)
    }

    proptest! {
        /// The vectorised cell against the plain aggregate.
        #[test]
        fn a_cell_counts_as_an_aggregate_does(
            calls in proptest::collection::vec((maybe(9), maybe(9), maybe(5), maybe(30), maybe(4), any::<bool>()), 1..20),
        ) {
            let (mut cell, mut plain) = (Cell::default(), Aggregate::default());
            let mut extremes: Option<(u64, u64)> = None;
            for (input, output, total, latency, cost, failure) in calls {
                let money = |units: u64| Money { nanos: units.cast_signed(), currency: super::super::money::Currency::USD };
                let measures = Measures {
                    input_tokens: input,
                    output_tokens: output,
                    total_tokens: total,
                    latency_us: latency,
                    cost: cost.map(money),
                    ..Measures::default()
                };
                let kind = Kind { failure, overflowed: !failure };
                cell.add(&Delta::of(&Entry::new(3, 0, kind, &measures)));
                plain.record(&measures, kind);
                if let Some(us) = latency {
                    extremes = Some(extremes.map_or((us, us), |(min, max)| (min.min(us), max.max(us))));
                }
            }
            let mut sums = Aggregate::default();
            cell.add_to(&mut sums);
            prop_assert_eq!(sums, plain);
            prop_assert_eq!(cell.extremes(Time::Latency), extremes);
            prop_assert_eq!(cell.extremes(Time::Ttft), None);
        }
    }
}
