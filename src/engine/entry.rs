//! One call in 64 bytes: what an open bucket and the recent calls keep of it.
//!
//! A writer touches one line of memory for each call, in order, instead of the cell of a series
//! somewhere; what belongs together is brought together when the bucket is sealed.

use super::aggregate::Kind;
use super::column::Time;
use super::event::Measures;
use super::money::Currency;
use super::money::Money;

/// "Not told", which is not zero.
const NO_TIME: u64 = u64::MAX;
const NO_TOKENS: u32 = u32::MAX;

const FAILURE: u8 = 1;
const OVERFLOWED: u8 = 2;
const PRICED: u8 = 4;

/// One call of a series.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) series: u32,
    /// The place of its series' combination of rollup groups in the open bucket.
    pub(super) combination: u32,
    times: [u64; 2], // µs, by `Time`
    nanos: i64,
    tokens: [u32; 6], // as in `Measures`
    currency: Currency,
    flags: u8,
}

impl Entry {
    /// `measures` passed [`Measures::check`]: no number of tokens needs more than 32 bits.
    #[inline]
    pub(super) fn new(series: u32, combination: u32, kind: Kind, measures: &Measures) -> Self {
        let tokens = [
            measures.input_tokens,
            measures.output_tokens,
            measures.cache_read_tokens,
            measures.cache_write_tokens,
            measures.reasoning_tokens,
            measures.total_tokens,
        ];
        let cost = measures.cost.unwrap_or(Money { nanos: 0, currency: Currency::USD });
        let flag = |is: bool, flag| if is { flag } else { 0 };
        Self {
            series,
            combination,
            times: [measures.latency_us, measures.ttft_us].map(|us| us.unwrap_or(NO_TIME)),
            nanos: cost.nanos,
            tokens: tokens.map(|tokens| tokens.map_or(NO_TOKENS, |tokens| tokens.min(u64::from(NO_TOKENS - 1)) as u32)),
            currency: cost.currency,
            flags: flag(kind.failure, FAILURE)
                | flag(kind.overflowed, OVERFLOWED)
                | flag(measures.cost.is_some(), PRICED),
        }
    }

    /// How it counts, whatever its numbers.
    #[inline]
    pub(super) fn kind(&self) -> Kind {
        Kind { failure: self.flags & FAILURE != 0, overflowed: self.flags & OVERFLOWED != 0 }
    }

    /// A time in µs.
    #[inline]
    pub(super) fn time(&self, time: Time) -> Option<u64> {
        let us = self.times[time as usize];
        (us != NO_TIME).then_some(us)
    }

    /// What it cost.
    #[inline]
    pub(super) fn cost(&self) -> Option<Money> {
        (self.flags & PRICED != 0).then_some(Money { nanos: self.nanos, currency: self.currency })
    }

    /// Its numbers, as they were told.
    #[inline]
    pub(super) fn measures(&self) -> Measures {
        let [input, output, cache_read, cache_write, reasoning, total] =
            self.tokens.map(|tokens| (tokens != NO_TOKENS).then_some(u64::from(tokens)));
        Measures {
            latency_us: self.time(Time::Latency),
            ttft_us: self.time(Time::Ttft),
            input_tokens: input,
            output_tokens: output,
            cache_read_tokens: cache_read,
            cache_write_tokens: cache_write,
            reasoning_tokens: reasoning,
            total_tokens: total,
            cost: self.cost(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::option::of;
    use proptest::prelude::*;

    proptest! {
        /// What was told comes back, and no told figure is taken for an untold one.
        #[test]
        fn an_entry_tells_what_it_was_made_of(
            times in [of(0..=crate::engine::event::MAX_LATENCY_US), of(0..=crate::engine::event::MAX_LATENCY_US)],
            tokens in prop::array::uniform6(of(0..=crate::engine::event::MAX_TOKENS)),
            nanos in of(0..=i64::MAX),
            failure: bool,
            overflowed: bool,
        ) {
            let measures = Measures {
                latency_us: times[0],
                ttft_us: times[1],
                input_tokens: tokens[0],
                output_tokens: tokens[1],
                cache_read_tokens: tokens[2],
                cache_write_tokens: tokens[3],
                reasoning_tokens: tokens[4],
                total_tokens: tokens[5],
                cost: nanos.map(|nanos| Money { nanos, currency: Currency::parse("JPY").unwrap() }),
            };
            let kind = Kind { failure, overflowed };
            let entry = Entry::new(7, 3, kind, &measures);
            prop_assert_eq!((entry.series, entry.combination, entry.kind()), (7, 3, kind));
            prop_assert_eq!(entry.measures(), measures);
            prop_assert_eq!(size_of::<Entry>(), 64);
        }
    }
}
