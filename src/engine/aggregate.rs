//! What one cell holds: counts and exact sums that can be added and subtracted.

#[cfg(test)]
use super::event::Measures;
use super::money::Currency;
#[cfg(test)]
use super::money::Money;

/// A sum of times and how many there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// How many calls told one.
    pub count: u64,
    /// Their sum in µs.
    pub sum_us: u128,
}

impl Timing {
    /// The mean in µs, rounded down; `None` where nothing was told.
    #[must_use]
    pub fn mean_us(&self) -> Option<u64> {
        let mean = self.sum_us.checked_div(u128::from(self.count))?;
        Some(u64::try_from(mean).expect("a mean is at most the largest latency"))
    }

    #[cfg(test)]
    fn record(&mut self, us: Option<u64>) {
        if let Some(us) = us {
            self.count += 1;
            self.sum_us += u128::from(us);
        }
    }
}

/// The money of some calls in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Which currency.
    pub currency: Currency,
    /// Their sum in nano-units.
    pub nanos: i128,
    /// How many calls told a cost in it, explicit zeros included.
    pub calls: u64,
}

/// Sums of money, one for each currency: never a mix.
///
/// Most cells see one currency, so the first is held in place.
#[derive(Clone, Debug, Default)]
pub struct Costs {
    first: Option<Cost>,
    #[expect(clippy::box_collection, reason = "a thin pointer: a Vec would add 16 bytes to every cell")]
    more: Option<Box<Vec<Cost>>>, // none of them in the currency of `first`
}

impl Costs {
    /// One entry for each currency that some call told a cost in, sorted by code.
    #[must_use]
    pub fn by_currency(&self) -> Vec<Cost> {
        let mut all: Vec<Cost> = self.raw().copied().filter(|cost| cost.calls > 0).collect();
        all.sort_unstable_by_key(|cost| cost.currency);
        all
    }

    /// The sum of one currency in nano-units, if some call told a cost in it.
    #[must_use]
    pub fn get(&self, currency: Currency) -> Option<i128> {
        self.raw().find(|cost| cost.currency == currency && cost.calls > 0).map(|cost| cost.nanos)
    }

    /// How many calls told a cost, in any currency.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.raw().map(|cost| cost.calls).sum()
    }

    /// Adds the money of some calls in one currency.
    #[inline]
    pub fn add(&mut self, cost: Cost) {
        let sum = self.entry(cost.currency);
        sum.nanos += cost.nanos;
        sum.calls += cost.calls;
    }

    /// Adds the cost of one call; nearly all are in the currency of the first.
    #[inline]
    pub(super) fn add_one(&mut self, currency: Currency, nanos: i64) {
        match &mut self.first {
            Some(first) if first.currency == currency => {
                first.nanos += i128::from(nanos);
                first.calls += 1;
            }
            _ => self.add(Cost { currency, nanos: i128::from(nanos), calls: 1 }),
        }
    }

    /// Adds another one's money.
    #[inline]
    pub fn merge(&mut self, other: &Self) {
        other.raw().for_each(|cost| self.add(*cost));
    }

    fn subtract(&mut self, cost: Cost) {
        let sum = self.entry(cost.currency);
        sum.nanos -= cost.nanos;
        sum.calls -= cost.calls;
    }

    /// One entry for each currency, in no order; some may have no calls left.
    pub(super) fn raw(&self) -> impl Iterator<Item = &Cost> {
        self.first.iter().chain(self.more.iter().flat_map(|more| more.iter()))
    }

    #[inline]
    fn entry(&mut self, currency: Currency) -> &mut Cost {
        let empty = Cost { currency, nanos: 0, calls: 0 };
        let first = self.first.get_or_insert(empty);
        if first.currency == currency {
            return first;
        }
        let more = self.more.get_or_insert_default();
        let place = more.iter().position(|cost| cost.currency == currency).unwrap_or_else(|| {
            more.push(empty);
            more.len() - 1
        });
        &mut more[place]
    }
}

impl PartialEq for Costs {
    fn eq(&self, other: &Self) -> bool {
        self.by_currency() == other.by_currency()
    }
}

impl Eq for Costs {}

/// Counts and sums of some calls. Merging is associative and commutative with [`default`] as the
/// empty one; every figure is an integer, so adding and subtracting never drifts.
///
/// [`default`]: Aggregate::default
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aggregate {
    /// Calls.
    pub requests: u64,
    /// Of these, the ones that did not succeed.
    pub failures: u64,
    /// Of these, the ones counted under `__other__` for want of room.
    pub overflowed: u64,
    /// Of these, the ones that told no tokens.
    pub unmetered: u64,
    /// Tokens in, cache reads included.
    pub input_tokens: u128,
    /// Tokens out, reasoning included.
    pub output_tokens: u128,
    /// Tokens read from a cache.
    pub cache_read_tokens: u128,
    /// Tokens written to a cache.
    pub cache_write_tokens: u128,
    /// Tokens spent on reasoning.
    pub reasoning_tokens: u128,
    /// Tokens in all, as the senders count them.
    pub total_tokens: u128,
    /// Latency.
    pub latency: Timing,
    /// Time to first token.
    pub ttft: Timing,
    /// Money by currency.
    pub cost: Costs,
}

/// How a call of some series counts, whatever its numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kind {
    /// Its status is not a success.
    pub failure: bool,
    /// One of its dimensions is `__other__`.
    pub overflowed: bool,
}

impl Aggregate {
    /// Calls that succeeded.
    #[must_use]
    pub fn successes(&self) -> u64 {
        self.requests - self.failures
    }

    /// Calls that told no cost.
    #[must_use]
    pub fn unpriced(&self) -> u64 {
        self.requests - self.cost.calls()
    }

    /// Counts one call, in the dullest way that could be right: what the open buckets' cells are
    /// tested against.
    #[cfg(test)]
    pub(crate) fn record(&mut self, measures: &Measures, kind: Kind) {
        self.requests += 1;
        self.failures += u64::from(kind.failure);
        self.overflowed += u64::from(kind.overflowed);
        self.unmetered += u64::from(!measures.metered());
        self.input_tokens += u128::from(measures.input_tokens.unwrap_or(0));
        self.output_tokens += u128::from(measures.output_tokens.unwrap_or(0));
        self.cache_read_tokens += u128::from(measures.cache_read_tokens.unwrap_or(0));
        self.cache_write_tokens += u128::from(measures.cache_write_tokens.unwrap_or(0));
        self.reasoning_tokens += u128::from(measures.reasoning_tokens.unwrap_or(0));
        self.total_tokens += u128::from(measures.total().unwrap_or(0));
        self.latency.record(measures.latency_us);
        self.ttft.record(measures.ttft_us);
        if let Some(Money { nanos, currency }) = measures.cost {
            self.cost.add_one(currency, nanos);
        }
    }

    /// Adds another one's calls.
    #[inline]
    pub fn merge(&mut self, other: &Self) {
        self.combine(other, |a, b| *a += b, |a, b| *a += b);
        self.cost.merge(&other.cost);
    }

    /// Takes away calls that were added before.
    pub fn subtract(&mut self, other: &Self) {
        self.combine(other, |a, b| *a -= b, |a, b| *a -= b);
        other.cost.raw().for_each(|cost| self.cost.subtract(*cost));
    }

    #[inline]
    fn combine(&mut self, other: &Self, count: impl Fn(&mut u64, u64), sum: impl Fn(&mut u128, u128)) {
        count(&mut self.requests, other.requests);
        count(&mut self.failures, other.failures);
        count(&mut self.overflowed, other.overflowed);
        count(&mut self.unmetered, other.unmetered);
        count(&mut self.latency.count, other.latency.count);
        count(&mut self.ttft.count, other.ttft.count);
        sum(&mut self.input_tokens, other.input_tokens);
        sum(&mut self.output_tokens, other.output_tokens);
        sum(&mut self.cache_read_tokens, other.cache_read_tokens);
        sum(&mut self.cache_write_tokens, other.cache_write_tokens);
        sum(&mut self.reasoning_tokens, other.reasoning_tokens);
        sum(&mut self.total_tokens, other.total_tokens);
        sum(&mut self.latency.sum_us, other.latency.sum_us);
        sum(&mut self.ttft.sum_us, other.ttft.sum_us);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn priced(code: &str, nanos: i64) -> Measures {
        Measures { cost: Some(Money { nanos, currency: Currency::parse(code).unwrap() }), ..Measures::default() }
    }

    #[test]
    fn what_was_added_can_be_taken_away() {
        let mut all = Aggregate::default();
        let mut early = Aggregate::default();
        for measures in [priced("EUR", 7), priced("USD", 5)] {
            all.record(&measures, Kind::default());
            early.record(&measures, Kind::default());
        }
        all.record(&priced("USD", 0), Kind { failure: true, overflowed: false });
        all.record(&Measures { input_tokens: Some(3), ..Measures::default() }, Kind::default());
        all.subtract(&early);
        assert_eq!((all.requests, all.successes(), all.failures, all.input_tokens), (2, 1, 1, 3));
        let usd = Cost { currency: Currency::USD, nanos: 0, calls: 1 };
        assert_eq!(all.cost.by_currency(), [usd], "an explicit zero is seen; a currency of before is not");
        assert_eq!((all.unpriced(), all.unmetered), (1, 1));
    }

    #[test]
    fn the_order_of_currencies_does_not_matter() {
        let (mut a, mut b) = (Costs::default(), Costs::default());
        let cost = |code, nanos| Cost { currency: Currency::parse(code).unwrap(), nanos, calls: 1 };
        for code in ["USD", "EUR", "CNY"] {
            a.add(cost(code, 1));
        }
        for code in ["CNY", "USD", "EUR"] {
            b.add(cost(code, 1));
        }
        assert_eq!(a, b);
        assert_eq!(a.get(Currency::USD), Some(1));
    }
}
