//! What calls cost by a table of prices: exact integers, one rounding for each call.
//!
//! Prices are pico-units (10^-12) of a currency for one token; a call's cost is rounded once, half
//! to even, to nano-units. Which tokens are charged at which price follows from what the counts
//! mean here, which is OpenTelemetry's rule (`gen_ai.usage.*`: cache reads and cache writes "SHOULD
//! be included in" `input_tokens`, reasoning in `output_tokens`):
//!
//! | tokens | at the price of | without one |
//! |---|---|---|
//! | input − cache reads − cache writes | `input` | the call has no price |
//! | cache reads | `cache_read` | `input` |
//! | cache writes | `cache_write` | `input` |
//! | output − reasoning | `output` | the call has no price |
//! | reasoning | `reasoning` | `output` |
//!
//! No tokens of a kind need no price. A call that tells no tokens, or whose model is not in the
//! table, has no price; that is never the same as costing nothing.

mod litellm;
mod table;

use crate::engine::event::Measures;
use crate::engine::money::Currency;
use crate::engine::money::MoneyError;
use crate::engine::money::parse_units;
use std::collections::HashMap;

/// Pico-units in a nano-unit.
const PICOS: i128 = 1_000;
/// The most one token can cost, in pico-units: a million units of currency.
const RATE_MAX: i128 = 1_000_000_000_000_000_000;

/// Pico-units for one token of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Tokens in.
    pub input: Option<i128>,
    /// Tokens out.
    pub output: Option<i128>,
    /// Of those in, read from a cache.
    pub cache_read: Option<i128>,
    /// Of those in, written to a cache.
    pub cache_write: Option<i128>,
    /// Of those out, spent on reasoning.
    pub reasoning: Option<i128>,
}

/// The price of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// Of this currency.
    pub currency: Currency,
    /// For calls in general.
    pub rates: Rates,
    /// For calls with more input tokens than a number, ascending; all their tokens cost so much.
    pub above: Vec<(u64, Rates)>,
}

/// Prices by model.
#[derive(Clone, Debug, Default)]
pub struct Prices {
    exact: HashMap<String, Price>,
    prefixes: Vec<(String, Price)>, // longest first
}

/// What a call costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priced {
    /// Of this currency.
    pub currency: Currency,
    /// Nano-units.
    pub nanos: i128,
    /// Whether it tells more tokens of a part than of the whole, so that it was charged for the
    /// parts only.
    pub odd: bool,
}

/// Why a call has no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unpriced {
    /// The table does not name its model, or has no price for a kind of its tokens.
    NoPrice,
    /// It tells neither tokens in nor out.
    NoTokens,
}

/// Why a table can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// Not the format it should be.
    #[error("{0}")]
    Malformed(String),
    /// A price that can't be.
    #[error("the price of `{model}`: {field}: {fault}")]
    Bad {
        /// Of this model.
        model: String,
        /// The field.
        field: String,
        /// What is wrong.
        fault: String,
    },
    /// A model that is named twice.
    #[error("the price of `{0}` is told twice")]
    Twice(String),
    /// No price at all.
    #[error("it tells no price")]
    Empty,
}

impl Prices {
    /// Reads a table: `LiteLLM`'s `model_prices.json` where the text begins with `{`, otherwise TOML.
    ///
    /// # Errors
    /// [`PriceError`].
    pub fn parse(text: &str) -> Result<Self, PriceError> {
        let prices = if text.trim_start().starts_with('{') { litellm::parse(text)? } else { table::parse(text)? };
        if prices.exact.is_empty() && prices.prefixes.is_empty() { Err(PriceError::Empty) } else { Ok(prices) }
    }

    /// Adds the price of a model, or of all that begin as `model` does before its `*`.
    fn add(&mut self, model: &str, price: Price) -> Result<(), PriceError> {
        let twice = || PriceError::Twice(model.to_owned());
        let Some(prefix) = model.strip_suffix('*') else {
            return self.exact.insert(model.to_owned(), price).map_or(Ok(()), |_| Err(twice()));
        };
        if self.prefixes.iter().any(|(known, _)| known == prefix) {
            return Err(twice());
        }
        let place = self.prefixes.partition_point(|(known, _)| known.len() >= prefix.len());
        self.prefixes.insert(place, (prefix.to_owned(), price));
        Ok(())
    }

    /// The price of a model: `provider/model` exactly, then `model` exactly, then the longest
    /// prefix of either.
    #[must_use]
    pub fn find(&self, provider: &str, model: &str) -> Option<&Price> {
        if model.is_empty() {
            return None;
        }
        let full = format!("{provider}/{model}");
        let begins = |prefix: &str| model.starts_with(prefix) || (!provider.is_empty() && full.starts_with(prefix));
        let prefix = || self.prefixes.iter().find(|(prefix, _)| begins(prefix)).map(|(_, price)| price);
        self.exact.get(&full).or_else(|| self.exact.get(model)).or_else(prefix)
    }

    /// What a call costs.
    ///
    /// # Errors
    /// [`Unpriced`].
    pub fn cost(&self, provider: &str, model: &str, measures: &Measures) -> Result<Priced, Unpriced> {
        if measures.input_tokens.is_none() && measures.output_tokens.is_none() {
            return Err(Unpriced::NoTokens);
        }
        let price = self.find(provider, model).ok_or(Unpriced::NoPrice)?;
        let parts = Parts::of(measures);
        let picos = price.rates(measures.input_tokens.unwrap_or(0)).charge(&parts).ok_or(Unpriced::NoPrice)?;
        Ok(Priced { currency: price.currency, nanos: to_nanos(picos), odd: parts.odd })
    }
}

impl Price {
    fn rates(&self, input: u64) -> &Rates {
        self.above.iter().rev().find(|(more, _)| input > *more).map_or(&self.rates, |(_, rates)| rates)
    }
}

/// The tokens of a call, each in one part.
struct Parts {
    input: u64,
    cache_read: u64,
    cache_write: u64,
    output: u64,
    reasoning: u64,
    odd: bool,
}

impl Parts {
    fn of(measures: &Measures) -> Self {
        let count = |tokens: Option<u64>| tokens.unwrap_or(0);
        let (cache_read, cache_write) = (count(measures.cache_read_tokens), count(measures.cache_write_tokens));
        let (reasoning, output) = (count(measures.reasoning_tokens), count(measures.output_tokens));
        let (input, cached) = (count(measures.input_tokens), cache_read + cache_write);
        Self {
            input: input.saturating_sub(cached),
            cache_read,
            cache_write,
            output: output.saturating_sub(reasoning),
            reasoning,
            odd: input < cached || output < reasoning,
        }
    }
}

impl Rates {
    /// Pico-units; `None` where there are tokens that have no price.
    fn charge(&self, parts: &Parts) -> Option<i128> {
        let kinds = [
            (parts.input, self.input),
            (parts.cache_read, self.cache_read.or(self.input)),
            (parts.cache_write, self.cache_write.or(self.input)),
            (parts.output, self.output),
            (parts.reasoning, self.reasoning.or(self.output)),
        ];
        let charged = kinds.into_iter().filter(|(tokens, _)| *tokens > 0);
        charged.map(|(tokens, rate)| Some(i128::from(tokens) * rate?)).sum()
    }
}

/// Rounded half to even.
fn to_nanos(picos: i128) -> i128 {
    let (whole, twice) = (picos / PICOS, picos % PICOS * 2);
    whole + i128::from(twice > PICOS || (twice == PICOS && whole % 2 == 1))
}

/// Reads a price as units of 10^-`places`, rounded once, half to even.
fn rate(model: &str, field: &str, text: &str, places: i64) -> Result<i128, PriceError> {
    let bad = |fault: String| PriceError::Bad { model: model.to_owned(), field: field.to_owned(), fault };
    match parse_units(text.trim(), places) {
        Ok(rate) if rate <= RATE_MAX => Ok(rate),
        Ok(_) | Err(MoneyError::TooLarge) => Err(bad("a token can't cost that much".to_owned())),
        Err(fault) => Err(bad(fault.to_string())),
    }
}

#[cfg(test)]
mod tests;
