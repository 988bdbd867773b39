//! Sums of some calls of one open bucket: small integers, bounded by a few seconds' traffic.

use super::aggregate::Aggregate;
use super::aggregate::Costs;
use super::column::Column;
use super::column::Time;
use super::column::zigzag;
use super::entry::Counts;
use super::entry::Entry;
use super::money::Money;

/// Places in [`Counts`].
const REQUESTS: usize = 0;
const FAILURES: usize = 1;
const OVERFLOWED: usize = 2;
const UNMETERED: usize = 3;
const TIMED: usize = 4; // by `Time`

/// Counts and sums of some calls in one open bucket.
///
/// An open bucket is sealed within seconds, and one call is bounded (10^8 tokens, a day), so 64 bits
/// hold every sum, and 32 every count: that many calls would fill 256 GB. Sealed slices and answers
/// have 128 and 64.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    counts: Counts,
    tokens: [u64; 6],   // as in an entry
    times: [u64; 2],    // by `Time`
    extremes: [u64; 4], // (!µs, µs) by `Time`: the maximum of `!µs` is the minimum; 0 is "none"
    pub(super) cost: Costs,
}

impl Cell {
    /// Adds a call: what it did not tell is 0 there. Nothing here can overflow, see above.
    #[inline(always)]
    pub(super) fn add(&mut self, call: &Entry) {
        add(&mut self.counts, call.counts());
        for (sum, tokens) in self.tokens.iter_mut().zip(call.tokens) {
            *sum = sum.wrapping_add(u64::from(tokens));
        }
        for time in Time::BOTH {
            let us = call.times[time as usize];
            let [least, most] = [time as usize * 2, time as usize * 2 + 1];
            self.times[time as usize] = self.times[time as usize].wrapping_add(us);
            self.extremes[least] = self.extremes[least].max(if call.is_timed(time) { !us } else { 0 });
            self.extremes[most] = self.extremes[most].max(us);
        }
        if let Some(Money { nanos, currency }) = call.cost() {
            self.cost.add_one(currency, nanos);
        }
    }

    /// One call alone.
    pub(super) fn of(call: &Entry) -> Self {
        let mut cell = Self::default();
        cell.add(call);
        cell
    }

    /// Adds what another one counted.
    pub(super) fn merge(&mut self, other: &Self) {
        add(&mut self.counts, &other.counts);
        self.tokens.iter_mut().zip(other.tokens).for_each(|(sum, more)| *sum = sum.wrapping_add(more));
        self.times.iter_mut().zip(other.times).for_each(|(sum, more)| *sum = sum.wrapping_add(more));
        self.extremes.iter_mut().zip(other.extremes).for_each(|(extreme, us)| *extreme = (*extreme).max(us));
        self.cost.merge(&other.cost);
    }

    /// The extremes of a time in µs; `None` where no call told it.
    pub(super) fn extremes(&self, time: Time) -> Option<(u64, u64)> {
        let place = time as usize;
        (self.counts[TIMED + place] > 0).then(|| (!self.extremes[place * 2], self.extremes[place * 2 + 1]))
    }

    /// One figure as a slice stores it.
    #[inline]
    pub(super) fn column(&self, column: Column) -> u64 {
        let [input, output, cache_read, cache_write, reasoning, total] = self.tokens;
        match column {
            Column::Requests => self.counts[REQUESTS].into(),
            Column::Failures => self.counts[FAILURES].into(),
            Column::Overflowed => self.counts[OVERFLOWED].into(),
            Column::Unmetered => self.counts[UNMETERED].into(),
            Column::InputTokens => input,
            Column::OutputTokens => output,
            Column::CacheReadTokens => cache_read,
            Column::CacheWriteTokens => cache_write,
            Column::ReasoningTokens => reasoning,
            Column::TotalExcess => {
                let plain = input.wrapping_add(output);
                zigzag(total.wrapping_sub(plain).cast_signed().into()) as u64
            }
            Column::LatencyCount => self.counts[TIMED].into(),
            Column::LatencySum => self.times[0],
            Column::TtftCount => self.counts[TIMED + 1].into(),
            Column::TtftSum => self.times[1],
        }
    }

    /// Adds this cell to an aggregate.
    pub(super) fn add_to(&self, aggregate: &mut Aggregate) {
        let [requests, failures, overflowed, unmetered, ..] = self.counts.map(u64::from);
        aggregate.requests += requests;
        aggregate.failures += failures;
        aggregate.overflowed += overflowed;
        aggregate.unmetered += unmetered;
        let [input, output, cache_read, cache_write, reasoning, total] = self.tokens.map(u128::from);
        aggregate.input_tokens += input;
        aggregate.output_tokens += output;
        aggregate.cache_read_tokens += cache_read;
        aggregate.cache_write_tokens += cache_write;
        aggregate.reasoning_tokens += reasoning;
        aggregate.total_tokens += total;
        for (timing, time) in [&mut aggregate.latency, &mut aggregate.ttft].into_iter().zip(Time::BOTH) {
            timing.count += u64::from(self.counts[TIMED + time as usize]);
            timing.sum_us += u128::from(self.times[time as usize]);
        }
        aggregate.cost.merge(&self.cost);
    }
}

#[inline(always)]
fn add(counts: &mut Counts, more: &Counts) {
    counts.iter_mut().zip(more).for_each(|(count, more)| *count = count.wrapping_add(*more));
}

#[cfg(test)]
mod tests {
    use super::super::aggregate::Kind;
    use super::super::event::Measures;
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
                cell.add(&Entry::new(3, 0, kind, &measures));
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
