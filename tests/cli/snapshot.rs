//! `snapshot`: over a server's API and from its folder, with the same answers.

use crate::kit::Said;
use crate::kit::Server;
use crate::kit::run;
use serde_json::Value;
use std::fs;

const CALLS: &str = r#"
{"id":"1","user":"ann","model":"gpt-4o","status":200,"input_tokens":10,"cost":"1.5","currency":"USD","latency_ms":7}
{"id":"2","user":"ann","model":"qwen","status":429}
{"id":"3","user":"bob","model":"qwen","status":200,"cost":"2","currency":"CNY"}
"#;

/// A server with some calls, one snapshot, one call more and a second snapshot; and the two ids.
fn two_snapshots() -> (Server, String, String) {
    let server = Server::start_with(&["serve", "--keys", "plain", "--snapshot-every", "0s"]);
    server.import("a.ndjson", CALLS, &[]).ok();
    let first = create(&server);
    server.import("b.ndjson", r#"{"id":"4","user":"bob","model":"gpt-4o","status":200,"input_tokens":5}"#, &[]).ok();
    let second = create(&server);
    (server, first, second)
}

fn create(server: &Server) -> String {
    let said = server.run(&["snapshot", "create", "--json"]);
    assert_eq!(said.code, 0, "{said:?}");
    said.json()["id"].as_str().unwrap().to_owned()
}

/// The same command of a server and of its folder.
fn both(server: &Server, args: &[&str]) -> [Said; 2] {
    let folder = server.folder.path().join("data");
    let of_folder = run(&[&["snapshot", "--data-dir", folder.to_str().unwrap()], args].concat());
    [server.run(&[&["snapshot"], args].concat()), of_folder]
}

#[test]
fn snapshots_are_listed_and_shown() {
    let (server, first, second) = two_snapshots();
    for said in both(&server, &["list", "--json"]) {
        let listed = said.json();
        let ids: Vec<&str> =
            listed["snapshots"].as_array().unwrap().iter().map(|s| s["id"].as_str().unwrap()).collect();
        assert_eq!(ids, [second.as_str(), first.as_str()], "newest first");
    }
    let [over_http, of_folder] = both(&server, &["show", &second, "--json"]).map(Said::json);
    assert_eq!(over_http, of_folder);
    assert_eq!(over_http["position"], 4);
    assert_eq!(over_http["blake3"].as_str().unwrap().len(), 64);
    for said in both(&server, &["list"]) {
        assert!(said.out.contains("position") && said.out.contains(&first), "{said:?}");
    }
    assert_eq!(create(&server), second, "nothing came since");
    for said in both(&server, &["show", "00000000000000000001-00000000000000000001"]) {
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.contains("no such snapshot"), "{said:?}");
    }
    assert_eq!(both(&server, &["show", "../../key-pepper"]).map(|said| said.code), [2, 2]);
}

#[test]
fn a_question_can_be_put_to_a_snapshot() {
    let (server, first, _) = two_snapshots();
    let then = server.run(&["query", "--snapshot", &first, "--json"]).json();
    assert_eq!((&then["totals"]["requests"], &then["position"]), (&3.into(), &3.into()));
    assert_eq!(server.requests(), 4);
}

#[test]
fn what_differs_is_told_figure_by_figure() {
    let (server, first, second) = two_snapshots();
    for said in both(&server, &["diff", &first, &first]) {
        assert_eq!((said.code, said.out.as_str()), (0, ""), "{said:?}");
        assert!(said.err.contains("they count the same"), "{said:?}");
    }
    let [over_http, of_folder] = both(&server, &["diff", &first, &second, "--json"]);
    assert_eq!((over_http.code, of_folder.code), (1, 1), "{over_http:?} {of_folder:?}");
    let told = over_http.json();
    assert_eq!(told, of_folder.json());
    assert_eq!(told["equal"], false);
    let find = |dimension: Value, value: Value, figure: &str| {
        let rows = told["differences"].as_array().unwrap();
        let row = rows.iter().find(|r| r["dimension"] == dimension && r["value"] == value && r["figure"] == figure);
        row.map(|row| [row["a"].as_str().map(str::to_owned), row["b"].as_str().map(str::to_owned)])
    };
    let sides = |a: &str, b: &str| Some([Some(a.to_owned()), Some(b.to_owned())]);
    assert_eq!(find(Value::Null, Value::Null, "requests"), sides("3", "4"));
    assert_eq!(find("user".into(), "bob".into(), "input_tokens"), sides("0", "5"));
    assert_eq!(find("model".into(), "gpt-4o".into(), "requests"), sides("1", "2"));
    assert_eq!(find("user".into(), "ann".into(), "requests"), None, "what is the same is not told");
    for said in both(&server, &["diff", &first, &second]) {
        assert!(said.out.contains("(total)") && said.out.contains("bob"), "{said:?}");
    }
}

#[test]
fn damage_is_found_and_named() {
    let (server, first, second) = two_snapshots();
    for id in [&first, &second] {
        assert_eq!(both(&server, &["verify", id]).map(|said| said.code), [0, 0]);
    }
    let file = server.folder.path().join(format!("data/snapshots/{second}.snap"));
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, &bytes).unwrap();
    for said in both(&server, &["verify", &second]) {
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.err.contains(&second) && said.err.contains("damaged"), "{said:?}");
    }
    assert!(fs::read(&file).unwrap() == bytes, "nothing is mended on the quiet");
}

#[test]
fn what_needs_a_server_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    let said = run(&["snapshot", "create", "--data-dir", folder]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("--url"), "{said:?}");
    assert_eq!(run(&["snapshot", "list", "--data-dir", folder]).code, 0, "an empty folder has none");
    assert_eq!(run(&["snapshot", "list", "--data-dir", "/nowhere"]).code, 3);
    assert_eq!(run(&["snapshot", "list", "--url", "http://127.0.0.1:1"]).code, 3);
    let demo = Server::start_with(&["demo", "--history-days", "0"]);
    let said = demo.run(&["snapshot", "create"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("in memory"), "{said:?}");
}
