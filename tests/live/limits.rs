//! What a stream may cost: its own reader's slowness, its place, nothing after its end.

use crate::ends::Ends;
use crate::kit::Events;
use crate::support::Server;
use crate::support::wait_until;
use serde_json::Value;
use serde_json::json;
use std::io::Read;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(120);

/// Calls that fill what a second may tell.
fn large() -> String {
    let error = "\u{1}".repeat(512);
    Value::from_iter((0..100).map(|_| json!({ "model": "m", "error": error }))).to_string()
}

#[test]
fn a_reader_that_is_too_slow_is_ended_and_nobody_else() {
    let server = Server::start_with(&["--write-timeout", "10m"]);
    let mut slow = Events::open(&server, "?calls=true");
    slow.next_of("usage");
    let mut slow = slow.into_socket();
    let peer = slow.local_addr().unwrap();
    let mut quick = Events::open(&server, "?calls=true");
    let done = AtomicBool::new(false);
    let mut seconds = 0;
    std::thread::scope(|scope| {
        let _ends = Ends(&done);
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                server.post("/v1/events", large()).counts(200);
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        let since = Instant::now();
        // Its buffers are the system's and ours: some megabytes are told before it lags.
        while server.get("/metrics").text().contains("tallyring_slow_readers_total 0\n") {
            assert!(since.elapsed() < LONG, "it is never found to be slow");
            quick.next_of("usage");
            seconds += 1;
        }
    });
    assert!(seconds > 1);
    quick.next_of("usage");
    let mut rest = Vec::new();
    slow.read_to_end(&mut rest).unwrap();
    let rest = String::from_utf8_lossy(&rest);
    assert!(rest.contains("event: end\ndata: {\"reason\":\"slow\"}\n\n"), "it is told why once it reads on");
    let log = server.stop();
    let line = log.lines().find(|line| line.contains("too slow")).unwrap();
    assert!(line.contains(&peer.to_string()), "{line}");
}

#[test]
fn a_dead_reader_is_given_up() {
    let server = Server::start_with(&["--write-timeout", "500ms", "--max-streams", "1"]);
    let mut dead = Events::open(&server, "?calls=true");
    dead.next_of("usage");
    let _dead = dead.into_socket();
    wait_until("it is never given up", || {
        server.post("/v1/events", large()).counts(200);
        server.get("/metrics").text().contains("tallyring_streams 0\n")
    });
}

#[test]
fn there_are_only_so_many_streams() {
    let server = Server::start_with(&["--max-streams", "2"]);
    let first = Events::open(&server, "");
    let mut second = Events::open(&server, "");
    let refused = server.get("/v1/stream");
    assert!(refused.problem(503).contains("max_streams"));
    assert!(refused.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
    drop(first);
    wait_until("its place is never free again", || {
        let again = Events::open(&server, "");
        again.head.status == 200
    });
    second.next_of("usage");
}

#[test]
fn a_shutdown_ends_streams_at_once() {
    // If it waited for them, it would wait for longer than this test does.
    let server = Server::start_with(&["--shutdown-timeout", "10m", "--write-timeout", "10m"]);
    let mut readers: Vec<Events> = (0..3).map(|_| Events::open(&server, "?calls=true")).collect();
    let mut stuck = Events::open(&server, "?calls=true");
    stuck.next_of("usage");
    let _stuck = stuck.into_socket();
    std::thread::scope(|scope| {
        let reading: Vec<_> = readers
            .iter_mut()
            .map(|reader| {
                scope.spawn(move || {
                    let mut last = None;
                    while let Some(event) = reader.next() {
                        last = Some(event);
                    }
                    last
                })
            })
            .collect();
        for _ in 0..100 {
            server.post("/v1/events", large()).counts(200);
            std::thread::sleep(Duration::from_millis(20));
        }
        server.stop();
        for reader in reading {
            let (name, data) = reader.join().unwrap().unwrap();
            assert_eq!((name.as_str(), data), ("end", json!({ "reason": "shutdown" })));
        }
    });
}

/// A figure of `/proc/<pid>/status`.
fn figure(server: &Server, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_start_matches(':').split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn coming_and_going_leaves_nothing_behind() {
    let server = Server::start();
    let come_and_go = |times: usize| {
        for _ in 0..times {
            let mut events = Events::open(&server, "?calls=true");
            if events.head.status == 200 {
                events.next();
            }
        }
        wait_until("streams stay", || server.get("/metrics").text().contains("tallyring_streams 0\n"));
    };
    come_and_go(200);
    let (threads, kib) = (figure(&server, "Threads"), figure(&server, "VmRSS"));
    come_and_go(500);
    let (threads_after, kib_after) = (figure(&server, "Threads"), figure(&server, "VmRSS"));
    assert!(threads_after <= threads + 4, "{threads} threads became {threads_after}");
    // 500 streams that stayed would be some 20 MiB of tasks, queues and buffers.
    assert!(kib_after <= kib + 4_096, "{kib} KiB became {kib_after}");
}
