//! API keys: whatever they hold they are counted apart, and none ever comes back.

use crate::support::Answer;
use crate::support::Server;
use serde_json::json;
use std::collections::BTreeSet;

const EVENTS: &str = "/v1/events";

const HOSTILE: [&str; 12] = [
    "a/b/c",
    "with spaces in it",
    "🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑🔑",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "line\nbreak\r\nX-Injected: 1",
    "\u{1b}[2J\u{202e}abc\u{0}",
    "' OR 1=1--",
    "__proto__",
    "%s%n",
    "sk-proj-0123456789abcdefghij-a1b2",
    "sk-proj-0123456789abcdefghiJ-a1b2",
];

#[test]
fn hostile_keys_are_counted_apart_and_found_again() {
    let server = Server::start();
    for key in HOSTILE {
        assert_eq!(server.post(EVENTS, json!({"key": key, "model": "m"}).to_string()).counts(200), (1, 0, 0), "{key}");
    }
    let usage = server.get("/v1/usage?window=1h&group_by=key");
    let names: BTreeSet<String> = usage.json()["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| {
            assert_eq!(group["requests"], 1);
            group["group"]["key"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(names.len(), HOSTILE.len(), "no two keys share a name: {names:?}");
    for key in HOSTILE {
        assert!(!usage.text().contains(key), "{key}");
        assert_eq!(server.totals(&format!("&key={}", percent(key)))["requests"], 1, "{key}");
    }
    for name in &names {
        assert_eq!(server.totals(&format!("&key={}", percent(name)))["requests"], 1, "{name}");
        assert_eq!(server.post(EVENTS, json!({"key": name}).to_string()).counts(200), (1, 0, 0));
        assert_eq!(server.totals(&format!("&key={}", percent(name)))["requests"], 2, "a name is its own name");
    }
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

#[test]
fn the_same_key_keeps_its_name_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let name = || {
        let server = Server::start_in(folder.path(), &[], None);
        let _ = server.post(EVENTS, json!({"key": HOSTILE[10]}).to_string()).counts(200);
        server.get("/v1/usage?window=1h&group_by=key").json()["data"][0]["group"]["key"].clone()
    };
    let first = name();
    assert!(first.as_str().unwrap().starts_with("sk-p…a1b2."), "{first}");
    assert_eq!(first, name());
}

#[test]
fn a_canary_in_every_place_comes_back_from_none() {
    let server = Server::start_with(&["-vv"]);
    let canary = "sk-canary-0123456789abcdefghijklmnop";
    let mut answers: Vec<Answer> = Vec::new();
    let bodies = [
        json!({"key": canary, "model": "m"}).to_string(),
        json!({"key": canary, "model": "m", "error": format!("wrong key {canary}!"), "id": "a"}).to_string(),
        json!({"key": canary, "model": "n", "id": "a"}).to_string(),
        json!({"key": canary, "input_tokens": "x"}).to_string(),
        json!({"key": canary.repeat(10)}).to_string(),
        json!({"model": "m", "cost": canary}).to_string(),
        json!({"model": "m", "timestamp": canary, "currency": canary}).to_string(),
        json!({"model": "m", "status": {canary: canary}}).to_string(),
        json!({"model": "m", "labels": {canary: canary}}).to_string(),
        json!({canary: 1, "model": "m"}).to_string(),
        json!(canary).to_string(),
        format!(r#"{{"key":"{canary}""#),
        format!(r#"{{"key":"{canary}\x"}}"#),
        format!("{{\"model\":\"m\"}}\n{canary}\n"),
        format!("[{canary}]"),
        canary.to_owned(),
    ];
    for body in &bodies {
        for path in [EVENTS, "/v1/ingest/dify", "/v1/events?atomic=true"] {
            answers.push(server.post(path, body));
        }
    }
    answers.push(server.post(&format!("{EVENTS}?{canary}=1"), "{}"));
    answers.push(server.post(&format!("{EVENTS}?atomic={canary}"), "{}"));
    answers.push(server.get(&format!("/{canary}")));
    for header in ["authorization", "x-api-key", "content-type", "content-encoding", "origin", "cookie"] {
        answers.push(server.request("POST", EVENTS, &[(header, canary)], b"{\"model\":\"m\"}"));
    }
    answers.push(server.request("POST", EVENTS, &[], &[b"\xff", canary.as_bytes()].concat()));
    for path in [
        "/v1/usage?window=1h&group_by=key,model,status".to_owned(),
        format!("/v1/usage?window=1h&group_by=key&key={canary}"),
        format!("/v1/usage?window={canary}"),
        format!("/v1/usage?{canary}=1"),
        "/v1/events?limit=1000".to_owned(),
        "/v1/dimensions/key/values".to_owned(),
        "/v1/reports/attention-keys".to_owned(),
        format!("/v1/reports/key-usage?key={canary}"),
        format!("/api/key-usage-details/{canary}"),
        "/api/stats/details?period=1h".to_owned(),
    ] {
        answers.push(server.get(&path));
    }
    assert!(answers.iter().any(|answer| answer.status == 200), "some got through");
    for answer in &answers {
        let text = answer.text() + &format!("{:?}", answer.headers);
        assert!(!text.contains("canary"), "{} {text}", answer.status);
        assert!((200..500).contains(&answer.status), "{answer:?}");
    }
    server.terminate();
    let (code, log) = server.end();
    assert_eq!(code, Some(0));
    assert!(!log.contains("canary"), "{log}");
}
