//! The page moves by itself, holds when it is told to, and outlives its server.

use crate::office::call;
use crate::office::send;
use crate::support::Server;
use crate::support::now;
use crate::tab::Tab;
use serde_json::Value;
use serde_json::json;
use std::thread::sleep;
use std::time::Duration;

fn calls(count: usize) -> Vec<Value> {
    (0..count).map(|_| call(now(), &json!({ "user": "ann", "latency_ms": 12, "input_tokens": 5 }))).collect()
}

/// Gone after a reload.
const MARK: &str = "window.mark = 'the same page'";

#[test]
fn new_calls_appear_and_a_pause_holds() {
    let Some(tab) = Tab::new("new_calls_appear_and_a_pause_holds") else { return };
    let server = Server::start();
    tab.open(&server, "/?range=5m");
    tab.js(MARK);
    tab.until("the stream", "document.querySelector('[data-live=live]')");
    send(&server, &calls(3));
    tab.until_figure("requests", 3);
    tab.until("three calls", "document.querySelectorAll('[data-panel=calls] [data-row]').length === 3");

    tab.click("[data-control=live]");
    tab.until("the pause", "document.querySelector('[data-live=paused]')");
    send(&server, &calls(2));
    // Twice as long as a page of five minutes waits between two questions.
    sleep(Duration::from_secs(6));
    assert_eq!(tab.figure("requests"), "3", "a page on hold does not move");
    assert_eq!(tab.rows("calls").len(), 3);

    tab.click("[data-control=live]");
    tab.until_figure("requests", 5);
    tab.until("the stream", "document.querySelector('[data-live=live]')");
    tab.until("five calls", "document.querySelectorAll('[data-panel=calls] [data-row]').length === 5");
    assert_eq!(tab.js("window.mark"), "the same page");
    tab.quiet(false);
}

#[test]
fn a_server_that_dies_and_comes_back_is_noticed_both_times() {
    let Some(tab) = Tab::new("a_server_that_dies_and_comes_back_is_noticed_both_times") else { return };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start_in(&data, &[], None);
    send(&server, &calls(3));
    tab.open(&server, "/?range=15m");
    tab.until_figure("requests", 3);
    tab.js(MARK);

    let address = server.address.clone();
    server.kill();
    tab.until(
        "the page says so",
        "!document.getElementById('banner').hidden && document.getElementById('banner').innerText",
    );
    assert_eq!(tab.figure("requests"), "3", "the last figures stay");

    let mut server = Server::begin_at(&address, &data, &[], None);
    server.wait_until_ready();
    tab.until("the page has recovered", "document.getElementById('banner').hidden");
    send(&server, &calls(2));
    tab.until_figure("requests", 5);
    tab.until("no panel complains", "!document.querySelector('[data-state=error]')");
    assert_eq!(tab.js("window.mark"), "the same page");
    tab.quiet(true);
}
