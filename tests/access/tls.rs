//! HTTPS with a real handshake, against clients of other make. Certificates are made here, by
//! `openssl`.

use crate::commands::Said;
use crate::commands::tallyring;
use crate::headers::make;
use crate::running::Running;
use crate::running::wait_until;
use crate::skipping;
use std::fs;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

fn openssl(folder: &Path, args: &[&str]) {
    let made = Command::new("openssl").args(args).current_dir(folder).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

const KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/// An authority, and a certificate by it in `cert.pem` with its key in `key.pem`.
fn certificate(folder: &Path, name: &str) -> PathBuf {
    let [ca, ca_key] = [format!("{name}.pem"), format!("{name}.key")];
    let subject = format!("/CN={name}");
    let root = ["req", "-x509", "-days", "30", "-subj", &subject, "-keyout", &ca_key, "-out", &ca];
    openssl(folder, &[&root[..], &KEY].concat());
    let request = ["req", "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "request.pem"];
    openssl(folder, &[&request[..], &KEY].concat());
    fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=CA:FALSE\n").unwrap();
    let sign = ["x509", "-req", "-in", "request.pem", "-CA", &ca, "-CAkey", &ca_key, "-CAcreateserial", "-days", "30"];
    openssl(folder, &[&sign[..], &["-extfile", "names", "-out", "cert.pem"]].concat());
    folder.join(ca)
}

fn serve(folder: &Path, more: &[&str]) -> Running {
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| folder.join(name).to_str().unwrap().to_owned());
    let args = ["--listen", "127.0.0.1:0", "--tls-cert", &cert, "--tls-key", &key];
    Running::start(&folder.join("data"), &[&args[..], more].concat())
}

fn query(server: &Running, more: &[&str]) -> Said {
    tallyring(&[&["query", "--url", &server.url], more].concat()).output().unwrap().into()
}

#[test]
fn it_speaks_https_with_a_certificate() {
    if !skipping::have(&["openssl"], "it_speaks_https_with_a_certificate") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let ca = certificate(folder.path(), "one");
    let ca = ca.to_str().unwrap();
    let token = make(&folder.path().join("data"), &["--name", "a", "--scope", "read"]);
    let file = folder.path().join("token");
    fs::write(&file, token).unwrap();
    let server = serve(folder.path(), &[]);
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    assert_eq!(query(&server, &["--ca-file", ca, "--token-file", file.to_str().unwrap()]).code, Some(0));
    assert_eq!(query(&server, &["--ca-file", ca]).code, Some(2), "a token is asked for");
    let unknown = query(&server, &[]);
    assert_eq!(unknown.code, Some(3), "an authority that is not known: {}", unknown.err);

    // Whoever does not speak TLS gets no answer.
    let mut plain = TcpStream::connect(("127.0.0.1", server.port().parse().unwrap())).unwrap();
    plain.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    plain.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&answer));

    let address = format!("127.0.0.1:{}", server.port());
    let shown = Command::new("openssl")
        .args(["s_client", "-connect", &address, "-alpn", "h2,http/1.1", "-CAfile", ca, "-verify_return_error"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("ALPN protocol: http/1.1") && shown.contains("Verify return code: 0"), "{shown}");
}

#[test]
fn a_hangup_shows_the_new_certificate() {
    if !skipping::have(&["openssl"], "a_hangup_shows_the_new_certificate") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let old = certificate(folder.path(), "old");
    let server = serve(folder.path(), &[]);
    let works = |ca: &Path| query(&server, &["--ca-file", ca.to_str().unwrap()]).code == Some(0);
    assert!(works(&old));
    let new = certificate(folder.path(), "new");
    assert!(works(&old) && !works(&new), "not before it is told to");
    server.signal("HUP");
    wait_until("the new one is shown", || works(&new));
    assert!(!works(&old));

    // A key of another certificate, and no key at all: the one that works stays.
    let key = folder.path().join("key.pem");
    let other = tempfile::tempdir().unwrap();
    certificate(other.path(), "other");
    fs::copy(other.path().join("key.pem"), &key).unwrap();
    server.signal("HUP");
    wait_until("it is told", || server.log().contains("can't be read"));
    assert!(works(&new));
    fs::write(&key, "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n").unwrap();
    server.signal("HUP");
    wait_until("it is told again", || server.log().matches("can't be read").count() == 2);
    assert!(works(&new) && !server.log().contains("canary"), "{}", server.log());
}

#[test]
fn a_handshake_has_its_time() {
    if !skipping::have(&["openssl"], "a_handshake_has_its_time") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let ca = certificate(folder.path(), "one");
    let server = serve(folder.path(), &["--header-timeout", "5s", "--max-connections", "1"]);
    // It says nothing, and holds the one connection that there may be: it is cut off.
    let mut silent = TcpStream::connect(("127.0.0.1", server.port().parse().unwrap())).unwrap();
    silent.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    assert_eq!(silent.read_to_end(&mut Vec::new()).unwrap_or(0), 0);
    assert_eq!(query(&server, &["--ca-file", ca.to_str().unwrap()]).code, Some(0), "its slot is free again");
}

#[test]
fn files_that_are_no_certificate_refuse_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("cert.pem"), "nothing").unwrap();
    fs::write(path("key.pem"), "canary").unwrap();
    let (data, cert, key) = (path("data"), path("cert.pem"), path("key.pem"));
    let start = |more: &[&str]| -> Said {
        tallyring(&[&["serve", "--listen", "127.0.0.1:0", "--data-dir", &data], more].concat()).output().unwrap().into()
    };
    let cases: [(&[&str], &str); 3] = [
        (&["--tls-cert", &cert, "--tls-key", &key], "cert.pem: holds no certificate in PEM"),
        (&["--tls-cert", &cert, "--tls-key", "/nowhere"], "cert.pem"),
        (&["--tls-cert", &cert], "`tls_key`"),
    ];
    for (args, expected) in cases {
        let said = start(args);
        assert!(said.code == Some(2) && said.err.contains(expected) && !said.err.contains("canary"), "{}", said.err);
    }
}
