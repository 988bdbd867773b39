//! Calls of names never seen before, under a budget: the ceiling holds and no call is lost.

use super::Row;
use super::after;
use super::peaks;
use crate::engine::Engine;
use crate::engine::config::Config;
use crate::engine::event::Dimension;
use crate::engine::event::Dimensions;
use crate::engine::event::Event;
use crate::engine::event::Measures;
use crate::engine::money::Currency;
use crate::engine::money::Money;
use crate::engine::query::Query;
use crate::engine::time::Timestamp;
use std::time::Duration;
use std::time::Instant;

const BUDGET: u64 = 256 << 20;
const BATCH: usize = 1_000;
/// Calls in a second of the engine's time.
const PACE: usize = 20_000;

/// Rows of so many million names.
pub(super) fn rows(millions: usize) -> Vec<Row> {
    let calls = millions * 1_000_000;
    // Nothing but the budget stands in the way.
    let limit = 100_000_000;
    let config = Config {
        memory_bytes: BUDGET,
        max_series: limit,
        max_identities: limit,
        max_values: limit,
        ..Config::default()
    };
    let engine = Engine::new(config).expect("limits that can be");
    let (mut highest, mut took) = (0, Duration::ZERO);
    for first in (0..calls).step_by(BATCH) {
        let now = after(first / PACE);
        took += count(&engine, first..first + BATCH, now);
        if first % PACE == 0 {
            highest = highest.max(engine.stats().memory_bytes);
        }
    }
    check(&engine, calls);
    let what = format!("{millions} M names never seen before, budget 256 MiB");
    let rate = calls as f64 / took.as_secs_f64() / 1e6;
    let mut rows = Vec::from(peaks(&what, highest));
    rows.push(Row::new(format!("memory: {what}: 1 thread"), "M events/s", [rate]));
    rows
}

/// Counts calls, each of a key, a user and a model of its own; answers how long that took.
fn count(engine: &Engine, calls: std::ops::Range<usize>, now: Timestamp) -> Duration {
    let names: Vec<[String; 3]> =
        calls.clone().map(|n| [format!("key-{n}"), format!("user-{n}"), format!("model-{n}")]).collect();
    let events: Vec<Event<'_>> = calls
        .zip(&names)
        .map(|(n, names)| {
            let dimensions = Dimensions::default()
                .with(Dimension::Key, &names[0])
                .with(Dimension::User, &names[1])
                .with(Dimension::Model, &names[2])
                .with(Dimension::Status, "200");
            let cost = Some(Money { nanos: i64::try_from(n).expect("millions"), currency: Currency::USD });
            Event { timestamp: now, dimensions, measures: Measures { cost, ..Measures::default() }, ..Event::default() }
        })
        .collect();
    let began = Instant::now();
    assert!(engine.apply(&events, now).iter().all(Result::is_ok));
    began.elapsed()
}

/// Every call is in the totals, to the last nano-dollar.
fn check(engine: &Engine, calls: usize) {
    let now = after(calls / PACE);
    let sums = engine.query(&Query::between(None, None), now).expect("an answer").totals.sums;
    assert_eq!(sums.requests, calls as u64);
    let nanos = calls as i128 * (calls as i128 - 1) / 2;
    assert_eq!(sums.cost.get(Currency::USD), Some(nanos));
}
