//! Receipts as JSON, and the status they are sent with.

use crate::engine::event::Reason;
use crate::store::EventError;
use crate::store::Receipt;
use axum::http::HeaderValue;
use axum::http::Response;
use axum::http::StatusCode;
use axum::http::header;
use bytes::Bytes;
use serde::Serialize;

#[derive(Serialize)]
struct Line<'a> {
    index: u64,
    pointer: &'a str,
    reason: &'static str,
    detail: &'a str,
}

impl<'a> From<&'a EventError> for Line<'a> {
    fn from(error: &'a EventError) -> Self {
        Self { index: error.index, pointer: &error.pointer, reason: error.reason.word(), detail: &error.detail }
    }
}

/// `{"accepted","duplicates","rejected","errors","position"}`.
pub(super) fn response(receipt: &Receipt, one: bool, atomic: bool) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(json(receipt)));
    *response.status_mut() = status(receipt, one, atomic);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Mostly four numbers: to write these by hand takes a quarter of what a serializer takes.
fn json(receipt: &Receipt) -> String {
    let Receipt { accepted, duplicates, rejected, errors, position } = receipt;
    let lines: Vec<Line<'_>> = errors.iter().map(Line::from).collect();
    let errors = if lines.is_empty() { "[]".into() } else { serde_json::to_string(&lines).unwrap_or_default() };
    format!(
        "{{\"accepted\":{accepted},\"duplicates\":{duplicates},\"rejected\":{rejected},\"errors\":{errors},\
         \"position\":{position}}}"
    )
}

/// A list is answered 200 whatever became of its events, since a client that sends it again as a
/// whole gains nothing. One object, or an atomic list, has a status of its own.
fn status(receipt: &Receipt, one: bool, atomic: bool) -> StatusCode {
    let conflict = receipt.errors.first().is_some_and(|error| error.reason == Reason::Conflict);
    match (receipt.rejected, one, atomic) {
        (0, _, _) | (_, false, false) => StatusCode::OK,
        (_, true, _) if conflict => StatusCode::CONFLICT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}
