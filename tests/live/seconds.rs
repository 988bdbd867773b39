//! What is told each second.

use crate::kit::Events;
use crate::kit::secs;
use crate::support::Server;
use serde_json::json;

#[test]
fn each_second_is_told_and_is_whole() {
    let server = Server::start();
    let mut events = Events::open(&server, "");
    assert_eq!(events.head.status, 200);
    let header = |name| events.head.header(name);
    assert_eq!(header("content-type"), Some("text/event-stream"));
    assert_eq!((header("cache-control"), header("x-accel-buffering")), (Some("no-store"), Some("no")));
    let mut before = 0;
    for _ in 0..4 {
        let (name, data) = events.next().unwrap();
        assert_eq!(name, "usage");
        assert!(secs(&data["at"]) > before, "{data}");
        before = secs(&data["at"]);
        assert_eq!(data["second"]["requests"], 0);
        assert!(data["minute"]["latency_ms"]["p99"].is_null());
    }
}

/// The figures are those that `/v1/usage` tells of the same span.
#[test]
fn a_second_and_a_minute_equal_the_answers_of_the_api() {
    let server = Server::start();
    for attempt in 0.. {
        let mut events = Events::open(&server, "?model=m&tz=Asia/Kathmandu");
        // Calls of a second that has not come yet: all of them are there when it is told.
        let at = secs(&events.next_of("usage")["at"]) + 3;
        let call = |model: &str, latency: u32| json!({ "model": model, "status": 200, "timestamp": at, "latency_ms": latency, "cost": "0.5", "input_tokens": 7 });
        // One more is a second too old for the minute.
        let mut old = call("m", 50);
        old["timestamp"] = (at - 60).into();
        let calls = json!([call("m", 10), call("m", 30), call("other", 1), old]);
        assert_eq!(server.post("/v1/events", calls.to_string()).counts(200).0, 4);
        let told = loop {
            let told = events.next_of("usage");
            if secs(&told["at"]) > at {
                break told;
            }
            assert!(attempt > 0 || told["second"]["requests"] == 0, "{told}");
        };
        if secs(&told["at"]) > at + 1 && attempt < 5 {
            continue; // the machine was too busy to tell that second
        }
        assert_eq!(told["second"]["requests"], 2);
        assert!(told["at"].as_str().unwrap().ends_with("+05:45"), "{told}");
        assert!(told["position"].as_u64().unwrap() >= 3);
        for (span, secs) in [("second", 1), ("minute", 60)] {
            let answer = server.get(&format!("/v1/usage?model=m&from={}&to={}", at + 1 - secs, at + 1)).json();
            assert_eq!(told[span], answer["totals"], "{span}");
        }
        return;
    }
}

/// A compressor would hold events back until it has a block of them.
#[test]
fn a_stream_is_not_compressed() {
    let server = Server::start();
    let mut events = Events::open_with(&server, "", "accept-encoding: gzip, br, zstd\r\n");
    assert_eq!(events.head.header("content-encoding"), None);
    assert!(events.next_of("usage")["second"].is_object());
    assert!(events.next_of("usage")["second"].is_object());
}

#[test]
fn what_is_asked_wrongly_is_refused() {
    let server = Server::start();
    let detail = |query: &str| server.get(&format!("/v1/stream{query}")).problem(400);
    assert!(detail("?modle=x").contains("unknown parameter `modle`"));
    assert!(detail("?calls=yes").contains("true or false"));
    assert!(detail("?tz=Mars").contains("IANA"));
    assert!(detail("?outcome=success").contains("failure"));
}
