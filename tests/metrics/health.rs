//! Figures of the server itself, each seen to move.

use crate::kit::Told;
use crate::support::Server;
use crate::support::wait_until;
use serde_json::json;
use std::io::Write;

#[test]
fn what_becomes_of_events_is_counted() {
    let server = Server::start();
    let events = json!([
        { "model": "m", "id": "1" },
        { "model": "m", "id": "1" },
        { "model": "n", "id": "1" },
        { "model": "m", "cost": "-1" },
        { "model": "m", "timestamp": 1 },
        { "model": "m", "timestamp": 9_999_999_999_u64 },
    ]);
    assert_eq!(server.post("/v1/events", events.to_string()).counts(200), (1, 1, 4));
    let told = Told::of(&server);
    assert_eq!(told.one("tallyring_events_accepted_total"), 1.0);
    assert_eq!(told.one("tallyring_events_duplicate_total"), 1.0);
    assert_eq!(told.one("tallyring_events_late_total"), 0.0);
    for reason in ["invalid", "too_old", "ahead", "conflict"] {
        assert_eq!(told.get("tallyring_events_rejected_total", &[("reason", reason)]), Some(1.0), "{reason}");
    }
    assert_eq!(told.one("tallyring_position"), 1.0);
    assert_eq!(told.one("tallyring_ids"), 1.0);
    // The one whose id was another's has left its name behind.
    assert_eq!(told.one("tallyring_series"), 2.0);
    assert_eq!(told.get("tallyring_dimension_values", &[("dimension", "model")]), Some(2.0));
    assert!(told.get("tallyring_dimension_values_limit", &[("dimension", "model")]).unwrap() > 1.0);
}

#[test]
fn the_figures_of_status_are_there_too() {
    let server = Server::start();
    server.post("/v1/events", r#"{"model":"m"}"#).counts(200);
    server.request("POST", "/v1/snapshots", &[], b"");
    let (told, status) = (Told::of(&server), server.get("/v1/status").json());
    let journal = &status["disk"]["journal"];
    let newest = &status["disk"]["snapshots"][0];
    for (name, figure) in [
        ("tallyring_journal_segments", &journal["segments"]),
        ("tallyring_journal_bytes", &journal["bytes"]),
        ("tallyring_journal_oldest_position", &journal["oldest_position"]),
        ("tallyring_snapshot_bytes", &newest["bytes"]),
        ("tallyring_series_limit", &status["engine"]["series_limit"]),
        ("tallyring_memory_limit_bytes", &status["engine"]["memory_bytes_limit"]),
    ] {
        assert_eq!(told.one(name), figure.as_f64().unwrap(), "{name}");
    }
    assert_eq!(told.one("tallyring_snapshots"), status["disk"]["snapshots"].as_array().unwrap().len() as f64);
    assert_eq!((told.one("tallyring_disk_full"), told.one("tallyring_journal_failed")), (0.0, 0.0));
    assert!(told.one("tallyring_snapshot_age_seconds") >= 0.0);
    assert!(told.one("tallyring_disk_free_bytes") > told.one("tallyring_disk_needed_bytes"));
    assert_eq!(told.get("tallyring_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), Some(1.0));
    assert!(told.one("tallyring_connections") >= 1.0);
    assert_eq!(told.one("tallyring_streams_limit"), 64.0);
}

#[test]
#[cfg(target_os = "linux")]
fn the_process_is_told_of() {
    let server = Server::start();
    let told = Told::of(&server);
    let now = crate::support::now() as f64;
    let began = told.one("process_start_time_seconds");
    assert!(began <= now + 2.0 && began > now - 600.0, "{began} at {now}");
    assert!(told.one("process_resident_memory_bytes") > 1e6);
    assert!(told.one("process_open_fds") > 3.0);
    assert!(told.one("process_cpu_seconds_total") >= 0.0);
}

/// What a start found is told until the next one.
#[test]
fn a_recovery_is_told_of_and_counters_begin_anew() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start_in(&data, &[], None);
    for _ in 0..5 {
        server.post("/v1/events", r#"{"model":"m","status":200}"#).counts(200);
    }
    crate::kit::once_counted(&server, 5);
    server.kill();
    let server = Server::start_in(&data, &[], None);
    let told = Told::of(&server);
    assert_eq!(told.one("tallyring_position"), 5.0);
    assert_eq!(told.one("tallyring_recovery_replayed_events"), 5.0);
    assert_eq!(told.one("tallyring_recovery_torn_bytes"), 0.0);
    assert!(told.one("tallyring_recovery_seconds") > 0.0);
    // A count that was lower after a start than before it would be read as so many new calls; one
    // that begins at nothing is read rightly.
    assert_eq!(told.one("tallyring_events_accepted_total"), 0.0);
    assert_eq!(told.sum("tallyring_model_requests_total"), 0.0);
    server.post("/v1/events", r#"{"model":"m","status":200}"#).counts(200);
    let told = crate::kit::once_counted(&server, 1);
    assert_eq!(told.one("tallyring_events_accepted_total"), 1.0);
    assert_eq!(server.requests(), 6);
}

#[test]
fn refused_requests_and_open_streams_are_counted() {
    let server = Server::start_with(&["--max-streams", "1"]);
    let mut stream = server.connect();
    stream.write_all(format!("GET /v1/stream HTTP/1.1\r\nhost: {}\r\n\r\n", server.address).as_bytes()).unwrap();
    wait_until("it is not counted", || Told::of(&server).one("tallyring_streams") == 1.0);
    server.get("/v1/stream").problem(503);
    let told = Told::of(&server);
    assert_eq!(told.get("tallyring_requests_refused_total", &[("reason", "overload")]), Some(1.0));
    assert_eq!(told.get("tallyring_requests_refused_total", &[("reason", "forbidden")]), Some(0.0));
    assert!(told.one("tallyring_connections") >= 2.0);
    assert_eq!(told.one("tallyring_slow_readers_total"), 0.0);
}
