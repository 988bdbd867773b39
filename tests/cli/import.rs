//! `import`: what is counted is what a hand would count.

use crate::kit::Server;
use crate::kit::trace;
use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

/// Unix seconds now.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// The wall clock of Shanghai, which has been at +08:00 all year since 1991.
fn shanghai(secs: i64) -> String {
    let civil = jiff::Timestamp::from_second(secs + 8 * 3_600).unwrap().to_string();
    civil.replace('T', " ").replace('Z', "")
}

/// A table of 3,000 rows over the last three hours, unsorted, and what a hand counts in it.
fn table() -> (String, u64, u64, u64) {
    let mut text = "\u{feff}created,who,result,seconds,words,note\n".to_owned();
    let (mut successes, mut millis, mut tokens) = (0, 0, 0);
    for n in 0..3_000_u64 {
        let result = ["SUCCEED", "FAILED", "PENDING"][usize::try_from(n % 3).unwrap()];
        let seconds = format!("{}.{:03}", n % 7, n % 1_000);
        let words = if n % 5 == 0 { String::new() } else { format!("{n}.0") };
        let at = shanghai(now() - i64::try_from(n * 7 % 3_000 * 3).unwrap() - 5);
        text += &format!("{at},\"user, {}\",{result},{seconds},{words},\"a \"\"note\"\"\"\n", n % 10);
        successes += u64::from(n % 3 == 0);
        millis += n % 7 * 1_000 + n % 1_000;
        tokens += if n % 5 == 0 { 0 } else { n };
    }
    (text, successes, millis, tokens)
}

const MAP: [&str; 14] = [
    "--map",
    "timestamp=created",
    "--map",
    "user=who",
    "--map",
    "status=result",
    "--map",
    "latency_s=seconds",
    "--map",
    "input_tokens=words",
    "--tz=Asia/Shanghai",
    "--success=SUCCEED",
    "--set",
    "endpoint=/v1/images",
];

#[test]
fn a_csv_file_is_counted_as_by_hand() {
    let server = Server::start();
    let (text, successes, millis, tokens) = table();
    let said = server.import("calls.csv", &text, &[&MAP[..], &["--json"]].concat());
    assert_eq!(said.code, 0, "{said:?}");
    let report = said.json();
    assert_eq!((&report["sent"], &report["accepted"]), (&3_000.into(), &3_000.into()), "{report}");
    let totals = server.totals();
    assert_eq!(totals["requests"], 3_000);
    assert_eq!(totals["successes"], successes);
    assert_eq!(totals["input_tokens"], tokens);
    let latency = &totals["latency_ms"];
    let sum = latency["mean"].as_f64().unwrap() * 3_000.0;
    assert!((sum - millis as f64).abs() < 3.0 * 1e-3 * 3_000.0, "{latency} against {millis}");
    let users = server.run(&["query", "--window", "4h", "--group-by", "user", "--csv"]).ok();
    assert_eq!(users.lines().filter(|line| line.contains("\"user, ")).count(), 10, "{users}");
    let words = server.run(&["query", "--window", "4h", "--group-by", "status,endpoint", "--csv"]).ok();
    for word in ["success,/v1/images", "FAILED,/v1/images", "PENDING,/v1/images"] {
        assert!(words.contains(word), "{words}");
    }
}

#[test]
fn a_dry_run_says_the_same_and_sends_nothing() {
    let server = Server::start();
    let (text, ..) = table();
    let text = text + "2024-13-01 00:00:00,x,FAILED,1,1,\n,x,FAILED,one,1,\n";
    let said = server.import("calls.csv", &text, &[&MAP[..], &["--dry-run"]].concat());
    assert_eq!(said.code, 4, "{said:?}");
    assert!(said.out.contains("3,000") && said.err.contains("line 3002: invalid: /timestamp"), "{said:?}");
    assert!(said.err.contains("line 3003: invalid: /latency_ms"), "{said:?}");
    assert_eq!(server.requests(), 0);
    let unreachable =
        server.import("calls.csv", &text, &[&MAP[..], &["--dry-run", "--url", "http://127.0.0.1:1"]].concat());
    assert_eq!(unreachable.code, 4, "no server is needed: {unreachable:?}");
    let real = server.import("calls.csv", &text, &MAP);
    assert_eq!((real.code, server.requests()), (4, 3_000), "{real:?}");
}

#[test]
fn rejected_lines_are_named_and_the_others_counted() {
    let server = Server::start();
    let long = format!("{{\"user\":\"{}\"}}", "x".repeat(100_000));
    let text =
        format!("{{\"user\":\"a\"}}\nnot json\n\n{{\"user\":\"b\",\"cost\":\"nan\"}}\n{long}\n{{\"user\":\"c\"}}");
    let said = server.import("a.ndjson", &text, &[]);
    assert_eq!(said.code, 4, "{said:?}");
    for word in ["line 2: invalid", "line 4: invalid: /cost", "line 5: invalid"] {
        assert!(said.err.contains(word), "{word}: {said:?}");
    }
    assert_eq!(server.requests(), 2);
    let single = server.import("b.ndjson", "{\"model\":5e999}\n", &["--json"]);
    assert_eq!(single.code, 4, "one event alone is answered with another status: {single:?}");
    assert_eq!(single.json()["errors"][0]["line"], 1);
}

#[test]
fn every_fault_of_a_bad_file_is_counted() {
    let server = Server::start();
    let text = "{\"user\":\"a\",\"timestamp\":5}\n".repeat(2_500);
    let said = server.import("old.ndjson", &text, &["--json"]).json();
    assert_eq!((&said["rejected"], &said["accepted"]), (&2_500.into(), &0.into()), "{said}");
    let told = server.import("old.ndjson", &text, &[]).err;
    assert!(told.contains("--shift-to-now") && told.contains("and 2480 more"), "{told}");
}

#[test]
fn ids_make_a_second_import_harmless() {
    let server = Server::start();
    let text = "{\"user\":\"a\",\"timestamp\":NOW}\n{\"user\":\"b\",\"timestamp\":NOW,\"id\":\"own\"}\n";
    let text = text.replace("NOW", &now().to_string());
    for (accepted, duplicates) in [(2, 0), (0, 2)] {
        let said = server.import("a.ndjson", &text, &["--ids", "--json"]).json();
        assert_eq!((&said["accepted"], &said["duplicates"]), (&accepted.into(), &duplicates.into()), "{said}");
    }
    assert_eq!(server.requests(), 2);
    let calls = server.run(&["report", "calls", "--json"]).json().to_string();
    assert!(calls.contains("\"a.ndjson:1\"") && calls.contains("\"own\""), "{calls}");
}

#[test]
fn an_old_trace_is_shifted_so_that_it_ends_now() {
    let text = ["2021-03-01 10:00:30", "2021-03-01 09:00:30", "2021-03-01 10:00:00"]
        .map(|time| format!("{{\"timestamp\":\"{time}\",\"user\":\"{}\"}}\n", &time[11..]))
        .concat();
    for stdin in [false, true] {
        let server = Server::start();
        if stdin {
            let mut import =
                crate::kit::tallyring(&["import", "-", "--shift-to-now", "--tz", "UTC", "--url", &server.url]);
            let mut child = import.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
            child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
            assert!(child.wait().unwrap().success());
        } else {
            server.import("old.ndjson", &text, &["--shift-to-now", "--tz", "UTC"]).ok();
        }
        let calls = server.run(&["report", "calls", "--period", "8h", "--json"]).json();
        let calls = calls["calls"].as_array().unwrap();
        let times: Vec<i64> = calls.iter().map(|call| seconds(&call["timestamp"])).collect();
        let users: Vec<_> = calls.iter().map(|call| call["user"].as_str().unwrap()).collect();
        assert_eq!(users, ["10:00:30", "10:00:00", "09:00:30"]);
        assert_eq!([times[0] - times[1], times[0] - times[2]], [30, 3_600]);
        assert!((now() - 15..=now()).contains(&times[0]), "{times:?}");
    }
}

fn seconds(timestamp: &serde_json::Value) -> i64 {
    timestamp.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second()
}

#[test]
fn a_trace_is_played_in_time() {
    let server = Server::start();
    let line = |secs: i64| format!("{{\"timestamp\":{secs},\"user\":\"u\"}}\n");
    let text = [1_000_000, 1_000_010, 1_000_020].map(line).concat();
    let began = Instant::now();
    server.import("t.ndjson", &text, &["--shift-to-now", "--speed", "10x"]).ok();
    assert!(began.elapsed() >= Duration::from_millis(1_900), "{:?}", began.elapsed());
    let calls = server.run(&["report", "calls", "--json"]).json();
    let times: Vec<i64> = calls["calls"].as_array().unwrap().iter().map(|call| seconds(&call["timestamp"])).collect();
    assert_eq!([times[0] - times[1], times[1] - times[2]], [1, 1], "{times:?}");
}

#[test]
fn a_busy_server_is_asked_again_when_it_says() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let receipt = r#"{"accepted":1,"duplicates":0,"rejected":0,"errors":[]}"#;
        [("503 Service Unavailable\r\nretry-after: 1", ""), ("200 OK", receipt)].map(|(head, body)| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 4_096];
            while !request.ends_with(b"}\n") {
                let read = stream.read(&mut buffer).unwrap();
                request.extend_from_slice(&buffer[..read]);
            }
            let length = body.len();
            let answer = format!("HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(request).unwrap().split("\r\n\r\n").nth(1).unwrap().to_owned()
        })
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.ndjson");
    std::fs::write(&file, "{\"user\":\"a\"}\n").unwrap();
    let began = Instant::now();
    let said = crate::kit::run(&["import", file.to_str().unwrap(), "--url", &url]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(began.elapsed() >= Duration::from_secs(1) && said.err.contains("busy"), "{said:?}");
    assert_eq!(server.join().unwrap(), ["{\"user\":\"a\"}\n"; 2]);
}

#[test]
fn what_cannot_be_imported_is_explained() {
    let server = Server::start();
    let cases: [(&str, &[&str], &str); 6] = [
        ("a.csv", &["--map", "user=nobody"], "the header has who, what"),
        ("a.csv", &[], "--map FIELD=COLUMN"),
        ("a.csv", &["--map", "usr=who"], "is no field of an event"),
        ("a.ndjson", &["--map", "user=who"], "--map is for CSV"),
        ("a.csv", &["--speed", "0", "--map", "user=who"], "above 0"),
        ("a.csv", &["--tz", "Mars", "--map", "user=who"], "IANA"),
    ];
    for (name, args, word) in cases {
        let said = server.import(name, "who,what\nann,chat\n", args);
        assert_eq!(said.code, 2, "{args:?}: {said:?}");
        assert!(said.err.contains(word), "{args:?}: {said:?}");
    }
    assert_eq!(server.run(&["import", "/nowhere.csv"]).code, 2);
    let zone = server.import("b.csv", "user,timestamp\nann,2026-01-01 00:00:00\n", &[]);
    assert!(zone.code == 4 && zone.err.contains("--tz"), "{zone:?}");
}

/// The trace of a production service, where it is at hand: every row counted, statuses and
/// endpoints as `cut | sort | uniq -c` counts them.
#[test]
fn a_production_trace_is_counted() {
    let Some(path) = trace("a_production_trace_is_counted") else {
        return;
    };
    let text = std::fs::read_to_string(&path).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let count = |column: usize, value: &str| rows.iter().filter(|row| row[column] == value).count();
    let server = Server::start();
    let map = "timestamp=gmt_create user=groupId endpoint=predict_type status=predict_status \
               model=checkpoint_model_version_id latency_s=exec_time_seconds";
    let map: Vec<&str> = map.split_whitespace().flat_map(|pair| ["--map", pair]).collect();
    let args = [&["import", path.to_str().unwrap(), "--json", "--shift-to-now"], &map[..]].concat();
    let said = server.run(&[&args[..], &["--tz", "Asia/Shanghai", "--success", "SUCCEED"]].concat()).json();
    assert_eq!(said["accepted"], rows.len(), "{said}");
    let totals = server.totals();
    assert_eq!(totals["requests"], rows.len());
    assert_eq!(totals["successes"], count(2, "SUCCEED"));
    let endpoints = server.run(&["query", "--window", "60d", "--group-by", "endpoint", "--json"]).json();
    for group in endpoints["data"].as_array().unwrap() {
        assert_eq!(group["requests"], count(1, group["group"]["endpoint"].as_str().unwrap()), "{group}");
    }
}
