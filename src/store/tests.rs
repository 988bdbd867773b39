//! Each event once: against retries, conflicts, repeats within a batch, and two threads.

use super::*;
use crate::engine::config::Config;
use crate::engine::event::Dimension;
use crate::engine::event::Dimensions;
use crate::engine::event::Measures;
use crate::engine::event::Reason;
use crate::engine::query::Query;

const NOW: i64 = 1_795_324_556;

fn now() -> Timestamp {
    Timestamp::from_secs(NOW)
}

fn store() -> Store {
    Store::in_memory(Engine::new(Config::default()).unwrap())
}

fn event<'a>(id: &'a str, tokens: u64) -> Event<'a> {
    Event {
        timestamp: now(),
        dimensions: Dimensions::default().with(Dimension::Model, "m"),
        measures: Measures { input_tokens: Some(tokens), ..Measures::default() },
        id,
        ..Event::default()
    }
}

fn batch<'a>(events: &[Event<'a>]) -> Batch<'a> {
    let mut batch = Batch::new(|pointer| pointer);
    (0..).zip(events).for_each(|(index, event)| batch.push(index, *event, true));
    batch
}

/// Ingests and tells `(accepted, duplicates, rejected)`.
fn counts(store: &Store, events: &[Event<'_>], atomic: bool) -> (u64, u64, u64) {
    let receipt = store.ingest("w", batch(events), atomic, now()).unwrap();
    let counts = (receipt.accepted, receipt.duplicates, receipt.rejected);
    assert_eq!(counts.0 + counts.1 + counts.2, events.len() as u64, "each event is exactly one of the three");
    counts
}

fn requests(store: &Store) -> u64 {
    store.engine().query(&Query::window(3600), now()).unwrap().totals.sums.requests
}

#[test]
fn a_retry_counts_once_and_another_payload_conflicts() {
    let store = store();
    assert_eq!(counts(&store, &[event("a", 1), event("b", 1)], false), (2, 0, 0));
    assert_eq!(counts(&store, &[event("b", 1), event("c", 1)], false), (1, 1, 0));
    let receipt = store.ingest("w", batch(&[event("a", 2)]), false, now()).unwrap();
    assert_eq!((receipt.errors[0].reason, &*receipt.errors[0].pointer), (Reason::Conflict, "/id"));
    assert_eq!(requests(&store), 3);
    assert_eq!((store.position(), receipt.position), (3, 3));
}

#[test]
fn repeats_within_a_batch_are_seen() {
    let store = store();
    assert_eq!(counts(&store, &[event("a", 1), event("a", 1), event("a", 2)], false), (1, 1, 1));
    assert_eq!(requests(&store), 1);
}

#[test]
fn a_repeat_of_a_refused_event_is_refused_too() {
    let store = store();
    let old = Event { timestamp: Timestamp::from_secs(1), ..event("a", 1) };
    assert_eq!(counts(&store, &[old, old], false), (0, 0, 2));
    assert_eq!(counts(&store, &[event("a", 1)], false), (1, 0, 0), "a refused id is not remembered");
}

#[test]
fn no_id_and_another_writer_are_never_duplicates() {
    let store = store();
    assert_eq!(counts(&store, &[event("", 1), event("", 1), event("a", 1)], false), (3, 0, 0));
    let receipt = store.ingest("another", batch(&[event("a", 2)]), false, now()).unwrap();
    assert_eq!(receipt.accepted, 1);
}

#[test]
fn a_time_of_arrival_is_no_part_of_the_payload() {
    let store = store();
    let send = |secs, timed| {
        let mut batch = Batch::new(|pointer| pointer);
        batch.push(0, Event { timestamp: Timestamp::from_secs(secs), ..event("a", 1) }, timed);
        store.ingest("w", batch, false, now()).unwrap()
    };
    assert_eq!(send(NOW, false).accepted, 1);
    assert_eq!(send(NOW + 5, false).duplicates, 1);
    assert_eq!(send(NOW, true).rejected, 1, "a time told is");
}

#[test]
fn atomic_is_all_or_nothing() {
    let store = store();
    let negative = Event { id: "", ..event("", 200_000_000) };
    let mut mixed = batch(&[event("a", 1), event("", 1), negative]);
    mixed.refuse(EventError { index: 3, pointer: "".into(), reason: Reason::Invalid, detail: "x".into() });
    let receipt = store.ingest("w", mixed, true, now()).unwrap();
    assert_eq!((receipt.accepted, receipt.duplicates, receipt.rejected), (0, 0, 4));
    assert_eq!(receipt.errors.iter().map(|error| error.index).collect::<Vec<_>>(), [2, 3], "every fault, in order");
    assert_eq!(requests(&store), 0);
    assert_eq!(counts(&store, &[event("a", 1), event("", 1)], true), (2, 0, 0), "the ids were not marked");
    assert_eq!(counts(&store, &[event("a", 1), event("b", 1)], true), (1, 1, 0), "a duplicate is no fault");
    assert_eq!(counts(&store, &[event("a", 2), event("c", 1)], true), (0, 0, 2), "a conflict is one");
    assert_eq!(requests(&store), 3);
}

#[test]
fn answers_know_what_was_refused_and_what_came_twice() {
    let store = store();
    let _ = counts(&store, &[event("a", 1), event("a", 1), event("a", 2), event("", 200_000_000)], false);
    let stats = store.engine().stats();
    assert_eq!((stats.accepted, stats.duplicates, stats.rejected), (1, 1, [1, 0, 0, 1]));
}

#[test]
fn at_most_a_hundred_faults_are_listed_and_all_counted() {
    let events = vec![event("", 200_000_000); 250];
    let receipt = store().ingest("w", batch(&events), false, now()).unwrap();
    assert_eq!((receipt.rejected, receipt.errors.len()), (250, MAX_LISTED));
    assert_eq!(receipt.errors[99].index, 99);
}

#[test]
fn two_threads_with_the_same_ids_count_each_once() {
    let store = store();
    let ids: Vec<String> = (0..2_000).map(|n| n.to_string()).collect();
    let accepted = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for id in &ids {
                    let receipt = store.ingest("w", batch(&[event(id, 1)]), false, now()).unwrap();
                    accepted.fetch_add(receipt.accepted, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!((accepted.into_inner(), requests(&store), store.position()), (2_000, 2_000, 2_000));
}
