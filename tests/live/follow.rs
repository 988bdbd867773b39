//! Following a store directly, thousands of times a second: numbers are given out before calls are
//! logged, so this is where a call could be told twice or never.

use crate::ends::Ends;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use tallyring::engine::Engine;
use tallyring::engine::config::Config;
use tallyring::engine::event::Dimension;
use tallyring::engine::event::Dimensions;
use tallyring::engine::event::Event;
use tallyring::engine::query::Filter;
use tallyring::engine::time::Timestamp;
use tallyring::store::Store;

const WRITERS: u64 = 4;
const CALLS: u64 = 20_000;

fn store(recent_calls: u32) -> Store {
    Store::in_memory(Engine::new(Config { recent_calls, ..Config::default() }).unwrap())
}

fn record(store: &Store, model: &str, id: &str) {
    let now = Timestamp::from_secs(1_800_000_000);
    let dimensions = Dimensions::default().with(Dimension::Model, model);
    let _ = store.record(&Event { timestamp: now, dimensions, id, ..Event::default() }, now).unwrap();
}

fn only(model: &str) -> Vec<Filter> {
    vec![Filter { dimension: Dimension::Model, values: vec![model.to_owned()] }]
}

#[test]
fn each_call_is_told_once_however_threads_interleave() {
    let store = store(1_000_000);
    let done = AtomicBool::new(false);
    let every = Filter { values: (0..WRITERS).map(|writer| format!("m{writer}")).collect(), ..only("")[0].clone() };
    // Those who ask for everything are told how much came by arithmetic; those who filter, by what
    // was seen in the logs.
    let followers = [Vec::new(), only("m1"), vec![every]].map(|filters| store.follow(filters, false));
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let store = &store;
                scope.spawn(move || {
                    (0..CALLS).for_each(|n| record(store, &format!("m{writer}"), &format!("{writer}-{n}")));
                })
            })
            .collect();
        let followers: Vec<_> = followers
            .map(|mut follower| {
                let (store, done) = (&store, &done);
                scope.spawn(move || {
                    let (mut told, mut skipped) = (BTreeMap::new(), 0);
                    loop {
                        let last = done.load(Ordering::Acquire);
                        let arrivals = store.arrived(&mut follower, 1_000);
                        assert!(arrivals.complete);
                        assert!(arrivals.calls.is_sorted_by_key(|call| call.sequence));
                        skipped += arrivals.skipped;
                        for call in arrivals.calls {
                            let before = told.insert(call.sequence, call.id.clone());
                            assert_eq!(before, None, "told twice");
                        }
                        if last {
                            return (told.len() as u64, skipped);
                        }
                    }
                })
            })
            .into();
        let ends = Ends(&done);
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        drop(ends);
        let counts: Vec<u64> = followers
            .into_iter()
            .map(|follower| follower.join().unwrap())
            .map(|(told, skipped)| told + skipped)
            .collect();
        assert_eq!(counts, [WRITERS * CALLS, CALLS, WRITERS * CALLS]);
        assert_eq!(store.position(), WRITERS * CALLS);
    });
}

#[test]
fn what_the_log_has_dropped_is_counted_or_said() {
    let store = store(100);
    let (mut all, mut some) = (store.follow(Vec::new(), false), store.follow(only("a"), false));
    for n in 0..5_000 {
        record(&store, if n % 2 == 0 { "a" } else { "b" }, &n.to_string());
    }
    let told = store.arrived(&mut all, 50);
    assert_eq!((told.calls.len(), told.skipped, told.complete), (50, 4_950, true));
    let told = store.arrived(&mut some, 10);
    assert_eq!(told.calls.len(), 10);
    assert!(!told.complete, "how many of the dropped calls matched is not known");
    record(&store, "a", "last");
    let told = store.arrived(&mut some, 10);
    assert_eq!((told.calls.len(), told.skipped, told.complete), (1, 0, true));
    assert_eq!(store.arrived(&mut all, 50).calls.len(), 1);
    assert_eq!(store.arrived(&mut all, 50).calls.len(), 0);
}
