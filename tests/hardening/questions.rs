//! Questions that take long: only so many at a time, and the rest is told to come back.

use crate::kit::Client;
use crate::kit::beside_others;
use crate::kit::question;
use crate::kit::threads;
use crate::support::Server;
use std::fmt::Write as _;
use std::thread;

const HARD: &str = "/v1/usage?window=1h&interval=1m&group_by=user,model,endpoint&limit=1&metrics=requests,latency_ms";

#[test]
fn hard_questions_take_turns_and_no_threads() {
    let _running = beside_others();
    let server = Server::start_with(&["--max-questions", "2"]);
    for part in 0..20 {
        let lines = (0..1_500).fold(String::new(), |mut text, n| {
            let _ =
                writeln!(text, r#"{{"user":"u-{n}","model":"m-{part}","endpoint":"e-{}","latency_ms":{n}}}"#, n % 7);
            text
        });
        assert_eq!(server.post("/v1/events", lines).counts(200), (1_500, 0, 0));
    }
    assert_eq!(server.get(HARD).status, 200);
    let before = threads(server.id());
    let (mut most, mut statuses) = (0, Vec::new());
    thread::scope(|scope| {
        let asked: Vec<_> = (0..200)
            .map(|_| {
                scope.spawn(|| {
                    let reply = Client::connect(&server).unwrap().ask(&question(HARD)).unwrap();
                    assert_eq!(reply.status == 503, reply.retry_after.is_some());
                    reply.status
                })
            })
            .collect();
        while !asked.iter().all(thread::ScopedJoinHandle::is_finished) {
            most = most.max(threads(server.id()));
            let alive = Client::connect(&server).unwrap().ask(&question("/livez")).unwrap();
            assert_eq!(alive.status, 200);
            thread::sleep(std::time::Duration::from_millis(20));
        }
        statuses.extend(asked.into_iter().map(|thread| thread.join().unwrap()));
    });
    let answered = statuses.iter().filter(|status| **status == 200).count();
    println!(
        "{answered} of {} answered, {} turned away; {before} threads before, {most} at most",
        statuses.len(),
        statuses.len() - answered
    );
    assert!(answered >= 2 && statuses.iter().all(|status| matches!(status, 200 | 503)), "{statuses:?}");
    // Two for questions, and those that every server has; a pool would have grown to one for each.
    assert!(most <= 32, "{before} threads became {most}");
    assert_eq!(server.get(HARD).status, 200, "and afterwards it answers");
}

#[test]
fn who_asks_and_goes_away_leaves_no_more_work_than_who_stays() {
    let _running = beside_others();
    let server = Server::start_with(&["--max-questions", "1"]);
    let before = threads(server.id());
    for _ in 0..300 {
        let mut client = Client::connect(&server).unwrap();
        client.write(&question(HARD)).unwrap();
    }
    assert!(threads(server.id()) <= before + 8);
    assert_eq!(server.get("/v1/usage?window=1h").status, 200);
}

/// Thousands of parameters take no more than their length.
#[test]
fn many_parameters_are_read_in_a_moment() {
    let _running = beside_others();
    let server = Server::start();
    server.post("/v1/events", r#"{"model":"m1"}"#).counts(200);
    let many: String = (0..8_000).map(|n| format!("&model=m{}", n % 10)).collect();
    assert_eq!(server.totals(&many[..60_000])["requests"], 1);
    let different: String = (0..6_000).map(|n| format!("&model=m{n}")).collect();
    assert_eq!(server.totals(&different[..60_000])["requests"], 1);
    server.get(&format!("/v1/usage?{}", "tz=UTC&".repeat(8_000))).problem(400);
    server.get(&format!("/v1/usage?quantiles={}", "0.5,".repeat(10_000))).problem(400);
    server.get(&format!("/v1/usage?group_by={}", "model,".repeat(10_000))).problem(400);
    server.get(&format!("/v1/usage?{}", "%".repeat(50_000))).problem(400);
}
