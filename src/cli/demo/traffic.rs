//! Calls shaped like those of a production gateway.
//!
//! Few users make most calls (Zipf); days have a curve and weekends are quiet; latency is
//! log-normal; providers fail in bursts, and one key is always over its limit.

use super::catalog::Kind;
use super::catalog::MODELS;
use super::catalog::Model;
use super::catalog::Price;
use super::random::Rng;
use super::random::Weighted;
use super::random::mix;
use crate::engine::event::Dimension;
use crate::engine::event::Dimensions;
use crate::engine::event::Event;
use crate::engine::event::Measures;
use crate::engine::money::Money;
use crate::engine::time::DAY;
use crate::engine::time::Timestamp;
use crate::privacy::Keyring;

const USERS: u32 = 240;
const KEYS: u32 = 320;
/// The key that is always over its limit, by rank.
const NOISY_KEY: usize = 11;
/// Providers have good and bad spans of this length.
const SPAN_SECS: i64 = 600;
/// A client gives up after a minute.
const TIMEOUT_US: u64 = 60_000_000;

/// A source of calls.
pub(super) struct Traffic {
    seed: u64,
    rng: Rng,
    users: Vec<String>,
    keys: Vec<String>,
    by_rank: [Weighted; 2], // users, keys
    by_weight: Weighted,    // models
}

/// How a call ended.
struct Outcome {
    status: &'static str,
    error: &'static str,
}

const OK: Outcome = Outcome { status: "200", error: "" };
const LIMITED: Outcome = Outcome { status: "429", error: "rate limit reached; retry after 20 s" };
const BROKEN: Outcome = Outcome { status: "500", error: "upstream: internal server error" };
const OVERLOADED: Outcome = Outcome { status: "503", error: "upstream: overloaded" };
const TIMED_OUT: Outcome = Outcome { status: "timeout", error: "no answer within 60 s" };
const INVALID: Outcome = Outcome { status: "400", error: "context length exceeded" };
const REFUSED: Outcome = Outcome { status: "401", error: "this key has been revoked" };

/// How many calls come at an instant, compared with the mean of a week: a curve with its peak at
/// 14:00 UTC, and less on Saturday and Sunday.
pub(super) fn curve(at: Timestamp) -> f64 {
    let hour = at.secs().rem_euclid(DAY) as f64 / 3_600.0;
    let day = 1.0 - 0.6 * ((hour - 2.0) / 24.0 * std::f64::consts::TAU).cos();
    // The epoch was a Thursday.
    let weekend = matches!((at.secs() / DAY).rem_euclid(7), 2 | 3);
    day * if weekend { 0.6 } else { 1.16 }
}

impl Traffic {
    pub(super) fn new(seed: u64, keyring: &Keyring) -> Self {
        let mut names = Rng::new(seed ^ 0x6b65_7973);
        let raw_key = |_| format!("sk-demo-{:016x}{:016x}", names.bits(), names.bits());
        Self {
            seed,
            rng: Rng::new(seed),
            users: (1..=USERS).map(|user| format!("user-{user:03}")).collect(),
            keys: (0..KEYS).map(raw_key).map(|key| keyring.public_name(&key)).collect(),
            by_rank: [Weighted::zipf(USERS), Weighted::zipf(KEYS)],
            by_weight: Weighted::new(MODELS.iter().map(|model| model.weight)),
        }
    }

    /// Seconds until the next call, where `rate` a second come on average.
    pub(super) fn wait_secs(&mut self, rate: f64, at: Timestamp) -> f64 {
        self.rng.wait_secs(rate * curve(at))
    }

    /// The key that has most calls.
    pub(super) fn busiest_key(&self) -> &str {
        &self.keys[0]
    }

    /// One call that ended at an instant.
    pub(super) fn call(&mut self, at: Timestamp) -> Call {
        let model = &MODELS[self.by_weight.choose(&mut self.rng)];
        let user = self.by_rank[0].choose(&mut self.rng);
        // Most calls of a user come with the user's own key, some with one of a team.
        let key = if self.rng.chance(0.8) { user } else { self.by_rank[1].choose(&mut self.rng) };
        let outcome = self.outcome(model, key, at);
        let measures = if outcome.status == "200" { self.done(model) } else { self.failed(&outcome) };
        Call { at, user, key, model, outcome, measures }
    }

    /// A call as the engine takes it.
    pub(super) fn event<'a>(&'a self, call: &'a Call) -> Event<'a> {
        let dimensions = Dimensions::default()
            .with(Dimension::Key, &self.keys[call.key])
            .with(Dimension::User, &self.users[call.user])
            .with(Dimension::Model, call.model.name)
            .with(Dimension::Provider, call.model.provider)
            .with(Dimension::Endpoint, call.model.kind.endpoint())
            .with(Dimension::Status, call.outcome.status);
        Event { timestamp: call.at, dimensions, measures: call.measures, error: call.outcome.error, ..Event::default() }
    }

    fn outcome(&mut self, model: &Model, key: usize, at: Timestamp) -> Outcome {
        if key == NOISY_KEY && self.rng.chance(0.3) {
            return LIMITED;
        }
        let (trouble, share) = self.trouble(model.provider, at);
        if self.rng.chance(share) {
            return trouble;
        }
        match self.rng.unit() {
            p if p < 0.004 => LIMITED,
            p if p < 0.008 => INVALID,
            p if p < 0.009 => REFUSED,
            p if p < 0.011 => BROKEN,
            p if p < 0.012 => TIMED_OUT,
            _ => OK,
        }
    }

    /// What a provider suffers from in a span of time, and how many calls it hits. It depends on
    /// the seed and the span alone, so that a burst hits everyone at once.
    fn trouble(&self, provider: &str, at: Timestamp) -> (Outcome, f64) {
        let name = provider.bytes().fold(self.seed, |hash, byte| mix(hash ^ u64::from(byte)));
        match mix(name ^ (at.secs() / SPAN_SECS).unsigned_abs()) % 400 {
            0 => (LIMITED, 0.35),
            1 => (BROKEN, 0.5),
            2 => (OVERLOADED, 0.25),
            3 => (TIMED_OUT, 0.2),
            _ => (OK, 0.0),
        }
    }

    /// The numbers of a call that failed: no tokens, no cost; quick, unless it timed out.
    fn failed(&mut self, outcome: &Outcome) -> Measures {
        let quick = micros(self.rng.around(90.0, 0.7));
        let latency_us = if outcome.status == "timeout" { TIMEOUT_US + quick } else { quick };
        Measures { latency_us: Some(latency_us), ..Measures::default() }
    }

    fn done(&mut self, model: &Model) -> Measures {
        match model.kind {
            Kind::Chat | Kind::Reasoning => self.chat(model),
            Kind::Embedding => self.embedding(model),
            Kind::Image => self.image(model),
        }
    }

    fn chat(&mut self, model: &Model) -> Measures {
        let rng = &mut self.rng;
        let input = tokens(rng.around(650.0, 1.1));
        let answer = tokens(rng.around(210.0, 0.9));
        let reasoning = if model.kind == Kind::Reasoning { tokens(rng.around(900.0, 0.8)) } else { 0 };
        // Long prompts repeat themselves: most of one is read from the provider's cache.
        let cached = if input > 1_024 && rng.chance(0.55) { tokens(input as f64 * rng.between(0.4, 0.95)) } else { 0 };
        let first_ms = rng.around(model.first_ms, 0.45);
        let speed = rng.around(model.token_ms, 0.2);
        let streamed = rng.chance(0.7);
        Measures {
            latency_us: Some(micros(first_ms + answer as f64 * speed)),
            ttft_us: streamed.then(|| micros(first_ms)),
            input_tokens: Some(input),
            output_tokens: Some(answer + reasoning),
            cache_read_tokens: (cached > 0).then_some(cached),
            reasoning_tokens: (reasoning > 0).then_some(reasoning),
            cost: model.price.map(|price| cost(&price, input, cached, answer + reasoning)),
            ..Measures::default()
        }
    }

    fn embedding(&mut self, model: &Model) -> Measures {
        let input = tokens(self.rng.around(420.0, 1.2));
        Measures {
            latency_us: Some(micros(self.rng.around(model.first_ms, 0.5))),
            input_tokens: Some(input),
            cost: model.price.map(|price| cost(&price, input, 0, 0)),
            ..Measures::default()
        }
    }

    fn image(&mut self, model: &Model) -> Measures {
        let images = if self.rng.chance(0.15) { 4 } else { 1 };
        Measures {
            latency_us: Some(micros(self.rng.around(model.first_ms, 0.4))),
            cost: model.price.map(|price| cost(&price, 0, 0, images)),
            ..Measures::default()
        }
    }
}

/// One call; its texts stay in the [`Traffic`] it came from.
pub(super) struct Call {
    at: Timestamp,
    user: usize,
    key: usize,
    model: &'static Model,
    outcome: Outcome,
    measures: Measures,
}

impl Call {
    /// When it ended.
    pub(super) fn at(&self) -> Timestamp {
        self.at
    }
}

fn tokens(number: f64) -> u64 {
    (number as u64).clamp(1, 200_000)
}

fn micros(ms: f64) -> u64 {
    ((ms * 1_000.0) as u64).min(600_000_000)
}

/// Integers throughout: fresh input, cached input and output at their own prices.
fn cost(price: &Price, input: u64, cached: u64, output: u64) -> Money {
    let nanos = (input - cached) * price.input + cached * price.cache_read + output * price.output;
    Money { nanos: i64::try_from(nanos).unwrap_or(i64::MAX), currency: price.currency() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn calls(seed: u64, count: i64) -> (Traffic, Vec<Call>) {
        let mut traffic = Traffic::new(seed, &Keyring::plain());
        let calls = (0..count).map(|n| traffic.call(Timestamp::from_secs(1_700_000_000 + n * 7))).collect();
        (traffic, calls)
    }

    #[test]
    fn the_same_seed_gives_the_same_calls() {
        let told = |seed| {
            let (traffic, calls) = calls(seed, 200);
            calls.iter().map(|call| format!("{:?}", traffic.event(call))).collect::<Vec<_>>()
        };
        assert_eq!(told(1), told(1));
        assert_ne!(told(1), told(2));
    }

    #[test]
    fn every_call_can_be_counted_and_every_report_has_something_to_show() {
        let (traffic, calls) = calls(1, 20_000);
        let mut statuses = BTreeMap::new();
        let mut currencies = BTreeMap::new();
        for call in &calls {
            let event = traffic.event(call);
            assert_eq!(event.check(), Ok(()), "{event:?}");
            *statuses.entry(event.dimensions.get(Dimension::Status)).or_insert(0) += 1;
            if let Some(cost) = event.measures.cost {
                *currencies.entry(cost.currency).or_insert(0) += 1;
            }
        }
        assert!(statuses["200"] > 18_000 && statuses["429"] > 50 && statuses.len() >= 6, "{statuses:?}");
        assert_eq!(currencies.len(), 2);
        assert!(calls.iter().any(|call| call.measures.ttft_us.is_some()));
        assert!(calls.iter().any(|call| call.measures.cache_read_tokens.is_some()));
    }

    #[test]
    fn a_week_has_its_mean() {
        let mean: f64 = (0..7 * 24).map(|hour| curve(Timestamp::from_secs(hour * 3_600))).sum::<f64>() / 168.0;
        assert!((0.98..1.02).contains(&mean), "{mean}");
    }
}
