//! Test 39: an event with an impossible time is rejected, and nobody else notices.

use crate::kit::beside_others;
use crate::support::Server;
use crate::support::now;
use serde_json::Value;

/// Everything told about the series of good clients.
fn seen(server: &Server) -> Vec<Value> {
    let parts = ["group_by=user", "group_by=user&interval=1m", "group_by=model,user"];
    parts
        .iter()
        .map(|part| {
            let to = now() / 60 * 60;
            let mut answer = server.get(&format!("/v1/usage?from={}&to={to}&{part}", to - 3_600)).json();
            for told in ["completeness", "position", "from", "to"] {
                answer.as_object_mut().unwrap().remove(told);
            }
            answer["data"].clone()
        })
        .collect()
}

#[test]
fn impossible_times_touch_nothing_else() {
    let _running = beside_others();
    let server = Server::start();
    let minute = now() / 60 * 60;
    for user in 0..20 {
        for back in [90, 600, 3_000] {
            let event = format!(r#"{{"user":"u{user}","model":"m","cost":"1","timestamp":{}}}"#, minute - back);
            assert_eq!(server.post("/v1/events", event).counts(200), (1, 0, 0));
        }
    }
    let (before, year) = (seen(&server), 365 * 86_400);
    let mut rejected = 0;
    for user in 0..20 {
        for time in [
            (now() + 10 * year).to_string(),
            (now() - 10 * year).to_string(),
            "0".to_owned(),
            "-1".to_owned(),
            i64::MAX.to_string(),
            i64::MIN.to_string(),
            u64::MAX.to_string(),
            "1e300".to_owned(),
            "1e-300".to_owned(),
            r#""9999-12-31T23:59:60Z""#.to_owned(),
            r#""-009999-01-01T00:00:00Z""#.to_owned(),
            r#""2026-02-30T00:00:00Z""#.to_owned(),
            r#""""#.to_owned(),
        ] {
            let event = format!(r#"{{"user":"u{user}","model":"m","cost":"7","timestamp":{time}}}"#);
            let answer = server.post("/v1/events", &event);
            // An empty time is none, and so now.
            if answer.status != 200 {
                assert_eq!(answer.counts(422), (0, 0, 1), "{event}");
                rejected += 1;
            } else {
                assert!(time == r#""""# || time == "1e-300", "{event}");
            }
        }
    }
    assert!(rejected >= 20 * 11, "{rejected}");
    let after = seen(&server);
    if now() / 60 * 60 == minute {
        assert_eq!(after, before);
    }
    // The clock of the server goes on as before: an event of now is of now.
    assert_eq!(server.post("/v1/events", r#"{"user":"late","model":"m"}"#).counts(200), (1, 0, 0));
    assert_eq!(server.totals("&user=late")["requests"], 1);
}
