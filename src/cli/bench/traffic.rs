//! Traffic for measurements: shaped like a gateway's: many series, few of them busy (Zipf), most calls good.

use crate::batch::Encoder;
use crate::engine::Engine;
use crate::engine::config::Config;
use crate::engine::event::Dimension;
use crate::engine::event::Dimensions;
use crate::engine::event::Event;
use crate::engine::event::Measures;
use crate::engine::money;
use crate::engine::money::Currency;
use crate::engine::money::Money;
use crate::engine::time::DAY;
use crate::engine::time::Timestamp;
use crate::engine::time::Zone;
use std::ops::Range;

/// 2026-11-22T05:15:56Z.
pub const START: i64 = 1_795_324_556;
/// Models in the traffic, whatever the number of series.
const MODELS: usize = 40;

/// The same numbers in every run.
struct Chance(u64);

impl Chance {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 1
    }

    /// In `0..1`.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are enough")]
    fn unit(&mut self) -> f64 {
        (self.bits() >> 10) as f64 / (1_u64 << 53) as f64
    }
}

/// The values of one series, and numbers for its calls.
pub struct Source {
    values: [String; 6],
    pub measures: Measures,
}

impl Source {
    fn new(place: usize, chance: &mut Chance) -> Self {
        let status = if place % 50 == 49 { "429" } else { "200" };
        let values = [
            format!("key-{:07}", place / 4),
            format!("user-{:06}", place / 8),
            format!("model-{:02}", (place * 7) % MODELS),
            format!("provider-{}", place % 4),
            "/v1/chat/completions".to_owned(),
            status.to_owned(),
        ];
        let nanos = i64::try_from(chance.bits() % 5_000_000).expect("small");
        let measures = Measures {
            latency_us: Some(200_000 + chance.bits() % 5_000_000),
            ttft_us: Some(50_000 + chance.bits() % 500_000),
            input_tokens: Some(chance.bits() % 4_000),
            output_tokens: Some(chance.bits() % 1_000),
            cost: Some(Money { nanos, currency: Currency::USD }),
            ..Measures::default()
        };
        Self { values, measures }
    }

    pub fn dimensions(&self) -> Dimensions<'_> {
        let fixed = Dimension::FIXED.into_iter().zip(&self.values);
        fixed.fold(Dimensions::default(), |all, (dimension, value)| all.with(dimension, value))
    }

    pub fn event(&self, timestamp: Timestamp) -> Event<'_> {
        Event { timestamp, dimensions: self.dimensions(), measures: self.measures, ..Event::default() }
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.values[0]
    }

    /// One of its calls as JSON.
    fn json(&self, timestamp: Timestamp, millis: usize) -> String {
        let [key, user, model, provider, endpoint, status] = &self.values;
        let at = timestamp.rfc3339(&Zone::utc());
        let Measures { latency_us, ttft_us, input_tokens, output_tokens, cost, .. } = self.measures;
        let millis_of = |micros: Option<u64>| {
            let micros = micros.unwrap_or(0);
            format!("{}.{:02}", micros / 1_000, micros % 1_000 / 10)
        };
        let cost = money::decimal(cost.map_or(0, |cost| cost.nanos.into()));
        format!(
            "{{\"timestamp\":\"{}.{millis:03}Z\",\"key\":\"{key}\",\"user\":\"{user}\",\"model\":\"{model}\",\
             \"provider\":\"{provider}\",\"endpoint\":\"{endpoint}\",\"status\":{status},\"latency_ms\":{},\
             \"ttft_ms\":{},\"input_tokens\":{},\"output_tokens\":{},\"cost\":\"{cost}\"}}",
            &at[..19],
            millis_of(latency_us),
            millis_of(ttft_us),
            input_tokens.unwrap_or(0),
            output_tokens.unwrap_or(0),
        )
    }
}

/// Series and the order in which they call.
pub struct Traffic {
    pub sources: Vec<Source>,
    pub order: Vec<u32>,
}

impl Traffic {
    /// A million calls of so many series.
    pub fn new(series: usize) -> Self {
        let mut chance = Chance(1);
        let sources = (0..series).map(|place| Source::new(place, &mut chance)).collect();
        Self { sources, order: zipf(series, 1 << 20, &mut chance) }
    }

    /// Which series the n-th call is of.
    #[must_use]
    pub fn place(&self, n: usize) -> usize {
        self.order[n % self.order.len()] as usize
    }

    /// The source of the n-th call.
    #[must_use]
    pub fn source(&self, n: usize) -> &Source {
        &self.sources[self.place(n)]
    }

    /// Some calls as their sender would post them, a line each.
    #[must_use]
    pub fn ndjson(&self, calls: Range<usize>, timestamp: Timestamp) -> Vec<u8> {
        calls.flat_map(|n| (self.source(n).json(timestamp, n % 1_000) + "\n").into_bytes()).collect()
    }

    /// The same as a compact batch.
    #[must_use]
    pub fn batch(&self, calls: Range<usize>, timestamp: Timestamp) -> Vec<u8> {
        let mut batch = Encoder::new(&[]);
        calls.for_each(|n| batch.push(&self.source(n).event(timestamp)));
        batch.take()
    }

    /// An engine with the calls of thirty days, counted in their own time: quarter hours, then a
    /// day that is dense by the minute, its last hour by the second.
    #[must_use]
    pub fn month(&self) -> Engine {
        let engine = self.engine();
        let minutes = 29 * DAY..30 * DAY - 3_600;
        let counted = self.count(&engine, 0..minutes.start, 900, 200, 0);
        let counted = self.count(&engine, minutes.clone(), 60, 1_000, counted);
        self.count(&engine, minutes.end..30 * DAY, 1, 300, counted);
        engine
    }

    /// An engine with so many days of calls, as of when, and how many calls it counted: quarter hours, then a day
    /// with so many calls a minute, the same whatever came before.
    #[must_use]
    pub fn past(&self, days: u32, minute: usize) -> (Engine, Timestamp, usize) {
        let engine = self.engine();
        let begin = 3_600; // the window of a day leaves the series' first calls out
        let last = begin + i64::from(days - 1) * DAY;
        let quarters = self.count(&engine, begin..last, 900, 200, 0);
        let minutes = self.count(&engine, last..last + DAY, 60, minute, 0);
        (engine, Timestamp::from_secs(START + last + DAY), self.sources.len() + quarters + minutes)
    }

    /// Counts so many calls at each step, from the n-th on; the number of the next.
    fn count(&self, engine: &Engine, span: Range<i64>, step: usize, calls: usize, mut n: usize) -> usize {
        for secs in span.step_by(step) {
            let now = Timestamp::from_secs(START + secs);
            let events: Vec<Event<'_>> = (n..n + calls).map(|n| self.source(n).event(now)).collect();
            assert!(engine.apply(&events, now).iter().all(Result::is_ok));
            engine.advance(now);
            n += calls;
        }
        n
    }

    /// An engine that knows every series already.
    pub fn engine(&self) -> Engine {
        let engine = Engine::new(Config::default()).expect("the defaults");
        let now = Timestamp::from_secs(START);
        for sources in self.sources.chunks(1_000) {
            let events: Vec<Event<'_>> = sources.iter().map(|source| source.event(now)).collect();
            assert!(engine.apply(&events, now).iter().all(Result::is_ok));
        }
        engine
    }
}

/// Ranks by Zipf's law with exponent 1: `n^u` is its inverse distribution, near enough.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "ranks")]
fn zipf(ranks: usize, draws: usize, chance: &mut Chance) -> Vec<u32> {
    let rank = |unit: f64| (ranks as f64).powf(unit) as u32 - 1;
    (0..draws).map(|_| rank(chance.unit()).min(ranks as u32 - 1)).collect()
}
