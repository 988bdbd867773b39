//! Prices against another decimal library, and by hand.

use super::*;
use proptest::prelude::*;
use rust_decimal::Decimal;
use rust_decimal::RoundingStrategy;
use std::path::Path;

const TABLE: &str = r#"
[[price]]
model = "gpt-4o"
input = "2.50"
cache_read = "1.25"
output = "10.00"

[[price]]
model = "gpt-4o*"
input = "1"
output = "2"

[[price]]
model = "gpt-4o-mini-*"
input = "0.15"
output = "0.6"
reasoning = "0.7"

[[price]]
model = "azure/*"
currency = "CNY"
input = "7"
cache_write = "8.75"
output = "0"
"#;

const LITELLM: &str = r#"{
    "sample_spec": {"input_cost_per_token": "0.0000", "mode": "one of: chat, embedding"},
    "gemini-pro": {"input_cost_per_token": 1.25e-06, "output_cost_per_token": 1E-5, "litellm_provider": "x",
        "input_cost_per_token_above_200k_tokens": 2.5e-06, "cache_read_input_token_cost": 3.125e-07,
        "output_cost_per_reasoning_token": null, "supports_vision": true, "extra": {"deep": [1]}},
    "text-embedding": {"input_cost_per_token": 0.00000002, "output_cost_per_token": 0.0},
    "dust": {"input_cost_per_token": 5.0000000000000004e-08, "output_cost_per_token": 0},
    "azure/dust": {"input_cost_per_token": 1e-12},
    "dall-e": {"output_cost_per_image": 0.04}
}"#;

fn tokens(input: u64, cache_read: u64, cache_write: u64, output: u64, reasoning: u64) -> Measures {
    Measures {
        input_tokens: Some(input),
        cache_read_tokens: Some(cache_read),
        cache_write_tokens: Some(cache_write),
        output_tokens: Some(output),
        reasoning_tokens: Some(reasoning),
        ..Measures::default()
    }
}

fn nanos(text: &str, provider: &str, model: &str, measures: &Measures) -> Result<i128, Unpriced> {
    Prices::parse(text).unwrap().cost(provider, model, measures).map(|priced| priced.nanos)
}

#[test]
fn each_part_is_charged_once_at_its_price() {
    let call = tokens(1_000, 600, 100, 200, 50);
    // 300 × 2.50 + 600 × 1.25 + 100 × 2.50 + 200 × 10 µ$
    assert_eq!(nanos(TABLE, "", "gpt-4o", &call), Ok(750_000 + 750_000 + 250_000 + 2_000_000));
    assert_eq!(nanos(TABLE, "", "gpt-4o-mini-x", &call), Ok(150_000 + 150 * 600 + 50 * 700));
    let priced = Prices::parse(TABLE).unwrap().cost("azure", "other", &call).unwrap();
    assert_eq!((priced.currency.code(), priced.nanos, priced.odd), ("CNY", 900 * 7_000 + 100 * 8_750, false));
    let odd = Prices::parse(TABLE).unwrap().cost("", "gpt-4o", &tokens(10, 600, 0, 0, 0)).unwrap();
    assert_eq!((odd.nanos, odd.odd), (750_000, true));
}

#[test]
fn the_longest_name_wins() {
    let prices = Prices::parse(TABLE).unwrap();
    let input = |provider, model| prices.find(provider, model).and_then(|price| price.rates.input);
    for (provider, model, expected) in [
        ("", "gpt-4o", Some(2_500_000)),
        ("openai", "gpt-4o", Some(2_500_000)),
        ("", "gpt-4o-2024", Some(1_000_000)),
        ("", "gpt-4o-mini", Some(1_000_000)),
        ("", "gpt-4o-mini-x", Some(150_000)),
        ("azure", "x", Some(7_000_000)),
        ("azure", "gpt-4o-mini-x", Some(150_000)),
        ("", "azure/x", Some(7_000_000)),
        ("", "gpt-4", None),
        ("", "", None),
        ("azure", "", None),
    ] {
        assert_eq!(input(provider, model), expected, "{provider} {model}");
    }
}

#[test]
fn no_price_is_not_nothing() {
    let none = Measures { total_tokens: Some(7), ..Measures::default() };
    assert_eq!(nanos(TABLE, "", "gpt-4o", &none), Err(Unpriced::NoTokens));
    assert_eq!(nanos(TABLE, "", "unknown", &tokens(1, 0, 0, 1, 0)), Err(Unpriced::NoPrice));
    assert_eq!(nanos(LITELLM, "azure", "dust", &tokens(1, 0, 0, 1, 0)), Err(Unpriced::NoPrice), "none for output");
    assert_eq!(nanos(LITELLM, "", "dall-e", &tokens(1, 0, 0, 1, 0)), Err(Unpriced::NoPrice));
    assert_eq!(nanos(TABLE, "", "gpt-4o", &tokens(0, 0, 0, 0, 0)), Ok(0), "no tokens, and that is told");
}

#[test]
fn numbers_of_litellm_are_read_from_their_text() {
    let prices = Prices::parse(LITELLM).unwrap();
    let rates = |model| prices.find("", model).unwrap().rates;
    assert_eq!((rates("gemini-pro").input, rates("gemini-pro").output), (Some(1_250_000), Some(10_000_000)));
    assert_eq!((rates("gemini-pro").cache_read, rates("gemini-pro").reasoning), (Some(312_500), None));
    assert_eq!(rates("text-embedding").input, Some(20_000));
    assert_eq!(rates("dust").input, Some(50_000));
    assert_eq!(prices.find("azure", "dust").unwrap().rates.input, Some(1));
    assert!(prices.find("", "sample_spec").is_none());
}

#[test]
fn long_calls_cost_more() {
    let cost = |input| nanos(LITELLM, "", "gemini-pro", &tokens(input, 100_000, 0, 0, 0)).unwrap();
    assert_eq!(cost(200_000), 100_000 * 1_250 + 31_250_000);
    assert_eq!(cost(200_001), 100_001 * 2_500 + 31_250_000, "what is not told for long ones is as for short ones");
}

#[test]
fn half_a_nano_goes_to_the_even_one() {
    assert_eq!([500, 1_500, 2_500, 499, 501, 1_499].map(to_nanos), [0, 2, 2, 0, 1, 1]);
}

#[test]
fn a_wrong_table_is_refused() {
    let fault = |text: &str| Prices::parse(text).unwrap_err().to_string();
    let entry = |rest: &str| format!("[[price]]\nmodel = \"m\"\n{rest}\n");
    assert!(fault(&entry("input = 2.5")).contains("expected a string"), "{}", fault(&entry("input = 2.5")));
    assert_eq!(fault(&entry("input = \"-1\"")), "the price of `m`: input: an amount can't be negative");
    assert_eq!(fault(&entry("input = \"1e30\"")), "the price of `m`: input: a token can't cost that much");
    assert!(fault(&entry("inputs = \"1\"")).contains("unknown field"));
    assert!(fault(&entry("input = \"1\"\ncurrency = \"DOLLAR\"")).contains("currency"));
    assert!(fault(&entry("cache_read = \"1\"")).contains("neither"));
    assert_eq!(fault(&entry("input = \"1\"").repeat(2)), "the price of `m` is told twice");
    assert_eq!(fault(""), "it tells no price");
    assert!(fault("{\"a\": 1}").contains("invalid type"));
}

fn decimal(picos: Option<i128>) -> Decimal {
    Decimal::from_i128_with_scale(picos.unwrap_or(0), 12)
}

proptest! {
    #[test]
    fn every_cost_is_what_another_library_says(
        rates in proptest::array::uniform5(0_i128..10_000_000_000),
        counts in proptest::array::uniform5(0_u64..30_000_000),
    ) {
        let [input, output, cache_read, cache_write, reasoning] = rates.map(Some);
        let rates = Rates { input, output, cache_read, cache_write, reasoning };
        let [plain, read, write, answer, thought] = counts;
        let call = tokens(plain + read + write, read, write, answer + thought, thought);
        let pairs = [(plain, input), (read, cache_read), (write, cache_write), (answer, output), (thought, reasoning)];
        let exact: Decimal = pairs.iter().map(|(count, rate)| Decimal::from(*count) * decimal(*rate)).sum();
        let rounded = exact.round_dp_with_strategy(9, RoundingStrategy::MidpointNearestEven);
        let nanos = to_nanos(rates.charge(&Parts::of(&call)).unwrap());
        prop_assert_eq!(Decimal::from_i128_with_scale(nanos, 9), rounded);
    }

    #[test]
    fn every_price_is_what_another_library_says(whole in 0_u32..1_000, fraction in "[0-9]{1,8}") {
        let text = format!("{whole}.{fraction}");
        let table = format!("[[price]]\nmodel = \"m\"\ninput = \"{text}\"\n");
        let picos = Prices::parse(&table).unwrap().find("", "m").unwrap().rates.input;
        let exact: Decimal = text.parse().unwrap();
        let rounded = exact.round_dp_with_strategy(6, RoundingStrategy::MidpointNearestEven);
        prop_assert_eq!(Decimal::from_i128_with_scale(picos.unwrap(), 6), rounded);
    }
}

/// The real file, where it lies beside the checkout.
#[test]
fn the_real_table_of_litellm_is_read() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/model_prices.json");
    let Ok(text) = std::fs::read_to_string(&file) else {
        eprintln!("skipped: the_real_table_of_litellm_is_read: no {}", file.display());
        return;
    };
    let prices = Prices::parse(&text).unwrap();
    assert!(prices.exact.len() > 2_000, "{}", prices.exact.len());
    assert_eq!(prices.find("", "gpt-4o").unwrap().rates.input, Some(2_500_000));
    let entries: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
    for (model, price) in &prices.exact {
        let near = entries[model]["input_cost_per_token"].as_f64().unwrap_or(0.0) * 1e12;
        let picos = price.rates.input.unwrap_or(0) as f64;
        assert!((picos - near).abs() <= 0.5 + near * 1e-9, "{model}: {picos} {near}");
    }
}
