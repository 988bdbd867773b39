//! Test 35: bodies that are small on the wire and large in memory, or that never end.

use crate::kit::beside_others;
use crate::kit::kib;
use crate::support::Answer;
use crate::support::Server;
use std::io::Write;

const GOOD: &str = r#"{"model":"m"}"#;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 19).unwrap()
}

fn post(server: &Server, encoding: &str, body: &[u8]) -> Answer {
    server.request("POST", "/v1/events", &[("content-encoding", encoding)], body)
}

/// KiB by which the highest memory in use grew.
fn growth(server: &Server, what: impl FnOnce(&Server)) -> u64 {
    let before = kib(server, "VmHWM");
    what(server);
    kib(server, "VmHWM") - before
}

#[test]
fn bombs_are_refused_long_before_they_are_whole() {
    let _running = beside_others();
    let bomb = vec![b' '; 1 << 30 >> 2];
    let bombs = [("gzip", gzip(&bomb)), ("zstd", zstd(&bomb))];
    drop(bomb);
    for (encoding, body) in bombs {
        let server = Server::start();
        let grown = growth(&server, |server| {
            post(server, encoding, &body).problem(413);
        });
        assert!(grown < 32 << 10, "{encoding}: 256 MiB out of {} bytes took {grown} KiB", body.len());
    }
}

/// Shorter than a body may be, and still more than anybody means to send.
#[test]
fn what_is_packed_too_densely_is_refused() {
    let _running = beside_others();
    let server = Server::start();
    let packed = |encoding, bytes: usize| encoded(encoding, &format!("{}{GOOD}", " ".repeat(bytes)));
    for encoding in ["gzip", "zstd"] {
        let answer = post(&server, encoding, &packed(encoding, 12 << 20));
        assert!(answer.problem(413).contains("1/100"), "{encoding}: {}", answer.text());
        assert_eq!(
            post(&server, encoding, &packed(encoding, 1_000_000)).counts(200),
            (1, 0, 0),
            "{encoding}: harmless"
        );
    }
}

/// Each member is harmless; all together are not.
#[test]
fn many_members_are_one_body() {
    let _running = beside_others();
    let server = Server::start();
    let member = |pack: fn(&[u8]) -> Vec<u8>| pack(&vec![b'\n'; 900 << 10]);
    for (encoding, member) in [("gzip", member(gzip)), ("zstd", member(zstd))] {
        assert_eq!(post(&server, encoding, &[member.clone(), encoded(encoding, GOOD)].concat()).counts(200), (1, 0, 0));
        post(&server, encoding, &member.repeat(400)).problem(413);
    }
}

fn encoded(encoding: &str, text: &str) -> Vec<u8> {
    if encoding == "gzip" { gzip(text.as_bytes()) } else { zstd(text.as_bytes()) }
}

#[test]
fn one_layer_is_taken_off_and_no_more() {
    let _running = beside_others();
    let server = Server::start();
    let inner = gzip(&vec![b' '; 64 << 20]);
    let grown = growth(&server, |server| {
        post(server, "gzip", &gzip(&inner)).problem(400);
        post(server, "zstd", &zstd(&inner)).problem(400);
    });
    assert!(grown < 32 << 10, "{grown} KiB");
    post(&server, "gzip, gzip", &gzip(&inner)).problem(415);
    assert_eq!(server.requests(), 0);
}

#[test]
fn a_length_that_lies_is_found_out() {
    let _running = beside_others();
    let server = Server::start();
    let mut wrong = gzip(GOOD.as_bytes());
    let end = wrong.len();
    wrong[end - 4..].copy_from_slice(&u32::MAX.to_le_bytes()); // the length in the trailer
    post(&server, "gzip", &wrong).problem(400);

    // A zstd frame that promises 2^60 bytes in its head and has 4.
    let head = [0x28, 0xb5, 0x2f, 0xfd, 0b1110_0000];
    let lying = [&head[..], &(1_u64 << 60).to_le_bytes(), &[0x21, 0, 0], b"{}{}"].concat();
    let grown = growth(&server, |server| {
        post(server, "zstd", &lying).problem(400);
    });
    assert!(grown < 32 << 10, "{grown} KiB");
}

#[test]
fn a_body_without_an_end_is_cut_off() {
    let _running = beside_others();
    let server = Server::start();
    for encoding in ["identity", "gzip"] {
        let mut stream = server.connect();
        let head = format!(
            "POST /v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\ncontent-encoding: {encoding}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let chunk = [b"10000\r\n", " ".repeat(0x1_0000).as_bytes(), b"\r\n"].concat();
        let (mut sent, most) = (0, 1 << 30);
        let grown = growth(&server, |_| {
            while sent < most && stream.write_all(&chunk).is_ok() {
                sent += chunk.len();
            }
        });
        assert!(sent < 256 << 20, "{encoding}: {sent} bytes were taken");
        assert!(grown < 64 << 10, "{encoding}: {grown} KiB");
    }
    assert_eq!(server.get("/livez").status, 200);
}
