//! Usage under the names of OpenTelemetry's conventions for generative AI, as Prometheus spells
//! them.
//!
//! The conventions want the tokens of each call as a distribution. Calls are counted by what they
//! add up to, so that one has a single bucket: its sum and its count are exact, quantiles of it
//! can't be told. What operation a call was (`gen_ai.operation.name`) no sender tells.

use super::family::Labels;
use super::family::Metric;
use super::family::Value;
use super::usage::costs;
use super::usage::latencies;
use super::usage::push_costs;
use super::usage::ttfts;
use crate::engine::grown::By;
use crate::engine::grown::Family;
use std::sync::Arc;

const LABELS: [&str; 3] = ["gen_ai_request_model", "gen_ai_provider_name", "error_type"];

pub(super) fn metrics(families: &[Family]) -> Vec<Metric> {
    families.iter().find(|family| family.by == By::Operation).map(of).unwrap_or_default()
}

fn of(family: &Family) -> Vec<Metric> {
    let mut tokens = Metric::histogram("gen_ai_client_token_usage", "Number of input and output tokens used.");
    let mut duration = Metric::histogram("gen_ai_client_operation_duration_seconds", "GenAI operation duration.");
    let name = "gen_ai_client_operation_time_to_first_chunk_seconds";
    let mut first = Metric::histogram(name, "Time to receive the first chunk.");
    let mut cost = costs("tallyring_operation_cost");
    for (names, growth) in &family.rows {
        let sums = &growth.sums;
        for (kind, count) in [("input", sums.input_tokens), ("output", sums.output_tokens)] {
            let labels = [labels(names), vec![("gen_ai_token_type", kind.to_owned())]].concat();
            tokens.push(labels, whole(count, sums.requests - sums.unmetered));
        }
        duration.push(labels(names), latencies(growth));
        first.push(labels(names), ttfts(growth));
        push_costs(&mut cost, growth, &labels(names));
    }
    vec![tokens, duration, first, cost]
}

/// Those that are told: a call that succeeded has no error.
fn labels(names: &[Arc<str>]) -> Labels {
    let told = LABELS.into_iter().zip(names).filter(|(_, name)| !name.is_empty());
    told.map(|(label, name)| (label, name.to_string())).collect()
}

fn whole(sum: u128, count: u64) -> Value {
    Value::Histogram { sum: sum as f64, buckets: vec![(f64::INFINITY, count)] }
}
