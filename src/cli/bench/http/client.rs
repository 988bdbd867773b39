//! A client that costs little: requests are bytes made beforehand, sent one after the other.

use std::io;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;

/// What became of a request.
pub(super) enum Answer<'a> {
    /// A 200 with this body.
    Taken(&'a [u8]),
    /// A 503 that says when to come back.
    TurnedAway,
}

/// One connection, kept open.
pub(super) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    pub(super) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::new() })
    }

    /// Sends a request and waits for its answer; the body of a 200.
    pub(super) fn ask(&mut self, request: &[u8]) -> io::Result<&[u8]> {
        match self.offer(request)? {
            Answer::Taken(body) => Ok(body),
            Answer::TurnedAway => Err(io::Error::other("it is turned away")),
        }
    }

    /// The same of a request that may be turned away.
    pub(super) fn offer(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.stream.write_all(request)?;
        self.read.clear();
        let head = loop {
            if let Some(end) = memchr::memmem::find(&self.read, b"\r\n\r\n") {
                break end + 4;
            }
            self.more()?;
        };
        let length = content_length(&self.read[..head]).ok_or_else(|| invalid("an answer without a length"))?;
        while self.read.len() < head + length {
            self.more()?;
        }
        let hint = memchr::memmem::find(&self.read[..head], b"\r\nretry-after: ").is_some();
        match self.read.get(..13) {
            Some(b"HTTP/1.1 200 ") => Ok(Answer::Taken(&self.read[head..])),
            Some(b"HTTP/1.1 503 ") if hint => Ok(Answer::TurnedAway),
            _ => Err(invalid(&String::from_utf8_lossy(&self.read))),
        }
    }

    fn more(&mut self) -> io::Result<()> {
        let mut bytes = [0; 16 << 10];
        match self.stream.read(&mut bytes)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                self.read.extend_from_slice(&bytes[..read]);
                Ok(())
            }
        }
    }
}

fn content_length(head: &[u8]) -> Option<usize> {
    let head = str::from_utf8(head).ok()?;
    let line = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
    line.parse().ok()
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// A request with events.
pub(super) fn post(kind: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/{kind}\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// A question.
pub(super) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").into_bytes()
}
