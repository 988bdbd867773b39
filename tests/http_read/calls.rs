//! `/v1/events` and `/v1/reports/calls`: call details.

use crate::site::NOON;
use crate::site::Site;
use crate::site::cost;
use crate::site::nothing;
use serde_json::Value;
use serde_json::json;
use tallyring::engine::config::Config;
use tallyring::engine::event::Dimension::Endpoint;
use tallyring::engine::event::Dimension::Key;
use tallyring::engine::event::Dimension::Label;
use tallyring::engine::event::Dimension::Model;
use tallyring::engine::event::Dimension::Provider;
use tallyring::engine::event::Dimension::Status;
use tallyring::engine::event::Dimension::User;
use tallyring::engine::event::Measures;

#[test]
fn a_call_is_told_whole() {
    let site = Site::at(NOON);
    let measures = Measures {
        latency_us: Some(12_345),
        ttft_us: Some(1_000),
        input_tokens: Some(10),
        output_tokens: Some(0),
        ..cost("0.00421", "EUR")
    };
    let of = [
        (Key, "sk-secret"),
        (Model, "gpt"),
        (User, "ann"),
        (Provider, "acme"),
        (Endpoint, "/chat"),
        (Status, "429"),
        (Label(0), "red"),
    ];
    site.call_named("2026-11-22T11:59:59.5Z", &of, measures, ["id-1", "job-1", "quota"]);
    let expected = json!({
        "from": "2026-11-21T17:45:00+05:45", "to": "2026-11-22T17:45:01+05:45", "tz": "Asia/Kathmandu",
        "calls": [{
            "timestamp": "2026-11-22T17:44:59.5+05:45",
            "key": site.name("sk-secret"), "user": "ann", "model": "gpt", "provider": "acme", "endpoint": "/chat",
            "status": "failure", "status_code": 429, "status_value": "429",
            "latency_ms": 12.345, "ttft_ms": 1,
            "input_tokens": 10, "output_tokens": 0, "cache_read_tokens": null, "cache_write_tokens": null,
            "reasoning_tokens": null, "total_tokens": 10,
            "cost": "0.004210000", "currency": "EUR",
            "id": "id-1", "job_id": "job-1", "error": "quota", "labels": { "team": "red" }
        }],
        "complete": true, "next_cursor": null
    });
    assert_eq!(site.json("/v1/events?tz=Asia/Kathmandu"), expected);
}

/// Six calls, `a` the oldest.
fn site() -> Site {
    let site = Site::at(NOON);
    let calls = [
        ("a", "2026-11-22T03:59:59Z", "gpt", "200", "ann"),
        ("b", "2026-11-22T11:00:00Z", "gpt", "429", "ann"),
        ("c", "2026-11-22T11:58:59Z", "claude", "success", "bob"),
        ("d", "2026-11-22T11:59:00Z", "claude", "", "bob"),
        ("e", "2026-11-22T11:59:00Z", "gpt", "cancelled", ""),
        ("f", "2026-11-22T12:00:00.5Z", "", "204", "ann"),
    ];
    for (id, at, model, status, user) in calls {
        let key = if user == "ann" { "sk-ann/1" } else { "" };
        site.call_named(at, &[(Model, model), (Status, status), (User, user), (Key, key)], nothing(), [id, "", ""]);
    }
    // Ahead of the clock, but near enough to be counted once its second has come.
    site.call_named("2026-11-22T12:00:01Z", &[(Model, "gpt")], nothing(), ["g", "", ""]);
    site
}

fn ids(answer: &Value) -> String {
    let calls = answer["calls"].as_array().unwrap();
    calls.iter().map(|call| call["id"].as_str().unwrap()).collect()
}

#[test]
fn events_are_filtered_and_newest_first() {
    let site = site();
    let table = [
        ("", "fedcba"),
        ("window=1m", "fed"),
        ("window=1h", "fedcb"),
        ("from=2026-11-22T11:00:00Z&to=2026-11-22T11:59:00Z", "cb"),
        ("model=gpt", "eba"),
        ("model=gpt&model=", "feba"),
        ("user=ann&model=gpt", "ba"),
        ("key=sk-ann%2F1", "fba"),
        ("outcome=failure", "edb"),
        ("outcome=success", "fca"),
        ("outcome=success&model=gpt", "a"),
        ("outcome=success&status=200&status=429", "a"),
        ("outcome=success&status=429", ""),
        ("outcome=failure&user=", "e"),
        ("status=", "d"),
        ("status=ok", "c"),
        ("status=429", "b"),
        ("user=nobody", ""),
    ];
    for (query, expected) in table {
        assert_eq!(ids(&site.json(&format!("/v1/events?{query}"))), expected, "{query}");
    }
}

#[test]
fn the_report_knows_four_periods_and_four_scopes() {
    let site = site();
    let table = [
        ("period=1m", "fed"),
        ("period=1h", "fedcb"),
        ("period=8h", "fedcb"),
        ("period=24h", "fedcba"),
        ("period=24h&key=sk-ann%2F1", "fba"),
        ("period=24h&model=claude&user=bob", "dc"),
        ("period=24h&endpoint=x", ""),
    ];
    for (query, expected) in table {
        assert_eq!(ids(&site.json(&format!("/v1/reports/calls?{query}"))), expected, "{query}");
    }
}

#[test]
fn the_report_is_paged() {
    let site = site();
    let first = site.json("/v1/reports/calls?period=24h&limit=4");
    let next = first["next_cursor"].as_str().unwrap();
    let second = site.json(&format!("/v1/reports/calls?period=24h&limit=4&cursor={next}"));
    assert_eq!((ids(&first), ids(&second)), ("fedc".to_string(), "ba".to_string()));
    assert_eq!(second["next_cursor"], Value::Null);
}

#[test]
fn it_is_told_when_older_calls_are_gone() {
    let site = Site::with(NOON, Config { recent_calls: 2, stripes: 1, ..Config::default() });
    for (id, at) in [("a", "2026-11-22T11:00:00Z"), ("b", "2026-11-22T11:30:00Z"), ("c", "2026-11-22T11:59:30Z")] {
        site.call_named(at, &[(Model, "gpt")], nothing(), [id, "", ""]);
    }
    let hour = site.json("/v1/events?window=1h");
    assert_eq!((ids(&hour), &hour["complete"]), ("cb".to_string(), &json!(false)));
    let minute = site.json("/v1/events?window=1m");
    assert_eq!((ids(&minute), &minute["complete"]), ("c".to_string(), &json!(true)));
}
