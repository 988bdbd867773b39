//! A disk that fails under a running server: nothing is acknowledged any more, and the server ends,
//! so that the next one reads from the disk what is there.

use crate::skipping::skipped;
use crate::support::Server;
use std::process::Command;
use std::time::Duration;
use std::time::Instant;

const EVENTS: &str = "/v1/events";

/// Lets no file of a process grow or be written beyond so many bytes: a disk that fails. `false`
/// where the tool for it is missing.
fn limit_files(process: u32, bytes: u64) -> bool {
    let limited = Command::new("prlimit").args(["--pid", &process.to_string(), &format!("--fsize={bytes}")]).status();
    limited.is_ok_and(|status| status.success())
}

fn lines(from: u32) -> String {
    (from..from + 200).map(|n| format!("{{\"id\":\"id-{n}\",\"user\":\"user-{n}\",\"model\":\"m\"}}\n")).collect()
}

#[test]
fn a_failed_write_is_told_and_ends_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_in(folder.path(), &[], None);
    assert_eq!(server.post(EVENTS, lines(0)).counts(200), (200, 0, 0));
    if !limit_files(server.id(), 8_192) {
        return skipped("a_failed_write_is_told_and_ends_the_server", "there is no prlimit");
    }
    let since = Instant::now();
    let mut from = 0;
    let refused = loop {
        from += 200;
        let answer = server.post(EVENTS, lines(from));
        match answer.status {
            200 => assert!(since.elapsed() < Duration::from_secs(20), "the limit does not bite"),
            _ => break answer,
        }
    };
    let detail = refused.problem(503);
    assert!(detail.contains("not known") && refused.header("retry-after").is_some(), "{detail}");
    let (code, log) = server.end();
    assert_eq!(code, Some(74), "{log}");
    assert!(log.contains("the journal failed"), "{log}");

    let server = Server::start_in(folder.path(), &[], None);
    assert!(server.requests() >= u64::from(from), "what was acknowledged is there");
    for from in (0..=from).step_by(200) {
        let receipt = server.post(EVENTS, lines(from)).counts(200);
        assert_eq!(receipt.0 + receipt.1, 200);
    }
    assert_eq!(server.requests(), u64::from(from) + 200);
}

#[test]
fn a_disk_that_is_nearly_full_takes_nothing_and_answers() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_in(folder.path(), &[], None);
    assert_eq!(server.post(EVENTS, lines(0)).counts(200), (200, 0, 0));
    server.kill();
    let server = Server::start_in(folder.path(), &["--min-free-bytes", "1000TiB"], None);
    let refused = server.post(EVENTS, lines(200));
    assert!(refused.problem(503).contains("bytes are free"), "{refused:?}");
    assert_eq!(refused.header("retry-after"), Some("30"));
    let told = refused.json();
    assert_eq!(told["needed_bytes"], 1000_u64 << 40, "{told}");
    assert!(told["free_bytes"].as_u64().unwrap() > 0, "{told}");
    assert_eq!(server.requests(), 200);
    assert_eq!(server.get("/readyz").status, 200);
    assert_eq!(server.get("/v1/status").json()["disk"]["full"], true);
    server.stop();
}
