//! Calls as they come: none twice, none missed that is not counted as skipped.

use crate::kit::Events;
use crate::kit::batch;
use crate::support::Server;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeSet;

/// What a stream told of calls, until `count` of them were told or skipped.
fn follow(events: &mut Events, count: u64) -> (Vec<Value>, u64) {
    let (mut calls, mut skipped) = (Vec::new(), 0);
    while calls.len() as u64 + skipped < count {
        let told = events.next_of("calls");
        assert_eq!(told["complete"], true);
        let told_now = told["calls"].as_array().unwrap();
        assert!(told_now.len() <= 200);
        calls.extend(told_now.iter().cloned());
        skipped += told["skipped"].as_u64().unwrap();
    }
    (calls, skipped)
}

fn ids(calls: &[Value]) -> Vec<&str> {
    calls.iter().map(|call| call["id"].as_str().unwrap()).collect()
}

#[test]
fn calls_are_told_once_and_in_the_order_they_came() {
    let server = Server::start();
    server.post("/v1/events", batch("before", 0, 3)).counts(200);
    let mut all = Events::open(&server, "?calls=true");
    let mut some = Events::open(&server, "?calls=true&model=b&user=ann");
    let mut failed = Events::open(&server, "?calls=true&outcome=failure");
    let mut none = Events::open(&server, "");
    for events in [&mut all, &mut some, &mut failed, &mut none] {
        events.next_of("usage"); // from here on they follow
    }
    for n in 0..20 {
        server.post("/v1/events", batch(if n % 2 == 0 { "a" } else { "b" }, n, 1)).counts(200);
    }
    let (told, skipped) = follow(&mut all, 20);
    let expected: Vec<String> = (0..20).map(|n| format!("{}-{n}", if n % 2 == 0 { "a" } else { "b" })).collect();
    assert_eq!((ids(&told), skipped), (expected.iter().map(String::as_str).collect(), 0));
    // They are told as `/v1/events` tells them.
    let mut newest_first = server.get("/v1/events?limit=20").json()["calls"].as_array().unwrap().clone();
    newest_first.reverse();
    assert_eq!(told, newest_first);
    let (told, _) = follow(&mut some, 10);
    assert!(told.iter().all(|call| call["model"] == "b"));
    let (told, _) = follow(&mut failed, 2);
    assert_eq!(ids(&told), ["b-9", "b-19"]);
    assert_eq!(none.next().unwrap().0, "usage");
    assert_eq!(none.next().unwrap().0, "usage", "who does not ask for calls is told none");
}

#[test]
fn more_than_can_be_told_is_counted() {
    let server = Server::start();
    let mut all = Events::open(&server, "?calls=true");
    let mut some = Events::open(&server, "?calls=true&model=a");
    all.next_of("usage");
    some.next_of("usage");
    server.post("/v1/events", batch("a", 0, 1_000)).counts(200);
    server.post("/v1/events", batch("b", 0, 500)).counts(200);
    let (told, skipped) = follow(&mut all, 1_500);
    assert_eq!(told.len() as u64 + skipped, 1_500);
    assert!(skipped >= 900, "two ticks tell 400 at most, and the requests fell into two at most: {skipped}");
    assert_eq!(told.last().unwrap()["id"], "b-499", "the latest are told");
    let (told, skipped) = follow(&mut some, 1_000);
    assert_eq!((told.len(), skipped), (200, 800));
    assert_eq!(ids(&told)[0], "a-800");
}

/// Long texts are fewer calls a second: what waits for a reader is bounded in bytes.
#[test]
fn large_calls_are_told_as_far_as_they_fit() {
    let server = Server::start();
    let mut events = Events::open(&server, "?calls=true");
    events.next_of("usage");
    let error = "\u{1}".repeat(512); // six bytes each in JSON
    let calls: Vec<Value> = (0..200).map(|n| json!({ "model": "m", "error": error, "id": n.to_string() })).collect();
    server.post("/v1/events", Value::from(calls).to_string()).counts(200);
    let (told, skipped) = follow(&mut events, 200);
    assert!(skipped > 0 && told.len() > 50, "{} told", told.len());
    assert_eq!(told.last().unwrap()["id"], "199");
}

#[test]
fn nothing_is_missed_or_told_twice_under_concurrent_ingestion() {
    let server = Server::start_with(&["--ack", "memory"]);
    let mut all = Events::open(&server, "?calls=true");
    let mut some = Events::open(&server, "?calls=true&model=w1");
    all.next_of("usage");
    some.next_of("usage");
    let (writers, rounds, size) = (4, 40, 25);
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let server = &server;
            scope.spawn(move || {
                for round in 0..rounds {
                    let sent = server.post("/v1/events", batch(&format!("w{writer}"), round * size, size));
                    assert_eq!(sent.counts(200).0, size);
                    std::thread::sleep(std::time::Duration::from_millis(50));
                }
            });
        }
        let (told, skipped) = follow(&mut all, writers * rounds * size);
        let unique: BTreeSet<&str> = ids(&told).into_iter().collect();
        assert_eq!(unique.len(), told.len(), "none twice");
        assert_eq!(told.len() as u64 + skipped, writers * rounds * size);
        for writer in 0..writers {
            let of = format!("w{writer}-");
            let numbers: Vec<u64> = ids(&told).iter().filter_map(|id| id.strip_prefix(&of)?.parse().ok()).collect();
            assert!(numbers.is_sorted(), "in the order each writer sent them");
        }
        let (told, skipped) = follow(&mut some, rounds * size);
        assert_eq!(told.len() as u64 + skipped, rounds * size);
        assert!(told.iter().all(|call| call["model"] == "w1"));
    });
}
