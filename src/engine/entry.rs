//! One call in 64 bytes: what an open bucket and the recent calls keep of it.
//!
//! A writer touches one line of memory for each call, in order, instead of the cell of a series
//! somewhere; what belongs together is brought together when the bucket is sealed.

use super::aggregate::Kind;
use super::column::Time;
use super::event::Measures;
use super::money::Currency;
use super::money::Money;

const FAILURE: u16 = 1;
const OVERFLOWED: u16 = 1 << 1;
const UNMETERED: u16 = 1 << 2;
const TIMED: [u16; 2] = [1 << 3, 1 << 4]; // by `Time`
const COUNTED: u16 = (1 << 5) - 1; // all of the above
const PRICED: u16 = 1 << 5;
const TOLD: u16 = 1 << 6; // the first of six, in the order of `tokens`

/// One call of a series. What was not told is 0, so that it can be added without being looked at;
/// the flags know the difference.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) series: u32,
    /// The place of its series' combination of rollup groups in the open bucket.
    pub(super) combination: u32,
    /// In µs, by `Time`.
    pub(super) times: [u64; 2],
    nanos: i64,
    /// In, out, cache read, cache write, reasoning, and the total, told or added up.
    pub(super) tokens: [u32; 6],
    currency: Currency,
    flags: u16,
}

impl Entry {
    /// `measures` passed [`Measures::check`]: no number of tokens needs more than 32 bits, nor the
    /// sum of two.
    #[inline]
    pub(super) fn new(series: u32, combination: u32, kind: Kind, measures: &Measures) -> Self {
        let told = [
            measures.input_tokens,
            measures.output_tokens,
            measures.cache_read_tokens,
            measures.cache_write_tokens,
            measures.reasoning_tokens,
            measures.total_tokens,
        ];
        let mut tokens = told.map(|tokens| tokens.unwrap_or(0) as u32);
        if told[5].is_none() {
            tokens[5] = tokens[0].wrapping_add(tokens[1]);
        }
        let flag = |is: bool, flag: u16| if is { flag } else { 0 };
        let mut flags = flag(kind.failure, FAILURE) | flag(kind.overflowed, OVERFLOWED);
        flags |= flag(told[0].is_none() & told[1].is_none() & told[5].is_none(), UNMETERED);
        flags |= flag(measures.latency_us.is_some(), TIMED[0]) | flag(measures.ttft_us.is_some(), TIMED[1]);
        flags |= flag(measures.cost.is_some(), PRICED);
        for (place, tokens) in told.iter().enumerate() {
            flags |= flag(tokens.is_some(), TOLD << place);
        }
        let cost = measures.cost.unwrap_or(Money { nanos: 0, currency: Currency::USD });
        Self {
            series,
            combination,
            times: [measures.latency_us, measures.ttft_us].map(|us| us.unwrap_or(0)),
            nanos: cost.nanos,
            tokens,
            currency: cost.currency,
            flags,
        }
    }

    /// What it adds to the [`Counts`].
    #[inline]
    pub(super) fn counts(&self) -> &'static Counts {
        &COUNTS[usize::from(self.flags & COUNTED)]
    }

    /// Whether a time was told.
    #[inline]
    pub(super) fn is_timed(&self, time: Time) -> bool {
        self.flags & TIMED[time as usize] != 0
    }

    /// A time in µs.
    #[inline]
    pub(super) fn time(&self, time: Time) -> Option<u64> {
        self.is_timed(time).then_some(self.times[time as usize])
    }

    /// What it cost.
    #[inline]
    pub(super) fn cost(&self) -> Option<Money> {
        (self.flags & PRICED != 0).then_some(Money { nanos: self.nanos, currency: self.currency })
    }

    /// Its numbers, as they were told.
    pub(super) fn measures(&self) -> Measures {
        let told = |place: usize| (self.flags & TOLD << place != 0).then_some(u64::from(self.tokens[place]));
        Measures {
            latency_us: self.time(Time::Latency),
            ttft_us: self.time(Time::Ttft),
            input_tokens: told(0),
            output_tokens: told(1),
            cache_read_tokens: told(2),
            cache_write_tokens: told(3),
            reasoning_tokens: told(4),
            total_tokens: told(5),
            cost: self.cost(),
        }
    }
}

/// Numbers of calls: all, failures, overflowed, unmetered, and told times by `Time`. The last two are
/// not in use: eight of them are two vectors.
pub(super) type Counts = [u32; 8];

/// What a call adds to the counts, by its flags.
static COUNTS: [Counts; COUNTED as usize + 1] = {
    let mut all = [[1, 0, 0, 0, 0, 0, 0, 0]; COUNTED as usize + 1];
    let mut flags = 0;
    while flags < all.len() {
        let mut bit = 0;
        while bit < 5 {
            all[flags][bit + 1] = (flags >> bit & 1) as u32;
            bit += 1;
        }
        flags += 1;
    }
    all
};

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
            prop_assert_eq!((entry.series, entry.combination), (7, 3));
            prop_assert_eq!(entry.measures(), measures);
            prop_assert_eq!(size_of::<Entry>(), 64);
        }
    }
}
