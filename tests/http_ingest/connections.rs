//! Connections: slow ones are cut, many of them wait, and a shutdown lets requests end.

use crate::support::Answer;
use crate::support::Server;
use crate::support::wait_until;
use std::io::Read;
use std::io::Write;
use std::time::Duration;
use std::time::Instant;

const GOOD: &str = r#"{"model":"m"}"#;

fn head(server: &Server, length: usize) -> String {
    format!(
        "POST /v1/events HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n",
        server.address
    )
}

#[test]
fn a_head_that_does_not_end_closes_the_connection() {
    let server = Server::start_with(&["--header-timeout", "300ms"]);
    let since = Instant::now();
    let mut slow = server.connect();
    slow.write_all(b"GET /livez HTTP/1.1\r\nhost:").unwrap();
    let mut rest = Vec::new();
    let _ = slow.read_to_end(&mut rest);
    assert!((250..5_000).contains(&since.elapsed().as_millis()), "after {:?}", since.elapsed());
    assert_eq!(server.get("/livez").status, 200);
}

#[test]
fn a_body_that_pauses_or_trickles_is_given_up() {
    let server = Server::start_with(&["--body-idle-timeout", "400ms"]);
    let mut pausing = server.connect();
    pausing.write_all(head(&server, 1_000).as_bytes()).unwrap();
    pausing.write_all(GOOD.as_bytes()).unwrap();
    Answer::read(&mut pausing).problem(408);

    let mut trickling = server.connect();
    trickling.write_all(head(&server, 1_000).as_bytes()).unwrap();
    let since = Instant::now();
    while trickling.write_all(b" ").is_ok() && since.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(since.elapsed() < Duration::from_secs(10), "a byte now and then does not hold a connection");
    assert_eq!(server.requests(), 0);
}

#[test]
fn a_connection_beyond_the_cap_takes_the_place_of_the_one_that_waits_longest() {
    // Nobody leaves by being slow.
    let patient = ["--header-timeout", "10m", "--body-idle-timeout", "10m"];
    let server = Server::start_with(&[&["--max-connections", "2"], &patient[..]].concat());
    let (mut first, mut second) = (server.connect(), server.connect());
    second.write_all(head(&server, 10).as_bytes()).unwrap();
    wait_until("no place is made", || server.get("/livez").status == 200);
    let mut rest = Vec::new();
    let left = first.read_to_end(&mut rest);
    assert!(left.is_err() || rest.is_empty(), "the first has left: {left:?}");
    second.write_all(b"[]        ").unwrap();
    assert_eq!(Answer::read(&mut second).counts(200), (0, 0, 0), "who sends a body stays");
}

#[test]
fn a_shutdown_lets_a_request_end_and_takes_no_new_one() {
    // So long that what ends is ended by the shutdown.
    let long = ["--header-timeout", "60s", "--body-idle-timeout", "60s", "--shutdown-timeout", "60s"];
    let server = Server::start_with(&long);
    let mut request = server.connect();
    let idle = server.connect();
    let head = head(&server, GOOD.len()).replace("\r\n\r\n", "\r\nexpect: 100-continue\r\n\r\n");
    request.write_all(head.as_bytes()).unwrap();
    let mut asked = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
    request.read_exact(&mut asked).unwrap();
    assert!(asked.starts_with(b"HTTP/1.1 100 "), "the body is waited for");
    request.write_all(&GOOD.as_bytes()[..5]).unwrap();
    server.terminate();
    wait_until("the door stays open", || std::net::TcpStream::connect(&server.address).is_err());
    request.write_all(&GOOD.as_bytes()[5..]).unwrap();
    assert_eq!(Answer::read(&mut request).counts(200), (1, 0, 0));
    assert_eq!(server.end().0, Some(0), "an idle connection does not hold it up");
    drop(idle);
}

#[test]
fn a_connection_serves_many_requests() {
    let server = Server::start();
    let mut stream = server.connect();
    for _ in 0..50 {
        let request = head(&server, GOOD.len()).replace("connection: close\r\n", "") + GOOD;
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let mut buffer = [0; 4_096];
        while !answer.ends_with(b"}") {
            let read = stream.read(&mut buffer).unwrap();
            assert!(read > 0);
            answer.extend_from_slice(&buffer[..read]);
        }
        assert_eq!(Answer::parse(&answer).counts(200), (1, 0, 0));
    }
    assert_eq!(server.requests(), 50);
}
