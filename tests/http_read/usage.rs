//! `/v1/usage`: totals, groups, filters, figures, rankings.

use crate::site::NOON;
use crate::site::Site;
use crate::site::cost;
use crate::site::escaped;
use crate::site::nothing;
use crate::site::took;
use serde_json::Value;
use serde_json::json;
use tallyring::engine::event::Dimension::Key;
use tallyring::engine::event::Dimension::Label;
use tallyring::engine::event::Dimension::Model;
use tallyring::engine::event::Dimension::Status;
use tallyring::engine::event::Dimension::User;
use tallyring::engine::event::Measures;

#[test]
fn every_figure_is_exact() {
    let site = Site::at(NOON);
    let first = Measures {
        latency_us: Some(12_345),
        ttft_us: Some(1_000),
        input_tokens: Some(10),
        output_tokens: Some(20),
        cache_read_tokens: Some(3),
        cache_write_tokens: Some(4),
        reasoning_tokens: Some(5),
        ..cost("12.904310000", "USD")
    };
    let second = Measures { latency_us: Some(12_346), total_tokens: Some(7), ..cost("0.000000001", "EUR") };
    site.call("2026-11-22T11:59:59.999999Z", &[(Model, "gpt"), (Status, "200")], first);
    site.call("2026-11-22T11:59:00Z", &[(Model, "gpt"), (Status, "429")], second);
    site.call("2026-11-22T11:58:59.999999Z", &[(Model, "gpt"), (Status, "200")], nothing()); // before the window
    site.call("2026-11-22T12:00:01Z", &[(Model, "gpt"), (Status, "200")], nothing()); // after it
    let expected = json!({
        "from": "2026-11-22T11:59:00Z",
        "to": "2026-11-22T12:00:01Z",
        "resolution": "1s",
        "tz": "UTC",
        "position": 0,
        "quantile_error": 0.007_812_5,
        "completeness": {
            "unpriced": 0, "unmetered": 0, "overflowed": 0, "late": 0,
            "rejected": { "invalid": 0, "too_old": 0, "ahead": 0, "conflict": 0 }, "duplicates": 0
        },
        "totals": {
            "requests": 2, "successes": 1, "failures": 1, "error_rate": 0.5,
            "input_tokens": 10, "output_tokens": 20, "cache_read_tokens": 3, "cache_write_tokens": 4,
            "reasoning_tokens": 5, "total_tokens": 37,
            "cost": { "EUR": "0.000000001", "USD": "12.904310000" }, "unpriced": 0,
            "latency_ms": {
                "count": 2, "mean": 12.345, "min": 12.345, "max": 12.346,
                "p50": 12.346, "p95": 12.346, "p99": 12.346
            },
            "ttft_ms": { "count": 1, "mean": 1, "min": 1, "max": 1, "p50": 1, "p95": 1, "p99": 1 }
        },
        "data": [], "other": null, "groups": 0, "next_cursor": null
    });
    let mut told = site.json("/v1/usage?window=1m");
    // The one lateness is that of the engine's open seconds, which is not what this test is about.
    told["completeness"]["late"] = json!(0);
    assert_eq!(told, expected);
}

#[test]
fn nothing_at_all_is_zero_calls_and_no_figures() {
    let site = Site::at(NOON);
    let totals = &site.json("/v1/usage")["totals"];
    assert_eq!((&totals["requests"], &totals["error_rate"]), (&json!(0), &Value::Null));
    assert_eq!(totals["cost"], json!({}));
    let times = json!({ "count": 0, "mean": null, "min": null, "max": null, "p50": null, "p95": null, "p99": null });
    assert_eq!((&totals["latency_ms"], &totals["ttft_ms"]), (&times, &times));
}

/// Eight calls of three models, three users, two teams and two keys.
fn office() -> Site {
    let site = Site::at(NOON);
    let calls = [
        ("gpt", "ann", "red", "sk-one", "200"),
        ("gpt", "ann", "red", "sk-one", "429"),
        ("gpt", "bob", "blue", "sk-one", "200"),
        ("claude", "bob", "blue", "sk-two", "200"),
        ("claude", "", "", "sk-two", "500"),
        ("claude", "", "", "sk-two", "500"),
        ("", "ann", "", "", "success"),
        ("gemini", "cat", "red", "sk-two", "cancelled"),
    ];
    for (model, user, team, key, status) in calls {
        let of = [(Model, model), (User, user), (Label(0), team), (Key, key), (Status, status)];
        site.call("2026-11-22T11:30:00Z", &of, nothing());
    }
    site
}

fn requests(site: &Site, query: &str) -> u64 {
    site.json(&format!("/v1/usage?{query}"))["totals"]["requests"].as_u64().unwrap()
}

#[test]
fn filters_of_one_name_are_alternatives_and_of_two_names_must_both_hold() {
    let site = office();
    let table = [
        ("", 8),
        ("model=gpt", 3),
        ("model=gpt&model=claude", 6),
        ("model=gpt&model=claude&user=bob", 2),
        ("model=", 1),
        ("model=&model=gemini", 2),
        ("user=&team=", 2),
        ("team=red", 3),
        ("status=OK", 1),
        ("status=500&status=429", 3),
        ("model=nobody", 0),
        ("key=", 1),
    ];
    for (query, expected) in table {
        assert_eq!(requests(&site, query), expected, "{query}");
    }
}

#[test]
fn a_key_is_asked_by_its_raw_or_public_name_and_told_by_the_public_one() {
    let site = office();
    let public = site.name("sk-two");
    assert_eq!(requests(&site, "key=sk-two"), 4);
    assert_eq!(requests(&site, &format!("key={}", escaped(&public))), 4);
    let reply = site.get("/v1/usage?group_by=key&key=sk-two");
    assert_eq!(reply.json()["data"][0]["group"]["key"], public);
    assert!(!reply.body.contains("sk-two"), "{}", reply.body);
}

fn names(answer: &Value, dimension: &str) -> Vec<Option<String>> {
    let name = |group: &Value| group["group"][dimension].as_str().map(String::from);
    answer["data"].as_array().unwrap().iter().map(name).collect()
}

#[test]
fn groups_are_named_ranked_and_counted() {
    let site = office();
    let answer = site.json("/v1/usage?group_by=model,status&metrics=requests,failures");
    let rows: Vec<_> = answer["data"].as_array().unwrap().iter().map(ToString::to_string).collect();
    let expected = [
        json!({ "group": { "model": "claude", "status": "500" }, "requests": 2, "failures": 2 }),
        json!({ "group": { "model": "gpt", "status": "200" }, "requests": 2, "failures": 0 }),
    ];
    assert_eq!(rows[..2], expected.map(|row| row.to_string()));
    assert_eq!((rows.len(), &answer["groups"]), (6, &json!(6)));
    assert_eq!(answer["other"], json!({ "groups": 0, "requests": 0, "failures": 0 }));
    assert_eq!(answer["next_cursor"], Value::Null);
    let missing = names(&answer, "model").into_iter().filter(Option::is_none).count();
    assert_eq!(missing, 1, "calls without a model are a group of their own");
}

/// Four users with different figures.
fn ranked() -> Site {
    let site = Site::at(NOON);
    let call = |user, status, measures| site.call("2026-11-22T11:30:00Z", &[(User, user), (Status, status)], measures);
    call("ann", "200", cost("3", "USD"));
    call("bob", "200", cost("1", "USD"));
    call("bob", "500", took(10));
    call("cat", "500", took(30));
    call("dan", "200", cost("2", "USD"));
    call("dan", "200", took(20));
    call("dan", "200", nothing());
    site
}

fn order(site: &Site, order_by: &str) -> String {
    let answer = site.json(&format!("/v1/usage?group_by=user&order_by={order_by}"));
    names(&answer, "user").into_iter().map(|name| name.unwrap()).collect::<Vec<_>>().join(" ")
}

#[test]
fn groups_are_ranked_by_any_figure_and_ties_go_by_name() {
    let site = ranked();
    let table = [
        ("-requests", "dan bob ann cat"),
        ("requests", "ann cat bob dan"),
        ("name", "ann bob cat dan"),
        ("-name", "dan cat bob ann"),
        ("-cost", "ann dan bob cat"),
        ("cost:USD", "cat bob dan ann"),
        ("-error_rate", "cat bob ann dan"),
        ("-latency_ms.p95", "cat dan bob ann"),
        ("latency_ms", "bob dan cat ann"),
        ("-unpriced", "dan bob cat ann"),
    ];
    for (order_by, expected) in table {
        assert_eq!(order(&site, order_by), expected, "{order_by}");
    }
}

#[test]
fn cost_without_a_currency_means_the_only_one_there_is() {
    let site = Site::at(NOON);
    for (user, amount) in [("ann", "1"), ("bob", "2")] {
        site.call("2026-11-22T11:30:00Z", &[(User, user)], cost(amount, "EUR"));
    }
    assert_eq!(order(&site, "-cost"), "bob ann");
    assert_eq!(order(&site, "-cost:USD"), "ann bob", "nobody has dollars");
    site.call("2026-11-22T11:30:00Z", &[(User, "ann")], cost("0.01", "USD"));
    assert_eq!(order(&site, "-cost"), "ann bob", "of several currencies, dollars");
}

#[test]
fn only_the_metrics_asked_are_told_and_quantiles_have_names() {
    let site = Site::at(NOON);
    for ms in [100, 200, 300, 400] {
        site.call("2026-11-22T11:30:00Z", &[(Model, "gpt")], took(ms));
    }
    let totals = site.json("/v1/usage?metrics=latency_ms&quantiles=0,0.999,1")["totals"].clone();
    let expected = json!({ "latency_ms":
        { "count": 4, "mean": 250, "min": 100, "max": 400, "p0": totals["latency_ms"]["p0"], "p99.9": 400, "p100": 400 }
    });
    assert_eq!(totals, expected);
    let lowest = totals["latency_ms"]["p0"].as_f64().unwrap();
    assert!((100.0..=100.0 * (1.0 + 1.0 / 128.0)).contains(&lowest), "{lowest}");
    let counts = site.json("/v1/usage?metrics=unpriced,requests");
    assert_eq!(counts["totals"], json!({ "unpriced": 4, "requests": 4 }));
}

#[test]
fn values_are_counted_between_bounds_and_groups_and_points_add_up() {
    let site = Site::at(NOON);
    for (at, model, ms) in [
        ("11:30:10", "gpt", 1),
        ("11:30:20", "gpt", 100),
        ("11:31:10", "gpt", 101),
        ("11:31:20", "qwen", 100),
        ("11:31:30", "qwen", 90_000),
    ] {
        site.call(&format!("2026-11-22T{at}Z"), &[(Model, model)], took(ms));
    }
    site.call("2026-11-22T11:31:00Z", &[(Model, "qwen")], nothing());
    let span = "/v1/usage?from=2026-11-22T11:30:00Z&to=2026-11-22T11:32:00Z&metrics=latency_ms,ttft_ms&quantiles=1";
    let told = site.json(&format!("{span}&bins=0.5,100,1000&group_by=model&order_by=name&interval=1m"));
    assert_eq!(told["bins_ms"], json!([0.5, 100, 1000]));
    assert_eq!(
        told["totals"]["latency_ms"],
        json!({ "count": 5, "mean": 18_060.4, "min": 1, "max": 90_000, "p100": 90_000, "bins": [0, 3, 1, 1] })
    );
    assert_eq!(told["totals"]["ttft_ms"]["bins"], json!([0, 0, 0, 0]));
    let bins = |of: &Value| of["latency_ms"]["bins"].clone();
    assert_eq!((bins(&told["data"][0]), bins(&told["data"][1])), (json!([0, 2, 1, 0]), json!([0, 1, 0, 1])));
    let points = &told["data"][0]["series"];
    assert_eq!((bins(&points[0]), bins(&points[1])), (json!([0, 2, 0, 0]), json!([0, 0, 1, 0])));
    assert_eq!((bins(&told["series"][0]), bins(&told["series"][1])), (json!([0, 2, 0, 0]), json!([0, 1, 1, 1])));
    assert_eq!(bins(&told["other"]), json!([0, 0, 0, 0]));

    let told = site.json(&format!("{span}&bins=auto&compare=previous"));
    let bounds = told["bins_ms"].as_array().unwrap();
    assert_eq!((&bounds[0], bounds.last()), (&json!(1), Some(&json!(600_000))));
    for figures in [&told["totals"], &told["previous"]] {
        assert_eq!(bins(figures).as_array().unwrap().len(), bounds.len() + 1);
    }
    let without = site.json(span);
    assert_eq!((without.get("bins_ms"), without["totals"]["latency_ms"].get("bins")), (None, None));
}

#[test]
fn the_span_before_is_told_beside() {
    let site = Site::at(NOON);
    let call = |at: &str, model| site.call(at, &[(Model, model)], nothing());
    call("2026-11-22T11:45:00Z", "gpt");
    call("2026-11-22T11:15:00Z", "gpt");
    call("2026-11-22T11:15:00Z", "claude");
    call("2026-11-22T11:00:59Z", "gpt"); // the span before has 29 minutes too
    let span = "from=2026-11-22T11:30:00Z&to=2026-11-22T11:59:00Z&metrics=requests&group_by=model";
    let answer = site.json(&format!("/v1/usage?{span}&compare=previous"));
    assert_eq!((&answer["totals"], &answer["previous"]), (&json!({"requests": 1}), &json!({"requests": 2})));
    assert_eq!(answer["data"][0]["previous"], json!({ "requests": 1 }));
    assert_eq!(site.json(&format!("/v1/usage?{span}")).get("previous"), None);
}

#[test]
fn completeness_counts_what_is_missing() {
    let site = Site::at(NOON);
    site.call("2026-11-22T11:30:00Z", &[(Model, "gpt")], cost("1", "USD"));
    site.call("2026-11-22T11:30:00Z", &[(Model, "gpt")], Measures { input_tokens: Some(0), ..nothing() });
    let rejects = [tallyring::engine::event::Reason::Ahead, tallyring::engine::event::Reason::Conflict];
    let rejects = rejects.map(|reason| tallyring::engine::event::Reject { reason, pointer: "", detail: "" });
    site.engine().note(&rejects, 3);
    let told = &site.json("/v1/usage")["completeness"];
    assert_eq!((&told["unpriced"], &told["unmetered"], &told["duplicates"]), (&json!(1), &json!(1), &json!(3)));
    assert_eq!(told["rejected"], json!({ "invalid": 0, "too_old": 0, "ahead": 1, "conflict": 1 }));
}
