//! The two formats, as their media types are asked for.

use crate::kit::Told;
use crate::kit::once_counted;
use crate::skipping::find;
use crate::support::Server;
use serde_json::json;
use std::io::Write;
use std::process::Command;
use std::process::Stdio;

fn busy() -> Server {
    let server = Server::start();
    let call = |model: &str, status: u32| json!({ "model": model, "provider": "p", "endpoint": "/e", "status": status, "latency_ms": 12.5, "ttft_ms": 3, "cost": "0.25", "input_tokens": 10, "output_tokens": 4 });
    server.post("/v1/events", json!([call("a", 200), call("b", 500)]).to_string()).counts(200);
    once_counted(&server, 2);
    server
}

#[test]
fn the_format_asked_for_is_told_and_both_say_the_same() {
    let server = busy();
    let plain = server.get("/metrics");
    assert_eq!(plain.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!(plain.header("vary"), Some("accept"));
    let open = server.request("GET", "/metrics", &[("accept", "application/openmetrics-text; version=1.0.0")], b"");
    assert_eq!(open.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    assert!(open.text().ends_with("\n# EOF\n"));
    assert!(!plain.text().contains("# EOF"));
    let (plain, open) = (Told::parse(&plain.text()), Told::parse(&open.text()));
    assert_eq!(plain.names(), open.names());
    let of = |told: &Told| {
        told.samples
            .iter()
            .filter(|((name, _), _)| name.starts_with("tallyring_model"))
            .map(|(s, v)| (s.clone(), v.to_bits()))
            .collect::<Vec<_>>()
    };
    assert_eq!(of(&plain), of(&open));
    for (name, kind) in &open.types {
        let plain_name = if kind == "counter" { format!("{name}_total") } else { name.clone() };
        assert_eq!(plain.types.get(&plain_name), Some(kind), "{name}");
    }
}

#[test]
fn an_unknown_name_or_parameter_is_refused() {
    let server = Server::start();
    assert!(server.get("/metrics?names=statsd").problem(400).contains("tallyring or otel"));
    assert!(server.get("/metrics?name=otel").problem(400).contains("unknown parameter"));
}

/// `promtool` has an opinion on names, types and help.
#[test]
fn promtool_finds_nothing_to_say() {
    let Some(promtool) = find("promtool", "promtool_finds_nothing_to_say") else { return };
    let server = busy();
    for path in ["/metrics", "/metrics?names=otel"] {
        let text = server.get(path).text();
        let mut check = Command::new(&promtool)
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        check.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let said = check.wait_with_output().unwrap();
        let said =
            (said.status.code(), String::from_utf8(said.stdout).unwrap(), String::from_utf8(said.stderr).unwrap());
        assert_eq!(said, (Some(0), String::new(), String::new()), "{path}");
    }
}
