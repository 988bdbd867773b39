//! The real binary on a port of its own, and a small HTTP client that hides nothing.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "every test file uses a part of it")]

#[path = "../program/mod.rs"]
pub(crate) mod program;

use serde_json::Value;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;
use tempfile::TempDir;

/// A running `tallyring serve`; killed when dropped.
pub(crate) struct Server {
    child: Child,
    log: Option<JoinHandle<String>>,
    /// `127.0.0.1:port`.
    pub(crate) address: String,
    /// Where it keeps its files, unless that is the test's own.
    _folder: Option<TempDir>,
}

impl Server {
    /// Under the default settings.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// With more arguments.
    pub(crate) fn start_with(args: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::start_in(&folder.path().join("data"), args, Some(folder))
    }

    /// With its files in a folder that may outlive it.
    pub(crate) fn start_in(data: &Path, args: &[&str], folder: Option<TempDir>) -> Self {
        let mut server = Self::begin_in(data, args, folder);
        server.wait_until_ready();
        server
    }

    /// As soon as it listens; it may not have opened its data folder yet, or may be unable to.
    pub(crate) fn begin_in(data: &Path, args: &[&str], folder: Option<TempDir>) -> Self {
        Self::begin_at("127.0.0.1:0", data, args, folder)
    }

    /// The same at an address, such as that of one that was killed.
    pub(crate) fn begin_at(listen: &str, data: &Path, args: &[&str], folder: Option<TempDir>) -> Self {
        // Where a test limits the size of files, writing more is an error rather than a signal.
        let mut child = program::plain("sh")
            .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_tallyring")])
            .args(["serve", "--listen", listen, "--data-dir"])
            .arg(data)
            .args(args)
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        log.read_line(&mut first).unwrap();
        let address = first.trim().strip_prefix("listening on http://");
        let address = address.unwrap_or_else(|| panic!("the first line is {first:?}")).to_owned();
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = log.read_to_string(&mut text);
            text
        });
        Self { child, log: Some(log), address, _folder: folder }
    }

    /// Until it has opened its data folder; one that can't is not waited for.
    pub(crate) fn wait_until_ready(&mut self) {
        let since = Instant::now();
        while since.elapsed() < Duration::from_secs(60) && self.child.try_wait().unwrap().is_none() {
            if self.get("/readyz").status == 200 {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("it does not get ready");
    }

    /// Kills it, as a crash of the process would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops it as it should be: the exit code is 0. Tells what it logged.
    pub(crate) fn stop(self) -> String {
        self.terminate();
        let (code, log) = self.end();
        assert_eq!(code, Some(0), "{log}");
        log
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap_or_else(|e| panic!("{}: {e}", self.address));
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }

    /// Sends bytes as they are and reads until the server closes.
    pub(crate) fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = self.connect();
        // A refused body may not be taken whole; the answer is what counts.
        let _ = stream.write_all(request);
        Answer::read(&mut stream)
    }

    pub(crate) fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.address);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        self.raw(&[head.as_bytes(), body].concat())
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], b"")
    }

    /// Posts JSON, or NDJSON under JSON's name as many senders do.
    pub(crate) fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Answer {
        self.request("POST", path, &[("content-type", "application/json")], body.as_ref())
    }

    /// The status of the answer to a post; `None` where the server is gone, or goes meanwhile.
    pub(crate) fn try_post(&self, path: &str, body: impl AsRef<[u8]>) -> Option<u16> {
        let body = body.as_ref();
        let mut stream = TcpStream::connect(&self.address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).ok()?;
        Some(Answer::read(&mut stream).status).filter(|status| *status != 0)
    }

    /// `totals` over the last hour, with parameters such as `&model=m`.
    pub(crate) fn totals(&self, more: &str) -> Value {
        let answer = self.get(&format!("/v1/usage?window=1h{more}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["totals"].clone()
    }

    /// How many calls were counted in the last hour.
    pub(crate) fn requests(&self) -> u64 {
        self.totals("")["requests"].as_u64().unwrap()
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop.
    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    /// Waits for its end: the exit code, and everything it logged.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let since = Instant::now();
        while since.elapsed() < Duration::from_secs(30) {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status.code(), self.log.take().unwrap().join().unwrap());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it does not end");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something holds.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < Duration::from_secs(120), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What the server sent back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Reads until the server closes; status 0 when it closed without a word.
    pub(crate) fn read(stream: &mut TcpStream) -> Self {
        let (mut bytes, mut chunk) = (Vec::new(), vec![0; 1 << 16]);
        let since = Instant::now();
        while let Ok(len @ 1..) = stream.read(&mut chunk) {
            bytes.extend_from_slice(&chunk[..len]);
            assert!(since.elapsed() < Duration::from_secs(120), "it goes on and on: {:?}", Self::parse(&bytes).status);
        }
        Self::parse(&bytes)
    }

    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let split = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let Some(split) = split else { return Self { status: 0, headers: Vec::new(), body: bytes.to_vec() } };
        let head = String::from_utf8_lossy(&bytes[..split]).into_owned();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let pair = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        Self { status, headers: lines.filter_map(pair).collect(), body: bytes[split + 4..].to_vec() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// `(accepted, duplicates, rejected)` of a receipt with this status.
    #[track_caller]
    pub(crate) fn counts(&self, status: u16) -> (u64, u64, u64) {
        assert_eq!(self.status, status, "{}", self.text());
        let json = self.json();
        let count = |name: &str| json[name].as_u64().unwrap_or_else(|| panic!("{json}"));
        (count("accepted"), count("duplicates"), count("rejected"))
    }

    /// Checks that this is a problem document of one status, and answers its detail.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let json = self.json();
        assert_eq!(json["status"], status);
        assert!(json["title"].is_string() && json["type"].is_string(), "{json}");
        json["detail"].as_str().unwrap().to_owned()
    }
}

/// Seconds since the epoch.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
