//! The order of groups: by a figure, ties by name.

use super::aggregate::Aggregate;
use super::aggregate::Timing;
use super::query::Order;
use super::query::Rank;
use std::cmp::Ordering;

/// A figure to compare: a whole number, or a fraction compared exactly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    over: i128,
    under: u64,
}

impl Key {
    pub(super) fn whole(value: u128) -> Self {
        Self { over: i128::try_from(value).unwrap_or(i128::MAX), under: 1 }
    }

    /// `over / under`; `None` where there is nothing to divide by.
    fn fraction(over: u128, under: u64) -> Option<Self> {
        (under > 0).then(|| Self { under, ..Self::whole(over) })
    }

    /// Cross-multiplied where that fits; else the whole parts decide, then the remainders.
    fn compare(self, other: Self) -> Ordering {
        if self.under == other.under {
            return self.over.cmp(&other.over);
        }
        let (a, b) = (i128::from(self.under), i128::from(other.under));
        match (self.over.checked_mul(b), other.over.checked_mul(a)) {
            (Some(left), Some(right)) => left.cmp(&right),
            _ => (self.over / a, self.over % a * b).cmp(&(other.over / b, other.over % b * a)),
        }
    }
}

/// The figure of a group; `None` where it has none. Quantiles are read elsewhere.
pub(super) fn key(by: Rank, sums: &Aggregate) -> Option<Key> {
    let whole = |value: u64| Some(Key::whole(u128::from(value)));
    let mean = |timing: &Timing| Key::fraction(timing.sum_us, timing.count);
    match by {
        Rank::Name | Rank::Latency(_) | Rank::Ttft(_) => None,
        Rank::Requests => whole(sums.requests),
        Rank::Successes => whole(sums.successes()),
        Rank::Failures => whole(sums.failures),
        Rank::ErrorRate => Key::fraction(u128::from(sums.failures), sums.requests),
        Rank::InputTokens => Some(Key::whole(sums.input_tokens)),
        Rank::OutputTokens => Some(Key::whole(sums.output_tokens)),
        Rank::CacheReadTokens => Some(Key::whole(sums.cache_read_tokens)),
        Rank::CacheWriteTokens => Some(Key::whole(sums.cache_write_tokens)),
        Rank::ReasoningTokens => Some(Key::whole(sums.reasoning_tokens)),
        Rank::TotalTokens => Some(Key::whole(sums.total_tokens)),
        Rank::Unpriced => whole(sums.unpriced()),
        Rank::Cost(currency) => Some(Key { over: sums.cost.get(currency).unwrap_or(0), under: 1 }),
        Rank::LatencyMean => mean(&sums.latency),
        Rank::TtftMean => mean(&sums.ttft),
    }
}

/// The first places by their keys, those without one last, ties by name upwards ("none" first).
/// Only an order by name itself turns the names round.
pub(super) fn first(
    mut places: Vec<usize>,
    count: usize,
    keys: &[Option<Key>],
    order: Order,
    names: impl Fn(usize, usize) -> Ordering,
) -> Vec<usize> {
    let descending = order.descending;
    let figures = |a: usize, b: usize| match (keys[a], keys[b]) {
        (Some(a), Some(b)) if descending => b.compare(a),
        (Some(a), Some(b)) => a.compare(b),
        (a, b) => a.is_none().cmp(&b.is_none()),
    };
    let compare = |a: &usize, b: &usize| match order.by {
        Rank::Name if descending => names(*b, *a),
        Rank::Name => names(*a, *b),
        _ => figures(*a, *b).then_with(|| names(*a, *b)),
    };
    if count < places.len() {
        places.select_nth_unstable_by(count, compare);
        places.truncate(count);
    }
    places.sort_unstable_by(compare);
    places
}
