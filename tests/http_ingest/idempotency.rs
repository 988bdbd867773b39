//! `Idempotency-Key`: a request counts once however often it is sent.

use crate::support::Answer;
use crate::support::Server;

const EVENTS: &str = "/v1/events";
const TWO: &str = "{\"model\":\"m\",\"input_tokens\":1}\n{\"model\":\"n\",\"input_tokens\":2}\n";

fn post(server: &Server, path: &str, key: &str, body: &str) -> Answer {
    let headers = [("content-type", "application/x-ndjson"), ("idempotency-key", key)];
    server.request("POST", path, &headers, body.as_bytes())
}

#[test]
fn a_request_with_a_key_counts_once() {
    let server = Server::start();
    assert_eq!(post(&server, EVENTS, "request-1", TWO).counts(200), (2, 0, 0));
    assert_eq!(post(&server, EVENTS, "request-1", TWO).counts(200), (0, 2, 0));
    assert_eq!(post(&server, EVENTS, "\"request-1\"", TWO).counts(200), (0, 2, 0), "quotes are no part of a key");
    assert_eq!(post(&server, EVENTS, "request-2", TWO).counts(200), (2, 0, 0), "another key is another request");
    assert_eq!(server.requests(), 4);
}

#[test]
fn a_key_with_another_body_is_a_conflict() {
    let server = Server::start();
    assert_eq!(post(&server, EVENTS, "k", TWO).counts(200), (2, 0, 0));
    let other = TWO.replace("\"m\"", "\"sk-canary\"");
    let detail = post(&server, EVENTS, "k", &other).problem(409);
    assert!(detail.contains("Idempotency-Key") && !detail.contains("canary"), "{detail}");
    let dify = r#"{"user_id":"u","api_endpoint":"/x","success":true}"#;
    post(&server, "/v1/ingest/dify", "k", dify).problem(409);
    assert_eq!(server.requests(), 2, "nothing of a conflicting request is counted");
}

#[test]
fn a_key_is_checked_before_the_body_is_read() {
    let server = Server::start();
    let long = "k".repeat(129);
    for key in ["", "two words", "\"open", "\"a\";b", &long] {
        assert!(post(&server, EVENTS, key, TWO).problem(400).contains("1 to 128"), "{key}");
    }
    let twice = [("idempotency-key", "a"), ("idempotency-key", "b")];
    server.request("POST", EVENTS, &twice, TWO.as_bytes()).problem(400);
    assert_eq!(post(&server, EVENTS, &long[..128], TWO).counts(200), (2, 0, 0));
    assert_eq!(server.requests(), 2);
}

/// What a body is does not depend on how it was sent.
#[test]
fn a_compressed_body_is_the_same_body() {
    let server = Server::start();
    assert_eq!(post(&server, EVENTS, "k", TWO).counts(200), (2, 0, 0));
    let packed = zstd::encode_all(TWO.as_bytes(), 3).unwrap();
    let headers = [("content-type", "application/x-ndjson"), ("content-encoding", "zstd"), ("idempotency-key", "k")];
    assert_eq!(server.request("POST", EVENTS, &headers, &packed).counts(200), (0, 2, 0));
}

#[test]
fn a_request_that_counted_nothing_may_be_sent_again_otherwise() {
    let server = Server::start();
    assert_eq!(post(&server, EVENTS, "k", "{\"model\":7}\n").counts(200), (0, 0, 1));
    assert_eq!(post(&server, EVENTS, "k", TWO).counts(200), (2, 0, 0), "mended, and sent under the same key");
    let refused = post(&server, "/v1/events?atomic=true", "atomic", &(TWO.to_owned() + "{}\n"));
    assert_eq!(refused.counts(422), (0, 0, 3));
    assert_eq!(post(&server, "/v1/events?atomic=true", "atomic", TWO).counts(200), (2, 0, 0));
}

#[test]
fn a_request_from_many_sides_at_once_counts_once() {
    let server = Server::start();
    let accepted: u64 = std::thread::scope(|scope| {
        let sent: Vec<_> = (0..8).map(|_| scope.spawn(|| post(&server, EVENTS, "k", TWO).counts(200).0)).collect();
        sent.into_iter().map(|sent| sent.join().unwrap()).sum()
    });
    assert_eq!((accepted, server.requests()), (2, 2));
}
