//! What a series costs: bytes by the engine's own account, and by the system's.
//!
//! Two figures: a series that was seen once and is idle, and one second of one series that was
//! busy in it. The system's figure includes what the allocator keeps for itself. One round: the
//! account does not vary, and a second one would find the memory that the first has freed.

use super::Effort;
use super::machine;
use super::row::Row;
use super::traffic::START;
use super::traffic::Traffic;
use crate::engine::Engine;
use crate::engine::config::Config;
use crate::engine::event::Event;
use crate::engine::time::Timestamp;

const BUSY: usize = 10_000;
/// Past the open seconds.
const SETTLE: i64 = 70;

/// Bytes held: by the engine's account, by the system's.
#[derive(Clone, Copy)]
struct Held(u64, u64);

impl Held {
    fn by(engine: &Engine) -> Self {
        Self(engine.stats().memory_bytes, machine::resident_bytes())
    }

    /// What one of `count` things costs since `before`.
    fn rows(self, before: Self, what: &str, count: usize) -> [Row; 2] {
        let each = |now: u64, then: u64| now.saturating_sub(then) as f64 / count as f64;
        [
            Row::new(format!("memory: {what}, own account"), "bytes", [each(self.0, before.0)]),
            Row::new(format!("memory: {what}, resident"), "bytes", [each(self.1, before.1)]),
        ]
    }
}

pub(super) fn rows(effort: Effort) -> Vec<Row> {
    let mut rows = idle(effort.of(200_000, 50_000));
    rows.extend(occupied(effort.of(120, 30) as u32));
    rows
}

fn idle(series: usize) -> Vec<Row> {
    let traffic = Traffic::new(series);
    let empty = Engine::new(Config::default()).expect("the defaults");
    let before = Held::by(&empty);
    let engine = traffic.engine();
    let open = Held::by(&engine).rows(before, "series, its second open", series);
    for hour in 1..=72 {
        engine.advance(Timestamp::from_secs(START + hour * 3_600));
    }
    let idle = Held::by(&engine).rows(before, "series, idle for 3 days", series);
    open.into_iter().chain(idle).collect()
}

fn occupied(seconds: u32) -> [Row; 2] {
    let traffic = Traffic::new(BUSY);
    let engine = traffic.engine();
    engine.advance(Timestamp::from_secs(START + SETTLE));
    let before = Held::by(&engine);
    for second in SETTLE..SETTLE + i64::from(seconds) {
        let now = Timestamp::from_secs(START + second);
        for sources in traffic.sources.chunks(1_000) {
            let events: Vec<Event<'_>> = sources.iter().map(|source| source.event(now)).collect();
            assert!(engine.apply(&events, now).iter().all(Result::is_ok));
        }
        engine.advance(now);
    }
    engine.advance(Timestamp::from_secs(START + 2 * SETTLE + i64::from(seconds)));
    Held::by(&engine).rows(before, "series-second, occupied", BUSY * seconds as usize)
}
