//! The quick way through an ordinary object: flat, strings without escapes, numbers without
//! exponents.
//!
//! It never decides that something is malformed: on anything unusual it gives up, and the general
//! parser starts over. What it does accept, the general parser accepts too, field by field; a test
//! holds that.

/// Calls `field` with each name and the JSON text of its value, in order; `None` is "unusual", even
/// after some fields were told.
pub(super) fn split<'a>(text: &'a str, mut field: impl FnMut(&'a str, &'a str)) -> Option<()> {
    let bytes = text.as_bytes();
    let mut at = expect(bytes, 0, b'{')?;
    loop {
        let name = expect(bytes, at, b'"')?;
        let name_end = string_end(bytes, name)?;
        let value = space(bytes, expect(bytes, name_end + 1, b':')?);
        let value_end = value_end(bytes, value)?;
        field(text.get(name..name_end)?, text.get(value..value_end)?);
        at = space(bytes, value_end);
        match bytes.get(at)? {
            b',' => at += 1,
            b'}' => return (space(bytes, at + 1) == bytes.len()).then_some(()),
            _ => return None,
        }
    }
}

/// The place after blanks.
fn space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        at += 1;
    }
    at
}

/// The place after blanks and this byte.
fn expect(bytes: &[u8], at: usize, byte: u8) -> Option<usize> {
    let at = space(bytes, at);
    (*bytes.get(at)? == byte).then_some(at + 1)
}

/// The place of the closing quote.
fn string_end(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let end = rest.iter().position(|b| *b == b'"' || *b == b'\\' || *b < b' ')?;
    (rest[end] == b'"').then_some(from + end)
}

fn value_end(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    match rest.first()? {
        b'"' => string_end(bytes, from + 1).map(|end| end + 1),
        b'0'..=b'9' => number_end(bytes, from),
        b'n' => rest.starts_with(b"null").then_some(from + 4),
        b't' => rest.starts_with(b"true").then_some(from + 4),
        b'f' => rest.starts_with(b"false").then_some(from + 5),
        _ => None,
    }
}

/// The end of `12` or `12.5`; what follows shows whether the number ends there.
fn number_end(bytes: &[u8], from: usize) -> Option<usize> {
    let whole = digits(bytes, from);
    if bytes[from] == b'0' && whole > from + 1 {
        return None;
    }
    match bytes.get(whole) {
        Some(b'.') => Some(digits(bytes, whole + 1)).filter(|end| *end > whole + 1),
        _ => Some(whole),
    }
}

fn digits(bytes: &[u8], from: usize) -> usize {
    from + bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count()
}

#[cfg(test)]
mod tests {
    use super::super::fields::pairs;
    use super::*;

    fn quick(text: &str) -> Option<Vec<(&str, &str)>> {
        let mut found = Vec::new();
        split(text, |name, value| found.push((name, value))).map(|()| found)
    }

    #[test]
    fn ordinary_objects_take_the_quick_way() {
        let found = quick(" { \"a\":1, \"b\" : \"é\" ,\"c\":null,\"d\":0.50,\"e\":true}\r\n").unwrap();
        assert_eq!(found, [("a", "1"), ("b", "\"é\""), ("c", "null"), ("d", "0.50"), ("e", "true")]);
    }

    /// Every text within an edit of an ordinary one, and every beginning of it.
    #[test]
    fn what_is_accepted_the_general_parser_accepts_alike() {
        let text = r#"{"a":12.05,"b":"x y","c":null, "d":false,"e":"","ü":0,"f":true }"#;
        let mut accepted = 0;
        let mut check = |text: &str| {
            let Some(found) = quick(text) else { return };
            accepted += 1;
            let general = pairs(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let general: Vec<(&str, &str)> = general.iter().map(|(name, value)| (&**name, *value)).collect();
            assert_eq!(found, general, "{text}");
            assert!(serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok(), "{text}");
        };
        for (at, _) in text.char_indices() {
            check(&text[..at]);
            let next = at + text[at..].chars().next().map_or(0, char::len_utf8);
            check(&format!("{}{}", &text[..at], &text[next..]));
            for put in [
                "\"", "\\", "0", "1", ".", "-", "e", "E", "+", ",", ":", "{", "}", "[", "]", " ", "\n", "\u{1}", "n",
                "é",
            ] {
                check(&format!("{}{put}{}", &text[..at], &text[at..]));
                check(&format!("{}{put}{}", &text[..at], &text[next..]));
            }
        }
        assert!(accepted > 100, "{accepted}");
    }
}
