//! Tokens that come over a real socket: a head that is too long, and places where tokens do not go.

use crate::support::Server;
use std::path::Path;
use std::process::Command;

/// A token made by the binary.
pub(crate) fn make(data: &Path, args: &[&str]) -> String {
    let made = Command::new(env!("CARGO_BIN_EXE_tallyring"))
        .args(["token", "create", "--data-dir", data.to_str().unwrap()])
        .args(args)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_head_that_is_too_long_is_refused_and_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let token = make(&data, &["--name", "a", "--scope", "read"]);
    let server = Server::start_in(&data, &[], Some(folder));
    let huge = format!("Bearer {}", "a".repeat(1 << 20));
    for path in ["/v1/usage", "/livez", "/v1/status"] {
        let answer = server.request("GET", path, &[("authorization", &huge)], b"");
        // The server may close before all of it was sent; then there may be no answer to read.
        assert!(matches!(answer.status, 431 | 0), "{path}: {}", answer.status);
    }
    let good = format!("Bearer {token}");
    assert_eq!(server.request("GET", "/v1/usage", &[("authorization", &good)], b"").status, 200);
}

#[test]
fn a_token_goes_into_one_header_only() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let token = make(&data, &["--name", "a", "--scope", "admin"]);
    let server = Server::start_in(&data, &[], Some(folder));
    for name in ["token", "access_token", "authorization", "api_key"] {
        assert_eq!(server.get(&format!("/v1/usage?{name}={token}")).status, 401, "{name}");
    }
    let bearer = format!("Bearer {token}");
    for header in ["x-api-key", "cookie", "proxy-authorization", "x-authorization"] {
        assert_eq!(server.request("GET", "/v1/usage", &[(header, &bearer)], b"").status, 401, "{header}");
    }
    let twice = [("authorization", &bearer[..]), ("authorization", &bearer[..])];
    assert_eq!(server.request("GET", "/v1/usage", &twice, b"").status, 401);
    assert_eq!(server.request("GET", "/v1/usage", &twice[..1], b"").status, 200);
}
