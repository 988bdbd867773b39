//! One recent call as JSON.

use super::Ms;
use crate::engine::config::Config;
use crate::engine::event::Dimension;
use crate::engine::event::Measures;
use crate::engine::event::status;
use crate::engine::money::decimal;
use crate::engine::recent::Call;
use crate::engine::time::Zone;
use serde::Serialize;
use serde::Serializer;

/// Everything told about a call. `status` is `success` or `failure`; the sender's own word or code
/// is `status_value`, and `status_code` is that where it is an HTTP status.
#[derive(Serialize)]
pub(in crate::server) struct CallJson<'a> {
    timestamp: String,
    key: Option<&'a str>,
    user: Option<&'a str>,
    model: Option<&'a str>,
    provider: Option<&'a str>,
    endpoint: Option<&'a str>,
    status: &'static str,
    status_code: Option<u16>,
    status_value: Option<&'a str>,
    latency_ms: Option<Ms>,
    ttft_ms: Option<Ms>,
    #[serde(flatten)]
    tokens: Tokens,
    cost: Option<String>,
    currency: Option<&'a str>,
    id: Option<&'a str>,
    job_id: Option<&'a str>,
    error: Option<&'a str>,
    labels: Labels<'a>,
}

impl<'a> CallJson<'a> {
    /// A call, its time in a zone.
    pub(in crate::server) fn new(call: &'a Call, config: &'a Config, zone: &Zone) -> Self {
        let cost = call.measures.cost.as_ref();
        Self {
            timestamp: call.timestamp.rfc3339(zone),
            key: value(call, Dimension::Key),
            user: value(call, Dimension::User),
            model: value(call, Dimension::Model),
            provider: value(call, Dimension::Provider),
            endpoint: value(call, Dimension::Endpoint),
            status: outcome(call),
            status_code: status_code(call),
            status_value: value(call, Dimension::Status),
            latency_ms: call.measures.latency_us.map(Ms),
            ttft_ms: call.measures.ttft_us.map(Ms),
            tokens: Tokens::new(&call.measures),
            cost: cost.map(|cost| decimal(cost.nanos.into())),
            currency: cost.map(|cost| cost.currency.code()),
            id: call.id.as_deref(),
            job_id: call.job_id.as_deref(),
            error: call.error.as_deref(),
            labels: Labels { call, config },
        }
    }
}

/// The six members that gemini-balance tells about a call.
#[derive(Serialize)]
pub(in crate::server) struct BriefCall<'a> {
    timestamp: String,
    key: Option<&'a str>,
    model: Option<&'a str>,
    status: &'static str,
    status_code: Option<u16>,
    latency_ms: Option<Ms>,
}

impl<'a> BriefCall<'a> {
    /// A call, its time in a zone.
    pub(in crate::server) fn new(call: &'a Call, zone: &Zone) -> Self {
        Self {
            timestamp: call.timestamp.rfc3339(zone),
            key: value(call, Dimension::Key),
            model: value(call, Dimension::Model),
            status: outcome(call),
            status_code: status_code(call),
            latency_ms: call.measures.latency_us.map(Ms),
        }
    }
}

fn value(call: &Call, dimension: Dimension) -> Option<&str> {
    call.dimensions.get(dimension.index())?.as_deref()
}

fn outcome(call: &Call) -> &'static str {
    let success = value(call, Dimension::Status).is_some_and(status::is_success);
    if success { "success" } else { "failure" }
}

fn status_code(call: &Call) -> Option<u16> {
    value(call, Dimension::Status).and_then(status::code)
}

#[derive(Serialize)]
struct Tokens {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_read_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
    total_tokens: Option<u64>,
}

impl Tokens {
    fn new(measures: &Measures) -> Self {
        Self {
            input_tokens: measures.input_tokens,
            output_tokens: measures.output_tokens,
            cache_read_tokens: measures.cache_read_tokens,
            cache_write_tokens: measures.cache_write_tokens,
            reasoning_tokens: measures.reasoning_tokens,
            total_tokens: measures.total(),
        }
    }
}

/// The configured labels by name; `{}` where none are configured.
struct Labels<'a> {
    call: &'a Call,
    config: &'a Config,
}

impl Serialize for Labels<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let labels = self.config.dimensions().filter(|dimension| matches!(dimension, Dimension::Label(_)));
        serializer.collect_map(labels.map(|label| (self.config.name(label), value(self.call, label))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::MAX_DIMENSIONS;
    use crate::engine::money::Currency;
    use crate::engine::money::Money;
    use crate::engine::time::Timestamp;

    fn call(of: &[(Dimension, &str)], measures: Measures) -> Call {
        let mut dimensions = vec![None; MAX_DIMENSIONS];
        for (dimension, value) in of {
            dimensions[dimension.index()] = Some((*value).into());
        }
        let timestamp = Timestamp::from_micros(1_500_000).unwrap();
        Call { timestamp, sequence: 0, dimensions, measures, id: None, job_id: None, error: None }
    }

    fn json(call: &Call, labels: &[&str]) -> serde_json::Value {
        let config = Config { labels: labels.iter().map(ToString::to_string).collect(), ..Config::default() };
        serde_json::to_value(CallJson::new(call, &config, &Zone::utc())).unwrap()
    }

    #[test]
    fn what_was_not_told_is_null() {
        let told = json(&call(&[(Dimension::Model, "gpt")], Measures::default()), &["team"]);
        assert_eq!(told["timestamp"], "1970-01-01T00:00:01.5Z");
        assert_eq!(told["status"], "failure", "an absent status is a failure");
        let null = ["key", "status_code", "latency_ms", "input_tokens", "total_tokens", "cost", "currency", "id"];
        for name in null {
            assert_eq!(told.get(name), Some(&serde_json::Value::Null), "{name}");
        }
        assert_eq!(told["labels"], serde_json::json!({ "team": null }));
    }

    #[test]
    fn what_was_told_is_exact() {
        let cost = Some(Money { nanos: 0, currency: Currency::USD });
        let measures = Measures {
            latency_us: Some(12_345),
            input_tokens: Some(0),
            output_tokens: Some(3),
            cost,
            ..Measures::default()
        };
        let told = json(&call(&[(Dimension::Status, "429"), (Dimension::Label(0), "red")], measures), &["team"]);
        assert_eq!((&told["status"], &told["status_code"]), (&"failure".into(), &429.into()));
        assert_eq!((&told["latency_ms"], &told["input_tokens"]), (&12.345.into(), &0.into()));
        assert_eq!((&told["total_tokens"], &told["labels"]["team"]), (&3.into(), &"red".into()));
        assert_eq!((&told["cost"], &told["currency"]), (&"0.000000000".into(), &"USD".into()));
        let word = json(&call(&[(Dimension::Status, "cancelled")], Measures::default()), &[]);
        assert_eq!((&word["status"], &word["status_value"]), (&"failure".into(), &"cancelled".into()));
        let success = json(&call(&[(Dimension::Status, "204")], Measures::default()), &[]);
        assert_eq!(success["status"], "success");
    }
}
