//! `POST /v1/ingest/dify`: a call as the document-translation service recorded it, with the traps
//! of its prices.

use crate::support::Server;
use serde_json::Value;
use serde_json::json;

const DIFY: &str = "/v1/ingest/dify";

/// A call with this `usage`.
fn call(usage: &Value) -> String {
    json!({
        "user_id": "u-1", "job_id": "j-7", "api_endpoint": "/v1/chat-messages", "metadata": {"usage": usage},
        "response_time_ms": 1830, "success": true, "error_message": null
    })
    .to_string()
}

#[test]
fn a_call_is_counted_with_its_tokens_price_and_details() {
    let server = Server::start();
    let usage = json!({
        "prompt_tokens": 1033, "prompt_unit_price": "0.001", "prompt_price_unit": "0.001", "prompt_price": "0.0010330",
        "completion_tokens": 128, "completion_unit_price": "0.002", "completion_price_unit": "0.001",
        "completion_price": "0.0002560", "total_tokens": 1161, "total_price": "0.0012890", "currency": "USD",
        "latency": 99.0
    });
    assert_eq!(server.post(DIFY, call(&usage)).counts(200), (1, 0, 0));
    let totals = server.totals("&user=u-1&endpoint=%2Fv1%2Fchat-messages");
    assert_eq!((&totals["requests"], &totals["successes"]), (&json!(1), &json!(1)));
    assert_eq!(totals["total_tokens"], 1161);
    assert_eq!(totals["cost"], json!({"USD": "0.001289000"}));
    assert_eq!(totals["latency_ms"]["max"], 1830.0, "milliseconds win over Dify's seconds");
    let calls = server.get("/v1/events?limit=1").json();
    assert!(calls.to_string().contains("j-7"), "{calls}");
}

#[test]
fn prices_add_up_exactly_and_are_never_rounded_away() {
    let server = Server::start();
    let small = call(&json!({"total_price": "0.00004"}));
    let body = vec![small; 1_000].join("\n");
    assert_eq!(server.post(DIFY, body).counts(200), (1_000, 0, 0));
    let split = call(&json!({"prompt_price": "0.1", "completion_price": "0.2", "total_price": null}));
    let _ = server.post(DIFY, split).counts(200);
    let yuan = call(&json!({"total_price": "0.000000001", "currency": "RMB"}));
    let _ = server.post(DIFY, yuan).counts(200);
    assert_eq!(server.totals("")["cost"], json!({"CNY": "0.000000001", "USD": "0.340000000"}));
}

#[test]
fn the_traps_are_defaults_or_clear_faults() {
    let server = Server::start();
    for usage in [json!(null), json!({}), json!({"total_price": null}), json!({"prompt_tokens": null})] {
        assert_eq!(server.post(DIFY, call(&usage)).counts(200), (1, 0, 0), "{usage}");
    }
    let totals = server.totals("");
    assert_eq!((&totals["requests"], &totals["unpriced"]), (&json!(4), &json!(4)));
    for (usage, field) in [
        (json!({"total_price": ""}), "total_price"),
        (json!({"total_price": "nan"}), "total_price"),
        (json!({"total_price": "-1"}), "total_price"),
        (json!({"total_price": "1e10"}), "total_price"),
        (json!({"prompt_tokens": -1}), "prompt_tokens"),
        (json!({"completion_tokens": 1e9}), "completion_tokens"),
        (json!({"completion_tokens": 1_000_000_000}), "completion_tokens"),
        (json!({"total_price": "1", "currency": "0.001"}), "currency"),
    ] {
        let answer = server.post(DIFY, call(&usage));
        assert_eq!(answer.counts(422), (0, 0, 1), "{usage}");
        assert_eq!(answer.json()["errors"][0]["pointer"], format!("/metadata/usage/{field}"), "{usage}");
    }
    assert_eq!(server.totals(""), totals, "no fault leaves a trace in the sums");
    let zero = call(&json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "total_price": "0"}));
    let _ = server.post(DIFY, zero).counts(200);
    let totals = server.totals("");
    assert_eq!((&totals["unpriced"], &totals["cost"]), (&json!(4), &json!({"USD": "0.000000000"})));
}

#[test]
fn lists_ids_and_failures_work_as_in_our_own_format() {
    let server = Server::start();
    let failed = json!({"id": "x", "user_id": 42, "success": false, "error_message": "timed out"});
    let body = json!([failed, failed, {"user_id": {}}]).to_string();
    let answer = server.post(DIFY, body);
    assert_eq!(answer.counts(200), (1, 1, 1));
    assert_eq!(answer.json()["errors"][0]["pointer"], "/user_id");
    let totals = server.totals("&user=42");
    assert_eq!((&totals["requests"], &totals["failures"]), (&json!(1), &json!(1)));
}
