//! Whoever may see some calls only is told of those only, and of none once their token is gone.

use crate::kit::Events;
use crate::support::Server;
use serde_json::Value;
use serde_json::json;
use std::path::Path;
use std::process::Command;

fn token(data: &Path, args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tallyring"));
    let done = command.arg("token").args(args).arg("--data-dir").arg(data).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}\r\n")
}

#[test]
fn a_confined_stream_tells_its_own_calls_and_ends_with_its_token() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let gate = token(&data, &["create", "--name", "gate", "--scope", "ingest,read"]);
    let ann = token(&data, &["create", "--name", "ann", "--scope", "read", "--only", "user=ann"]);
    let server = Server::start_in(&data, &[], None);
    assert_eq!(server.get("/v1/stream").status, 401);
    let forbidden = server.request("GET", "/metrics", &[("authorization", &format!("Bearer {ann}"))], b"");
    assert_eq!(forbidden.status, 403, "figures of the whole are not for her");

    let mut all = Events::open_with(&server, "?calls=true", &bearer(&gate));
    let mut own = Events::open_with(&server, "?calls=true", &bearer(&ann));
    let mut others = Events::open_with(&server, "?calls=true&user=bob", &bearer(&ann));
    for events in [&mut all, &mut own, &mut others] {
        assert_eq!(events.head.status, 200);
        events.next_of("usage");
    }
    let call =
        |n: u32| json!({ "model": "m", "status": 200, "user": if n < 3 { "ann" } else { "bob" }, "id": n.to_string() });
    let calls: Vec<Value> = (0..10).map(call).collect();
    let authorization = format!("Bearer {gate}");
    let head = [("content-type", "application/json"), ("authorization", authorization.as_str())];
    server.request("POST", "/v1/events", &head, Value::from(calls).to_string().as_bytes()).counts(200);

    let told = |data: &Value| -> Vec<String> {
        let calls = data["calls"].as_array().unwrap();
        calls.iter().map(|call| call["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(told(&all.next_of("calls")).len(), 10);
    let calls = own.next_of("calls");
    assert_eq!((told(&calls), &calls["skipped"]), (vec!["0".into(), "1".into(), "2".into()], &json!(0)));
    let minute = |events: &mut Events| events.next_of("usage")["minute"]["requests"].as_u64().unwrap();
    while minute(&mut all) != 10 {}
    assert_eq!(minute(&mut own), 3);
    for _ in 0..2 {
        let (name, data) = others.next().unwrap();
        assert_eq!((name.as_str(), &data["minute"]["requests"]), ("usage", &json!(0)), "{data}");
    }

    token(&data, &["revoke", "ann"]);
    assert_eq!(own.next_of("end"), json!({ "reason": "revoked" }));
    assert_eq!(own.next(), None);
    all.next_of("usage");
}
