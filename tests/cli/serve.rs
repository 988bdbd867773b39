//! `serve` and `demo`.

use crate::kit::Server;
use crate::kit::run;
use crate::kit::wait_until;
use std::os::unix::fs::PermissionsExt;

#[test]
fn signals_end_it_gracefully() {
    for signal in ["TERM", "INT"] {
        let mut server = Server::start();
        assert!(server.url.starts_with("http://127.0.0.1:"), "{}", server.url);
        assert!(!server.url.ends_with(":0"), "the port is the one taken");
        assert_eq!(server.requests(), 0);
        assert_eq!(server.stop(signal).code(), Some(0), "{signal}");
        wait_until("the end is logged", || server.log().contains("stopped"));
    }
}

#[test]
fn a_public_address_is_refused_and_says_why() {
    let said = run(&["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("`listen`") && said.err.contains("tokens") && said.err.contains("--allow-public"));
    assert!(!said.err.contains("listening on"), "{}", said.err);
}

#[test]
fn an_address_in_use_is_a_fault_of_the_settings() {
    let server = Server::start();
    let address = server.url.strip_prefix("http://").unwrap();
    let said = run(&["serve", "--keys", "plain", "--listen", address]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains(address), "{}", said.err);
}

#[test]
fn the_pepper_is_made_for_its_owner_only() {
    let server = Server::start();
    let pepper = server.folder.path().join("data/key-pepper");
    assert_eq!(pepper.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let plain = Server::start_with(&["serve", "--keys=plain"]);
    assert!(!plain.folder.path().join("data/key-pepper").exists(), "plain keys need no secret");
    wait_until("plain keys are warned about", || plain.log().contains("as they come"));
}

#[test]
fn a_key_is_stored_and_shown_under_its_public_name() {
    const RAW: &str = "sk-proj-0123456789abcdefghijklmnopqrstuvwxyz";
    let server = Server::start();
    server.import("a.ndjson", &format!("{{\"key\":\"{RAW}\",\"model\":\"m\",\"status\":200}}\n"), &[]).ok();
    let groups = server.run(&["query", "--group-by", "key", "--csv"]).ok();
    assert!(groups.contains("sk-p…wxyz.") && !groups.contains(RAW), "{groups}");
    let file = server.write("key", &format!("{RAW}\n"));
    for asked in [["query", "--json"], ["report", "key-usage"]] {
        let said = server.run(&[&asked[..], &["--key-file", file.to_str().unwrap()]].concat());
        assert!(said.out.contains('1') && !said.out.contains(RAW), "{said:?}");
        assert_eq!(said.code, 0, "{said:?}");
    }
    assert!(!server.log().contains(RAW), "{}", server.log());
}

#[test]
fn logs_can_be_json() {
    let mut server = Server::start_with(&["serve", "--log-format", "json"]);
    server.stop("TERM");
    wait_until("the end is logged", || server.log().contains("stopped"));
    for line in server.log().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["level"].is_string() && line["message"].is_string(), "{line}");
    }
}

#[test]
fn quiet_is_quiet() {
    let mut server = Server::start_with(&["serve", "-q"]);
    server.stop("TERM");
    assert_eq!(server.log(), "");
}

#[test]
fn the_demo_feeds_itself() {
    let mut demo = Server::start_with(&["demo", "--history-days", "0", "--rate", "100", "--seed", "5"]);
    wait_until("calls come in", || demo.requests() > 50);
    wait_until("it says what to try", || demo.log().contains("curl '"));
    let hint = demo.log().lines().find(|line| line.contains("/v1/reports/key-usage")).map(str::to_owned).unwrap();
    let key = hint.split("key=").nth(1).unwrap().trim_end_matches('\'').to_owned();
    assert!(key.starts_with("sk-d…"), "{hint}");
    assert!(demo.run(&["query", "--group-by", "model"]).ok().contains("gpt-4o"));
    assert_eq!(demo.folder.path().read_dir().unwrap().count(), 0, "the demo writes no files");
    assert_eq!(demo.stop("TERM").code(), Some(0));
}

#[test]
fn the_demo_has_a_past() {
    let demo = Server::start_with(&["demo", "--history-days", "3", "--rate", "0.5"]);
    let daily = demo.run(&["report", "daily", "--json"]).json();
    let days = daily["days"].as_array().unwrap();
    assert!(days.len() >= 3, "{daily}");
    assert!(days.iter().all(|day| day["total_calls"].as_u64() > Some(0)), "{daily}");
    assert!(!demo.log().contains("rejected"), "{}", demo.log());
}

#[test]
fn the_demo_keeps_what_it_is_told_to_keep() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("kept");
    let args = ["demo", "--history-days", "1", "--rate", "5", "--ack", "write", "--data-dir", data.to_str().unwrap()];
    let demo = Server::start_in(tempfile::tempdir().unwrap(), &args);
    wait_until("it says what to try", || demo.log().contains("curl '"));
    let before = demo.requests();
    assert!(before > 1_000, "{}", demo.log());
    demo.into_folder();
    let again = Server::start_in(tempfile::tempdir().unwrap(), &args);
    assert!(again.requests() >= before, "{}", again.log());
    wait_until("it goes on", || again.log().contains("are there already"));
}
