//! The metrics of an answer: their names, and one group's figures as JSON.

use super::Money;
use super::Ms;
use crate::engine::aggregate::Aggregate;
use crate::engine::aggregate::Timing;
use crate::engine::histogram::Distribution;
use crate::engine::query::Totals;
use crate::engine::time::Zone;
use serde::Serialize;
use serde::Serializer;
use serde::ser::SerializeMap;

/// One figure of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Metric {
    /// Calls.
    Requests,
    /// Calls that succeeded.
    Successes,
    /// Calls that did not.
    Failures,
    /// Failures / requests.
    ErrorRate,
    /// Tokens in.
    InputTokens,
    /// Tokens out.
    OutputTokens,
    /// Tokens read from a cache.
    CacheReadTokens,
    /// Tokens written to a cache.
    CacheWriteTokens,
    /// Tokens spent on reasoning.
    ReasoningTokens,
    /// Tokens in all.
    TotalTokens,
    /// Money by currency.
    Cost,
    /// Calls without a cost.
    Unpriced,
    /// Latency.
    Latency,
    /// Time to first token.
    Ttft,
}

impl Metric {
    /// All of them, in the order in which answers tell them.
    pub(in crate::server) const ALL: [Self; 14] = [
        Self::Requests,
        Self::Successes,
        Self::Failures,
        Self::ErrorRate,
        Self::InputTokens,
        Self::OutputTokens,
        Self::CacheReadTokens,
        Self::CacheWriteTokens,
        Self::ReasoningTokens,
        Self::TotalTokens,
        Self::Cost,
        Self::Unpriced,
        Self::Latency,
        Self::Ttft,
    ];

    /// Its name in queries and answers.
    pub(in crate::server) fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Successes => "successes",
            Self::Failures => "failures",
            Self::ErrorRate => "error_rate",
            Self::InputTokens => "input_tokens",
            Self::OutputTokens => "output_tokens",
            Self::CacheReadTokens => "cache_read_tokens",
            Self::CacheWriteTokens => "cache_write_tokens",
            Self::ReasoningTokens => "reasoning_tokens",
            Self::TotalTokens => "total_tokens",
            Self::Cost => "cost",
            Self::Unpriced => "unpriced",
            Self::Latency => "latency_ms",
            Self::Ttft => "ttft_ms",
        }
    }

    /// The metric of a name.
    pub(in crate::server) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == name)
    }

    /// Whether it is read from a distribution.
    pub(in crate::server) fn is_timing(self) -> bool {
        matches!(self, Self::Latency | Self::Ttft)
    }
}

/// A quantile and its name on the wire: 0.999 is `p99.9`.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::server) struct Quantile {
    /// In `[0, 1]`.
    pub(in crate::server) at: f64,
    /// `p` and the per cent.
    pub(in crate::server) name: String,
}

impl Quantile {
    /// Reads a plain decimal in `[0, 1]`.
    pub(in crate::server) fn parse(text: &str) -> Option<Self> {
        let at = shifted(text, 0).filter(|at| *at <= 1.0)?;
        Some(Self { at, name: format!("p{}", shifted(text, 2)?) })
    }

    /// Reads a name such as `p95` back into its quantile.
    pub(in crate::server) fn of_name(name: &str) -> Option<f64> {
        shifted(name.strip_prefix('p')?, -2).filter(|at| *at <= 1.0)
    }
}

/// A plain decimal times a power of ten. The power is written behind the digits, so that 99.9 per
/// cent is 0.999 and not the 0.9990000000000001 that a division by 100 gives.
fn shifted(digits: &str, power: i32) -> Option<f64> {
    let plain = digits.len() <= 12 && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    plain.then(|| format!("{digits}e{power}").parse().ok()).flatten()
}

/// Which figures an answer tells, and how.
#[derive(Clone, Debug)]
pub(in crate::server) struct Shape {
    /// In the order told.
    pub(in crate::server) metrics: Vec<Metric>,
    /// Of every timing.
    pub(in crate::server) quantiles: Vec<Quantile>,
    /// Ascending, in µs: each timing tells how many values lie between them. Empty where nobody
    /// asked.
    pub(in crate::server) bounds_us: Vec<u64>,
    /// Of every instant.
    pub(in crate::server) zone: Zone,
}

/// The figures of one group, as the members of an object.
pub(in crate::server) struct Figures<'a> {
    /// What they are.
    pub(in crate::server) totals: &'a Totals,
    /// Which of them.
    pub(in crate::server) shape: &'a Shape,
}

impl Serialize for Figures<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for metric in &self.shape.metrics {
            self.figure(*metric, &mut map)?;
        }
        map.end()
    }
}

impl Figures<'_> {
    fn figure<M: SerializeMap>(&self, metric: Metric, map: &mut M) -> Result<(), M::Error> {
        let Totals { sums, latency, ttft } = self.totals;
        let timing = |sum, distribution| Times { sum, distribution, shape: self.shape };
        match metric {
            Metric::ErrorRate => map.serialize_entry(metric.name(), &error_rate(sums)),
            Metric::Cost => map.serialize_entry(metric.name(), &Money(&sums.cost)),
            Metric::Latency => map.serialize_entry(metric.name(), &timing(sums.latency, latency)),
            Metric::Ttft => map.serialize_entry(metric.name(), &timing(sums.ttft, ttft)),
            counted => map.serialize_entry(counted.name(), &count(counted, sums)),
        }
    }
}

/// Failures / requests; `None` where there are no requests.
pub(in crate::server) fn error_rate(sums: &Aggregate) -> Option<f64> {
    (sums.requests > 0).then(|| sums.failures as f64 / sums.requests as f64)
}

/// A metric that is a whole number; the others have their own shapes, and are 0 here.
pub(in crate::server) fn count(metric: Metric, sums: &Aggregate) -> u128 {
    match metric {
        Metric::Requests => sums.requests.into(),
        Metric::Successes => sums.successes().into(),
        Metric::Failures => sums.failures.into(),
        Metric::InputTokens => sums.input_tokens,
        Metric::OutputTokens => sums.output_tokens,
        Metric::CacheReadTokens => sums.cache_read_tokens,
        Metric::CacheWriteTokens => sums.cache_write_tokens,
        Metric::ReasoningTokens => sums.reasoning_tokens,
        Metric::TotalTokens => sums.total_tokens,
        Metric::Unpriced => sums.unpriced().into(),
        Metric::ErrorRate | Metric::Cost | Metric::Latency | Metric::Ttft => 0,
    }
}

/// `{"count","mean","min","max","p50",…,"bins"?}`.
struct Times<'a> {
    sum: Timing,
    distribution: &'a Distribution,
    shape: &'a Shape,
}

impl Serialize for Times<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("count", &self.sum.count)?;
        map.serialize_entry("mean", &self.sum.mean_us().map(Ms))?;
        map.serialize_entry("min", &self.distribution.min_us().map(Ms))?;
        map.serialize_entry("max", &self.distribution.max_us().map(Ms))?;
        for quantile in &self.shape.quantiles {
            map.serialize_entry(&quantile.name, &self.distribution.quantile(quantile.at).map(Ms))?;
        }
        if !self.shape.bounds_us.is_empty() {
            map.serialize_entry("bins", &self.distribution.counts_between(&self.shape.bounds_us))?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::aggregate::Kind;
    use crate::engine::event::Measures;

    #[test]
    fn a_quantile_is_named_by_its_per_cent() {
        let names: Vec<_> = ["0.5", "0.95", "0.999", "0.55", "0", "1", ".07", "0.99999"]
            .map(|text| Quantile::parse(text).map(|quantile| quantile.name))
            .into();
        let expected = ["p50", "p95", "p99.9", "p55", "p0", "p100", "p7", "p99.999"];
        assert_eq!(names, expected.map(|name| Some(name.to_string())));
        for text in ["", ".", "1.01", "-0.5", "nan", "inf", "1e-1", "0.5.5", "50%", "0.0000000000001"] {
            assert_eq!(Quantile::parse(text), None, "{text}");
        }
        assert_eq!(Quantile::of_name("p99.9"), Some(0.999));
        assert_eq!(Quantile::of_name("p101"), None);
        assert_eq!(Quantile::of_name("95"), None);
    }

    #[test]
    fn every_metric_is_found_by_its_name() {
        for metric in Metric::ALL {
            assert_eq!(Metric::parse(metric.name()), Some(metric));
        }
        assert_eq!(Metric::parse("Requests"), None);
    }

    fn json(totals: &Totals, metrics: &[Metric]) -> String {
        let quantiles = vec![Quantile::parse("0.5").unwrap()];
        let shape = Shape { metrics: metrics.to_vec(), quantiles, bounds_us: Vec::new(), zone: Zone::utc() };
        serde_json::to_string(&Figures { totals, shape: &shape }).unwrap()
    }

    #[test]
    fn nothing_known_is_null_and_counts_are_zero() {
        let metrics = [Metric::Requests, Metric::ErrorRate, Metric::Cost, Metric::Latency];
        let expected = concat!(
            r#"{"requests":0,"error_rate":null,"cost":{},"#,
            r#""latency_ms":{"count":0,"mean":null,"min":null,"max":null,"p50":null}}"#
        );
        assert_eq!(json(&Totals::default(), &metrics), expected);
    }

    #[test]
    fn figures_are_told_in_the_order_asked() {
        let mut totals = Totals::default();
        let measures = Measures { latency_us: Some(1_500), input_tokens: Some(7), ..Measures::default() };
        totals.sums.record(&measures, Kind { failure: true, overflowed: false });
        totals.sums.record(&Measures::default(), Kind::default());
        totals.latency.record(1_500);
        let expected = concat!(
            r#"{"latency_ms":{"count":1,"mean":1.5,"min":1.5,"max":1.5,"p50":1.5},"#,
            r#""error_rate":0.5,"input_tokens":7,"unpriced":2,"successes":1}"#
        );
        let metrics = [Metric::Latency, Metric::ErrorRate, Metric::InputTokens, Metric::Unpriced, Metric::Successes];
        assert_eq!(json(&totals, &metrics), expected);
    }
}
