//! A client that costs little: requests are bytes made beforehand, sent one after the other.

use std::io;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;

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
        if !self.read.starts_with(b"HTTP/1.1 200 ") {
            return Err(invalid(&String::from_utf8_lossy(&self.read)));
        }
        Ok(&self.read[head..])
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
        "POST /v1/events HTTP/1.1\r\nhost: bench\r\ncontent-type: application/{kind}\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// A question.
pub(super) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n").into_bytes()
}
