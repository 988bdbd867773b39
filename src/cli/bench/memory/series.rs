//! A series that was seen once and is idle, and one second of one series that was busy in it.
//!
//! The log of recent calls is full before anything is measured: it is bounded, and belongs to no series.

use super::Held;
use super::Row;
use crate::cli::bench::traffic::START;
use crate::cli::bench::traffic::Traffic;
use crate::engine::Engine;
use crate::engine::config::Config;
use crate::engine::event::Event;
use crate::engine::time::Timestamp;

const BUSY: usize = 10_000;
/// Past the open seconds.
const SETTLE: i64 = 70;
const HOUR: i64 = 3_600;

pub(super) fn idle(series: usize) -> Vec<Row> {
    let traffic = Traffic::new(series);
    let engine = full_log(&traffic);
    let before = Held::by(&engine);
    count(&engine, &traffic, START);
    let open = Held::by(&engine).rows(before, "series, its second open", series);
    for hour in 1..=72 {
        engine.advance(Timestamp::from_secs(START + hour * HOUR));
    }
    let idle = Held::by(&engine).rows(before, "series, idle for 3 days", series);
    open.into_iter().chain(idle).collect()
}

pub(super) fn occupied(seconds: usize) -> Vec<Row> {
    let traffic = Traffic::new(BUSY);
    let engine = full_log(&traffic);
    count(&engine, &traffic, START);
    engine.advance(Timestamp::from_secs(START + SETTLE));
    let before = Held::by(&engine);
    for second in (START + SETTLE..).take(seconds) {
        count(&engine, &traffic, second);
        engine.advance(Timestamp::from_secs(second));
    }
    engine.advance(Timestamp::from_secs(START + 2 * SETTLE + i64::try_from(seconds).expect("minutes")));
    Held::by(&engine).rows(before, "series-second, occupied", BUSY * seconds).into()
}

/// One call of every series.
fn count(engine: &Engine, traffic: &Traffic, second: i64) {
    let now = Timestamp::from_secs(second);
    for sources in traffic.sources.chunks(1_000) {
        let events: Vec<Event<'_>> = sources.iter().map(|source| source.event(now)).collect();
        assert!(engine.apply(&events, now).iter().all(Result::is_ok));
    }
}

/// An engine that has seen as many calls of one series as it remembers, an hour ago.
fn full_log(traffic: &Traffic) -> Engine {
    let config = Config::default();
    let calls = config.recent_calls as usize;
    let engine = Engine::new(config).expect("the defaults");
    let now = Timestamp::from_secs(START - HOUR);
    let events = vec![traffic.source(0).event(now); 1_000];
    for _ in 0..calls.div_ceil(events.len()) {
        assert!(engine.apply(&events, now).iter().all(Result::is_ok));
    }
    engine.advance(Timestamp::from_secs(START - 1));
    engine
}
