//! What the head of an ingest request asks for, before a byte of its body is read.

use crate::batch::MEDIA_TYPE;
use crate::server::error::Problem;
use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header;
use axum::http::request::Parts;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The longest key, as the longest id of an event.
const MAX_KEY_BYTES: usize = 128;

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

/// The terms of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) encoding: Encoding,
    /// Whether the sender calls the body NDJSON.
    pub(super) ndjson: bool,
    /// Whether it is a compact batch.
    pub(super) batch: bool,
    /// All or nothing.
    pub(super) atomic: bool,
    /// What names the whole request, so that it counts once however often it is sent.
    pub(super) key: Option<String>,
}

impl Terms {
    pub(super) fn of(head: &Parts) -> Result<Self, Problem> {
        let batch = head.headers.get(header::CONTENT_TYPE).is_some_and(|named| named == MEDIA_TYPE);
        Ok(Self {
            encoding: encoding(&head.headers)?,
            ndjson: !batch && ndjson(&head.headers)?,
            batch,
            atomic: atomic(head.uri.query().unwrap_or(""))?,
            key: idempotency_key(&head.headers)?,
        })
    }
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, Problem> {
    let Some(named) = headers.get(header::CONTENT_ENCODING) else { return Ok(Encoding::Identity) };
    match named.as_bytes().trim_ascii().to_ascii_lowercase().as_slice() {
        b"" | b"identity" => Ok(Encoding::Identity),
        b"gzip" | b"x-gzip" => Ok(Encoding::Gzip),
        b"zstd" => Ok(Encoding::Zstd),
        _ => Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-encoding must be gzip, zstd or identity")
            .with_header(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, zstd"))),
    }
}

/// Whether the type is one of NDJSON's; JSON's, or none at all, leave it to the body.
fn ndjson(headers: &HeaderMap) -> Result<bool, Problem> {
    let Some(named) = headers.get(header::CONTENT_TYPE) else { return Ok(false) };
    if named == "application/json" {
        return Ok(false); // what most say, letter by letter
    }
    let named = named.to_str().unwrap_or("?").split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    match named.as_str() {
        "application/x-ndjson"
        | "application/ndjson"
        | "application/jsonl"
        | "application/x-jsonlines"
        | "application/jsonlines"
        | "application/json-seq" => Ok(true),
        "application/json" | "text/json" => Ok(false),
        _ if named.starts_with("application/") && named.ends_with("+json") => Ok(false),
        _ => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "content-type must be application/json, application/x-ndjson or application/vnd.tallyring.batch; with curl, \
             use --json",
        )),
    }
}

/// The header `Idempotency-Key`. The IETF's draft has it in quotes (a string of RFC 9651), most
/// senders leave them out; both mean the same key.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut given = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(first) = given.next() else { return Ok(None) };
    let key = first.to_str().ok().map(str::trim).and_then(unquoted).filter(|key| is_plain(key));
    if key.is_none() || given.next().is_some() {
        let detail = "`Idempotency-Key` must stand once and have 1 to 128 visible ASCII characters, such as a UUID";
        return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
    }
    Ok(key)
}

fn is_plain(key: &str) -> bool {
    (1..=MAX_KEY_BYTES).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic())
}

/// A key without its quotes, if it has any; `None` where they do not match.
fn unquoted(text: &str) -> Option<String> {
    let Some(inner) = text.strip_prefix('"') else { return Some(text.to_owned()) };
    let (mut key, mut rest) = (String::new(), inner.strip_suffix('"')?.chars());
    while let Some(c) = rest.next() {
        key.push(match c {
            '\\' => rest.next().filter(|c| matches!(c, '"' | '\\'))?,
            '"' => return None,
            c => c,
        });
    }
    Some(key)
}

/// The one parameter there is.
fn atomic(query: &str) -> Result<bool, Problem> {
    let mut atomic = false;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        atomic = match pair {
            "atomic" | "atomic=true" | "atomic=1" => true,
            "atomic=false" | "atomic=0" => false,
            _ if pair.starts_with("atomic=") => return Err(Problem::parameter("atomic", "must be true or false")),
            _ => return Err(unknown_parameter(pair)),
        };
    }
    Ok(atomic)
}

/// Names the parameter only where it looks like one: a stray secret must not be sent back.
fn unknown_parameter(pair: &str) -> Problem {
    let name = pair.split('=').next().unwrap_or("");
    let plain = name.len() <= 24 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    Problem::parameter(if plain { name } else { "?" }, "unknown; the parameters here are: atomic")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn terms(query: &str, headers: &[(&str, &str)]) -> Result<Terms, String> {
        let mut request = Request::builder().uri(format!("http://h/v1/events?{query}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        Terms::of(&head).map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn types_say_json_or_ndjson() {
        for (kind, ndjson) in [
            ("application/json", false),
            ("Application/JSON; charset=utf-8", false),
            ("application/vnd.x+json", false),
            ("application/x-ndjson", true),
            ("application/jsonl;charset=utf-8", true),
        ] {
            assert_eq!(terms("", &[("content-type", kind)]).unwrap().ndjson, ndjson, "{kind}");
        }
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "json"] {
            assert!(terms("", &[("content-type", kind)]).unwrap_err().contains("415"), "{kind}");
        }
        assert!(!terms("", &[]).unwrap().ndjson);
    }

    #[test]
    fn encodings_are_two() {
        assert_eq!(terms("", &[("content-encoding", "GZIP")]).unwrap().encoding, Encoding::Gzip);
        assert_eq!(terms("", &[("content-encoding", "zstd")]).unwrap().encoding, Encoding::Zstd);
        for other in ["br", "deflate", "gzip, gzip"] {
            assert!(terms("", &[("content-encoding", other)]).unwrap_err().contains("415"), "{other}");
        }
    }

    #[test]
    fn parameters_are_checked() {
        assert!(terms("atomic=true", &[]).unwrap().atomic);
        assert!(!terms("atomic=0&", &[]).unwrap().atomic);
        assert!(terms("atomic=yes", &[]).unwrap_err().contains("400"));
        assert!(terms("atomik=true", &[]).unwrap_err().contains("atomik"));
        let secret = terms("key=1&sk-canary-1=1", &[]).unwrap_err();
        assert!(!secret.contains("canary"), "{secret}");
    }

    #[test]
    fn a_key_may_stand_in_quotes() {
        let key = |value: &str| terms("", &[("idempotency-key", value)]).map(|terms| terms.key.unwrap());
        for (value, expected) in [
            ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
            (r#""8e03978e""#, "8e03978e"),
            (r#"  "a\"b\\c"  "#, r#"a"b\c"#),
            (r#"a"b"#, r#"a"b"#),
            ("~!#", "~!#"),
        ] {
            assert_eq!(key(value).as_deref(), Ok(expected), "{value}");
        }
        assert_eq!(key(&"k".repeat(128)).map(|key| key.len()), Ok(128));
        let long = "k".repeat(129);
        for bad in
            ["", " ", r#""""#, r#"""#, r#""a"#, r#""a"b""#, r#""a\b""#, r#""a";b=1"#, "a b", "sk-canary é", &long]
        {
            let refused = key(bad).unwrap_err();
            assert!(refused.contains("400") && !refused.contains("canary"), "{bad}: {refused}");
        }
        let twice = [("idempotency-key", "a"), ("idempotency-key", "a")];
        assert!(terms("", &twice).unwrap_err().contains("once"));
        assert_eq!(terms("", &[]).unwrap().key, None);
    }
}
