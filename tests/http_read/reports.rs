//! `/v1/reports/…`: names, defaults and shapes of the old statistics pages.

use crate::site::NOON;
use crate::site::Site;
use crate::site::cost;
use crate::site::nothing;
use crate::site::took;
use serde_json::Value;
use serde_json::json;
use tallyring::engine::event::Dimension::Endpoint;
use tallyring::engine::event::Dimension::Key;
use tallyring::engine::event::Dimension::Model;
use tallyring::engine::event::Dimension::Status;
use tallyring::engine::event::Dimension::User;
use tallyring::engine::event::Measures;

fn call(site: &Site, at: &str, user: &str, status: &str, measures: Measures) {
    site.call(at, &[(User, user), (Status, status)], measures);
}

#[test]
fn the_summary_has_one_instant_for_all_windows() {
    let site = Site::at(NOON);
    let instants = ["11:59:00", "11:58:59", "11:00:00", "10:59:59", "04:00:00", "03:59:59"];
    for at in instants {
        call(&site, &format!("2026-11-22T{at}Z"), "ann", "200", nothing());
    }
    call(&site, "2026-11-21T12:00:00Z", "ann", "500", nothing());
    call(&site, "2026-11-21T11:59:59Z", "bob", "500", nothing());
    call(&site, "2026-10-31T18:15:00Z", "bob", "200", nothing()); // midnight of November 1st in Kathmandu
    call(&site, "2026-10-31T18:14:59Z", "bob", "200", nothing());
    let outcomes = |success, failure| json!({ "total": success + failure, "success": success, "failure": failure });
    let expected = json!({
        "calls_1m": outcomes(1, 0), "calls_1h": outcomes(3, 0), "calls_8h": outcomes(5, 0),
        "calls_24h": outcomes(6, 1), "calls_month": outcomes(7, 2)
    });
    assert_eq!(site.json("/v1/reports/summary?tz=Asia/Kathmandu"), expected);
    let flat = json!({ "calls_1m": 1, "calls_1h": 3, "calls_8h": 5, "calls_24h": 7, "calls_month": 8 });
    assert_eq!(site.json("/v1/reports/summary?shape=flat"), flat);
    let bob = json!({ "calls_1m": 0, "calls_1h": 0, "calls_8h": 0, "calls_24h": 0, "calls_month": 1 });
    assert_eq!(site.json("/v1/reports/summary?shape=flat&user=bob"), bob);
}

#[test]
fn a_key_usage_is_counted_by_model_most_first_then_by_name() {
    let site = Site::at(NOON);
    for model in ["pro", "flash", "nano", "pro", "nano", "", "ultra"] {
        site.call("2026-11-22T11:30:00Z", &[(Key, "sk-1"), (Model, model)], nothing());
    }
    site.call("2026-11-22T11:30:00Z", &[(Key, "sk-2"), (Model, "pro")], nothing());
    site.call("2026-11-22T10:30:00Z", &[(Key, "sk-1"), (Model, "ultra")], nothing());
    let day = site.get("/v1/reports/key-usage?key=sk-1").body;
    assert_eq!(day, r#"{"nano":2,"pro":2,"ultra":2,"flash":1}"#);
    let hour = site.get("/v1/reports/key-usage?key=sk-1&window=1h").body;
    assert_eq!(hour, r#"{"nano":2,"pro":2,"flash":1,"ultra":1}"#);
    assert_eq!(site.get("/v1/reports/key-usage?key=nobody").body, "{}");
}

fn team() -> Site {
    let site = Site::at(NOON);
    let tokens = |n| Measures { total_tokens: Some(n), ..nothing() };
    call(&site, "2026-11-20T00:00:00Z", "ann", "200", Measures { latency_us: Some(100_000), ..cost("0.5", "USD") });
    call(&site, "2026-11-21T23:59:59.999Z", "ann", "200", Measures { latency_us: Some(300_001), ..tokens(7) });
    call(&site, "2026-11-22T00:00:00Z", "ann", "500", cost("0.000000001", "EUR"));
    call(&site, "2026-11-22T00:00:00Z", "bob", "200", Measures { total_tokens: Some(9), ..cost("0.5", "USD") });
    call(&site, "2026-11-22T00:00:00Z", "", "200", cost("2", "EUR"));
    site
}

#[test]
fn a_user_report_counts_both_bounds() {
    let site = team();
    let all = json!({
        "total_calls": 3, "successful_calls": 2, "failed_calls": 1, "success_rate": 66.67, "total_tokens": 7,
        "total_cost": { "EUR": "0.000000001", "USD": "0.500000000" }, "avg_response_time": 200,
        "latency_ms": { "p50": 100.351, "p95": 300.001, "p99": 300.001 },
        "tz": "UTC", "resolution": "1m",
        "from": "2026-11-20T00:00:00Z", "to": "2026-11-22T12:00:01Z"
    });
    let mut told = site.json("/v1/reports/user?user=ann&start=2026-11-20");
    let p50 = told["latency_ms"]["p50"].as_f64().unwrap();
    assert!((100.0..=100.79).contains(&p50), "{p50}");
    told["latency_ms"]["p50"] = json!(100.351);
    told["resolution"] = json!("1m"); // 1m or 15m: which tier keeps the 20th is the engine's affair
    assert_eq!(told, all);
    let days = |query: &str| site.json(&format!("/v1/reports/user?user=ann&{query}"))["total_calls"].clone();
    assert_eq!(days("start=2026-11-21&end=2026-11-21"), 1, "a date that ends a report is a whole day");
    assert_eq!(days("start=2026-11-22&end=2026-11-22"), 1);
    assert_eq!(days("start=2026-11-22&end=2026-11-22&tz=Asia/Shanghai"), 2);
    let nobody = site.json("/v1/reports/user?user=nobody");
    assert_eq!((&nobody["total_calls"], &nobody["success_rate"]), (&json!(0), &json!(0.0)));
    assert_eq!((&nobody["total_cost"], &nobody["avg_response_time"]), (&json!({}), &Value::Null));
}

#[test]
fn an_instant_that_begins_or_ends_a_report_is_counted() {
    let site = Site::at(NOON);
    call(&site, "2026-11-22T11:30:00Z", "ann", "200", nothing());
    let table = [
        ("start=2026-11-22T11:30:00Z", 1),
        ("start=2026-11-22T11:30:01Z", 0),
        ("end=2026-11-22T11:30:00Z", 1),
        ("end=2026-11-22T11:29:59Z", 0),
        ("start=2026-11-22T11:30:00Z&end=2026-11-22T11:30:00Z", 1),
    ];
    for (query, expected) in table {
        assert_eq!(site.json(&format!("/v1/reports/user?user=ann&{query}"))["total_calls"], expected, "{query}");
    }
}

fn users(answer: &Value) -> Vec<Option<&str>> {
    answer["users"].as_array().unwrap().iter().map(|row| row["user_id"].as_str()).collect()
}

#[test]
fn top_users_are_ranked_by_cost_or_any_other_figure() {
    let site = team();
    let top = site.json("/v1/reports/top-users?start=2026-11-20&order_by=cost:USD");
    let first = json!({
        "user_id": "ann", "total_calls": 3, "total_tokens": 7,
        "total_cost": { "EUR": "0.000000001", "USD": "0.500000000" }, "avg_response_time": 200
    });
    assert_eq!(top["users"][0], first);
    assert_eq!(users(&top)[..2], [Some("ann"), Some("bob")], "ties go by name");
    assert_eq!(top["from"], "2026-11-20T00:00:00Z");
    assert_eq!(users(&site.json("/v1/reports/top-users"))[..2], [Some("ann"), Some("bob")], "by cost in dollars");
    let tokens = site.json("/v1/reports/top-users?order_by=-total_tokens&limit=1");
    assert_eq!(users(&tokens), [Some("bob")]);
    let euros = site.json("/v1/reports/top-users?order_by=cost:EUR&start=2026-11-22&end=2026-11-22");
    assert_eq!(users(&euros)[..2], [None, Some("ann")], "calls without a user are one of the ranked");
}

#[test]
fn endpoints_are_ranked_by_calls() {
    let site = Site::at(NOON);
    for (endpoint, ms) in [("/chat", 10), ("/embed", 30), ("/chat", 21)] {
        site.call("2026-11-22T11:30:00Z", &[(Endpoint, endpoint)], took(ms));
    }
    let told = site.json("/v1/reports/endpoints");
    let row = |endpoint, calls, mean| json!({ "endpoint": endpoint, "total_calls": calls, "total_tokens": 0, "total_cost": {}, "avg_response_time": mean });
    assert_eq!(told["endpoints"], json!([row("/chat", 2, json!(15.5)), row("/embed", 1, json!(30))]));
    assert_eq!(told["to"], "2026-11-22T12:00:01Z");
    let before = site.json("/v1/reports/endpoints?end=2026-11-22T11:29:59Z");
    assert_eq!(before["endpoints"], json!([]));
}

#[test]
fn days_are_ordered_and_filled_on_request() {
    let site = team();
    let told = site.json("/v1/reports/daily?days=4");
    let day = |date, calls: [u64; 3], tokens, cost| {
        let [total, successful, failed] = calls;
        json!({
            "date": date, "total_calls": total, "successful_calls": successful, "failed_calls": failed,
            "total_tokens": tokens, "total_cost": cost
        })
    };
    let rows = [
        day("2026-11-20", [1, 1, 0], 0, json!({ "USD": "0.500000000" })),
        day("2026-11-21", [1, 1, 0], 7, json!({})),
        day("2026-11-22", [3, 2, 1], 9, json!({ "EUR": "2.000000001", "USD": "0.500000000" })),
    ];
    assert_eq!(told["days"], json!(rows));
    assert_eq!((&told["from"], &told["to"]), (&json!("2026-11-19T00:00:00Z"), &json!("2026-11-22T12:00:01Z")));
    let filled = site.json("/v1/reports/daily?days=4&fill=true");
    assert_eq!(filled["days"].as_array().unwrap().len(), 4);
    assert_eq!(filled["days"][0], day("2026-11-19", [0, 0, 0], 0, json!({})));
    let kathmandu = site.json("/v1/reports/daily?days=1&tz=Asia/Kathmandu");
    assert_eq!(kathmandu["from"], "2026-11-22T00:00:00+05:45");
    assert_eq!(kathmandu["days"][0]["total_calls"], 4, "the call of a second before midnight UTC is of this day");
    assert_eq!(site.json("/v1/reports/daily?fill=true")["days"].as_array().unwrap().len(), 30);
}

#[test]
fn a_cost_trend_is_by_day_and_currency() {
    let site = team();
    let told = site.json("/v1/reports/cost-trend?days=2");
    let rows = json!([
        { "date": "2026-11-21", "cost": {} },
        { "date": "2026-11-22", "cost": { "EUR": "2.000000001", "USD": "0.500000000" } }
    ]);
    assert_eq!(told["days"], rows);
    assert_eq!(told["from"], "2026-11-21T00:00:00Z");
}

#[test]
fn attention_keys_say_which_status_code_they_are_about() {
    let site = Site::at(NOON);
    site.call("2026-11-22T11:30:00Z", &[(Key, "k"), (Status, "400")], nothing());
    let expected = json!({ "status_code": 400, "keys": [{ "key": site.name("k"), "count": 1, "status_code": 400 }] });
    assert_eq!(site.json("/v1/reports/attention-keys?status_code=400"), expected);
    assert_eq!(site.json("/v1/reports/attention-keys"), json!({ "status_code": 429, "keys": [] }));
}
