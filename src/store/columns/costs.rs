//! The column of costs: amounts, and the currency of each by its number in a short list.

use crate::engine::money::Currency;
use crate::engine::money::Money;
use crate::store::varint::Malformed;
use crate::store::varint::Reader;
use crate::store::varint::put;
use std::slice::Iter;

/// Invariant: currencies are different and stand in the order in which they are first used; each
/// is used.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Costs {
    currencies: Vec<Currency>,
    /// By place in `currencies`: there are fewer than 256 in the world.
    numbers: Vec<u8>,
    nanos: Vec<i64>,
}

/// The costs in order.
#[derive(Clone)]
pub(super) struct CostCursor<'a> {
    currencies: &'a [Currency],
    numbers: Iter<'a, u8>,
    nanos: Iter<'a, i64>,
}

impl Costs {
    pub(super) fn push(&mut self, cost: Money) {
        let number = self.currencies.iter().position(|known| *known == cost.currency).unwrap_or_else(|| {
            self.currencies.push(cost.currency);
            self.currencies.len() - 1
        });
        self.numbers.push(u8::try_from(number).expect("fewer than 256 currencies exist"));
        self.nanos.push(cost.nanos);
    }

    pub(super) fn clear(&mut self) {
        self.currencies.clear();
        self.numbers.clear();
        self.nanos.clear();
    }

    pub(super) fn cursor(&self) -> CostCursor<'_> {
        CostCursor { currencies: &self.currencies, numbers: self.numbers.iter(), nanos: self.nanos.iter() }
    }

    #[cfg(feature = "server")]
    pub(super) fn any_negative(&self) -> bool {
        self.nanos.iter().any(|nanos| *nanos < 0)
    }

    pub(super) fn bytes(&self) -> usize {
        self.currencies.capacity() * 3 + self.numbers.capacity() + self.nanos.capacity() * 8
    }

    /// The currencies; where there are several, the number of each cost's; the amounts. Nothing
    /// where there are no costs.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        if self.nanos.is_empty() {
            return;
        }
        put(out, self.currencies.len() as u64);
        self.currencies.iter().for_each(|currency| out.extend_from_slice(currency.code().as_bytes()));
        if self.currencies.len() > 1 {
            out.extend_from_slice(&self.numbers);
        }
        self.nanos.iter().for_each(|nanos| put(out, nanos.cast_unsigned()));
    }

    pub(super) fn decode(reader: &mut Reader<'_>, count: usize) -> Result<Self, Malformed> {
        if count == 0 {
            return Ok(Self::default());
        }
        let currencies = Self::decode_currencies(reader)?;
        let several = currencies.len() > 1;
        let numbers = if several { reader.take(count)?.to_vec() } else { Vec::new() };
        if several && !in_order_of_use(&numbers, currencies.len()) {
            return Err(reader.fail("currencies that are not in the order of their use"));
        }
        let nanos = reader.integers(count, i64::MAX.cast_unsigned())?;
        let nanos = nanos.into_iter().map(u64::cast_signed).collect();
        let numbers = if several { numbers } else { vec![0; count] };
        Ok(Self { currencies, numbers, nanos })
    }

    fn decode_currencies(reader: &mut Reader<'_>) -> Result<Vec<Currency>, Malformed> {
        let count = reader.count(3)?;
        let mut currencies = Vec::new();
        for _ in 0..count {
            let code = reader.utf8(3)?;
            // Other spellings than the code itself are not canonical.
            let currency = Currency::parse(code).ok().filter(|known| known.code() == code);
            let currency = currency.ok_or_else(|| reader.fail("an unknown currency"))?;
            if currencies.contains(&currency) {
                return Err(reader.fail("a currency comes twice"));
            }
            currencies.push(currency);
        }
        if currencies.is_empty() { Err(reader.fail("costs without a currency")) } else { Ok(currencies) }
    }
}

/// Whether the first use of each of `all` currencies comes after that of the one before.
fn in_order_of_use(numbers: &[u8], all: usize) -> bool {
    let mut seen = 0;
    let ordered = numbers.iter().all(|number| {
        let number = usize::from(*number);
        seen += usize::from(number == seen);
        number < seen
    });
    ordered && seen == all
}

impl CostCursor<'_> {
    /// The next cost.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Money> {
        let currency = *self.currencies.get(usize::from(*self.numbers.next()?))?;
        Some(Money { nanos: *self.nanos.next()?, currency })
    }
}
