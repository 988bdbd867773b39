//! Metrics as plain data, and how the encoder is told of them.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::MetricEncoder;
use prometheus_client::encoding::NoLabelSet;
use prometheus_client::metrics::MetricType;
use std::fmt;

/// The label that names the amounts or the currencies of a sample apart.
pub(super) type Labels = Vec<(&'static str, String)>;

/// One metric: all its samples are of one kind.
#[derive(Debug)]
pub(super) struct Metric {
    name: String,
    help: &'static str,
    kind: MetricType,
    samples: Vec<(Labels, Value)>,
}

/// One value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Whole(u64),
    Real(f64),
    Histogram { sum: f64, buckets: Vec<(f64, u64)> },
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Whole(value as u64)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Whole(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

/// Sums of tokens may pass 64 bits; whoever reads them keeps 53.
impl From<u128> for Value {
    fn from(value: u128) -> Self {
        u64::try_from(value).map_or(Self::Real(value as f64), Self::Whole)
    }
}

impl Metric {
    /// A count that never falls. Its samples are named with `_total` behind.
    pub(super) fn counter(name: impl Into<String>, help: &'static str) -> Self {
        Self::new(name, help, MetricType::Counter)
    }

    /// A figure of this moment.
    pub(super) fn gauge(name: impl Into<String>, help: &'static str) -> Self {
        Self::new(name, help, MetricType::Gauge)
    }

    /// A distribution.
    pub(super) fn histogram(name: impl Into<String>, help: &'static str) -> Self {
        Self::new(name, help, MetricType::Histogram)
    }

    fn new(name: impl Into<String>, help: &'static str, kind: MetricType) -> Self {
        Self { name: name.into(), help, kind, samples: Vec::new() }
    }

    /// The only sample.
    pub(super) fn is(self, value: impl Into<Value>) -> Self {
        self.with(Labels::new(), value)
    }

    /// One more sample.
    pub(super) fn with(mut self, labels: Labels, value: impl Into<Value>) -> Self {
        self.push(labels, value);
        self
    }

    /// One more sample.
    pub(super) fn push(&mut self, labels: Labels, value: impl Into<Value>) {
        self.samples.push((labels, value.into()));
    }
}

/// All metrics of an answer.
#[derive(Debug)]
pub(super) struct Metrics(pub(super) Vec<Metric>);

impl Collector for Metrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for Metric { name, help, kind, samples } in self.0.iter().filter(|metric| !metric.samples.is_empty()) {
            let mut metric = encoder.encode_descriptor(name, help, None, *kind)?;
            for (labels, value) in samples {
                match labels.is_empty() {
                    true => value.encode(*kind, &mut metric)?,
                    false => value.encode(*kind, &mut metric.encode_family(labels)?)?,
                }
            }
        }
        Ok(())
    }
}

impl Value {
    fn encode(&self, kind: MetricType, to: &mut MetricEncoder<'_>) -> fmt::Result {
        match (self, kind) {
            (Self::Whole(value), MetricType::Counter) => to.encode_counter::<NoLabelSet, _, u64>(value, None),
            (Self::Real(value), MetricType::Counter) => to.encode_counter::<NoLabelSet, _, u64>(value, None),
            (Self::Whole(value), _) => to.encode_gauge(value),
            (Self::Real(value), _) => to.encode_gauge(value),
            (Self::Histogram { sum, buckets }, _) => {
                let count = buckets.iter().map(|(_, count)| count).sum();
                to.encode_histogram::<NoLabelSet>(*sum, count, buckets, None)
            }
        }
    }
}
