//! `token create|list|revoke`, and the client commands with a token.

use crate::support::Server;
use crate::support::program;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

/// The binary, without the settings of whoever runs the tests.
pub(crate) fn tallyring(args: &[&str]) -> Command {
    let mut command = program::tallyring();
    command.args(args).stdin(Stdio::null());
    command
}

pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

pub(crate) fn run(args: &[&str]) -> Said {
    tallyring(args).output().unwrap().into()
}

/// `token …` in a data folder.
fn token(data: &Path, args: &[&str]) -> Said {
    run(&[&["token"], args, &["--data-dir", data.to_str().unwrap()]].concat())
}

#[test]
fn a_token_is_made_listed_and_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("new");
    let none = token(&data, &["list"]);
    assert!(none.code == Some(2) && none.err.contains("token create"), "{}", none.err);
    let made = token(
        &data,
        &["create", "--name", "ann", "--scope", "read", "--only", "user=ann", "--only", "user=eve", "--expires", "90d"],
    );
    assert_eq!(made.code, Some(0), "{}", made.err);
    let text = made.out.trim();
    assert!(
        text.len() == 52 && text.starts_with("tr_") && made.out == format!("{text}\n"),
        "stdout is the token alone"
    );
    assert!(
        made.err.contains("this once") && made.err.contains("first") && !made.err.contains(&text[12..]),
        "{}",
        made.err
    );
    let file = data.join("tokens.toml");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let kept = fs::read_to_string(&file).unwrap();
    assert!(kept.contains(&text[3..11]) && !kept.contains(&text[12..]), "{kept}");

    assert_eq!(token(&data, &["create", "--name", "gate", "--scope", "ingest,read"]).code, Some(0));
    let listed: Value = serde_json::from_str(&token(&data, &["list", "--json"]).out).unwrap();
    let ann = &listed["tokens"][0];
    assert_eq!(
        (ann["id"].as_str(), ann["name"].as_str(), &ann["expired"]),
        (Some(&text[3..11]), Some("ann"), &false.into())
    );
    assert_eq!(ann["only"], serde_json::json!({"user": ["ann", "eve"]}));
    assert_eq!(listed["tokens"][1]["scopes"], serde_json::json!(["ingest", "read"]));
    let table = token(&data, &["list"]).out;
    assert!(table.contains("user=ann user=eve") && table.contains("ingest read") && table.contains("never"), "{table}");
    assert!(token(&data, &["list", "--csv"]).out.starts_with("id,name,scopes,only,created,expires\n"));

    assert_eq!(token(&data, &["revoke", &text[3..11]]).code, Some(0));
    assert_eq!(token(&data, &["revoke", "gate"]).code, Some(0));
    let gone = token(&data, &["revoke", "gate"]);
    assert!(gone.code == Some(2) && gone.err.contains("token list"), "{}", gone.err);
    assert_eq!(token(&data, &["list", "--json"]).out.split_whitespace().collect::<String>(), "{\"tokens\":[]}");
}

#[test]
fn what_the_administrator_writes_belongs_to_the_server() {
    const SERVER: u32 = 12_345;
    let folder = tempfile::tempdir().unwrap();
    if chown(folder.path(), Some(SERVER), None).is_err() {
        eprintln!("skipped: what_the_administrator_writes_belongs_to_the_server: only root can give folders away");
        return;
    }
    for name in ["first", "second"] {
        assert_eq!(token(folder.path(), &["create", "--name", name, "--scope", "read"]).code, Some(0));
        assert_eq!(fs::metadata(folder.path().join("tokens.toml")).unwrap().uid(), SERVER, "{name}");
    }
}

#[test]
fn a_name_of_two_tokens_needs_an_id() {
    let folder = tempfile::tempdir().unwrap();
    token(folder.path(), &["create", "--name", "gate", "--scope", "ingest"]);
    let second = token(folder.path(), &["create", "--name", "gate", "--scope", "ingest"]);
    assert!(second.err.contains("has this name too"), "{}", second.err);
    let which = token(folder.path(), &["revoke", "gate"]);
    assert!(which.code == Some(2) && which.err.contains("which one"), "{}", which.err);
    assert_eq!(token(folder.path(), &["revoke", &second.out[3..11]]).code, Some(0));
    assert_eq!(token(folder.path(), &["revoke", "gate"]).code, Some(0));
}

#[test]
fn a_token_that_makes_no_sense_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&[&str], &str); 7] = [
        (&["--name", "a", "--scope", "write"], "expected ingest, read or admin"),
        (&["--name", "a"], "--scope"),
        (&["--name", "", "--scope", "read"], "1 to 64 characters"),
        (&["--name", "a\nb", "--scope", "read"], "control character"),
        (&["--name", "a", "--scope", "read", "--only", "team=red"], "no such dimension"),
        (&["--name", "a", "--scope", "admin", "--only", "user=ann"], "can't be confined"),
        (&["--name", "a", "--scope", "ingest", "--only", "user=ann"], "scope read"),
    ];
    for (args, expected) in cases {
        let said = token(folder.path(), &[&["create"], args].concat());
        assert!(said.code == Some(2) && said.err.contains(expected) && said.out.is_empty(), "{expected}: {}", said.err);
    }
    assert!(!folder.path().join("tokens.toml").exists());
    let labels = folder.path().join("t.toml");
    fs::write(&labels, "labels = ['team']").unwrap();
    let settings =
        ["create", "--name", "a", "--scope", "read", "--only", "team=red", "--config", labels.to_str().unwrap()];
    assert_eq!(token(folder.path(), &settings).code, Some(0));
}

#[test]
fn many_tokens_made_at_once_are_all_there() {
    let folder = tempfile::tempdir().unwrap();
    let make = |number: usize| {
        let name = format!("t{number}");
        let args =
            ["token", "create", "--name", &name, "--scope", "read", "--data-dir", folder.path().to_str().unwrap()];
        tallyring(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let made: Vec<_> = (0..8).map(make).collect();
    made.into_iter().for_each(|mut child| assert!(child.wait().unwrap().success()));
    let listed: Value = serde_json::from_str(&token(folder.path(), &["list", "--json"]).out).unwrap();
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 8);
}

#[test]
fn a_key_holder_sees_their_key_s_calls() {
    const RAW: &str = "sk-proj-0123456789abcdefghijklmnopqrstuvwxyz";
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    fs::write(&key, RAW).unwrap();
    let made =
        token(folder.path(), &["create", "--name", "k", "--scope", "read", "--only-key-file", key.to_str().unwrap()]);
    assert_eq!(made.code, Some(0), "{}", made.err);
    let admin = token(folder.path(), &["create", "--name", "a", "--scope", "admin"]).out;
    assert!(!fs::read_to_string(folder.path().join("tokens.toml")).unwrap().contains("0123456789"));
    let server = Server::start_in(folder.path(), &[], None);
    let [holder, admin] = [made.out.trim(), admin.trim()].map(|token| format!("Bearer {token}"));
    let body = format!(
        "[{{\"key\":\"{RAW}\",\"model\":\"m\"}},{{\"key\":\"sk-other-00000000000000000000\",\"model\":\"m\"}}]"
    );
    let headers = [("authorization", &admin[..]), ("content-type", "application/json")];
    assert_eq!(server.request("POST", "/v1/events", &headers, body.as_bytes()).counts(200).0, 2);
    let requests = |bearer: &str| {
        server.request("GET", "/v1/usage", &[("authorization", bearer)], b"").json()["totals"]["requests"].clone()
    };
    assert_eq!((requests(&admin), requests(&holder)), (2.into(), 1.into()));
}

#[test]
fn client_commands_show_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let reader = token(&data, &["create", "--name", "r", "--scope", "read"]).out;
    let file = folder.path().join("r.token");
    fs::write(&file, &reader).unwrap();
    let server = Server::start_in(&data, &[], None);
    let url = format!("http://{}", server.address);
    let said = |args: &[&str]| run(&[args, &["--url", &url]].concat());
    let path = file.to_str().unwrap();

    let none = said(&["query"]);
    assert!(none.code == Some(2) && none.err.contains("--token-file"), "{}", none.err);
    assert_eq!(said(&["query", "--token-file", path]).code, Some(0));
    assert_eq!(said(&["report", "summary", "--token-file", path]).code, Some(0));
    assert_eq!(said(&["snapshot", "list", "--token-file", path]).code, Some(0));
    let by_env = tallyring(&["query", "--url", &url]).env("TALLYRING_TOKEN_FILE", path).output().unwrap();
    assert!(by_env.status.success());
    let mut by_stdin = tallyring(&["query", "--url", &url, "--token-file", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    by_stdin.stdin.take().unwrap().write_all(reader.as_bytes()).unwrap();
    assert!(by_stdin.wait().unwrap().success());

    let events = folder.path().join("e.ndjson");
    fs::write(&events, "{\"model\":\"m\"}\n").unwrap();
    for args in [&["snapshot", "create"][..], &["import", events.to_str().unwrap()]] {
        let said = said(&[args, &["--token-file", path]].concat());
        assert!(said.code == Some(2) && said.err.contains("scope"), "{args:?}: {}", said.err);
    }
    for (text, expected) in
        [("tr_00000000_0000", "does not know"), ("two\u{7f}words", "no access token"), ("\n", "expected a secret")]
    {
        fs::write(&file, text).unwrap();
        let said = said(&["query", "--token-file", path]);
        assert!(said.code == Some(2) && said.err.contains(expected), "{}", said.err);
        assert!(text.trim().is_empty() || !said.err.contains(text), "{}", said.err);
    }
    let missing = said(&["query", "--token-file", "nowhere"]);
    assert!(missing.code == Some(2) && missing.err.contains("nowhere"), "{}", missing.err);
}

#[test]
fn a_public_address_needs_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    for command in [&["serve", "--data-dir", data][..], &["demo", "--history-days", "0"]] {
        for address in ["0.0.0.0:0", "[::]:0"] {
            let said = run(&[command, &["--listen", address]].concat());
            assert_eq!(said.code, Some(2), "{}", said.err);
            assert!(said.err.contains("token create") && said.err.contains("--allow-public"), "{}", said.err);
            assert!(!said.err.contains("listening on"), "{}", said.err);
        }
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "a refused start leaves nothing behind");
    fs::write(folder.path().join("tokens.toml"), "[[token]]\nid = 7\n").unwrap();
    let said = run(&["serve", "--data-dir", data]);
    assert!(
        said.code == Some(2) && said.err.contains("tokens.toml"),
        "a file that can't be read lets nobody in: {}",
        said.err
    );
}
