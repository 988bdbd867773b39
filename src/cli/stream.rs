//! Reading a server's live stream.

use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;

/// The longest line taken: the server sends no longer ones.
const MAX_LINE: u64 = 4 << 20;

/// One server-sent event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) name: String,
    pub(super) data: String,
}

/// The events of a stream as they come.
pub(super) struct Events<R> {
    lines: BufReader<R>,
}

impl<R: Read> Events<R> {
    pub(super) fn new(stream: R) -> Self {
        Self { lines: BufReader::new(stream) }
    }

    /// The next line without its end; `None` at the end of the stream.
    fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        let read = self.lines.by_ref().take(MAX_LINE).read_line(&mut line)?;
        let whole = line.ends_with('\n');
        if read > 0 && !whole {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ended within a line"));
        }
        line.truncate(line.trim_end_matches(['\n', '\r']).len());
        Ok(whole.then_some(line))
    }
}

impl<R: Read> Iterator for Events<R> {
    type Item = io::Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut event = Event::default();
        loop {
            let line = match self.line() {
                Ok(line) => line?,
                Err(fault) => return Some(Err(fault)),
            };
            if line.is_empty() && !event.name.is_empty() {
                return Some(Ok(event));
            }
            // Comments have nothing before the colon; other fields are not used here.
            match line.split_once(':') {
                Some(("event", name)) => event.name = name.trim_start().to_owned(),
                Some(("data", data)) => event.data = data.trim_start().to_owned(),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Result<(String, String), io::ErrorKind>> {
        let events = Events::new(text.as_bytes());
        events.map(|event| event.map(|of| (of.name, of.data)).map_err(|fault| fault.kind())).collect()
    }

    #[test]
    fn events_are_read_and_comments_are_not() {
        let told = read(": here\n\nevent: usage\ndata: {\"a\":1}\n\nevent: end\r\ndata:x: y\r\n\r\n");
        let event = |name: &str, data: &str| Ok((name.to_owned(), data.to_owned()));
        assert_eq!(told, [event("usage", "{\"a\":1}"), event("end", "x: y")]);
    }

    #[test]
    fn half_an_event_is_none() {
        assert_eq!(read("event: usage\ndata: {}\n"), []);
        assert_eq!(read("event: us"), [Err(io::ErrorKind::UnexpectedEof)]);
    }
}
