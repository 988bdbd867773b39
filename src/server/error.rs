//! Errors as RFC 9457 problem documents.

use crate::store::Refused;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Seconds after which a full disk may have room again.
const DISK_FULL_RETRY_SECS: u64 = 30;

/// A refused request: `{"type","title","status","detail","parameter"?, …}` as
/// `application/problem+json`.
///
/// `detail` says what is wrong and what is allowed; it never quotes an API key.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<String>,
    #[serde(flatten)]
    members: BTreeMap<&'static str, Value>,
    #[serde(skip)]
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

impl Problem {
    /// A problem of one status. The title is the status's own phrase.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self {
            kind: "about:blank",
            title,
            status: status.as_u16(),
            detail: detail.into(),
            parameter: None,
            members: BTreeMap::new(),
            header: None,
        }
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// 400, about one parameter of the query.
    pub fn parameter(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { parameter: Some(name.into()), ..Self::new(StatusCode::BAD_REQUEST, detail) }
    }

    /// 503, with a hint when to come back. The hint varies, so that clients turned away together
    /// do not return together.
    pub fn busy(detail: impl Into<String>) -> Self {
        let random = std::hash::BuildHasher::hash_one(&foldhash::fast::RandomState::default(), ());
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
            .with_header(header::RETRY_AFTER, HeaderValue::from(1 + random % 3))
    }

    /// The same with one more member, for programs to read.
    #[must_use]
    pub fn with_member(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.members.insert(name, value.into());
        self
    }

    /// The same with a header of the response.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some(Box::new((name, value)));
        self
    }
}

/// What the store refuses, for whoever sent it. What the disk says of itself is for the log only.
impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Busy => Self::busy("too much is waiting to be written to the disk; send it again soon"),
            Refused::DiskFull { free, needed } => {
                let detail = format!(
                    "the disk is nearly full: {free} bytes are free, {needed} must stay free; nothing is taken until \
                     there is room, questions are answered"
                );
                Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
                    .with_member("free_bytes", free)
                    .with_member("needed_bytes", needed)
                    .with_header(header::RETRY_AFTER, HeaderValue::from(DISK_FULL_RETRY_SECS))
            }
            Refused::Failed(_) => Self::busy(
                "the journal failed or is closed; whether the events of this request were kept is not known: send it \
                 again, with ids or an idempotency key, once the server has started again",
            ),
            Refused::KeyConflict => Self::new(
                StatusCode::CONFLICT,
                "this `Idempotency-Key` came before with another body; nothing of this one was counted",
            ),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        response.headers_mut().extend(self.header.map(|header| *header));
        response
    }
}
