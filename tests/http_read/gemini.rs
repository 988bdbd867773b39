//! gemini-balance's own routes, in its JSON.

use crate::site::NOON;
use crate::site::Site;
use crate::site::escaped;
use crate::site::nothing;
use crate::site::took;
use serde_json::json;
use tallyring::engine::event::Dimension::Key;
use tallyring::engine::event::Dimension::Model;
use tallyring::engine::event::Dimension::Status;

const HOSTILE: [&str; 4] = ["AIza/with/slashes", "a key with spaces", "clé-🔑", "<script>alert(1)</script>"];

fn site() -> Site {
    let site = Site::at(NOON);
    for (place, key) in HOSTILE.into_iter().enumerate() {
        for n in 0..=place {
            let status = if n == 0 { "429" } else { "200" };
            site.call("2026-11-22T11:59:30Z", &[(Key, key), (Model, "pro"), (Status, status)], took(7));
        }
        site.call("2026-11-22T04:30:00Z", &[(Key, key), (Model, "flash"), (Status, "403")], nothing());
        site.call("2026-11-22T04:30:00Z", &[(Key, key), (Status, "200")], nothing());
    }
    site
}

#[test]
fn details_are_a_list_of_six_members() {
    let site = site();
    let rows = site.json("/api/stats/details?period=1m&tz=Asia/Shanghai");
    assert_eq!(rows.as_array().unwrap().len(), 10);
    let last = json!({
        "timestamp": "2026-11-22T19:59:30+08:00", "key": site.name(HOSTILE[0]), "model": "pro",
        "status": "failure", "status_code": 429, "latency_ms": 7
    });
    assert_eq!(rows[9], last);
    assert_eq!(rows[0]["status"], "success");
    assert_eq!(site.json("/api/stats/details?period=8h").as_array().unwrap().len(), 18);
    let unnamed = &site.json("/api/stats/details?period=24h")[16];
    assert_eq!((&unnamed["model"], &unnamed["latency_ms"]), (&json!(null), &json!(null)));
}

#[test]
fn a_cut_list_names_the_rest_in_its_header() {
    let site = Site::at(NOON);
    for ms in 1..=3 {
        site.call("2026-11-22T11:59:30Z", &[(Key, "k")], took(ms));
    }
    assert_eq!(site.get("/api/stats/details?period=1m").header("next-cursor"), None);
    let cut = site.get("/api/stats/details?period=1m&limit=2");
    assert_eq!(cut.json().as_array().unwrap().len(), 2);
    assert!(cut.header("next-cursor").is_some());
}

#[test]
fn keys_of_any_characters_are_asked_for_and_told_by_their_public_names() {
    let site = site();
    for (place, key) in HOSTILE.into_iter().enumerate() {
        let expected = format!(r#"{{"pro":{},"flash":1}}"#, place + 1);
        for name in [key.to_string(), site.name(key)] {
            let usage = site.get(&format!("/api/key-usage-details/{}", escaped(&name)));
            let expected = if place == 0 { r#"{"flash":1,"pro":1}"# } else { &expected };
            assert_eq!((usage.status, usage.body.as_str()), (200, expected), "{name}");
            let details = site.get(&format!("/api/stats/key-details?period=24h&key={}", escaped(&name)));
            let rows = details.json();
            assert_eq!(rows.as_array().unwrap().len(), place + 3, "{name}");
            assert!(rows.as_array().unwrap().iter().all(|row| row["key"] == site.name(key)));
            assert!(!details.body.contains(key), "{}", details.body);
        }
    }
    let slashes = site.get("/api/key-usage-details/AIza/with/slashes");
    assert_eq!(slashes.body, r#"{"flash":1,"pro":1}"#, "unescaped slashes are part of the key");
    assert_eq!(site.get("/api/key-usage-details/nobody").body, "{}");
}

#[test]
fn attention_keys_are_ranked_by_one_status_code() {
    let site = Site::at(NOON);
    for (key, count) in [("k1", 1), ("k2", 3), ("k3", 3), ("k4", 2)] {
        for _ in 0..count {
            site.call("2026-11-22T11:30:00Z", &[(Key, key), (Status, "429")], nothing());
        }
        site.call("2026-11-22T11:30:00Z", &[(Key, key), (Status, "200")], nothing());
    }
    site.call("2026-11-22T11:30:00Z", &[(Key, "k1"), (Status, "403")], nothing());
    site.call("2026-11-21T11:59:59Z", &[(Key, "k1"), (Status, "429")], nothing()); // a second too old
    let row = |key, count, status_code| json!({ "key": site.name(key), "count": count, "status_code": status_code });
    let mut tied = [row("k2", 3, 429), row("k3", 3, 429)];
    tied.sort_by_key(|row| row["key"].to_string());
    let [first, second] = tied;
    let expected = json!([first, second, row("k4", 2, 429), row("k1", 1, 429)]);
    assert_eq!(site.json("/api/stats/attention-keys"), expected);
    assert_eq!(site.json("/api/stats/attention-keys?limit=1&status_code=403"), json!([row("k1", 1, 403)]));
    assert_eq!(site.json("/api/stats/attention-keys?status_code=500"), json!([]));
}

#[test]
fn errors_are_real_ones() {
    let site = site();
    let table = [
        ("/api/stats/details", "period: `period` is required"),
        ("/api/stats/details?period=2h", "period: `period` must be 1m, 1h, 8h or 24h"),
        ("/api/stats/key-details?period=1h", "key: `key` is required"),
        ("/api/stats/attention-keys?limit=0", "limit: `limit` must be a whole number from 1 to 1000"),
        (
            "/api/stats/attention-keys?status_code=42",
            "status_code: `status_code` must be a whole number from 100 to 599",
        ),
        ("/api/key-usage-details/k?x=1", "x: unknown parameter `x`; none is known"),
        ("/api/key-usage-details/%FF", "?: the path is not percent-encoded UTF-8"),
    ];
    for (target, expected) in table {
        assert_eq!(site.refusal(target), expected, "{target}");
    }
}
