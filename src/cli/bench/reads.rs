//! How fast questions are answered over a month of history in 50,000 series.

use super::Effort;
use super::ROUNDS;
use super::growth;
use super::row::Row;
use super::row::percentile;
use super::traffic::START;
use super::traffic::Traffic;
use crate::engine::Engine;
use crate::engine::event::Dimension;
use crate::engine::event::Event;
use crate::engine::query::Query;
use crate::engine::time::DAY;
use crate::engine::time::Timestamp;
use std::hint::black_box;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Instant;

const SERIES: usize = 50_000;
const HOUR: u32 = 3_600;
const MONTH: u32 = 30 * 86_400;
/// Calls in a second of the engine's time while questions are asked.
const PACE: usize = 50_000;
const BATCH: usize = 1_000;

pub(super) fn rows(effort: Effort) -> Vec<Row> {
    let traffic = Traffic::new(SERIES);
    let engine = traffic.month();
    let end = START + 30 * DAY;
    let now = Timestamp::from_secs(end);
    let mut rows: Vec<Row> = questions(traffic.source(0).key())
        .into_iter()
        .map(|(name, query)| {
            let rates: Vec<f64> = (0..ROUNDS).map(|_| micros_each(&engine, &query, now, effort)).collect();
            Row::new(format!("read: {name}"), "µs", rates)
        })
        .collect();
    rows.extend(while_ingesting(&engine, &traffic, end, effort));
    drop(engine);
    rows.extend(growth::rows(&traffic, effort));
    rows
}

pub(super) fn counts(secs: u32) -> Query {
    Query { distributions: false, ..Query::window(secs) }
}

fn questions(key: &str) -> Vec<(&'static str, Query)> {
    let day = HOUR * 24;
    vec![
        ("total, 1 h", counts(HOUR)),
        ("total, 30 d", counts(MONTH)),
        ("one model, 1 h", counts(HOUR).only(Dimension::Model, "model-07")),
        ("one model, 30 d", counts(MONTH).only(Dimension::Model, "model-07")),
        ("by model, 24 h", counts(day).group_by(Dimension::Model)),
        ("by key × model, 24 h", counts(day).group_by(Dimension::Key).group_by(Dimension::Model)),
        ("by user × endpoint, 24 h", counts(day).group_by(Dimension::User).group_by(Dimension::Endpoint)),
        (
            "by key × model of one provider, 24 h",
            counts(day).group_by(Dimension::Key).group_by(Dimension::Model).only(Dimension::Provider, "provider-1"),
        ),
        ("one key by model, 1 h", counts(HOUR).only(Dimension::Key, key).group_by(Dimension::Model)),
        ("quantiles of the total, 24 h", Query::window(day)),
        ("quantiles by model, 1 h", Query::window(HOUR).group_by(Dimension::Model)),
    ]
}

/// The mean of one round.
pub(super) fn micros_each(engine: &Engine, query: &Query, now: Timestamp, effort: Effort) -> f64 {
    let (began, mut asked) = (Instant::now(), 0_u32);
    while asked == 0 || began.elapsed() < effort.round() / 2 {
        // Asked several times between two looks at the clock, unless one takes long.
        for _ in 0..if began.elapsed().as_millis() < 1 { 1 } else { 16 } {
            black_box(engine.query(black_box(query), now)).expect("an answer");
            asked += 1;
        }
    }
    began.elapsed().as_secs_f64() * 1e6 / f64::from(asked)
}

/// The total of an hour, asked one by one, while another thread counts as fast as it can.
fn while_ingesting(engine: &Engine, traffic: &Traffic, end: i64, effort: Effort) -> Vec<Row> {
    let (clock, done) = (AtomicI64::new(end), AtomicBool::new(false));
    let rounds = thread::scope(|scope| {
        scope.spawn(|| ingest(engine, traffic, &clock, &done));
        let rounds: Vec<[f64; 2]> = (0..ROUNDS).map(|_| tail(engine, &clock, effort)).collect();
        done.store(true, Ordering::Relaxed);
        rounds
    });
    let row = |name: &str, place: usize| Row::new(name, "µs", rounds.iter().map(|round| round[place]));
    vec![row("read: total, 1 h, while ingesting, p50", 0), row("read: total, 1 h, while ingesting, p99", 1)]
}

fn ingest(engine: &Engine, traffic: &Traffic, clock: &AtomicI64, done: &AtomicBool) {
    let mut events: Vec<Event<'_>> = Vec::with_capacity(BATCH);
    for batch in 0.. {
        if done.load(Ordering::Relaxed) {
            return;
        }
        if batch % (PACE / BATCH) == 0 {
            engine.advance(Timestamp::from_secs(clock.fetch_add(1, Ordering::Relaxed) + 1));
        }
        let now = Timestamp::from_secs(clock.load(Ordering::Relaxed));
        events.clear();
        events.extend((batch * BATCH..(batch + 1) * BATCH).map(|n| traffic.source(n).event(now)));
        assert!(engine.apply(&events, now).iter().all(Result::is_ok));
    }
}

/// The median and the slowest hundredth of one round, in µs.
fn tail(engine: &Engine, clock: &AtomicI64, effort: Effort) -> [f64; 2] {
    let (query, mut each, began) = (counts(HOUR), Vec::new(), Instant::now());
    while each.is_empty() || began.elapsed() < effort.round() {
        let now = Timestamp::from_secs(clock.load(Ordering::Relaxed));
        let asked = Instant::now();
        black_box(engine.query(black_box(&query), now)).expect("an answer");
        each.push(asked.elapsed().as_secs_f64() * 1e6);
    }
    [percentile(&mut each, 50), percentile(&mut each, 99)]
}
