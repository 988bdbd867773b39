//! The engine the golden files were made of: the same calls for ever.

use tallyring::Engine;
use tallyring::engine::config::Config;
use tallyring::engine::config::TierConfig;
use tallyring::engine::event::Dimension;
use tallyring::engine::event::Dimensions;
use tallyring::engine::event::Event;
use tallyring::engine::event::Measures;
use tallyring::engine::money::Currency;
use tallyring::engine::money::Money;
use tallyring::engine::time::Timestamp;

/// The instant of the first file, and the second.
pub(crate) const TAKEN: [i64; 2] = [1_795_300_000, 1_795_300_007];

/// Few values, so that some calls are counted under `__other__`; every limit is written out, so
/// that a new default changes nothing.
pub(crate) fn config() -> Config {
    let tier = |step_secs, len| TierConfig { step_secs, len };
    Config {
        tiers: vec![tier(1, 900), tier(60, 240), tier(900, 300), tier(86_400, 30)],
        labels: vec!["team".to_owned()],
        max_values: 5,
        open_secs: 64,
        ahead_secs: 300,
        stripes: 1,
        ..Config::default()
    }
}

/// The first: calls from ten days ago to now.
pub(crate) fn first() -> Engine {
    let engine = Engine::new(config()).expect("a valid configuration");
    for n in 0..120 {
        let age = [n, n * 60, n * 1_700, n * 7_000][(n % 4) as usize];
        record(&engine, n, TAKEN[0] - age, TAKEN[0]);
    }
    engine.advance(Timestamp::from_secs(TAKEN[0] + 2));
    engine
}

/// The second: a few calls later, one of them for a second that is past.
pub(crate) fn go_on(engine: &Engine) {
    for n in 120..130 {
        record(engine, n, TAKEN[0] + n % 5, TAKEN[0] + 5);
    }
    record(engine, 130, TAKEN[0] - 8, TAKEN[0] + 5);
    engine.advance(Timestamp::from_secs(TAKEN[1]));
}

fn record(engine: &Engine, n: i64, at: i64, now: i64) {
    let key = format!("sk-…{:04x}", n % 6);
    let model = ["gpt-4o", "qwen-plus", "deepseek-chat", "模型"][(n / 3 % 4) as usize];
    let dimensions = Dimensions::default()
        .with(Dimension::Key, &key)
        .with(Dimension::User, ["ann", "bob", ""][(n % 3) as usize])
        .with(Dimension::Model, model)
        .with(Dimension::Endpoint, "/v1/chat/completions")
        .with(Dimension::Status, ["200", "200", "429", "success", "500"][(n % 5) as usize])
        .with(Dimension::Label(0), ["red", "blue", "green", "grey", "pink", "gold", "mint"][(n % 7) as usize]);
    let figure = n.unsigned_abs();
    let money = |code, nanos| Money { nanos, currency: Currency::parse(code).expect("a code") };
    let measures = Measures {
        latency_us: (n % 11 > 0).then_some(figure * figure * 977),
        ttft_us: (n % 2 == 0).then_some(figure * 1_003),
        input_tokens: Some(figure * 17),
        output_tokens: (n % 4 > 0).then_some(figure * 5),
        cache_read_tokens: Some(figure),
        cache_write_tokens: (n % 8 == 0).then_some(3),
        reasoning_tokens: (n % 5 == 0).then_some(figure / 2),
        total_tokens: (n % 13 == 0).then_some(figure),
        cost: match n % 4 {
            0 => None,
            1 => Some(money("CNY", i64::MAX - n)),
            _ => Some(money("USD", n * 4_100)),
        },
    };
    let event = Event { timestamp: Timestamp::from_secs(at), dimensions, measures, ..Event::default() };
    let _ = engine.record(&event, Timestamp::from_secs(now)).expect("a good call");
}

/// The ids that came before.
pub(crate) fn ids(count: u8) -> impl Iterator<Item = ([u8; 16], u64)> {
    (0..count).map(|n| ([n.wrapping_mul(37); 16], u64::from(n) << 40 | 1))
}
