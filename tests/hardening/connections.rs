//! Connections: more than there are places, and heads that are too long.

use crate::kit::Client;
use crate::kit::beside_others;
use crate::kit::question;
use crate::support::Answer;
use crate::support::Server;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;
use std::time::Instant;

#[test]
fn sockets_that_sit_there_keep_nobody_out() {
    let _running = beside_others();
    let server = Server::start_with(&["--max-connections", "50", "--header-timeout", "60s"]);
    let mut held: Vec<TcpStream> = (0..50).map(|_| server.connect()).collect();
    held[..25].iter_mut().for_each(|stream| stream.write_all(b"GET /livez HTTP/1.1\r\nx-slow: ").unwrap());
    std::thread::sleep(Duration::from_millis(500));
    for _ in 0..100 {
        assert_eq!(server.get("/livez").status, 200);
    }
}

#[test]
fn who_finds_no_place_is_told_so_at_once() {
    let _running = beside_others();
    let server = Server::start_with(&["--max-connections", "4", "--body-idle-timeout", "60s", "--min-body-rate", "1"]);
    // Young ones, so that none of them has to leave.
    let began = Instant::now();
    let _held: Vec<Client> = (0..4)
        .map(|_| {
            let mut client = Client::connect(&server).unwrap();
            client.write(b"POST /v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 5\r\n\r\n").unwrap();
            client
        })
        .collect();
    while began.elapsed() < Duration::from_millis(800) {
        let answer = server.get("/livez");
        if answer.status == 503 {
            assert_eq!(answer.problem(503), "too many connections");
            assert_eq!(answer.header("retry-after"), Some("1"));
            break;
        }
    }
    crate::kit::wait_until("one of them has had its second and leaves", || server.get("/livez").status == 200);
}

#[test]
fn a_connection_in_use_is_not_the_one_to_leave() {
    let _running = beside_others();
    let server = Server::start_with(&["--max-connections", "3", "--header-timeout", "60s"]);
    let mut used = Client::connect(&server).unwrap();
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(2) {
        assert_eq!(used.ask(&question("/livez")).unwrap().status, 200, "it asks all the time");
        // Others come, and stay.
        std::mem::forget(server.connect());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn heads_are_bounded() {
    let _running = beside_others();
    let server = Server::start();
    let get = |head: String| server.raw(format!("{head}\r\nconnection: close\r\n\r\n").as_bytes()).status;
    let long = |bytes: usize| "a".repeat(bytes);
    assert_eq!(get(format!("GET /livez?{} HTTP/1.1\r\nhost: 127.0.0.1", long(60_000))), 200);
    for (what, head) in [
        ("a long URL", format!("GET /livez?{} HTTP/1.1\r\nhost: 127.0.0.1", long(70_000))),
        ("a long header", format!("GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\nx-long: {}", long(70_000))),
        ("many headers", format!("GET /livez HTTP/1.1\r\nhost: 127.0.0.1{}", "\r\na: b".repeat(200))),
        ("a long method", format!("{} /livez HTTP/1.1\r\nhost: 127.0.0.1", long(70_000))),
    ] {
        let status = get(head);
        assert!(matches!(status, 400 | 414 | 431), "{what}: {status}");
    }
    assert_eq!(server.get("/livez").status, 200);
}

#[test]
fn two_lengths_are_not_guessed_at() {
    let _running = beside_others();
    let server = Server::start();
    let body = r#"{"model":"m"}"#;
    for lengths in [
        "content-length: 13\r\ncontent-length: 0\r\n",
        "content-length: 13\r\ntransfer-encoding: chunked\r\n",
        "content-length: +13\r\n",
        "content-length: 13, 14\r\n",
        "content-length: -1\r\n",
        "transfer-encoding: gzip\r\n",
        "transfer-encoding: chunked, identity\r\n",
    ] {
        let request =
            format!("POST /v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n{lengths}\r\n{body}");
        let status = server.raw(request.as_bytes()).status;
        assert!(matches!(status, 0 | 400), "{lengths}: {status}");
    }
    assert_eq!(server.requests(), 0);
}

/// What comes after a refused request must not be taken for a new one.
#[test]
fn the_body_of_a_refused_request_is_not_a_request() {
    let _running = beside_others();
    let server = Server::start();
    let smuggled = "GET /version HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";
    for refused in ["POST /nowhere", "PUT /v1/events", "POST /v1/events"] {
        let request = format!(
            "{refused} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: text/x\r\ncontent-length: {}\r\n\r\n{smuggled}GET /livez HTTP/1.1\r\n\
             host: 127.0.0.1\r\nconnection: close\r\n\r\n",
            smuggled.len()
        );
        let mut stream = server.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let all = String::from_utf8_lossy(&{
            let mut bytes = Vec::new();
            let _ = std::io::Read::read_to_end(&mut stream, &mut bytes);
            bytes
        })
        .into_owned();
        assert!(!all.contains("\"version\""), "{all}");
        assert!(Answer::parse(all.as_bytes()).status >= 400, "{all}");
    }
}
