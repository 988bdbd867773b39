//! Whoever counts, asks and looks at the same time gets on: locks are taken in one order.
//!
//! New series are what makes writers wait for readers, so calls come in with names never seen
//! before, while other threads do everything that locks a stripe or the table of series.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tallyring::Engine;
use tallyring::engine::event::Dimension;
use tallyring::engine::event::Dimensions;
use tallyring::engine::event::Event;
use tallyring::engine::query::Query;
use tallyring::engine::recent::CallQuery;
use tallyring::engine::time::Timestamp;

const NOW: i64 = 1_795_000_000;
/// How long all of them go on.
const SPAN: Duration = Duration::from_secs(2);
/// Longer than any of them takes; who has not ended by then never will.
const DEADLINE: Duration = Duration::from_secs(120);

type Deed = fn(&Engine, u64);

const DEEDS: [Deed; 6] = [count, count, look, page, ask, pass];

/// A second for a thousand turns.
fn at(turn: u64) -> Timestamp {
    Timestamp::from_secs(NOW + i64::try_from(turn / 1_000).expect("not that many turns"))
}

fn count(engine: &Engine, turn: u64) {
    let name = format!("m-{turn}-{:?}", thread::current().id());
    let now = at(engine.stats().accepted);
    let event = |model| Event {
        timestamp: now,
        dimensions: Dimensions::default().with(Dimension::Model, model),
        ..Event::default()
    };
    let applied = engine.apply(&[event(&name), event("known")], now);
    assert!(applied.iter().all(Result::is_ok), "{applied:?}");
}

fn look(engine: &Engine, _: u64) {
    let _ = engine.stats();
}

fn page(engine: &Engine, _: u64) {
    let (from, to) = (Timestamp::MIN, Timestamp::MAX);
    let query = CallQuery { from, to, filters: Vec::new(), failures_only: false, limit: 100, after: None };
    assert!(engine.calls(&query).calls.len() <= 100);
}

fn ask(engine: &Engine, _: u64) {
    let usage = engine.query(&Query::window(60).group_by(Dimension::Model), Timestamp::from_secs(NOW));
    assert!(usage.is_ok());
}

fn pass(engine: &Engine, turn: u64) {
    engine.advance(at(turn));
}

#[test]
fn nobody_waits_for_ever() {
    let engine = Engine::new(Default::default()).unwrap();
    let (over, turns) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (tell, told) = mpsc::channel();
    for deed in DEEDS {
        let (engine, over, turns, tell) = (engine.clone(), Arc::clone(&over), Arc::clone(&turns), tell.clone());
        thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                deed(&engine, turns.fetch_add(1, Ordering::Relaxed));
            }
            drop(tell);
        });
    }
    drop(tell);
    thread::sleep(SPAN);
    over.store(true, Ordering::Relaxed);
    let ended = told.recv_timeout(DEADLINE);
    assert_eq!(ended, Err::<(), _>(mpsc::RecvTimeoutError::Disconnected), "a thread still waits");
    assert!(engine.stats().accepted > 0);
}
