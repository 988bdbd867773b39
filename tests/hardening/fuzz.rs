//! Requests at random: cut, spliced, repeated, half closed, or noise. The server answers on, with
//! anything but 500.

use crate::kit::alone;
use crate::kit::kib;
use crate::kit::open_files;
use crate::kit::wait_until;
use crate::runs;
use crate::support::Server;
use std::io::Read;
use std::io::Write;
use std::net::Shutdown;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;
use std::time::Instant;
use tallyring::batch::Encoder;
use tallyring::batch::MEDIA_TYPE;
use tallyring::engine::event::Dimension;
use tallyring::engine::event::Dimensions;
use tallyring::engine::event::Event;
use tallyring::engine::event::Measures;

/// Requests to begin with.
fn samples() -> Vec<Vec<u8>> {
    let post = |path: &str, headers: &str, body: &[u8]| {
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{headers}content-length: {}\r\n\r\n", body.len())
                .into_bytes();
        [head, body.to_vec()].concat()
    };
    let event = br#"{"id":"a","key":"sk-1","user":"u","model":"m","status":200,"latency_ms":12.5,"cost":"0.001","labels":{"a":"b"}}"#;
    let dify = br#"{"user_id":"u","api_endpoint":"/x","success":true,"metadata":{"usage":{"total_tokens":3,"total_price":"0.1","latency":1.5}}}"#;
    let packed = zstd::encode_all(&event.repeat(50)[..], 1).unwrap();
    let mut samples = vec![
        post("/v1/events", "content-type: application/json\r\n", event),
        post("/v1/events?atomic=true", "idempotency-key: k\r\n", &[&b"["[..], event, b",", event, b"]"].concat()),
        post("/v1/events", "content-type: application/x-ndjson\r\n", &[&event[..], b"\n", event, b"\nnonsense\n"].concat()),
        post("/v1/events", "content-encoding: zstd\r\n", &packed),
        post("/v1/events", "", br#"{"model":"m","input_tokens":-1}"#),
        post("/v1/events", &format!("content-type: {MEDIA_TYPE}\r\n"), &batch()),
        post("/v1/ingest/dify", "", dify),
        post("/v1/snapshots?full=true", "", b""),
        b"POST /v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n7\r\n{\"model\r\n6\r\n\":\"m\"}\r\n0\r\n\r\n".to_vec(),
        b"POST /v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\nexpect: 100-continue\r\ncontent-length: 13\r\n\r\n{\"model\":\"m\"}".to_vec(),
        b"HEAD /v1/usage HTTP/1.0\r\n\r\n".to_vec(),
        b"OPTIONS * HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".to_vec(),
    ];
    for path in [
        "/v1/usage?window=1h&group_by=model,user&interval=1m&quantiles=0.5&order_by=-cost&limit=3&format=csv",
        "/v1/usage?from=2026-11-01&to=2026-11-22&tz=Asia/Shanghai&compare=previous&cursor=AXyG",
        "/v1/events?outcome=failure&limit=5&user=u&cursor=AAAA",
        "/v1/dimensions/model/values?q=m&limit=3",
        "/v1/reports/daily?days=3&tz=UTC&fill=true",
        "/v1/reports/summary?shape=flat",
        "/api/key-usage-details/sk-1",
        "/v1/snapshots/00000000000000000001-00000000000000000001",
        "/v1/status",
        "/readyz",
    ] {
        samples.push(format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept-encoding: gzip\r\n\r\n").into_bytes());
    }
    samples
}

/// Some calls as a compact batch.
fn batch() -> Vec<u8> {
    let mut batch = Encoder::new(&["a"]);
    for user in ["u", "v", "u"] {
        let dimensions = Dimensions::default().with(Dimension::User, user).with(Dimension::Label(0), "b");
        let measures = Measures { latency_us: Some(12_500), input_tokens: Some(7), ..Measures::default() };
        batch.push(&Event { dimensions, measures, id: user, ..Event::default() });
    }
    batch.take()
}

/// Numbers of one seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % n.max(1)
    }

    fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.below(256) as u8).collect()
    }
}

const TOKENS: &[&str] = &[
    "\r\n",
    "\r\n\r\n",
    "\0",
    "%00",
    "%",
    "&",
    "=",
    "?",
    ":",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\",
    "\\u0000",
    "-1",
    "1e999",
    "18446744073709551616",
    "content-length: 5\r\n",
    "transfer-encoding: chunked\r\n",
    "connection: close\r\n",
    "content-encoding: gzip\r\n",
    "HTTP/1.1",
    "HTTP/2.0",
    "GET ",
    "POST ",
    "null",
    "NaN",
    "\u{feff}",
    "\u{202e}",
    "../",
];

/// A request with some changes.
fn mutated(chance: &mut Chance, samples: &[Vec<u8>]) -> Vec<u8> {
    let mut request = samples[chance.below(samples.len())].clone();
    for _ in 0..chance.below(5) {
        let at = chance.below(request.len() + 1);
        let end = (at + chance.below(12)).min(request.len());
        match chance.below(7) {
            0 => request.truncate(at),
            1 => drop(request.drain(at..end)),
            2 => drop(request.splice(at..at, TOKENS[chance.below(TOKENS.len())].bytes())),
            3 => {
                let part = request[at..end].repeat(1 + chance.below(200));
                drop(request.splice(at..at, part));
            }
            4 => {
                let noise = chance.bytes(8);
                drop(request.splice(at..end, noise));
            }
            5 => {
                let other = &samples[chance.below(samples.len())];
                let from = chance.below(other.len());
                drop(request.splice(at..end, other[from..].iter().copied()));
            }
            _ => request.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << chance.below(8)),
        }
    }
    request
}

/// One connection; what came back.
fn talk(chance: &mut Chance, address: &str, samples: &[Vec<u8>]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut bytes = if chance.below(20) == 0 { chance.bytes(300) } else { Vec::new() };
    (0..=chance.below(4)).for_each(|_| bytes.append(&mut mutated(chance, samples)));
    // In pieces, so that heads and bodies are met in halves.
    let cut = chance.below(bytes.len() + 1);
    let _ = stream.write_all(&bytes[..cut]);
    if chance.below(4) == 0 {
        thread::sleep(Duration::from_millis(1));
    }
    let _ = stream.write_all(&bytes[cut..]);
    let mut answer = Vec::new();
    match chance.below(5) {
        0 => return answer,
        1 => drop(stream.shutdown(Shutdown::Both)),
        _ => drop(stream.shutdown(Shutdown::Write)),
    }
    let _ = stream.read_to_end(&mut answer);
    answer
}

#[test]
fn requests_at_random_are_survived() {
    let _alone = alone();
    let server = Server::start_with(&["--header-timeout", "2s", "--body-idle-timeout", "2s", "--labels", "a"]);
    let (seed, samples) = (runs::seed_of_the_day("fuzz"), samples());
    assert_eq!(server.get("/livez").status, 200);
    let (files, began) = (open_files(server.id()), Instant::now());
    let mut statuses = std::collections::BTreeMap::<String, usize>::new();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|number| {
                let (server, samples) = (&server, &samples);
                scope.spawn(move || {
                    let mut heads = Vec::new();
                    let mut chance = Chance(seed.wrapping_mul(8).wrapping_add(number) | 1);
                    while began.elapsed() < Duration::from_secs(10 * runs::times()) {
                        let answer = talk(&mut chance, &server.address, samples);
                        let status = |part: &[u8]| String::from_utf8_lossy(&part[..part.len().min(12)]).into_owned();
                        heads.push(status(&answer));
                        let text = String::from_utf8_lossy(&answer);
                        assert!(!text.contains("HTTP/1.1 500"), "seed {seed}: {text}");
                        if chance.below(50) == 0 {
                            assert_eq!(server.get("/livez").status, 200, "seed {seed}");
                        }
                    }
                    heads
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap().into_iter().for_each(|head| *statuses.entry(head).or_default() += 1);
        }
    });
    println!("seed {seed}: {statuses:?}, {} MiB at most", kib(&server, "VmHWM") >> 10);
    for status in ["200", "400", "404", "422"] {
        assert!(statuses.keys().any(|head| head.ends_with(status)), "no {status} among {statuses:?}");
    }
    wait_until("connections are given back", || open_files(server.id()) <= files + 2);
    assert!(kib(&server, "VmHWM") < 300 << 10, "{} KiB", kib(&server, "VmHWM"));
    let log = server.stop();
    assert!(!log.contains("panicked"), "{log}");
}
