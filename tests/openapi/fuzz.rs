//! What nobody would think of asking, asked by `schemathesis`: hundreds of questions made from the
//! document, right and wrong ones. No answer is a failure of the server; each has a status, a type
//! and a shape that the document tells; wrong questions are refused, and those without a token where
//! one is needed.

use crate::program;
use crate::support::Server;
use std::path::Path;
use std::process::Command;

const CALLS: &str = r#"
{"id":"c-1","key":"sk-proj-Jx81mPq0aVbnRt5yQa1b2","user":"ann","model":"gpt-4o","provider":"openai","endpoint":"/v1/chat/completions","status":200,"latency_ms":1094.83,"ttft_ms":210,"input_tokens":812,"output_tokens":96,"cost":"0.00299","labels":{"team":"red"}}
{"key":"sk-b","user":"<script>alert(1)</script>","model":"=1+1","status":429,"latency_ms":35}
{"user":"\u202e\"\\\n","model":"qwen","cost":1,"currency":"CNY","status":"cancelled","error":"a\r\nb"}
"#;

/// Settings of the servers asked.
const ARGS: [&str; 2] = ["--labels", "team"];

/// Asks for about a minute, and prints how it closes.
fn ask(program: &Path, server: &Server, more: &[&str], test: &str) {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openapi/schemathesis.toml");
    let hooks = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openapi/hooks.py");
    let folder = tempfile::tempdir().unwrap();
    let done = Command::new(program)
        .args(["--no-color", "--config-file", config, "run", &format!("http://{}/openapi.json", server.address)])
        .args(more)
        .env("SCHEMATHESIS_HOOKS", hooks)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{told}");
    let summary = told.find("SUMMARY").map_or(told.as_str(), |place| &told[place..]);
    println!("{test}:\n{summary}");
}

fn load(server: &Server, headers: &[(&str, &str)]) {
    let headers = [headers, &[("content-type", "application/json")]].concat();
    let sent = server.request("POST", "/v1/events", &headers, CALLS.as_bytes());
    assert_eq!(sent.counts(200), (3, 0, 0));
    assert_eq!(server.request("POST", "/v1/snapshots", &headers, b"").status, 201);
}

fn end(server: Server) {
    let log = server.stop();
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn no_question_finds_a_fault() {
    let test = "no_question_finds_a_fault";
    let Some(program) = program::find("schemathesis", test) else { return };
    let server = Server::start_with(&ARGS);
    load(&server, &[]);
    ask(&program, &server, &[], test);
    end(server);
}

#[test]
fn no_question_gets_past_the_tokens() {
    let test = "no_question_gets_past_the_tokens";
    let Some(program) = program::find("schemathesis", test) else { return };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let made = Command::new(env!("CARGO_BIN_EXE_tallyring"))
        .env_remove("TALLYRING_REQUIRE")
        .args(["token", "create", "--name", "all", "--scope", "ingest,read,admin", "--data-dir"])
        .arg(&data)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let bearer = format!("Bearer {}", String::from_utf8(made.stdout).unwrap().trim());
    let server = Server::start_in(&data, &ARGS, Some(folder));
    assert_eq!(server.get("/v1/usage").status, 401);
    load(&server, &[("authorization", &bearer)]);
    ask(&program, &server, &["--header", &format!("Authorization: {bearer}")], test);
    end(server);
}
