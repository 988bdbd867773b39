//! What the document gives as an example is answered 2xx, and every answer has the shape told for it.

use crate::operation::Document;
use crate::operation::Operation;
use crate::operation::escaped;
use crate::operation::site;
use crate::program;
use crate::site;
use crate::site::Reply;
use crate::site::Site;
use serde_json::Value;
use serde_json::json;
use std::io::Write;
use std::process::Command;
use std::process::Stdio;

/// Questions that ask for every part of an answer there is.
const RICH: [&str; 10] = [
    "/v1/usage?window=30d&group_by=model,status,team&interval=1d&compare=previous&limit=1&quantiles=0.999",
    "/v1/usage?window=24h&group_by=key&bins=auto&interval=auto",
    "/v1/usage?window=1h&interval=auto&metrics=latency_ms,ttft_ms,cost,error_rate&model=",
    "/v1/usage?from=2026-11-01&to=2026-11-20",
    "/v1/events?limit=1&outcome=success",
    "/v1/events?model=nothing",
    "/v1/dimensions/key/values?limit=1",
    "/v1/reports/user?user=nobody",
    "/v1/reports/attention-keys",
    "/api/stats/details?period=24h&limit=1",
];

/// Questions that are refused.
const REFUSED: [&str; 4] =
    ["/v1/usage?window=x", "/v1/dimensions/x/values", "/v1/snapshots/x", "/v1/reports/daily?days=0"];

/// The snapshot of the document, for which the tests put one that is there.
const EXAMPLE_ID: &str = "00000000000000000004-00000000000000000003";

/// Its answer does not end.
const ENDLESS: &str = "/v1/stream";

/// Answers, and the schemas they are held against.
struct Collected<'a> {
    document: &'a Document,
    answers: Vec<Value>,
}

impl Collected<'_> {
    /// Notes an answer; the document must tell its status and type.
    fn note(&mut self, operation: &Operation<'_>, target: &str, reply: &Reply) {
        let name = format!("{} {target}", operation.method);
        let told = self.document.response(operation, reply.status);
        let (place, response) = told.unwrap_or_else(|| panic!("{name}: {} is not told: {}", reply.status, reply.body));
        let kind = reply.header("content-type").unwrap().split(';').next().unwrap();
        assert!(response["content"].get(kind).is_some(), "{name}: {kind} is not told for {}", reply.status);
        if kind.ends_with("json") {
            let schema = format!("{place}/content/{}/schema", escaped(kind));
            self.answers.push(json!({ "name": name, "schema": schema, "value": reply.json() }));
        }
    }
}

/// Holds values of `{name, schema, value}` against the schemas of the document.
pub(crate) fn check(document: &Document, answers: &[Value], test: &str) {
    let Some(python) = program::find("python", test) else { return };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openapi/conform.py");
    let mut check = Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let given = json!({ "document": document.0, "answers": answers });
    check.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let done = check.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{told}");
    print!("{told}");
}

/// A site with calls of every kind, and two snapshots.
fn loaded() -> Site {
    let site = site();
    let full = r#"{"id":"c-9","key":"sk-proj-Jx81mPq0aVbnRt5yQa1b2","user":"ann","model":"gpt-4o","provider":"openai",
        "endpoint":"/v1/chat/completions","status":200,"latency_ms":1094.83,"ttft_ms":210,"input_tokens":812,
        "output_tokens":96,"cache_read_tokens":512,"reasoning_tokens":7,"cost":"0.00299","job_id":"j","error":"none",
        "timestamp":"2026-11-22T11:59:00Z","labels":{"team":"red"}}"#;
    let bare = r#"{"status":429,"key":"sk-b","timestamp":"2026-11-22T11:00:00Z"}"#;
    let other = r#"{"model":"qwen","cost":1,"currency":"CNY","latency_ms":3,"timestamp":"2026-11-20T12:00:00Z"}"#;
    for event in [full, bare, other] {
        assert_eq!(site.send("/v1/events", "", &event.replace('\n', " ")).status, 200, "{event}");
        assert_eq!(site.post("/v1/snapshots", "").status, 201);
    }
    site
}

/// The text of an example in a query string.
fn texts(example: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match example {
        Value::Array(items) => items.iter().map(text).collect(),
        one => vec![text(one)],
    }
}

fn pair(name: &str, parameter: &Value, example: &Value) -> String {
    let values: Vec<String> = texts(example).iter().map(|text| site::escaped(text)).collect();
    if parameter["explode"] == false {
        return format!("{name}={}", values.join(","));
    }
    values.iter().map(|value| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// A target for each example: what is required, and one parameter more.
fn targets(operation: &Operation<'_>, path: &str) -> Vec<String> {
    let pairs = |required: bool| {
        let of = operation.of("query").filter(move |(_, told)| (told["required"] == true) == required);
        of.filter(|(_, told)| !told["example"].is_null()).map(|(name, told)| pair(name, told, &told["example"]))
    };
    let required: Vec<String> = pairs(true).collect();
    let with = |more: Option<String>| {
        let query: Vec<String> = required.iter().cloned().chain(more).collect();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
    };
    std::iter::once(None).chain(pairs(false).map(Some)).map(with).collect()
}

/// The bodies of an operation that takes one, with their type.
fn bodies<'a>(operation: &Operation<'a>) -> Vec<(&'a str, String)> {
    let kinds = operation.told["requestBody"]["content"].as_object().into_iter().flatten();
    let examples = kinds.flat_map(|(kind, told)| {
        told["examples"].as_object().into_iter().flatten().map(move |(_, example)| (kind.as_str(), &example["value"]))
    });
    examples.map(|(kind, value)| (kind, texts_of_body(value))).collect()
}

fn texts_of_body(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn ask(site: &Site, operation: &Operation<'_>, target: &str, found: &mut Collected<'_>) {
    if operation.method == "GET" {
        let reply = site.get(target);
        assert_eq!(reply.status, 200, "{target}: {}", reply.body);
        return found.note(operation, target, &reply);
    }
    let bodies = bodies(operation);
    if bodies.is_empty() {
        let reply = site.post(target, "");
        assert!((200..300).contains(&reply.status), "{target}: {}", reply.body);
        return found.note(operation, target, &reply);
    }
    for (kind, body) in bodies {
        let reply = site.send(target, &format!("content-type: {kind}\r\n"), &body);
        assert_eq!(reply.status, 200, "{target}: {}", reply.body);
        assert_eq!(reply.json()["rejected"], 0, "{target}: {}", reply.body);
        found.note(operation, target, &reply);
    }
}

#[test]
fn answers_have_the_shapes_told() {
    let site = loaded();
    let document = Document::of(&site);
    let id = site.json("/v1/snapshots")["snapshots"][0]["id"].as_str().unwrap().to_owned();
    let mut found = Collected { document: &document, answers: Vec::new() };
    let operations = document.operations();
    for operation in operations.iter().filter(|operation| operation.path != ENDLESS) {
        for target in targets(operation, &operation.example_path().replace(EXAMPLE_ID, &id)) {
            ask(&site, operation, &target, &mut found);
        }
    }
    let of = |target: &str| {
        let path = target.split('?').next().unwrap();
        let fits = |told: &str| told == path || (told.contains('{') && matches(told, path));
        operations.iter().find(|operation| operation.method == "GET" && fits(operation.path)).unwrap()
    };
    let snapshot = format!("/v1/usage?snapshot={id}");
    for target in RICH.into_iter().chain(REFUSED).chain([snapshot.as_str()]) {
        let reply = site.get(target);
        assert_eq!(reply.status >= 400, REFUSED.contains(&target), "{target}: {}", reply.body);
        found.note(of(target), target, &reply);
    }
    assert!(found.answers.len() > 100, "{}", found.answers.len());
    check(&document, &found.answers, "answers_have_the_shapes_told");
}

/// Whether a path is one of a template.
fn matches(template: &str, path: &str) -> bool {
    let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    let same = |(told, given): (&&str, &&str)| told.starts_with('{') || told == given;
    template.len() == path.len() && template.iter().zip(&path).all(same)
}
