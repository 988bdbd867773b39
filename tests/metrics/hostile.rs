//! Texts that are made to break out of where they stand, through every way out: each is told back
//! exactly, and one call stays one line.

use crate::kit::hostile;
use crate::kit::once_counted;
use crate::support::Server;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

fn sent(server: &Server) -> Vec<String> {
    let texts = hostile();
    let call = |text: &String| json!({ "model": text, "provider": text, "endpoint": text, "user": text, "job_id": "j", "error": text, "status": 200, "key": format!("key {text}") });
    let calls: Vec<Value> = texts.iter().map(call).collect();
    assert_eq!(server.post("/v1/events", Value::from(calls).to_string()).counts(200).0, texts.len() as u64);
    texts
}

fn set(texts: &[String]) -> BTreeSet<&str> {
    texts.iter().map(String::as_str).collect()
}

#[test]
fn labels_come_back_as_they_were_sent() {
    let server = Server::start();
    let texts = sent(&server);
    let told = once_counted(&server, texts.len() as u64);
    for label in ["model", "provider", "endpoint"] {
        assert_eq!(told.values(label), set(&texts), "{label}");
    }
    assert!(!told.names().contains("fake_metric"));
    let otel = crate::kit::Told::parse(&server.get("/metrics?names=otel").text());
    assert_eq!(otel.values("gen_ai_request_model"), set(&texts));
    let open = server.request("GET", "/metrics", &[("accept", "application/openmetrics-text")], b"").text();
    assert_eq!(crate::kit::Told::parse(&open).values("model"), set(&texts));
}

/// A table of a spreadsheet must not calculate: such a cell has an apostrophe in front.
#[test]
fn csv_rows_are_calls_and_cells_are_no_formulas() {
    let server = Server::start();
    let texts = sent(&server);
    let csv = server.get("/v1/usage?window=1h&group_by=model&metrics=requests&limit=1000&format=csv").text();
    let mut told = BTreeMap::new();
    for row in csv_rows(&csv).into_iter().skip(1) {
        let requests = row.last().unwrap().clone();
        told.insert(row[0].clone(), requests);
    }
    let safe = |text: &String| match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.clone(),
    };
    assert_eq!(told, texts.iter().map(|text| (safe(text), "1".to_owned())).collect());
}

/// RFC 4180, read by hand.
fn csv_rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut inside) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if inside && chars.peek() == Some(&'"') => cell.extend(chars.next()),
            '"' => inside = !inside,
            ',' if !inside => row.push(std::mem::take(&mut cell)),
            '\n' if !inside => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            '\r' if !inside => {}
            c => cell.push(c),
        }
    }
    rows
}

#[test]
fn json_and_streams_tell_them_exactly() {
    let server = Server::start();
    let texts = sent(&server);
    let calls = server.get("/v1/events?limit=1000").json();
    let models: BTreeSet<&str> =
        calls["calls"].as_array().unwrap().iter().map(|call| call["model"].as_str().unwrap()).collect();
    assert_eq!(models, set(&texts));
    let errors: BTreeSet<&str> =
        calls["calls"].as_array().unwrap().iter().map(|call| call["error"].as_str().unwrap()).collect();
    assert_eq!(errors.len(), texts.len());
}

/// NDJSON in: a line is a call, whatever it holds.
#[test]
fn ndjson_lines_are_calls() {
    let server = Server::start();
    let texts = hostile();
    let lines: String = texts.iter().map(|text| format!("{}\n", json!({ "model": text, "status": 200 }))).collect();
    assert_eq!(lines.lines().count(), texts.len());
    let sent = server.request("POST", "/v1/events", &[("content-type", "application/x-ndjson")], lines.as_bytes());
    assert_eq!(sent.counts(200), (texts.len() as u64, 0, 0));
    assert_eq!(server.get("/v1/usage?window=1h&group_by=model&limit=1").json()["groups"], texts.len());
}

/// A log line is one object, and no text of an outsider begins a line of its own.
#[test]
fn log_lines_stay_lines() {
    let server = Server::start_with(&["--log-format", "json", "--log", "trace"]);
    for text in hostile() {
        let field = json!({ "model": "m", "status": 200, (text.clone()): 1 });
        server.post("/v1/events", field.to_string());
        server.post("/v1/events", format!("{{\"model\":{}", json!(text)));
        server.get(&format!("/v1/usage?x{}=1", text.bytes().map(|b| format!("%{b:02x}")).collect::<String>()));
    }
    let log = server.stop();
    for line in log.lines() {
        let object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        assert!(object["timestamp"].is_string(), "{line}");
        assert!(!line.contains(['\u{1b}', '\u{0}']), "{line:?}");
    }
    assert!(log.lines().count() > 1);
}
