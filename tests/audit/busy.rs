//! A store that has seen something: calls in two currencies, with and without ids, late ones,
//! duplicates, faults, snapshots that lean on each other.

use super::kit::Rng;
use super::kit::unlocked;
use std::path::Path;
use tallyring::engine::config::Config;
use tallyring::engine::config::TierConfig;
use tallyring::engine::event::Dimension;
use tallyring::engine::event::Dimensions;
use tallyring::engine::event::Event;
use tallyring::engine::event::Measures;
use tallyring::engine::money::Currency;
use tallyring::engine::money::Money;
use tallyring::engine::time::Timestamp;
use tallyring::journal::Ack;
use tallyring::store::Batch;
use tallyring::store::OpenError;
use tallyring::store::Receipt;
use tallyring::store::Settings;
use tallyring::store::Store;

pub(crate) const NOW: i64 = 1_795_324_556;

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_secs(NOW + second)
}

pub(crate) fn settings() -> Settings {
    let tier = |step_secs, len| TierConfig { step_secs, len };
    let tiers = vec![tier(1, 700), tier(60, 120), tier(900, 200), tier(86_400, 10)];
    let labels = vec!["team".to_owned(), "stage".to_owned()];
    let engine = Config { tiers, labels, max_values: 6, stripes: 2, recent_calls: 50, ..Config::default() };
    let mut settings = Settings { engine, id_horizon: 100_000, ..Settings::default() };
    settings.journal.segment_bytes = 4_096;
    settings.journal.ack = Ack::Write;
    settings
}

pub(crate) fn open(folder: &Path, second: i64) -> Store {
    let opened = || Store::open(folder, settings(), at(second), &mut |_| {});
    unlocked(opened, |fault| matches!(fault, OpenError::Locked(_))).0
}

/// What is told of the `n`th call; always the same.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) second: i64,
    id: String,
    model: &'static str,
    pub(crate) tokens: u64,
    key: String,
}

pub(crate) const MODELS: [&str; 8] = ["gpt-4o", "gpt-4o-mini", "qwen", "claude", "a", "b", "c", "d"];

/// The calls of a request that comes at a second.
pub(crate) fn calls(second: i64) -> Vec<Call> {
    let mut rng = Rng(second.cast_unsigned());
    let late = if second % 9 == 5 { 400 } else { 0 };
    let call = |index: usize| Call {
        second: second - late - i64::try_from(index % 3).unwrap(),
        id: format!("{second}-{index}"),
        model: MODELS[rng.below(MODELS.len())],
        tokens: 1 + rng.next() % 5_000,
        key: format!("key-{}", rng.below(5)),
    };
    (0..2 + usize::try_from(second % 4).unwrap()).map(call).collect()
}

impl Call {
    pub(crate) fn event(&self) -> Event<'_> {
        let dimensions = Dimensions::default()
            .with(Dimension::Model, self.model)
            .with(Dimension::Key, &self.key)
            .with(Dimension::Status, if self.tokens.is_multiple_of(5) { "429" } else { "200" })
            .with(Dimension::Label(0), if self.tokens.is_multiple_of(2) { "blue" } else { "" });
        let currency = if self.tokens.is_multiple_of(3) { "CNY" } else { "USD" };
        let cost = Money { nanos: 71 * self.tokens.cast_signed(), currency: Currency::parse(currency).unwrap() };
        let measures = Measures {
            input_tokens: Some(self.tokens),
            output_tokens: Some(self.tokens / 4),
            cache_read_tokens: (self.tokens.is_multiple_of(7)).then_some(self.tokens / 2),
            latency_us: Some(self.tokens * 31),
            ttft_us: Some(self.tokens * 3),
            cost: (!self.tokens.is_multiple_of(4)).then_some(cost),
            ..Measures::default()
        };
        Event { timestamp: at(self.second), dimensions, measures, id: &self.id, ..Event::default() }
    }
}

pub(crate) fn send(store: &Store, calls: &[Call], second: i64) -> Receipt {
    let mut batch = Batch::new(|pointer| pointer);
    (0..).zip(calls).for_each(|(index, call)| batch.push(index, call.event(), true));
    store.ingest("writer", batch, false, at(second)).unwrap()
}

/// A session over some seconds, with a snapshot every `snapshots` of them and one at the end.
pub(crate) fn session(folder: &Path, seconds: std::ops::Range<i64>, snapshots: i64) {
    let store = open(folder, seconds.start);
    run(&store, seconds.clone(), snapshots);
    store.close(at(seconds.end)).unwrap();
}

pub(crate) fn run(store: &Store, seconds: std::ops::Range<i64>, snapshots: i64) {
    for second in seconds {
        let mut calls = calls(second);
        let _ = send(store, &calls, second);
        if second % 6 == 0 {
            calls[0].second -= 100_000_000; // a conflict, the rest duplicates
            let _ = send(store, &calls, second);
        }
        if second % snapshots == snapshots - 1 {
            store.snapshot(false, at(second)).unwrap();
        }
    }
}

/// How many events all requests of some seconds have.
pub(crate) fn events(seconds: std::ops::Range<i64>) -> u64 {
    seconds.map(|second| calls(second).len() as u64).sum()
}
