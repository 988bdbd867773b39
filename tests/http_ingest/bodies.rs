//! Bodies: compressed, too long, of the wrong kind; and what every answer carries.

use crate::support::Answer;
use crate::support::Server;
use std::fs;
use std::io::Write;

const EVENTS: &str = "/v1/events";
const GOOD: &str = r#"{"model":"m","input_tokens":10,"cost":"0.1"}"#;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Bytes that can't be compressed.
fn noise() -> impl Iterator<Item = u8> {
    std::iter::successors(Some(1_u64), |last| Some(last.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1)))
        .map(|n| (n >> 56) as u8)
}

fn post(server: &Server, encoding: &str, body: &[u8]) -> Answer {
    server.request("POST", EVENTS, &[("content-type", "application/json"), ("content-encoding", encoding)], body)
}

#[test]
fn gzip_and_zstd_are_understood() {
    let server = Server::start();
    let body = vec![GOOD; 5_000].join("\n");
    assert_eq!(post(&server, "gzip", &gzip(body.as_bytes())).counts(200), (5_000, 0, 0));
    assert_eq!(post(&server, "zstd", &zstd::encode_all(body.as_bytes(), 3).unwrap()).counts(200), (5_000, 0, 0));
    let two = [gzip(GOOD.as_bytes()), gzip(format!("\n{GOOD}").as_bytes())].concat();
    assert_eq!(post(&server, "gzip", &two).counts(200), (2, 0, 0), "a gzip body may have several members");
    assert_eq!(server.requests(), 10_002);
}

#[test]
fn a_broken_compressed_body_is_refused() {
    let server = Server::start();
    let whole = gzip(vec![GOOD; 1_000].join("\n").as_bytes());
    let wide = {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(27).unwrap();
        encoder.write_all(&vec![b' '; 200 << 10]).unwrap();
        encoder.finish().unwrap()
    };
    let (cut, tail) = (&whole[..whole.len() / 2], [whole.as_slice(), b"tail"].concat());
    for (encoding, body) in
        [("gzip", cut), ("gzip", GOOD.as_bytes()), ("gzip", &tail), ("zstd", cut), ("zstd", &wide), ("gzip", b"")]
    {
        post(&server, encoding, body).problem(400);
    }
    assert_eq!(server.requests(), 0);
}

#[test]
fn a_bomb_is_refused_without_being_held() {
    let server = Server::start();
    let before = resident_kib(&server);
    let bomb = vec![b' '; 3 << 30 >> 4];
    for (encoding, body) in [("gzip", gzip(&bomb)), ("zstd", zstd::encode_all(bomb.as_slice(), 1).unwrap())] {
        assert!(body.len() < 1 << 20, "the test's own bomb is small: {}", body.len());
        post(&server, encoding, &body).problem(413);
    }
    let grown = resident_kib(&server).saturating_sub(before);
    assert!(grown < 80 << 10, "192 MiB of bomb took {grown} KiB");
    // Blanks of two kinds by chance: one bit of news a byte.
    let blanks: String = (noise().take((16 << 20) - GOOD.len())).map(|b| if b < 128 { ' ' } else { '\t' }).collect();
    let within = format!("{blanks}{GOOD}");
    assert_eq!(post(&server, "gzip", &gzip(within.as_bytes())).counts(200), (1, 0, 0), "16 MiB are within the limit");
    let beyond = format!(" {within}");
    assert!(post(&server, "gzip", &gzip(beyond.as_bytes())).problem(413).contains("16777216"));
}

/// Memory in use by the server.
fn resident_kib(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
}

#[test]
fn long_bodies_are_refused_however_they_are_announced() {
    let server = Server::start();
    let spaces = vec![b' '; 17 << 20];
    server.post(EVENTS, &spaces).problem(413);
    let mut chunked = format!(
        "POST {EVENTS} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n{:x}\r\n",
        server.address,
        spaces.len()
    )
    .into_bytes();
    chunked.extend_from_slice(&spaces);
    chunked.extend_from_slice(b"\r\n0\r\n\r\n");
    server.raw(&chunked).problem(413);
    let random: Vec<u8> = noise().take(5 << 20).collect();
    assert!(post(&server, "gzip", &random).problem(413).contains("4194304"), "a second limit on compressed bytes");
    let told = format!(
        "POST {EVENTS} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: 99999999999\r\n\r\n",
        server.address
    );
    server.raw(told.as_bytes()).problem(413);
    assert_eq!(server.requests(), 0);
}

#[test]
fn a_long_body_within_the_limit_is_counted_whole() {
    let server = Server::start_with(&["--max-events", "1000000"]);
    let line = format!("{}\n", r#"{"model":"m","user":"u","input_tokens":3,"cost":"0.000000001","status":200}"#);
    let count = (15 << 20) / line.len();
    assert_eq!(server.post(EVENTS, line.repeat(count)).counts(200), (count as u64, 0, 0));
    let totals = server.totals("");
    assert_eq!(totals["input_tokens"], 3 * count);
    assert_eq!(totals["cost"]["USD"], format!("0.{count:09}"));
}

#[test]
fn kinds_that_are_not_understood_are_refused() {
    let server = Server::start();
    for encoding in ["br", "deflate", "gzip, zstd", "x"] {
        let answer = post(&server, encoding, GOOD.as_bytes());
        answer.problem(415);
        assert_eq!(answer.header("accept-encoding"), Some("gzip, zstd"));
    }
    for kind in ["text/xml", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"] {
        server.request("POST", EVENTS, &[("content-type", kind)], GOOD.as_bytes()).problem(415);
    }
    let origin = [("content-type", "application/json"), ("origin", "https://evil.example")];
    server.request("POST", EVENTS, &origin, GOOD.as_bytes()).problem(403);
    assert_eq!(server.requests(), 0);
}

#[test]
fn other_paths_and_methods_get_problems_too() {
    let server = Server::start();
    server.get("/nowhere").problem(404);
    server.get("/v1/events/../../etc/passwd").problem(404);
    server.request("PUT", EVENTS, &[], b"").problem(405);
    let answer = server.request("DELETE", "/v1/ingest/dify", &[], b"");
    answer.problem(405);
    assert_eq!(answer.header("allow"), Some("POST"));
}

#[test]
fn every_answer_forbids_sniffing_and_storing() {
    let server = Server::start();
    let good = server.post(EVENTS, GOOD);
    let answers =
        [good, server.get("/livez"), server.get("/readyz"), server.get("/version"), server.get("/v1/usage?window=1h")];
    for answer in answers {
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let refused = server.get("/nowhere");
    assert_eq!(refused.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(server.get("/version").json()["version"], env!("CARGO_PKG_VERSION"));
}
