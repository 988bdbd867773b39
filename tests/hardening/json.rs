//! Test 36: JSON that parsers have fallen over.

use crate::kit::beside_others;
use crate::support::Answer;
use crate::support::Server;

fn post(server: &Server, body: &[u8]) -> Answer {
    server.post("/v1/events", body)
}

/// An event with a field that nobody knows, of so many levels in all.
fn nested(levels: usize) -> String {
    format!(r#"{{"model":"m","x":{}{}}}"#, "[".repeat(levels - 1), "]".repeat(levels - 1))
}

#[test]
fn an_event_may_be_nested_so_deep_and_no_deeper() {
    let _running = beside_others();
    let server = Server::start();
    for levels in [2, 127, 128] {
        assert_eq!(post(&server, nested(levels).as_bytes()).counts(200), (1, 0, 0), "{levels}");
    }
    let quoted = format!(r#"{{"model":"m","x":"{}\"{}"}}"#, "[".repeat(200), "{".repeat(200));
    assert_eq!(post(&server, quoted.as_bytes()).counts(200), (1, 0, 0), "brackets in a text are none");
    let refused = post(&server, nested(129).as_bytes());
    assert_eq!(refused.counts(422), (0, 0, 1));
    assert!(refused.text().contains("128 levels"), "{}", refused.text());
    let labels = format!(r#"{{"model":"m","labels":{{"x":{}{}}}}}"#, "[".repeat(200), "]".repeat(200));
    assert_eq!(post(&server, labels.as_bytes()).counts(422), (0, 0, 1));
    let dify = format!(r#"{{"user_id":"u","metadata":{{"usage":{}{}}}}}"#, "[".repeat(200), "]".repeat(200));
    assert_eq!(server.post("/v1/ingest/dify", dify).counts(422), (0, 0, 1));
    assert_eq!(server.requests(), 4);
}

#[test]
fn a_million_levels_do_not_reach_the_end_of_the_stack() {
    let _running = beside_others();
    let server = Server::start();
    let deep = 1_000_000;
    assert_eq!(post(&server, nested(deep).as_bytes()).counts(422), (0, 0, 1), "longer than an event may be");
    assert_eq!(post(&server, format!("[{}]", nested(deep)).as_bytes()).counts(200), (0, 0, 1));
    let objects = format!("{}1{}", r#"{"a":"#.repeat(deep), "}".repeat(deep));
    assert_eq!(post(&server, objects.as_bytes()).counts(422), (0, 0, 1));
    for open in ["[", r#"{"a":"#, r#"[{"a":"#] {
        post(&server, open.repeat(deep).as_bytes()).problem(400);
    }
    assert_eq!(server.requests(), 0);
}

#[test]
fn a_million_fields_are_one_event_too_long() {
    let _running = beside_others();
    let server = Server::start();
    let fields: String = (0..1_000_000).map(|n| format!(r#""f{n}":1,"#)).collect();
    assert_eq!(post(&server, format!(r#"{{{fields}"model":"m"}}"#).as_bytes()).counts(422), (0, 0, 1));
    let few: String = (0..600).map(|n| format!(r#""f{n}":1,"#)).collect();
    assert_eq!(post(&server, format!(r#"{{{few}"model":"m"}}"#).as_bytes()).counts(200), (1, 0, 0));
}

#[test]
fn a_field_given_twice_is_refused_however_it_is_written() {
    let _running = beside_others();
    let server = Server::start();
    for twice in [
        r#"{"model":"m","cost":"1","cost":"2"}"#,
        r#"{"model":"m","cost":"1","c\u006fst":"2"}"#,
        r#"{"model":"m","model":"m"}"#,
        r#"{"model":"m","cost":null,"cost":"2"}"#,
    ] {
        assert_eq!(post(&server, twice.as_bytes()).counts(422), (0, 0, 1), "{twice}");
    }
    assert_eq!(post(&server, br#"{"model":"m","x":1,"x":2}"#).counts(200), (1, 0, 0), "nobody reads x");
}

#[test]
fn numbers_are_as_long_as_an_event_at_most() {
    let _running = beside_others();
    let server = Server::start();
    // Longer than a body may be; as long as one may be.
    let digits = "9".repeat(100 << 20);
    post(&server, format!(r#"{{"model":"m","cost":{digits}}}"#).as_bytes()).problem(413);
    let event = format!(r#"{{"model":"m","input_tokens":{}}}"#, &digits[..15 << 20]);
    assert_eq!(post(&server, event.as_bytes()).counts(422), (0, 0, 1));
    for number in [&digits[..8_000], "1e999999999", "1e-999999999", "-0", "-1", "NaN", "Infinity", "1e", "0x10", "01"] {
        let answer = post(&server, format!(r#"{{"model":"m","cost":{number}}}"#).as_bytes());
        // Less than half a nano-unit is nothing.
        let nothing = ["-0", "1e-999999999"].contains(&number);
        assert!(matches!(answer.status, 400 | 422) || nothing, "{number:.20}: {}", answer.text());
    }
    assert_eq!(server.totals("")["cost"].to_string().matches('9').count(), 0, "none of them is money");
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let _running = beside_others();
    let server = Server::start();
    let bodies: [&[u8]; 9] = [
        b"{\"model\":\"\xff\"}",
        b"{\"model\":\"\xc0\xaf\"}",
        b"{\"model\":\"\xed\xa0\x80\"}",
        br#"{"model":"\ud800"}"#,
        br#"{"model":"\udc00\ud800"}"#,
        b"\xef\xbb\xbf{\"model\":\"m\"}",
        b"\0{\"model\":\"m\"}",
        b"{\"model\":\"a\0b\"}",
        b"{\"model\":\"m\"}\0",
    ];
    for body in bodies {
        let answer = post(&server, body);
        assert!(matches!(answer.status, 400 | 422), "{}: {}", String::from_utf8_lossy(body), answer.text());
    }
    assert_eq!(server.requests(), 0);
    assert_eq!(post(&server, br#"{"model":"a\u0000b"}"#).counts(200), (1, 0, 0), "written as JSON writes it");
    assert_eq!(post(&server, "{\"model\":\"\u{1f600}\"}".as_bytes()).counts(200), (1, 0, 0));
    assert_eq!(post(&server, br#"{"model":"\ud83d\ude00"}"#).counts(200), (1, 0, 0));
    assert_eq!(server.totals("&model=%F0%9F%98%80")["requests"], 2, "one name, however it is written");
}
