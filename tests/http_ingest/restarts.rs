//! What was answered 2xx is there after the end of the process, however it ended: counted once, told
//! call by call, and known by its id.

use crate::support::Server;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

const EVENTS: &str = "/v1/events";
const MAGIC: &[u8] = b"tlyF";
/// Bytes of a frame's header.
const HEADER: usize = 116;

fn line(id: &str, tokens: u64) -> String {
    let event = json!({
        "id": id, "key": format!("sk-proj-0123456789abcdef-{}", tokens % 3), "user": "ann", "model": "m", "status": 200,
        "latency_ms": 12.5, "input_tokens": tokens, "cost": "0.000000001", "error": "none", "job_id": id,
    });
    event.to_string() + "\n"
}

fn lines(ids: std::ops::Range<u64>) -> String {
    ids.map(|n| line(&format!("id-{n}"), n)).collect()
}

/// Everything that a restart must not change.
fn told(server: &Server) -> Value {
    // Until now: a span that ends with the clock would differ.
    let to = crate::support::now() + 3_600;
    let usage = server.get(&format!("/v1/usage?from=2026-01-01&to={to}&group_by=key,model")).json();
    let calls = server.get("/v1/events?limit=1000").json();
    assert_eq!(calls["complete"], true, "{calls}");
    json!([usage["totals"], usage["data"], usage["position"], usage["completeness"], calls["calls"]])
}

fn segments(data: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(data.join("journal")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "seg")).collect();
    files.sort();
    files
}

fn torn(data: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(data.join("journal")).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|end| end == "torn")).collect()
}

#[test]
fn a_restart_keeps_counts_calls_ids_and_keys() {
    let folder = tempfile::tempdir().unwrap();
    let start = || Server::start_in(folder.path(), &[], None);
    let headers = [("idempotency-key", "once"), ("content-type", "application/x-ndjson")];
    let nameless = b"{\"model\":\"nameless\"}\n{\"model\":\"nameless\"}\n{\"model\":7}\n";

    let server = start();
    assert_eq!(server.post(EVENTS, lines(0..50)).counts(200), (50, 0, 0));
    assert_eq!(server.post(EVENTS, lines(40..60)).counts(200), (10, 10, 0));
    assert_eq!(server.request("POST", EVENTS, &headers, nameless).counts(200), (2, 0, 1));
    let before = told(&server);
    assert_eq!((&before[0]["requests"], &before[2]), (&json!(62), &json!(62)));
    server.kill();

    let server = start();
    assert_eq!(told(&server), before, "from the journal");
    assert!(server.stop().contains("replayed=62"));
    let server = start();
    assert_eq!(told(&server), before, "from a snapshot");
    assert!(server.stop().contains("replayed=0"));
    let server = start();
    assert_eq!(told(&server), before, "after a start that took nothing");

    assert_eq!(server.post(EVENTS, lines(0..60)).counts(200), (0, 60, 0));
    assert_eq!(server.request("POST", EVENTS, &headers, nameless).counts(200), (0, 2, 1));
    server.request("POST", EVENTS, &headers, b"{\"model\":\"other\"}").problem(409);
    assert_eq!(server.post(EVENTS, line("id-1", 7)).counts(409), (0, 0, 1), "known with its payload");
    let new = server.post(EVENTS, lines(60..61));
    assert_eq!((new.counts(200), &new.json()["position"]), ((1, 0, 0), &json!(63)), "positions go on");
}

/// Four senders, killed under way, again and again; every line is sent until it is answered.
#[test]
fn kills_lose_nothing_and_count_nothing_twice() {
    const LINES: u64 = 400;
    let folder = tempfile::tempdir().unwrap();
    let mut answered = BTreeSet::new();
    for round in 0..6 {
        let server = Server::start_in(folder.path(), &["--snapshot-every", "1s"], None);
        assert!(server.requests() >= answered.len() as u64, "round {round}: something answered is gone");
        let open: Vec<u64> = (0..LINES).filter(|n| !answered.contains(n)).collect();
        let done = std::thread::scope(|scope| {
            let send = |n: u64| server.try_post(EVENTS, line(&format!("id-{n}"), n)).filter(|s| *s == 200).map(|_| n);
            let part = |part: usize| open.iter().copied().skip(part).step_by(4);
            let senders: Vec<_> =
                (0..4).map(|n| scope.spawn(move || part(n).map_while(send).collect::<Vec<u64>>())).collect();
            std::thread::sleep(Duration::from_millis(60 + round * 25));
            server.signal("KILL");
            senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect::<Vec<u64>>()
        });
        answered.extend(done);
    }
    let server = Server::start_in(folder.path(), &[], None);
    let receipt = server.post(EVENTS, lines(0..LINES)).counts(200);
    assert_eq!((receipt.0 + receipt.1, receipt.2), (LINES, 0));
    assert!(receipt.1 >= answered.len() as u64, "{receipt:?}, but {} were answered", answered.len());
    let totals = server.totals("");
    assert_eq!((&totals["requests"], &totals["input_tokens"]), (&json!(LINES), &json!(LINES * (LINES - 1) / 2)));
}

#[test]
fn weaker_promises_are_kept_too() {
    for (ack, end) in [("write", "kill"), ("memory", "stop")] {
        let folder = tempfile::tempdir().unwrap();
        let args = ["--ack", ack, "--flush-interval", "10s"];
        let server = Server::start_in(folder.path(), &args, None);
        for n in 0..10 {
            assert_eq!(server.post(EVENTS, lines(n * 10..n * 10 + 10)).counts(200), (10, 0, 0));
        }
        match end {
            "kill" => server.kill(),
            _ => drop(server.stop()),
        }
        assert_eq!(Server::start_in(folder.path(), &args, None).requests(), 100, "{ack}");
    }
}

#[test]
fn snapshots_are_taken_by_the_clock_and_a_damaged_one_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_in(folder.path(), &["--snapshot-every", "1s"], None);
    let newest = |server: &Server| server.get("/v1/snapshots").json()["snapshots"][0]["id"].clone();
    let mut taken = Value::Null;
    for n in 0..2 {
        assert_eq!(server.post(EVENTS, lines(n * 10..n * 10 + 10)).counts(200), (10, 0, 0));
        let since = Instant::now();
        while newest(&server) == taken {
            assert!(since.elapsed() < Duration::from_secs(20), "no snapshot is taken");
            std::thread::sleep(Duration::from_millis(50));
        }
        taken = newest(&server);
    }
    let before = told(&server);
    assert!(server.stop().contains("a snapshot was taken"));

    let file = folder.path().join(format!("snapshots/{}.snap", taken.as_str().unwrap()));
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let server = Server::start_in(folder.path(), &[], None);
    assert_eq!(told(&server), before);
    let log = server.stop();
    let warned = log.lines().find(|line| line.contains("WARN")).unwrap_or_else(|| panic!("{log}"));
    assert!(warned.contains("passed over") && warned.contains(file.to_str().unwrap()), "{warned}");
    assert!(fs::read(&file).unwrap() == bytes, "the damaged file is as it was");
}

/// Where the frames of a segment begin.
fn frames(bytes: &[u8]) -> Vec<usize> {
    memchr::memmem::find_iter(bytes, MAGIC).collect()
}

#[test]
fn a_torn_tail_is_kept_aside_and_cut() {
    let folder = tempfile::tempdir().unwrap();
    let start = || Server::start_in(folder.path(), &[], None);
    let server = start();
    assert_eq!(server.post(EVENTS, lines(0..20)).counts(200), (20, 0, 0));
    let before = told(&server);
    server.kill();

    let file = segments(folder.path()).pop().unwrap();
    let mut bytes = fs::read(&file).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let half = bytes[frames(&bytes)[0]..].iter().take(HEADER + 9).copied().collect::<Vec<u8>>();
    bytes[end..end + half.len()].copy_from_slice(&half);
    fs::write(&file, &bytes).unwrap();

    let server = start();
    assert_eq!(told(&server), before);
    assert_eq!(server.post(EVENTS, lines(20..30)).counts(200), (10, 0, 0));
    let log = server.stop();
    let copies = torn(folder.path());
    assert_eq!(copies.len(), 1, "{copies:?}");
    let name = copies[0].file_name().unwrap().to_str().unwrap();
    assert!(log.contains("WARN") && log.contains(name), "{log}");
    let kept = fs::read(&copies[0]).unwrap();
    assert!(memchr::memmem::find(&kept, &half).is_some(), "what was cut is in the copy");
    assert_eq!(start().requests(), 30);
}

#[test]
fn damage_in_the_middle_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_in(folder.path(), &[], None);
    for n in 0..3 {
        assert_eq!(server.post(EVENTS, lines(n * 10..n * 10 + 10)).counts(200), (10, 0, 0));
    }
    server.kill();
    let file = segments(folder.path()).pop().unwrap();
    let mut bytes = fs::read(&file).unwrap();
    let place = frames(&bytes)[1] + HEADER + 5;
    bytes[place] ^= 1;
    fs::write(&file, &bytes).unwrap();

    for _ in 0..2 {
        let (code, log) = Server::begin_in(folder.path(), &[], None).end();
        assert_eq!(code, Some(3), "{log}");
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(log.contains(name) && log.contains("damaged") && log.contains("position 10"), "{log}");
        assert!(!log.contains("panicked"), "{log}");
        assert!(fs::read(&file).unwrap() == bytes, "the damaged file is as it was");
        assert_eq!((segments(folder.path()).len(), torn(folder.path())), (1, Vec::new()));
    }
    bytes[place] ^= 1;
    fs::write(&file, &bytes).unwrap();
    assert_eq!(Server::start_in(folder.path(), &[], None).requests(), 30, "mended, it is read");
}

/// Recovery takes long enough here to be looked at.
#[test]
fn a_server_under_recovery_says_so_and_can_be_stopped() {
    const CALLS: u64 = 300_000;
    let folder = tempfile::tempdir().unwrap();
    let args = ["--max-events", "100000", "--snapshot-every", "0s"];
    let server = Server::start_in(folder.path(), &args, None);
    let mut body = String::new();
    for n in 0..100_000 {
        body += &format!("{{\"user\":\"u{}\",\"model\":\"m\",\"input_tokens\":1}}\n", n % 50_000);
    }
    (0..3).for_each(|_| assert_eq!(server.post(EVENTS, &body).counts(200), (100_000, 0, 0)));
    server.kill();

    // The machine may have had better things to do than this test until it was ready.
    let mut calls = CALLS;
    let early = (0..5).find_map(|_| {
        let server = Server::begin_in(folder.path(), &args, None);
        let answers = [
            server.get("/readyz"),
            server.get("/livez"),
            server.get("/v1/usage?window=1h"),
            server.post(EVENTS, "{\"model\":\"m\"}"),
        ];
        calls += u64::from(answers[3].status == 200);
        (answers[3].status == 503).then_some((server, answers))
    });
    let (server, [refused, alive, asked, sent]) = early.expect("one of five is seen in time");
    assert!(refused.problem(503).starts_with("starting: "), "{refused:?}");
    assert_eq!((alive.status, refused.header("retry-after")), (200, Some("1")));
    assert!(asked.problem(503).starts_with("starting: "));
    assert!(sent.problem(503).starts_with("starting: "));
    let since = Instant::now();
    let log = server.stop();
    assert!(!log.contains("serving"), "it was stopped before it was ready: {log}");
    assert!(since.elapsed() < Duration::from_secs(20), "{:?}", since.elapsed());

    assert_eq!(Server::start_in(folder.path(), &args, None).requests(), calls);
}
