//! A server without a socket, and calls in both formats.

use axum::body::Body;
use axum::body::to_bytes;
use axum::http::Request;
use proptest::prelude::*;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;
use tallyring::batch::Encoder;
use tallyring::batch::MEDIA_TYPE;
use tallyring::clock::Manual;
use tallyring::engine::Engine;
use tallyring::engine::config::Config;
use tallyring::engine::event::Dimensions;
use tallyring::engine::event::Event;
use tallyring::engine::event::MAX_DIMENSIONS;
use tallyring::engine::event::Measures;
use tallyring::engine::money::Currency;
use tallyring::engine::money::Money;
use tallyring::engine::money::decimal;
use tallyring::engine::recent::CallQuery;
use tallyring::engine::time::Timestamp;
use tallyring::privacy::Keyring;
use tallyring::server::App;
use tallyring::server::router;
use tallyring::store::Store;
use tower::ServiceExt;

pub(crate) const LABELS: [&str; 2] = ["region", "team"];
pub(crate) const NOW: i64 = 1_795_324_556;

pub(crate) fn config() -> Config {
    Config { labels: LABELS.map(str::to_owned).to_vec(), ..Config::default() }
}

pub(crate) struct Site {
    pub(crate) app: App,
}

impl Site {
    pub(crate) fn new(config: Config) -> Self {
        Self::of(Store::in_memory(Engine::new(config).unwrap()))
    }

    pub(crate) fn of(store: Store) -> Self {
        let clock = Manual::at(Timestamp::from_secs(NOW));
        Self { app: App::new(store, Arc::new(Keyring::new([7; 32])), Arc::new(clock)) }
    }

    /// Posts events; the status and the answer.
    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> (u16, Value) {
        let mut request = Request::post(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let answer = router(self.app.clone()).oneshot(request).await.unwrap();
            let status = answer.status().as_u16();
            (status, serde_json::from_slice(&to_bytes(answer.into_body(), 1 << 20).await.unwrap()).unwrap())
        })
    }

    pub(crate) fn post_batch(&self, body: Vec<u8>) -> (u16, Value) {
        self.post("/v1/events", &[("content-type", MEDIA_TYPE)], body)
    }

    /// Everything that is known of what was counted.
    pub(crate) fn state(&self) -> (Vec<u8>, String, u64, usize) {
        let engine = self.app.store.engine();
        let (from, to) = (Timestamp::MIN, Timestamp::MAX);
        let query = CallQuery { from, to, filters: Vec::new(), failures_only: false, limit: 1_000, after: None };
        let calls = engine.calls(&query);
        (engine.canonical_bytes(), format!("{calls:?}"), self.app.store.position(), self.app.store.ids())
    }
}

/// A call as a test tells it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// Seconds before now; none is not told.
    pub(crate) ago: Option<i64>,
    pub(crate) names: [String; MAX_DIMENSIONS],
    pub(crate) measures: Measures,
    pub(crate) id: String,
    pub(crate) job_id: String,
    pub(crate) error: String,
}

impl Told {
    fn event(&self) -> Event<'_> {
        Event {
            timestamp: Timestamp::from_secs(NOW - self.ago.unwrap_or(0)),
            dimensions: Dimensions(self.names.each_ref().map(String::as_str)),
            measures: self.measures,
            id: &self.id,
            job_id: &self.job_id,
            error: &self.error,
        }
    }

    fn json(&self) -> Value {
        let mut fields = Map::new();
        let names = ["key", "user", "model", "provider", "endpoint", "status"];
        let texts = [("id", &self.id), ("job_id", &self.job_id), ("error", &self.error)];
        for (name, text) in names.into_iter().zip(&self.names).chain(texts).filter(|(_, text)| !text.is_empty()) {
            fields.insert(name.to_owned(), json!(text));
        }
        let labels: Map<String, Value> = LABELS
            .iter()
            .zip(&self.names[6..])
            .filter(|(_, text)| !text.is_empty())
            .map(|(name, text)| ((*name).to_owned(), json!(text)))
            .collect();
        if !labels.is_empty() {
            fields.insert("labels".to_owned(), Value::Object(labels));
        }
        if let Some(ago) = self.ago {
            fields.insert("timestamp".to_owned(), json!(NOW - ago));
        }
        let Measures { latency_us, ttft_us, cost, .. } = self.measures;
        for (name, micros) in [("latency_ms", latency_us), ("ttft_ms", ttft_us)] {
            let text = micros.map(|micros| format!("{}.{:03}", micros / 1_000, micros % 1_000));
            fields.extend(text.map(|text| (name.to_owned(), json!(text))));
        }
        for (name, tokens) in [
            ("input_tokens", self.measures.input_tokens),
            ("output_tokens", self.measures.output_tokens),
            ("cache_read_tokens", self.measures.cache_read_tokens),
            ("cache_write_tokens", self.measures.cache_write_tokens),
            ("reasoning_tokens", self.measures.reasoning_tokens),
            ("total_tokens", self.measures.total_tokens),
        ] {
            fields.extend(tokens.map(|tokens| (name.to_owned(), json!(tokens))));
        }
        if let Some(cost) = cost {
            fields.insert("cost".to_owned(), json!(decimal(cost.nanos.into())));
            fields.insert("currency".to_owned(), json!(cost.currency.code()));
        }
        Value::Object(fields)
    }
}

/// The same calls, a line each.
pub(crate) fn ndjson(calls: &[Told]) -> Vec<u8> {
    calls.iter().flat_map(|call| (call.json().to_string() + "\n").into_bytes()).collect()
}

/// The same calls as a batch.
pub(crate) fn batch(calls: &[Told]) -> Vec<u8> {
    let mut batch = Encoder::new(&LABELS);
    for call in calls {
        match call.ago {
            Some(_) => batch.push(&call.event()),
            None => batch.push_untimed(&call.event()),
        }
    }
    batch.take()
}

fn name() -> impl Strategy<Value = String> {
    let word = prop_oneof!["[ab]", Just("200".to_owned()), Just("OK".to_owned()), Just("é\u{1f600}".to_owned())];
    prop_oneof![3 => Just(String::new()), 8 => word]
}

fn measures() -> impl Strategy<Value = Measures> {
    let tokens = || prop::option::of(prop_oneof![0_u64..300, Just(100_000_000)]);
    let times = (prop::option::of(0_u64..9_000_000), prop::option::of(0_u64..300));
    let cost = prop::option::of((0_i64..5_000_000_000, prop::sample::select(vec!["USD", "CNY", "EUR"])));
    (times, [tokens(), tokens(), tokens(), tokens(), tokens(), tokens()], cost).prop_map(|(times, tokens, cost)| {
        let [input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, total_tokens] =
            tokens;
        let cost = cost.map(|(nanos, code)| Money { nanos, currency: Currency::parse(code).unwrap() });
        Measures {
            latency_us: times.0,
            ttft_us: times.1,
            input_tokens,
            output_tokens,
            cache_read_tokens,
            cache_write_tokens,
            reasoning_tokens,
            total_tokens,
            cost,
        }
    })
}

/// A call that is mostly sound, and has one fault at most.
pub(crate) fn told() -> impl Strategy<Value = Told> {
    let ago = prop::option::of(prop_oneof![8 => 0_i64..90, 1 => 90_i64..200_000]);
    let names = prop::collection::vec(name(), 8);
    let id = prop_oneof![2 => Just(String::new()), 1 => "[a-f]"];
    let error = prop_oneof![
        4 => Just(String::new()),
        1 => Just("no such key: sk-0123456789abcdef".to_owned()),
        1 => Just("é".repeat(400))
    ];
    (ago, names, measures(), id, "[jk]?", error, 0_usize..60).prop_map(
        |(ago, names, measures, id, job_id, error, fault)| {
            let mut call = Told { ago, measures, id, job_id, error, ..Told::default() };
            for (place, name) in names.into_iter().enumerate() {
                call.names[place] = name;
            }
            call.names[0] =
                if call.names[0].is_empty() { String::new() } else { format!("sk-{}-0123456789abcdef", call.names[0]) };
            if call.names.iter().all(String::is_empty) {
                call.names[2] = "m".to_owned(); // none at all is a fault, and another may follow
            }
            spoil(&mut call, fault);
            call
        },
    )
}

fn spoil(call: &mut Told, fault: usize) {
    let spoiled = match fault {
        0 => Told { ago: Some(-90_000), ..call.clone() },
        1 => Told { ago: Some(500 * 86_400), ..call.clone() },
        2 => Told { names: Default::default(), ..call.clone() },
        3 => Told { id: "i".repeat(129), ..call.clone() },
        4 => Told { job_id: "j".repeat(4_000), ..call.clone() },
        5 => Told { measures: Measures { total_tokens: Some(100_000_001), ..call.measures }, ..call.clone() },
        6 => Told { measures: Measures { latency_us: Some(86_400_000_001), ..call.measures }, ..call.clone() },
        7..=10 => {
            let mut spoiled = call.clone();
            spoiled.names[[0, 2, 6, 7][fault - 7]] = "x".repeat(257);
            spoiled
        }
        11 => {
            let mut spoiled = call.clone();
            spoiled.names[1] = "__other__".to_owned();
            spoiled
        }
        _ => return,
    };
    *call = spoiled;
}
