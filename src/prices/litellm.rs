//! `LiteLLM`'s `model_prices.json`: US dollars for one token, as JSON numbers.
//!
//! Numbers are read from their text, never through a float: `2.5e-06` is 2,500,000 pico-dollars.
//! The few that have more than twelve decimals are what floats left of a round number
//! (`5.0000000000000004e-08`), and are rounded to it.
//!
//! Read are the prices for tokens in general and `…_above_<n>k_tokens`. Not read are those of other
//! kinds of service (`_batches`, `_priority`, `_flex`, `_above_1hr`) and of things that are no
//! tokens (images, seconds, searches): a model that has only these has no price here.

use super::Price;
use super::PriceError;
use super::Prices;
use super::Rates;
use super::rate;
use crate::engine::money::Currency;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Dollars for a token in pico-dollars.
const PLACES: i64 = 12;
/// An entry that explains the others.
const SAMPLE: &str = "sample_spec";

type Entry<'a> = BTreeMap<String, &'a RawValue>;

pub(super) fn parse(text: &str) -> Result<Prices, PriceError> {
    let malformed = |fault: serde_json::Error| PriceError::Malformed(fault.to_string());
    let entries: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(malformed)?;
    let mut prices = Prices::default();
    for (model, entry) in entries.iter().filter(|(model, _)| *model != SAMPLE) {
        let entry: Entry<'_> = serde_json::from_str(entry.get()).map_err(malformed)?;
        if let Some(price) = price(model, &entry)? {
            prices.exact.insert(model.clone(), price);
        }
    }
    Ok(prices)
}

fn price(model: &str, entry: &Entry<'_>) -> Result<Option<Price>, PriceError> {
    let rates = rates(model, entry, "")?;
    if rates.input.is_none() && rates.output.is_none() {
        return Ok(None);
    }
    let mut steps: Vec<u64> = entry.keys().filter_map(|key| step(key)).collect();
    steps.sort_unstable();
    steps.dedup();
    let above = steps.into_iter().map(|thousands| {
        let more = self::rates(model, entry, &format!("_above_{thousands}k_tokens"))?;
        Ok((thousands * 1_000, more.or(&rates)))
    });
    Ok(Some(Price { currency: Currency::USD, rates, above: above.collect::<Result<_, PriceError>>()? }))
}

/// The number in `…_above_<n>k_tokens`.
fn step(key: &str) -> Option<u64> {
    let (_, step) = key.strip_suffix("k_tokens")?.rsplit_once("_above_")?;
    step.parse().ok().filter(|thousands| *thousands < 1_000_000)
}

fn rates(model: &str, entry: &Entry<'_>, suffix: &str) -> Result<Rates, PriceError> {
    let read = |name: &str| {
        let field = format!("{name}{suffix}");
        let told = entry.get(&field).map(|value| value.get()).filter(|text| *text != "null");
        told.map(|text| rate(model, &field, text.trim_matches('"'), PLACES)).transpose()
    };
    Ok(Rates {
        input: read("input_cost_per_token")?,
        output: read("output_cost_per_token")?,
        cache_read: read("cache_read_input_token_cost")?,
        cache_write: read("cache_creation_input_token_cost")?,
        reasoning: read("output_cost_per_reasoning_token")?,
    })
}

impl Rates {
    /// Where one is not told, another's.
    fn or(self, other: &Self) -> Self {
        Self {
            input: self.input.or(other.input),
            output: self.output.or(other.output),
            cache_read: self.cache_read.or(other.cache_read),
            cache_write: self.cache_write.or(other.cache_write),
            reasoning: self.reasoning.or(other.reasoning),
        }
    }
}
