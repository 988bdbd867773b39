//! What the head of an ingest request asks for, before a byte of its body is read.

use crate::server::error::Problem;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header;
use axum::http::request::Parts;

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

/// The terms of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) encoding: Encoding,
    /// Whether the sender calls the body NDJSON.
    pub(super) ndjson: bool,
    /// All or nothing.
    pub(super) atomic: bool,
}

impl Terms {
    pub(super) fn of(head: &Parts) -> Result<Self, Problem> {
        same_origin(&head.headers)?;
        Ok(Self {
            encoding: encoding(&head.headers)?,
            ndjson: ndjson(&head.headers)?,
            atomic: atomic(head.uri.query().unwrap_or(""))?,
        })
    }
}

/// Refuses what a web page of another origin sends: otherwise any page a user opens could post
/// events to a server on their own machine. Programs send no `origin`.
fn same_origin(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    if authority.is_some() && authority == host {
        return Ok(());
    }
    Err(Problem::new(StatusCode::FORBIDDEN, "a page of another origin can't send events"))
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
            "content-type must be application/json or application/x-ndjson; with curl, use --json",
        )),
    }
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
    fn only_pages_of_this_server_may_send() {
        let host = ("host", "127.0.0.1:8787");
        assert!(terms("", &[host, ("origin", "http://127.0.0.1:8787")]).is_ok());
        for origin in ["http://evil.example", "null", "http://127.0.0.1:9999"] {
            assert!(terms("", &[host, ("origin", origin)]).unwrap_err().contains("403"), "{origin}");
        }
    }
}
