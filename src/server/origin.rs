//! Who may ask for a change where nobody is asked for a token: programs, and pages of this server.

use super::error::Problem;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header;

/// Refuses what a web page of another origin sends: otherwise any page a user opens could post
/// events to a server on their own machine. Programs send no `origin`.
pub(super) fn same_origin(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    if authority.is_some() && authority == host {
        return Ok(());
    }
    Err(Problem::new(StatusCode::FORBIDDEN, "a page of another origin can't do this"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_this_server_may_send() {
        let judged = |origin: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "127.0.0.1:8787".parse().unwrap());
            headers.insert(header::ORIGIN, origin.parse().unwrap());
            same_origin(&headers).map_err(|problem| format!("{problem:?}"))
        };
        assert_eq!(judged("http://127.0.0.1:8787"), Ok(()));
        for origin in ["http://evil.example", "null", "http://127.0.0.1:9999"] {
            assert!(judged(origin).unwrap_err().contains("403"), "{origin}");
        }
        assert!(same_origin(&HeaderMap::new()).is_ok(), "programs send no origin");
    }
}
