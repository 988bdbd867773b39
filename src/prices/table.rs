//! Prices as TOML, for people:
//!
//! ```toml
//! [[price]]
//! model = "gpt-4o*"        # exactly, or all that begin so; the longest wins
//! currency = "USD"         # the default
//! input = "2.50"           # for 1,000,000 tokens, as text: TOML's numbers are floats
//! cache_read = "1.25"
//! output = "10.00"
//! ```

use super::Price;
use super::PriceError;
use super::Prices;
use super::Rates;
use super::rate;
use crate::engine::money::Currency;
use serde::Deserialize;

/// A price for a million tokens in millionths is one for a token in pico-units.
const PLACES: i64 = 6;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    price: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    model: String,
    currency: Option<String>,
    input: Option<String>,
    output: Option<String>,
    cache_read: Option<String>,
    cache_write: Option<String>,
    reasoning: Option<String>,
}

pub(super) fn parse(text: &str) -> Result<Prices, PriceError> {
    let file: File = toml::from_str(text).map_err(|fault| PriceError::Malformed(fault.to_string()))?;
    let mut prices = Prices::default();
    for entry in file.price {
        let price = entry.price()?;
        prices.add(&entry.model, price)?;
    }
    Ok(prices)
}

impl Entry {
    fn price(&self) -> Result<Price, PriceError> {
        let bad =
            |field: &str, fault: String| PriceError::Bad { model: self.model.clone(), field: field.into(), fault };
        let currency = self.currency.as_deref().map_or(Ok(Currency::USD), Currency::parse);
        let currency = currency.map_err(|fault| bad("currency", fault.to_string()))?;
        let read = |field: &str, text: &Option<String>| {
            text.as_deref().map(|text| rate(&self.model, field, text, PLACES)).transpose()
        };
        let rates = Rates {
            input: read("input", &self.input)?,
            output: read("output", &self.output)?,
            cache_read: read("cache_read", &self.cache_read)?,
            cache_write: read("cache_write", &self.cache_write)?,
            reasoning: read("reasoning", &self.reasoning)?,
        };
        if rates.input.is_none() && rates.output.is_none() {
            return Err(bad("input", "neither input nor output has a price".to_owned()));
        }
        Ok(Price { currency, rates, above: Vec::new() })
    }
}
