//! An engine with the default tiers, and short words for calls and questions.

use crate::model::Row;
use crate::model::random;
use tallyring::engine::Applied;
use tallyring::engine::Engine;
use tallyring::engine::event::Dimension;
use tallyring::engine::event::Reason;
use tallyring::engine::event::Reject;
use tallyring::engine::query::Query;
use tallyring::engine::query::Usage;
use tallyring::engine::time::Timestamp;

/// 2026-11-22T05:15:56Z.
pub(crate) const NOW: i64 = 1_795_324_556;
pub(crate) const DAY: i64 = 86_400;
pub(crate) const YEAR: i64 = 365 * DAY;

pub(crate) fn engine() -> Engine {
    Engine::new(random::config(4, 2)).expect("the default tiers")
}

pub(crate) fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

pub(crate) fn micros(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).expect("1970..=9999")
}

/// One call of model `m`.
pub(crate) fn record(engine: &Engine, timestamp: Timestamp, now: Timestamp) -> Result<Applied, Reject> {
    let mut row = Row::at_secs(0, &[(Dimension::Model, "m"), (Dimension::Status, "200")]);
    row.at = timestamp.micros();
    engine.record(&row.event(), now)
}

pub(crate) fn ask(engine: &Engine, query: &Query, now: Timestamp) -> Usage {
    engine.query(query, now).expect("an answer")
}

pub(crate) fn count(engine: &Engine, query: &Query, now: Timestamp) -> u64 {
    ask(engine, query, now).totals.sums.requests
}

pub(crate) fn refused(outcome: Result<Applied, Reject>) -> Option<Reason> {
    outcome.err().map(|reject| reject.reason)
}
