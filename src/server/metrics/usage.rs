//! Usage under names of our own: each family by one label, so that its rows add up.

use super::family::Labels;
use super::family::Metric;
use super::family::Value;
use crate::engine::grown::By;
use crate::engine::grown::Family;
use crate::engine::grown::Growth;
use crate::engine::grown::LATENCY_BOUNDS_US;
use crate::engine::grown::TTFT_BOUNDS_US;

/// The metrics of each family that has a label of its own.
pub(super) fn metrics(families: &[Family]) -> Vec<Metric> {
    families.iter().filter_map(|family| Some(of(family, label(family.by)?))).flatten().collect()
}

fn label(by: By) -> Option<&'static str> {
    match by {
        By::Model => Some("model"),
        By::Provider => Some("provider"),
        By::Endpoint => Some("endpoint"),
        By::Class => Some("status"),
        By::Operation => None,
    }
}

fn of(family: &Family, label: &'static str) -> Vec<Metric> {
    let named = |what: &str| format!("tallyring_{label}_{what}");
    let mut requests = Metric::counter(named("requests"), "Calls counted, by outcome.");
    let mut unpriced = Metric::counter(named("unpriced_requests"), "Calls that told no cost.");
    let mut tokens = Metric::counter(named("tokens"), "Tokens by type; input includes cache_read, output reasoning.");
    let mut cost = costs(named("cost"));
    let mut latency = Metric::histogram(named("latency_seconds"), "Time to the end of the answer.");
    let mut ttft = Metric::histogram(named("ttft_seconds"), "Time to the first token.");
    for (names, growth) in &family.rows {
        let name = || vec![(label, names[0].to_string())];
        let with = |key: &'static str, value: &str| [name(), vec![(key, value.to_owned())]].concat();
        let sums = &growth.sums;
        requests.push(with("outcome", "success"), sums.successes());
        requests.push(with("outcome", "failure"), sums.failures);
        unpriced.push(name(), sums.unpriced());
        let types = [
            ("input", sums.input_tokens),
            ("output", sums.output_tokens),
            ("cache_read", sums.cache_read_tokens),
            ("cache_write", sums.cache_write_tokens),
            ("reasoning", sums.reasoning_tokens),
            ("total", sums.total_tokens),
        ];
        types.into_iter().for_each(|(kind, count)| tokens.push(with("type", kind), count));
        push_costs(&mut cost, growth, &name());
        latency.push(name(), latencies(growth));
        ttft.push(name(), ttfts(growth));
    }
    vec![requests, unpriced, tokens, cost, latency, ttft]
}

/// Money by currency, which no convention has a name for.
pub(super) fn costs(name: impl Into<String>) -> Metric {
    Metric::counter(name, "Money in units of its currency.")
}

pub(super) fn push_costs(metric: &mut Metric, growth: &Growth, labels: &Labels) {
    for cost in growth.sums.cost.by_currency() {
        let labels = [labels.clone(), vec![("currency", cost.currency.code().to_owned())]].concat();
        metric.push(labels, cost.nanos as f64 / 1e9);
    }
}

pub(super) fn latencies(growth: &Growth) -> Value {
    histogram(&LATENCY_BOUNDS_US, &growth.latency, growth.sums.latency.sum_us)
}

pub(super) fn ttfts(growth: &Growth) -> Value {
    histogram(&TTFT_BOUNDS_US, &growth.ttft, growth.sums.ttft.sum_us)
}

fn histogram(bounds_us: &[u64], counts: &[u64], sum_us: u128) -> Value {
    let bounds = bounds_us.iter().map(|us| seconds((*us).into())).chain([f64::INFINITY]);
    Value::Histogram { sum: seconds(sum_us), buckets: bounds.zip(counts.iter().copied()).collect() }
}

fn seconds(us: u128) -> f64 {
    us as f64 / 1e6
}
