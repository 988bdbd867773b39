//! `POST /v1/events`: framings, faults, times, ids, all or nothing.

use crate::support::Server;
use crate::support::now;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

const EVENTS: &str = "/v1/events";
const GOOD: &str = r#"{"model":"m","input_tokens":10,"cost":"0.1"}"#;

#[test]
fn every_framing_is_understood_whatever_it_is_called() {
    let server = Server::start();
    let pretty = serde_json::to_string_pretty(&json!({"model": "m", "labels": {}})).unwrap();
    let mut all = 0;
    for (body, count) in [
        (GOOD.to_owned(), 1),
        (pretty, 1),
        (format!("[{GOOD}, {GOOD}]"), 2),
        (format!("{GOOD}\n{GOOD}\n{GOOD}"), 3),
        (format!("\n{GOOD}\r\n\r\n{GOOD}\r\n"), 2),
        ("[]".to_owned(), 0),
        (vec![GOOD; 1_000].join("\n"), 1_000),
        (format!("[{}]", vec![GOOD; 1_000].join(",")), 1_000),
    ] {
        assert_eq!(server.post(EVENTS, &body).counts(200), (count, 0, 0));
        all += count;
        assert_eq!(server.requests(), all, "what was acknowledged is in the next answer");
    }
    let labelled = server.request("POST", EVENTS, &[("content-type", "application/x-ndjson")], GOOD.as_bytes());
    assert_eq!(labelled.counts(200), (1, 0, 0));
    assert_eq!(server.request("POST", EVENTS, &[], GOOD.as_bytes()).counts(200), (1, 0, 0), "no type at all");
    assert_eq!(labelled.json()["position"], all + 1);
}

#[test]
fn a_bad_event_is_named_and_the_rest_counted() {
    let server = Server::start();
    let long = "x".repeat(257);
    let huge = format!(r#"{{"model":"m","x":"{}"}}"#, "y".repeat(8_192));
    let cases = [
        (r#"{"model":"#, "", "invalid"),
        ("nonsense", "", "invalid"),
        ("7", "", "invalid"),
        ("{}", "", "invalid"),
        (huge.as_str(), "", "invalid"),
        (r#"{"model":"m","cost":NaN}"#, "", "invalid"),
        (r#"{"model":7}"#, "/model", "invalid"),
        (r#"{"model":"m","input_tokens":-1}"#, "/input_tokens", "invalid"),
        (r#"{"model":"m","input_tokens":100000001}"#, "/input_tokens", "invalid"),
        (r#"{"model":"m","output_tokens":99999999999999999999}"#, "/output_tokens", "invalid"),
        (r#"{"model":"m","latency_ms":"nan"}"#, "/latency_ms", "invalid"),
        (r#"{"model":"m","latency_ms":1e999}"#, "/latency_ms", "invalid"),
        (r#"{"model":"m","cost":"-0.1"}"#, "/cost", "invalid"),
        (r#"{"model":"m","cost":""}"#, "/cost", "invalid"),
        (r#"{"model":"m","cost":1,"currency":"ZZZ"}"#, "/currency", "invalid"),
        (r#"{"model":"m","timestamp":"noon"}"#, "/timestamp", "invalid"),
        (r#"{"model":"m","timestamp":1000000000}"#, "/timestamp", "too_old"),
        (r#"{"model":"m","timestamp":4000000000}"#, "/timestamp", "ahead"),
        (r#"{"model":"m","status":true}"#, "/status", "invalid"),
        (r#"{"model":"m","cost":1,"cost":2}"#, "/cost", "invalid"),
        (&format!(r#"{{"user":"{long}"}}"#), "/user", "invalid"),
        (&format!(r#"{{"key":"{long}"}}"#), "/key", "invalid"),
        (&format!(r#"{{"model":"m","id":"{}"}}"#, &long[..129]), "/id", "invalid"),
    ];
    for (round, (bad, pointer, reason)) in (1..).zip(cases) {
        let body = format!("{GOOD}\n{bad}\n{GOOD}\n");
        let answer = server.post(EVENTS, &body);
        assert_eq!(answer.counts(200), (2, 0, 1), "{bad}");
        let error = answer.json()["errors"][0].clone();
        assert_eq!((&error["index"], &error["reason"]), (&json!(1), &json!(reason)), "{bad}");
        assert_eq!(error["pointer"], pointer, "{bad}");
        assert!(!error["detail"].as_str().unwrap().is_empty());
        assert_eq!(server.requests(), 2 * round, "{bad}");
    }
    let totals = server.totals("");
    assert_eq!(totals["input_tokens"], 20 * cases.len());
    assert_eq!(totals["cost"]["USD"], format!("{}.{}00000000", cases.len() * 2 / 10, cases.len() * 2 % 10));
}

#[test]
fn an_array_is_checked_element_by_element_and_refused_where_it_is_broken() {
    let server = Server::start();
    let answer = server.post(EVENTS, format!(r#"[{GOOD}, 7, {{"model":1}}, null, {GOOD}]"#));
    assert_eq!(answer.counts(200), (2, 0, 3));
    let found: Vec<_> = answer.json()["errors"].as_array().unwrap().iter().map(|e| e["index"].clone()).collect();
    assert_eq!(found, [1, 2, 3]);
    let many = vec![GOOD; 1_000].join(",\n");
    for broken in [format!("[{many}"), format!("[{many},]"), format!("[{many}] x"), format!("[{many} {GOOD}]")] {
        let detail = server.post(EVENTS, broken).problem(400);
        assert!(detail.contains("malformed JSON"), "{detail}");
    }
    assert_eq!(server.requests(), 2, "a broken array counts nothing, not even its beginning");
}

#[test]
fn a_body_that_holds_no_json_is_refused() {
    let server = Server::start();
    for body in ["", " \n ", "not json", r#"{"model":"m""#, "{\n\"model\":\n}", "\u{feff}{}", "\0"] {
        server.post(EVENTS, body).problem(400);
    }
    server.post(EVENTS, b"{\"model\":\"\xff\"}").problem(400);
    assert_eq!(server.requests(), 0);
}

#[test]
fn a_line_that_is_not_utf8_is_rejected_alone() {
    let server = Server::start();
    let body = [GOOD.as_bytes(), b"\n{\"model\":\"\xff\"}\n", GOOD.as_bytes()].concat();
    assert_eq!(server.post(EVENTS, body).counts(200), (2, 0, 1));
}

#[test]
fn one_object_has_a_status_of_its_own() {
    let server = Server::start();
    assert_eq!(server.post(EVENTS, r#"{"id":"a","model":"m"}"#).counts(200), (1, 0, 0));
    assert_eq!(server.post(EVENTS, r#"{"id":"a","model":"m"}"#).counts(200), (0, 1, 0));
    let conflict = server.post(EVENTS, r#"{"id":"a","model":"other"}"#);
    assert_eq!(conflict.counts(409), (0, 0, 1));
    assert_eq!(conflict.json()["errors"][0]["reason"], "conflict");
    assert_eq!(server.post(EVENTS, r#"{"model":7}"#).counts(422), (0, 0, 1));
    assert_eq!(server.post(EVENTS, r#"[{"model":7}]"#).counts(200), (0, 0, 1), "a list of one is a list");
    assert_eq!(server.requests(), 1);
}

#[test]
fn times_are_read_in_every_unit_and_judged_by_the_servers_clock() {
    let server = Server::start();
    let s = now();
    for time in [
        format!("{s}"),
        format!("{s}.25"),
        format!("\"{s}\""),
        format!("{s}000"),
        format!("{s}000000"),
        format!("{s}000000000"),
        format!("{}", s + 290),
        format!("{}", s - 300 * 86_400),
    ] {
        let answer = server.post(EVENTS, format!(r#"{{"model":"m","timestamp":{time}}}"#));
        assert_eq!(answer.counts(200), (1, 0, 0), "{time}");
    }
    for (time, reason) in [
        (s + 310, "ahead"),
        (s + 10 * 365 * 86_400, "ahead"),
        (s - 402 * 86_400, "too_old"),
        (0, "too_old"),
        (90_000_000_000_000, "ahead"),
    ] {
        let answer = server.post(EVENTS, format!(r#"{{"model":"m","timestamp":{time}}}"#));
        assert_eq!(answer.counts(422), (0, 0, 1), "{time}");
        assert_eq!(answer.json()["errors"][0]["reason"], reason, "{time}");
    }
    assert_eq!(server.requests(), 6, "neither the future nor the distant past is in the last hour");
}

#[test]
fn atomic_counts_all_or_nothing() {
    let server = Server::start();
    let atomic = "/v1/events?atomic=true";
    let answer = server.post(atomic, format!("{GOOD}\n{{\"model\":7}}\n{{\"id\":\"a\",\"model\":\"m\"}}\nbroken\n"));
    assert_eq!(answer.counts(422), (0, 0, 4));
    let found: Vec<_> = answer.json()["errors"].as_array().unwrap().iter().map(|e| e["index"].clone()).collect();
    assert_eq!(found, [1, 3], "every fault is told");
    let late = json!([{"model": "m"}, {"model": "m", "timestamp": 1}]).to_string();
    assert_eq!(server.post(atomic, late).counts(422), (0, 0, 2));
    assert_eq!(server.requests(), 0);
    let good = format!("[{GOOD},{{\"id\":\"a\",\"model\":\"m\"}}]");
    assert_eq!(server.post(atomic, &good).counts(200), (2, 0, 0));
    assert_eq!(server.post(atomic, format!("[{},{GOOD}]", r#"{"id":"a","model":"n"}"#)).counts(422), (0, 0, 2));
    assert_eq!(server.post(atomic, r#"[{"id":"a","model":"m"}]"#).counts(200), (0, 1, 0));
    assert_eq!(server.requests(), 2);
    server.post("/v1/events?atomic=perhaps", GOOD).problem(400);
    assert_eq!(server.post("/v1/events?atomik=true", GOOD).json()["parameter"], "atomik");
    assert_eq!(server.requests(), 2);
}

#[test]
fn a_request_takes_so_many_events_and_no_more() {
    let server = Server::start_with(&["--max-events", "1000"]);
    let lines = |count| vec![GOOD; count].join("\n");
    for path in [EVENTS, "/v1/events?atomic=true"] {
        let detail = server.post(path, lines(1_001)).problem(413);
        assert!(detail.contains("at most 1000 events"), "{detail}");
        assert!(server.post(path, format!("[{}]", vec![GOOD; 1_001].join(","))).problem(413).contains("1000"));
        assert_eq!(server.post(path, lines(1_000)).counts(200), (1_000, 0, 0));
    }
    // However little an event is, it is one.
    assert!(server.post(EVENTS, "1\n".repeat(1_001)).problem(413).contains("1000"));
    assert_eq!(server.requests(), 2_000);
}

#[test]
fn an_id_counts_once_however_often_and_wherever_it_comes() {
    let server = Server::start();
    let line = |id: &str, tokens: u64| json!({"id": id, "model": "m", "input_tokens": tokens}).to_string();
    let body = [line("a", 1), line("b", 1), line("a", 1), line("a", 2), line("", 1), line("", 1)].join("\n");
    assert_eq!(server.post(EVENTS, &body).counts(200), (4, 1, 1));
    assert_eq!(server.post(EVENTS, &body).counts(200), (2, 3, 1), "no id is never a duplicate");
    let spaced = line("a", 1).replace(':', " : ").replace(',', ",\n");
    assert_eq!(server.post(EVENTS, spaced).counts(200), (0, 1, 0), "the payload counts, not how it is written");
    for other in [" a", "a ", "A", "а"] {
        assert_eq!(server.post(EVENTS, line(other, 1)).counts(200), (1, 0, 0), "{other:?}");
    }
    let usage = server.get("/v1/usage?window=1h").json();
    assert_eq!(usage["totals"]["requests"], 10);
    assert_eq!(usage["completeness"]["duplicates"], 5);
}

#[test]
fn the_same_ids_from_many_sides_at_once_count_once() {
    let server = Server::start();
    let ids: BTreeSet<String> = (0..200).map(|n| format!("id-{n}")).collect();
    let body: String = ids.iter().map(|id| json!({"id": id, "model": "m"}).to_string() + "\n").collect();
    let (accepted, duplicates) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let counts = server.post(EVENTS, &body).counts(200);
                accepted.fetch_add(counts.0, Ordering::Relaxed);
                duplicates.fetch_add(counts.1, Ordering::Relaxed);
                assert_eq!(counts.0 + counts.1, 200);
            });
        }
    });
    assert_eq!((accepted.into_inner(), duplicates.into_inner()), (200, 1_400));
    assert_eq!(server.requests(), 200);
}

#[test]
fn a_hundred_faults_are_listed_and_all_are_counted() {
    let server = Server::start();
    let answer = server.post(EVENTS, format!("{GOOD}\n{}", "{\n".repeat(1_000)));
    assert_eq!(answer.counts(200), (1, 0, 1_000));
    let errors = answer.json()["errors"].as_array().unwrap().clone();
    assert_eq!((errors.len(), &errors[99]["index"]), (100, &json!(100)));
}

#[test]
fn nulls_strings_and_labels_mean_what_they_say() {
    let server = Server::start_with(&["--labels", "region"]);
    let event = json!({
        "model": "m", "status": null, "user": null, "cost": null, "latency_ms": "12.345", "input_tokens": "7",
        "labels": {"region": "eu", "unheard_of": 1}, "unheard_of": {"deep": [[[]]]}
    });
    assert_eq!(server.post(EVENTS, event.to_string()).counts(200), (1, 0, 0));
    let totals = server.totals("&region=eu");
    assert_eq!(totals["requests"], 1);
    assert_eq!((&totals["failures"], &totals["unpriced"]), (&json!(1), &json!(1)), "a null status is a failure");
    assert_eq!(totals["input_tokens"], 7);
    assert_eq!(totals["latency_ms"]["max"], 12.345);
    let answer = server.post(EVENTS, r#"{"model":"m","labels":{"region":7}}"#);
    assert_eq!(answer.json()["errors"][0]["pointer"], "/labels/region");
}
