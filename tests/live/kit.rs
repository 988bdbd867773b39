//! A reader of server-sent events that decodes nothing it need not.

use crate::support::Answer;
use crate::support::Server;
use serde_json::Value;
use serde_json::json;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;
use std::time::Instant;

/// Longer than a test reads a stream, which tells something each second and so never falls silent.
const LONG: Duration = Duration::from_secs(300);

/// An open stream.
pub(crate) struct Events {
    stream: BufReader<TcpStream>,
    /// Of the answer, without its body.
    pub(crate) head: Answer,
    text: String,
    opened: Instant,
}

impl Events {
    /// Opens `/v1/stream`, with a query string such as `?calls=true`.
    pub(crate) fn open(server: &Server, query: &str) -> Self {
        Self::open_with(server, query, "")
    }

    /// With more lines in the head of the request.
    pub(crate) fn open_with(server: &Server, query: &str, head: &str) -> Self {
        let mut stream = server.connect();
        let request = format!("GET /v1/stream{query} HTTP/1.1\r\nhost: {}\r\n{head}\r\n", server.address);
        stream.write_all(request.as_bytes()).unwrap();
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(stream.read_line(&mut head).unwrap(), 0, "closed after {head:?}");
        }
        Self { stream, head: Answer::parse(head.as_bytes()), text: String::new(), opened: Instant::now() }
    }

    /// The next chunk of the body; `false` at its end.
    fn read_chunk(&mut self) -> bool {
        assert!(self.opened.elapsed() < LONG, "what is waited for is not told");
        let mut size = String::new();
        if self.stream.read_line(&mut size).unwrap_or(0) == 0 {
            return false;
        }
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        self.stream.read_exact(&mut chunk).unwrap();
        self.text += std::str::from_utf8(&chunk[..size]).unwrap();
        size > 0
    }

    /// The next event and its data; `None` once the server ends the stream.
    pub(crate) fn next(&mut self) -> Option<(String, Value)> {
        loop {
            while let Some(end) = self.text.find("\n\n") {
                let event: String = self.text.drain(..end + 2).collect();
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim_start);
                if let Some(name) = field("event:") {
                    return Some((name.to_owned(), serde_json::from_str(field("data:").unwrap()).unwrap()));
                }
                assert!(event.starts_with(':'), "neither an event nor a comment: {event:?}");
            }
            if !self.read_chunk() {
                return None;
            }
        }
    }

    /// The data of the next event of this name, whatever comes before.
    pub(crate) fn next_of(&mut self, wanted: &str) -> Value {
        loop {
            let (name, data) = self.next().expect("the stream goes on");
            if name == wanted {
                return data;
            }
        }
    }

    /// The connection, to be left alone.
    pub(crate) fn into_socket(self) -> TcpStream {
        self.stream.into_inner()
    }
}

/// Seconds since the epoch of an RFC 3339 time in UTC.
pub(crate) fn secs(at: &Value) -> i64 {
    let at: tallyring::engine::time::Timestamp = at.as_str().unwrap().parse().unwrap();
    at.secs()
}

/// Some calls of one model, with ids from `first` on.
pub(crate) fn batch(model: &str, first: u64, count: u64) -> String {
    let call = |n: u64| json!({ "model": model, "status": if n % 10 == 9 { 500 } else { 200 }, "id": format!("{model}-{n}"), "user": "ann", "output_tokens": 1 });
    Value::from_iter((first..first + count).map(call)).to_string()
}
