//! One JSON event a line.

use super::Judged;
use super::fields::Body;
use super::fields::Record;
use super::tally::Fault;
use crate::cli::exit::Failure;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;

/// The longest line that is kept; the server's own limit for an event lies below.
const MAX_LINE_BYTES: usize = 64 << 10;

/// The records of a reader; empty lines are passed over.
pub(super) fn records(reader: impl Read) -> impl Iterator<Item = Result<Judged, Failure>> {
    let mut lines = Lines { reader: BufReader::with_capacity(256 << 10, reader), number: 0 };
    std::iter::from_fn(move || lines.next_record().transpose())
}

struct Lines<R> {
    reader: BufReader<R>,
    number: u64,
}

impl<R: Read> Lines<R> {
    fn next_record(&mut self) -> Result<Option<Judged>, Failure> {
        loop {
            let Some((line, whole)) = self.next_line().map_err(|fault| Failure::file("reading", &fault))? else {
                return Ok(None);
            };
            let line = line.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::to_vec).unwrap_or(line);
            if !line.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some(judge(self.number, line, whole)));
            }
        }
    }

    /// The next line and whether it is whole. Of a line that is too long the rest is passed over,
    /// so that a file without line breaks does not fill the memory.
    fn next_line(&mut self) -> std::io::Result<Option<(Vec<u8>, bool)>> {
        let mut line = Vec::new();
        let most = MAX_LINE_BYTES as u64;
        if self.reader.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        let whole = line.ends_with(b"\n") || line.len() < MAX_LINE_BYTES;
        if !whole {
            self.reader.skip_until(b'\n')?;
        }
        while line.last().is_some_and(|b| matches!(b, b'\n' | b'\r')) {
            line.pop();
        }
        Ok(Some((line, whole)))
    }
}

/// A line that would spoil the whole body is refused here; all else is left to the server.
fn judge(number: u64, line: Vec<u8>, whole: bool) -> Judged {
    if !whole {
        return Err(Fault::invalid(number, "", "the line is longer than 64 KiB"));
    }
    if std::str::from_utf8(&line).is_err() {
        return Err(Fault::invalid(number, "", "not UTF-8"));
    }
    Ok(Record { line: number, body: Body::Json(line) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<(u64, Result<String, String>)> {
        let told = |record: Result<Judged, Failure>| match record.unwrap() {
            Ok(Record { line, body: Body::Json(json) }) => (line, Ok(String::from_utf8(json).unwrap())),
            Ok(_) => unreachable!("NDJSON is passed on as it stands"),
            Err(fault) => (fault.line, Err(fault.detail)),
        };
        records(bytes).map(told).collect()
    }

    #[test]
    fn lines_keep_their_numbers() {
        let ok = |text: &str| Ok(text.to_owned());
        assert_eq!(lines(b"\xef\xbb\xbf{}\r\n\n  \n{\"a\":1}"), [(1, ok("{}")), (4, ok("{\"a\":1}"))]);
        assert_eq!(lines(b""), []);
    }

    #[test]
    fn a_line_that_would_spoil_the_batch_is_refused() {
        let long = vec![b'x'; 200_000];
        let text = [b"\xff\n".as_slice(), &long, b"\n{}\n"].concat();
        let found = lines(&text);
        assert_eq!(found[0], (1, Err("not UTF-8".to_owned())));
        assert_eq!(found[1].0, 2);
        assert!(found[1].1.is_err());
        assert_eq!(found[2], (3, Ok("{}".to_owned())));
    }
}
