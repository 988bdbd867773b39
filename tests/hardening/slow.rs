//! Test 37: five hundred sockets that send or read a byte now and then.

use crate::kit::Client;
use crate::kit::alone;
use crate::kit::events;
use crate::kit::kib;
use crate::kit::open_files;
use crate::kit::percentile;
use crate::kit::question;
use crate::kit::wait_until;
use crate::support::Server;
use std::fmt::Write as _;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;
use std::time::Instant;

/// A question with an answer of megabytes.
const LONG: &str = "/v1/usage?window=1h&interval=1m&group_by=user&limit=1500&metrics=requests,cost";

fn fill(server: &Server) {
    let lines = (0..1_500).fold(String::new(), |mut text, n| {
        let _ = writeln!(text, r#"{{"user":"user-{n}","cost":"0.5"}}"#);
        text
    });
    assert_eq!(server.post("/v1/events", lines).counts(200), (1_500, 0, 0));
}

/// A connection with something on its way, and nothing more.
fn begun(server: &Server, bytes: &[u8]) -> TcpStream {
    let mut stream = server.connect();
    stream.write_all(bytes).unwrap();
    stream
}

#[test]
fn five_hundred_slow_sockets_hold_nobody_up_and_are_let_go() {
    let _alone = alone();
    let timeouts = ["--header-timeout", "2s", "--body-idle-timeout", "2s", "--write-timeout", "2s"];
    let server =
        Server::start_with(&[&timeouts[..], &["--max-unread-bytes", "32MiB", "--max-questions", "2"]].concat());
    fill(&server);
    let answer = server.get(LONG);
    assert!(answer.status == 200 && answer.body.len() > 4 << 20, "{} {}", answer.status, answer.body.len());
    wait_until("its connection is closed", || open_files(server.id()) > 0);
    let (files, memory) = (open_files(server.id()), kib(&server, "VmHWM"));

    let mut quiet = times(&server);
    let mut slow: Vec<TcpStream> = Vec::new();
    slow.extend((0..250).map(|_| begun(&server, b"GET /livez HTTP/1.1\r\nx-slow: ")));
    slow.extend(
        (0..200)
            .map(|_| begun(&server, b"POST /v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9999\r\n\r\n{")),
    );
    slow.extend((0..50).map(|_| begun(&server, &question(LONG))));
    let since = Instant::now();
    let mut beside = Vec::new();
    while since.elapsed() < Duration::from_secs(4) {
        slow.iter_mut().for_each(|stream| drop(stream.write(b"a"))); // a byte each, as far as they are there
        beside.append(&mut times(&server));
    }
    println!(
        "p99 of an event: {:.1} ms alone, {:.1} ms beside 500 slow sockets",
        percentile(&mut quiet, 99),
        percentile(&mut beside, 99)
    );
    wait_until("all of them were let go", || open_files(server.id()) <= files);
    let grown = kib(&server, "VmHWM") - memory;
    // Fifty such answers at once would take gigabytes.
    assert!(grown < 320 << 10, "{grown} KiB");
    drop(slow);
}

/// Milliseconds that some events took over a connection of their own, each answered 200.
fn times(server: &Server) -> Vec<f64> {
    let mut client = Client::connect(server).unwrap();
    (0..50)
        .map(|_| {
            let since = Instant::now();
            assert_eq!(client.ask(&events(br#"{"model":"m"}"#)).unwrap().status, 200);
            since.elapsed().as_secs_f64() * 1e3
        })
        .collect()
}

#[test]
fn a_long_answer_is_whole_for_who_reads_steadily() {
    let _running = crate::kit::beside_others();
    let server = Server::start_with(&["--write-timeout", "1s"]);
    fill(&server);
    let whole = server.get(LONG).body.len();
    let mut stream =
        begun(&server, format!("GET {LONG} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n").as_bytes());
    let (mut read, mut bytes) = (0, vec![0; 256 << 10]);
    // Far longer than the timeout, and a hundred times as fast as it must be.
    loop {
        match std::io::Read::read(&mut stream, &mut bytes).unwrap() {
            0 => break,
            more => read += more,
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(read >= whole - 4_096, "{read} of {whole}");
}
