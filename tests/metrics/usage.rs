//! Usage as counters: equal to what the API counts of the same calls.

use crate::kit::Told;
use crate::kit::once_counted;
use crate::support::Server;
use serde_json::Value;
use serde_json::json;

const MODELS: [&str; 4] = ["gpt-4o", "claude", "gemini", ""];
const STATUSES: [&str; 6] = ["200", "success", "302", "429", "503", "cancelled"];

fn calls() -> Vec<Value> {
    let call = |n: u64| {
        let model = MODELS[n as usize % 4];
        let mut call = json!({
            "provider": (["openai", "anthropic"][n as usize % 2]), "endpoint": format!("/v{}", n % 3),
            "status": STATUSES[n as usize % 6], "user": format!("u{n}"), "input_tokens": n, "output_tokens": 2 * n,
            "cache_read_tokens": n / 2, "reasoning_tokens": 1, "latency_ms": 5 + n * n, "ttft_ms": n,
        });
        if !model.is_empty() {
            call["model"] = model.into();
        }
        if !n.is_multiple_of(3) {
            call["cost"] = format!("0.{n:03}").into();
            call["currency"] = ["USD", "EUR"][n as usize % 2].into();
        }
        call
    };
    (0..120).map(call).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap_or(0.0)
}

#[track_caller]
fn near(a: f64, b: f64, what: &str) {
    assert!((a - b).abs() <= 1e-9 * b.abs().max(1.0), "{what}: {a} and {b}");
}

#[test]
fn every_family_equals_the_api() {
    let server = Server::start();
    server.post("/v1/events", Value::from(calls()).to_string()).counts(200);
    let told = once_counted(&server, 120);
    for by in ["model", "provider", "endpoint"] {
        let answer = server.get(&format!("/v1/usage?window=1h&group_by={by}")).json();
        for group in answer["data"].as_array().unwrap() {
            let name = group["group"][by].as_str().unwrap_or("");
            let get = |what: &str, more: &[(&str, &str)]| {
                let labels = [&[(by, name)], more].concat();
                told.get(&format!("tallyring_{by}_{what}"), &labels).unwrap_or_else(|| panic!("{what} {labels:?}"))
            };
            assert_eq!(get("requests_total", &[("outcome", "success")]), number(&group["successes"]));
            assert_eq!(get("requests_total", &[("outcome", "failure")]), number(&group["failures"]));
            assert_eq!(get("unpriced_requests_total", &[]), number(&group["unpriced"]));
            for kind in ["input", "output", "cache_read", "cache_write", "reasoning", "total"] {
                let tokens = number(&group[&format!("{kind}_tokens")]);
                assert_eq!(get("tokens_total", &[("type", kind)]), tokens, "{name} {kind}");
            }
            for (currency, cost) in group["cost"].as_object().unwrap() {
                near(get("cost_total", &[("currency", currency)]), number(cost), currency);
            }
            for time in ["latency", "ttft"] {
                let of = &group[&format!("{time}_ms")];
                assert_eq!(get(&format!("{time}_seconds_count"), &[]), number(&of["count"]));
                let sum = get(&format!("{time}_seconds_sum"), &[]);
                near((sum * 1e6 / number(&of["count"])).floor() / 1e3, number(&of["mean"]), "mean");
            }
        }
        let groups = answer["data"].as_array().unwrap().len();
        assert_eq!(
            told.samples.keys().filter(|(n, _)| *n == format!("tallyring_{by}_ttft_seconds_sum")).count(),
            groups
        );
    }
    for (class, requests) in
        [("2xx", 20.0), ("success", 20.0), ("3xx", 20.0), ("4xx", 20.0), ("5xx", 20.0), ("failure", 20.0)]
    {
        let get = |outcome| told.get("tallyring_status_requests_total", &[("status", class), ("outcome", outcome)]);
        assert_eq!(get("success").unwrap() + get("failure").unwrap(), requests, "{class}");
    }
}

/// Buckets are cumulative, and a value that is a bound lies below it.
#[test]
fn histograms_hold_each_call_once() {
    let server = Server::start();
    let sent: Vec<Value> = [10.0, 10.1, 20.0, 655_360.0, 700_000.0]
        .map(|ms| json!({ "model": "m", "status": 200, "latency_ms": ms }))
        .into();
    server.post("/v1/events", Value::from(sent).to_string()).counts(200);
    let told = once_counted(&server, 5);
    let below = |le: &str| told.get("tallyring_model_latency_seconds_bucket", &[("model", "m"), ("le", le)]);
    let counts = ["0.01", "0.02", "0.04", "655.36", "+Inf"].map(|le| below(le).unwrap_or_else(|| panic!("{le}")));
    assert_eq!(counts, [1.0, 3.0, 3.0, 4.0, 5.0]);
    assert_eq!(told.get("tallyring_model_latency_seconds_count", &[("model", "m")]), Some(5.0));
    assert_eq!(told.get("tallyring_model_ttft_seconds_count", &[("model", "m")]), Some(0.0));
}

#[test]
fn the_conventions_have_their_own_names() {
    let server = Server::start();
    server.post("/v1/events", Value::from(calls()).to_string()).counts(200);
    once_counted(&server, 120);
    let told = Told::parse(&server.get("/metrics?names=otel").text());
    let totals = server.totals("");
    let tokens = |kind: &str| -> f64 {
        let of = |(name, labels): &&(String, std::collections::BTreeMap<String, String>)| {
            name == "gen_ai_client_token_usage_sum" && labels["gen_ai_token_type"] == kind
        };
        told.samples.keys().filter(of).map(|series| told.samples[series]).sum()
    };
    assert_eq!(tokens("input"), number(&totals["input_tokens"]));
    assert_eq!(tokens("output"), number(&totals["output_tokens"]));
    assert_eq!(told.sum("gen_ai_client_operation_duration_seconds_count"), 120.0);
    let failed = told.get(
        "gen_ai_client_operation_duration_seconds_count",
        &[("gen_ai_request_model", "claude"), ("gen_ai_provider_name", "anthropic"), ("error_type", "429")],
    );
    assert_eq!(failed, Some(10.0));
    assert!(told.values("error_type").contains("429"));
    assert!(!told.values("error_type").contains("200"), "a success has no error");
    assert!(!told.names().iter().any(|name| name.starts_with("tallyring_model_")), "usage is told under one name");
    assert!(told.names().contains("tallyring_events_accepted_total"), "the server's own figures stay");
}

/// Which values have rows of their own is decided once, by who came first.
#[test]
fn labels_are_bounded_and_sums_stay_exact() {
    let server = Server::start_with(&["--metrics-max-labels", "5"]);
    let mut before: Option<Told> = None;
    for round in 1..=4_u64 {
        let models = (0..round * 5).map(|n| json!({ "model": format!("m{n}"), "status": 200, "input_tokens": 3 }));
        let models: Vec<Value> = models.collect();
        server.post("/v1/events", Value::from(models).to_string()).counts(200);
        let sent: u64 = (1..=round).map(|round| round * 5).sum();
        let told = once_counted(&server, sent);
        assert_eq!(told.sum("tallyring_model_requests_total"), sent as f64);
        let models = told.values("model");
        assert_eq!(models.len(), if round == 1 { 5 } else { 6 }, "{models:?}");
        for (series, value) in before.iter().flat_map(|before| &before.samples) {
            if series.0.starts_with("tallyring_model_") {
                assert!(told.samples[series] >= *value, "{series:?} fell");
            }
        }
        before = Some(told);
    }
    let told = before.unwrap();
    let others = [("model", "__other__"), ("outcome", "success")];
    assert_eq!(told.get("tallyring_model_requests_total", &others), Some(50.0 - 20.0));
    // And the server itself told all of them apart.
    assert_eq!(server.get("/v1/usage?window=1h&group_by=model").json()["groups"], 20);
}
