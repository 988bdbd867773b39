//! Which parts of a body are events: one object, an array, or a line each.
//!
//! Senders label bodies carelessly (LiteLLM calls NDJSON `application/json`), so the body itself
//! decides:
//!
//! | body | taken as |
//! |---|---|
//! | begins with `[` | an array: well-formed as a whole, or refused as a whole |
//! | is one JSON value, on one line or many | that one event |
//! | anything else of which at least one line is a JSON value | NDJSON: each line on its own |
//! | anything else | malformed, refused as a whole |
//!
//! A body labelled as NDJSON is NDJSON whatever it holds. Blank lines are passed over and have no
//! index.

use super::Detail;
use super::fields::malformed;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The texts of the events in a body, one after the other. An `Err` stands for an event that is
/// not even text.
#[derive(Clone, Debug)]
pub enum Pieces<'a> {
    /// One event.
    One(Option<&'a str>),
    /// The rest of an array known to be well-formed, after `[` or between elements.
    Array(&'a str),
    /// The rest of the lines.
    Lines(&'a str),
    /// The same of a body that is not text everywhere.
    Bytes(&'a [u8]),
}

impl<'a> Pieces<'a> {
    /// Finds out what a body is.
    ///
    /// # Errors
    /// What is wrong with a body that is refused as a whole, and where.
    pub fn of(body: &'a [u8], labelled_ndjson: bool) -> Result<Self, Detail> {
        if body.trim_ascii().is_empty() {
            return Err("the body is empty: send one JSON object, an array of them, or one a line".into());
        }
        if labelled_ndjson {
            return Ok(Self::lines(body));
        }
        match body.trim_ascii_start()[0] {
            b'[' => array(body),
            _ => object_or_lines(body),
        }
    }

    fn lines(body: &'a [u8]) -> Self {
        str::from_utf8(body).map_or(Self::Bytes(body), Self::Lines)
    }

    /// How many events there may be at most, found without reading them.
    #[must_use]
    pub fn bound(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Array(rest) => memchr::memchr_iter(b',', rest.as_bytes()).count() + 1,
            Self::Lines(rest) => memchr::memchr_iter(b'\n', rest.as_bytes()).count() + 1,
            Self::Bytes(rest) => memchr::memchr_iter(b'\n', rest).count() + 1,
        }
    }

    /// Whether this is one object, and not a list that happens to hold one.
    #[must_use]
    pub fn is_one(&self) -> bool {
        matches!(self, Self::One(_))
    }
}

fn array(body: &[u8]) -> Result<Pieces<'_>, Detail> {
    let text = utf8(body)?;
    // Checked to its end before the first element is counted: a broken array counts nothing.
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| malformed(&error))?;
    Ok(Pieces::Array(&text.trim_ascii_start()[1..]))
}

fn object_or_lines(body: &[u8]) -> Result<Pieces<'_>, Detail> {
    let mut lines = lines(body);
    let (first, more) = (lines.next().unwrap_or_default(), lines.next().is_some());
    if !more || !is_json(first) {
        match utf8(body).and_then(|text| check(text).map(|()| text)) {
            Ok(text) => return Ok(Pieces::One(Some(text.trim_ascii()))),
            Err(detail) if !more || !self::lines(body).any(is_json) => return Err(detail),
            Err(_) => {}
        }
    }
    Ok(Pieces::lines(body))
}

fn check(text: &str) -> Result<(), Detail> {
    serde_json::from_str::<IgnoredAny>(text).map(|_| ()).map_err(|error| malformed(&error))
}

fn is_json(line: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(line).is_ok()
}

fn utf8(body: &[u8]) -> Result<&str, Detail> {
    str::from_utf8(body).map_err(|error| Cow::Owned(format!("not UTF-8 at byte {}", error.valid_up_to())))
}

/// Lines that are not blank, without their ends.
fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = body;
    std::iter::from_fn(move || next_line(&mut rest))
}

/// The same of text: a line of text is text.
fn next_line_of_text<'a>(rest: &mut &'a str) -> Option<&'a str> {
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
        let line = rest[..end].trim_ascii();
        *rest = &rest[(end + 1).min(rest.len())..];
        if !line.is_empty() {
            return Some(line);
        }
    }
    None
}

fn next_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest[..end].trim_ascii();
        *rest = &rest[(end + 1).min(rest.len())..];
        if !line.is_empty() {
            return Some(line);
        }
    }
    None
}

/// The next element of a well-formed array; the rest then begins after it.
fn next_element<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let from = rest.trim_ascii_start().trim_start_matches(',');
    let mut json = serde_json::Deserializer::from_str(from);
    let element = <&RawValue>::deserialize(&mut json).ok()?.get();
    let end = element.as_ptr().addr() - from.as_ptr().addr() + element.len();
    *rest = &from[end..];
    Some(element)
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Result<&'a str, Detail>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::One(text) => text.take().map(Ok),
            Self::Array(rest) => next_element(rest).map(Ok),
            Self::Lines(rest) => next_line_of_text(rest).map(Ok),
            Self::Bytes(rest) => next_line(rest).map(utf8),
        }
    }

    /// Nothing is known but of a single event.
    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.is_one().then_some(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(body: &str) -> (bool, Vec<String>) {
        let pieces = Pieces::of(body.as_bytes(), false).unwrap();
        (pieces.is_one(), pieces.map(|piece| piece.unwrap().to_owned()).collect())
    }

    #[test]
    fn a_body_is_what_it_looks_like() {
        let cases: [(&str, bool, &[&str]); 14] = [
            (r#"{"a":1}"#, true, &[r#"{"a":1}"#]),
            ("{\"a\":1}\n", true, &[r#"{"a":1}"#]),
            ("\r\n {\n \"a\": 1\n}\n", true, &["{\n \"a\": 1\n}"]),
            ("{\"a\":1}\n{\"a\":2}", false, &[r#"{"a":1}"#, r#"{"a":2}"#]),
            ("\n{\"a\":1}\r\n\r\n{\"a\":2}\r\n", false, &[r#"{"a":1}"#, r#"{"a":2}"#]),
            ("{\"a\":1\n{\"a\":2}", false, &[r#"{"a":1"#, r#"{"a":2}"#]),
            ("nonsense\n{\"a\":2}\n", false, &["nonsense", r#"{"a":2}"#]),
            ("{\"a\":1}\n[1\n2", false, &[r#"{"a":1}"#, "[1", "2"]),
            ("[]", false, &[]),
            (" [ ] ", false, &[]),
            (
                "[{\"a\":1},\n {\"a\":[2,{}]} , 3,\"x,]\",null,[]]",
                false,
                &[r#"{"a":1}"#, r#"{"a":[2,{}]}"#, "3", r#""x,]""#, "null", "[]"],
            ),
            ("[1]", false, &["1"]),
            ("7", true, &["7"]),
            ("\"text\"", true, &["\"text\""]),
        ];
        for (body, one, expected) in cases {
            let (is_one, found) = pieces(body);
            assert_eq!(
                (is_one, found.iter().map(String::as_str).collect::<Vec<_>>()),
                (one, expected.to_vec()),
                "{body}"
            );
        }
    }

    #[test]
    fn a_body_without_any_json_is_refused_with_its_place() {
        for (body, detail) in [
            ("", "the body is empty"),
            (" \n\t", "the body is empty"),
            ("{", "ends too early"),
            ("not json", "column 2"),
            ("{\"a\": 1,\n \"b\": }", "line 2, column 7"),
            ("[{\"a\":1},{\"a\":2}", "ends too early"),
            ("[{\"a\":1},\n{\"a\" 2}]", "line 2, column 6"),
            ("[1] 2", "column 5"),
            ("\u{feff}{}", "column 1"),
        ] {
            let error = Pieces::of(body.as_bytes(), false).unwrap_err();
            assert!(error.contains(detail), "{body}: {error}");
        }
    }

    #[test]
    fn a_label_makes_even_one_line_a_list() {
        let mut pieces = Pieces::of(b"{\"a\":", true).unwrap();
        assert!(!pieces.is_one());
        assert_eq!(pieces.next(), Some(Ok("{\"a\":")));
        assert_eq!(pieces.next(), None);
    }

    #[test]
    fn a_line_that_is_not_utf8_is_at_fault_alone() {
        let found: Vec<_> = Pieces::of(b"{}\n{\"a\":\"\xff\"}\n{}", false).unwrap().collect();
        assert_eq!((found[0].clone(), found[2].clone()), (Ok("{}"), Ok("{}")));
        assert_eq!(found[1].clone().unwrap_err(), "not UTF-8 at byte 6");
        assert!(Pieces::of(b"[\"\xff\"]", false).unwrap_err().contains("not UTF-8 at byte 2"));
    }

    #[test]
    fn a_bound_is_never_below_the_number_of_events() {
        for body in
            ["{}", "{}\n{}", "\n{}\r\n\n{}\n", "{}\n{\"a\":\"\u{e9}\"}\n", "[]", "[1]", "[1,[2,3],{\"a\":4,\"b\":5}]"]
        {
            let pieces = Pieces::of(body.as_bytes(), false).unwrap();
            assert!(pieces.bound() >= pieces.count(), "{body}");
        }
        let broken = Pieces::of(b"{}\n{\"a\":\"\xff\"}\n{}", true).unwrap();
        assert_eq!((broken.bound(), broken.count()), (3, 3));
    }

    #[test]
    fn depth_neither_overflows_nor_takes_long() {
        let deep = format!("[{}{}]", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert_eq!(Pieces::of(deep.as_bytes(), false).unwrap().count(), 1);
    }
}
