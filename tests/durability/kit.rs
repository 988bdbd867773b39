//! A server to kill, and a client that notices how far a request came.

#![allow(dead_code, reason = "every test takes the part it needs")]

use crate::program;
use serde_json::Value;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::Shutdown;
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

/// Longer than anything should take; it ends a test that hangs.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A running server; killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    log: Option<JoinHandle<String>>,
    pub(crate) address: String,
}

/// The arguments of a server whose files turn over quickly.
pub(crate) fn busy_files() -> Vec<String> {
    let flags = ["--snapshot-every=1s", "--journal-segment-bytes=1MiB", "--journal-max-bytes=2MiB"];
    flags.map(str::to_owned).into()
}

/// `serve` in a data folder, without the settings of whoever runs the tests.
pub(crate) fn serve(data: &Path, args: &[String]) -> Command {
    let mut command = program::tallyring();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data).args(args);
    command
}

impl Server {
    /// Starts one and waits until it listens; it may not be ready. `None` where it ended first.
    pub(crate) fn start(mut command: Command) -> Result<Self, (ExitStatus, String)> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        // Warnings about the environment may come first.
        let (mut told, mut address) = (String::new(), None);
        while address.is_none() {
            let begin = told.len();
            if lines.read_line(&mut told).unwrap_or_default() == 0 {
                return Err((child.wait().unwrap(), told));
            }
            address = told[begin..].trim().strip_prefix("listening on http://").map(str::to_owned);
        }
        let log = thread::spawn(move || {
            let _ = lines.read_to_string(&mut told);
            told
        });
        Ok(Self { child, log: Some(log), address: address.unwrap_or_default() })
    }

    /// Starts one that is not expected to fail, and waits until it is ready.
    #[track_caller]
    pub(crate) fn ready(data: &Path, args: &[String], what: &str) -> Self {
        let mut server =
            Self::start(serve(data, args)).unwrap_or_else(|(status, log)| panic!("{what}: {status} {log}"));
        if !server.wait_until_ready() {
            let (status, log) = server.end();
            panic!("{what}: it does not start: {status} {log}");
        }
        server
    }

    /// Whether it became ready before it ended.
    pub(crate) fn wait_until_ready(&mut self) -> bool {
        let began = Instant::now();
        while began.elapsed() < DEADLINE {
            if get(&self.address, "/readyz").is_ok_and(|answer| answer.status == 200) {
                return true;
            }
            if self.has_ended() {
                return false;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("it does not get ready");
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Kills it as the system would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, and waits.
    pub(crate) fn terminate(self) -> (ExitStatus, String) {
        signal(self.id(), "TERM");
        self.end()
    }

    /// Waits for its end: the status, and what it logged.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let began = Instant::now();
        while began.elapsed() < DEADLINE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, self.log.take().unwrap().join().unwrap());
            }
            thread::sleep(Duration::from_millis(5));
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

pub(crate) fn signal(id: u32, name: &str) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {id}")]).status().unwrap();
    assert!(sent.success(), "kill -{name} {id}");
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|fault| panic!("{fault}: {self:?}"))
    }

    /// (accepted, duplicates, rejected)
    #[track_caller]
    pub(crate) fn counts(&self) -> (u64, u64, u64) {
        let json = self.json();
        let count = |name: &str| json[name].as_u64().unwrap_or_else(|| panic!("{json}"));
        (count("accepted"), count("duplicates"), count("rejected"))
    }
}

pub(crate) fn get(address: &str, path: &str) -> io::Result<Answer> {
    let mut client = Client::connect(address)?;
    client.write(&format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"), b"")?;
    client.read()
}

/// A connection that is kept alive.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends a request for events whole, without waiting for the answer.
    pub(crate) fn post(&mut self, key: Option<&str>, body: &[u8]) -> io::Result<()> {
        let key = key.map(|key| format!("idempotency-key: {key}\r\n")).unwrap_or_default();
        let head = format!(
            "POST /v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/x-ndjson\r\n{key}content-length: {}\r\n\r\n",
            body.len()
        );
        self.write(&head, body)
    }

    fn write(&mut self, head: &str, body: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(&[head.as_bytes(), body].concat())
    }

    /// Sends a part of a request and goes away.
    pub(crate) fn cut(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)?;
        self.stream.get_mut().shutdown(Shutdown::Both)
    }

    pub(crate) fn read(&mut self) -> io::Result<Answer> {
        let mut line = String::new();
        self.line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
        let mut len = 0;
        loop {
            self.line(&mut line)?;
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                len = value.trim().parse().map_err(|_| io::ErrorKind::InvalidData)?;
            }
        }
        let mut body = vec![0; len];
        self.stream.read_exact(&mut body)?;
        Ok(Answer { status, body })
    }

    fn line(&mut self, line: &mut String) -> io::Result<()> {
        line.clear();
        match self.stream.read_line(line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Sends a request for events and waits for its answer.
    pub(crate) fn send(&mut self, key: Option<&str>, body: &[u8]) -> io::Result<Answer> {
        self.post(key, body)?;
        self.read()
    }
}

/// Whether a program is there.
pub(crate) fn has(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Whether we may mount.
pub(crate) fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout == b"0\n")
}
