//! Names of the server: a page whose own name points here is found out.

use crate::headers::make;
use crate::support::Answer;
use crate::support::Server;

fn ask(server: &Server, method: &str, path: &str, host: Option<&str>) -> Answer {
    let host = host.map_or(String::new(), |host| format!("host: {host}\r\n"));
    server.raw(format!("{method} {path} HTTP/1.1\r\n{host}connection: close\r\ncontent-length: 0\r\n\r\n").as_bytes())
}

#[test]
fn only_names_of_this_machine_are_answered_to() {
    let server = Server::start();
    let port = server.address.rsplit(':').next().unwrap();
    for path in ["/", "/livez", "/v1/usage", "/v1/status", "/nowhere", "/assets/x"] {
        for method in ["GET", "POST", "DELETE", "OPTIONS"] {
            let refused = ask(&server, method, path, Some(&format!("evil.example:{port}")));
            assert!(refused.problem(421).contains("`hosts`"), "{method} {path}");
        }
    }
    for host in [&server.address[..], "localhost", "LOCALHOST:9", "x.localhost", "[::1]", "127.0.0.2:80"] {
        assert_eq!(ask(&server, "GET", "/v1/usage", Some(host)).status, 200, "{host}");
    }
    assert_eq!(ask(&server, "GET", "/v1/usage", None).status, 200, "no browser leaves it out");
    assert_eq!(server.raw(b"GET /v1/usage HTTP/1.0\r\n\r\n").status, 200);
    let twice = b"GET /v1/usage HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    assert_ne!(server.raw(twice).status, 200);
    let whole = b"GET http://evil.example/v1/usage HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    assert_eq!(server.raw(whole).status, 421);
}

#[test]
fn further_names_are_a_setting() {
    let server = Server::start_with(&["--hosts", "usage.example,other.example:8080"]);
    for host in ["usage.example", "USAGE.example:99", "other.example:8080", "localhost"] {
        assert_eq!(ask(&server, "GET", "/v1/usage", Some(host)).status, 200, "{host}");
    }
    assert_eq!(ask(&server, "GET", "/v1/usage", Some("other.example")).status, 421);
}

#[test]
fn with_tokens_any_name_will_do_unless_there_is_a_list() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    make(&data, &["--name", "a", "--scope", "read"]);
    let server = Server::start_in(&data, &[], None);
    assert_eq!(ask(&server, "GET", "/v1/usage", Some("usage.example")).status, 401);
    drop(server);
    let server = Server::start_in(&data, &["--hosts", "usage.example"], None);
    assert_eq!(ask(&server, "GET", "/v1/usage", Some("usage.example")).status, 401);
    assert_eq!(ask(&server, "GET", "/v1/usage", Some("evil.example")).status, 421);
}
