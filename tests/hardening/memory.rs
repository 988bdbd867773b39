//! Test 33: names without end, long answers that nobody reads, and a ceiling that holds.

use crate::ends::Ends;
use crate::kit::Client;
use crate::kit::alone;
use crate::kit::events;
use crate::kit::kib;
use crate::kit::question;
use crate::runs;
use crate::support::Server;
use std::fmt::Write as _;
use std::net::TcpStream;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// What the settings below come to, as docs/API.md adds them up.
const CEILING_KIB: u64 = 256 << 10;
const SETTINGS: &[&str] = &[
    "--memory-bytes=64MiB",
    "--max-inflight-bytes=40MiB",
    "--max-unread-bytes=16MiB",
    "--queue-bytes=8MiB",
    "--max-questions=2",
    "--recent-calls=5000",
    "--id-horizon=50000",
    "--snapshot-every=5s",
    "--journal-segment-bytes=16MiB",
    "--journal-max-bytes=64MiB",
];

/// Calls of names never seen before; each costs 1 nano-dollar.
fn junk(from: u64, count: u64) -> Vec<u8> {
    let lines = (from..from + count).fold(String::new(), |mut text, n| {
        let _ = writeln!(
            text,
            r#"{{"id":"i-{n}","key":"sk-{n}","user":"user-{n}","model":"model-{n}","endpoint":"/{n}","status":{},"cost":"0.000000001"}}"#,
            100 + n % 500
        );
        text
    });
    events(lines.as_bytes())
}

#[test]
fn neither_names_nor_slow_readers_break_through_the_ceiling() {
    let _alone = alone();
    let server = Server::start_with(SETTINGS);
    let (next, taken, done) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let began = Instant::now();
    thread::scope(|scope| {
        let _ends = Ends(&done);
        for _ in 0..3 {
            scope.spawn(|| {
                let mut client = Client::connect(&server).unwrap();
                while !done.load(Ordering::Relaxed) {
                    let reply = client.ask(&junk(next.fetch_add(2_000, Ordering::Relaxed), 2_000)).unwrap();
                    assert!(matches!(reply.status, 200 | 503), "{reply:?}");
                    taken.fetch_add(if reply.status == 200 { 2_000 } else { 0 }, Ordering::Relaxed);
                }
            });
        }
        let long = "/v1/usage?window=1h&interval=1m&group_by=user&limit=1600&metrics=requests,cost";
        while began.elapsed() < Duration::from_secs(20 * runs::times()) {
            let readers: Vec<TcpStream> = (0..20)
                .map(|_| {
                    let mut stream = server.connect();
                    std::io::Write::write_all(&mut stream, &question(long)).unwrap();
                    stream
                })
                .collect();
            thread::sleep(Duration::from_secs(1));
            drop(readers);
        }
    });
    let (most, taken) = (kib(&server, "VmHWM"), taken.load(Ordering::Relaxed));
    println!("{taken} calls of as many names; {} MiB at most", most >> 10);
    assert_eq!(server.requests(), taken, "every one of them is in the totals");
    let cost = server.totals("")["cost"]["USD"].as_str().unwrap().replace('.', "");
    assert_eq!(cost.parse::<u64>().unwrap(), taken, "to the last nano-dollar");
    assert!(most <= CEILING_KIB * 11 / 10, "{} MiB", most >> 10);
}
