//! Receipts as JSON, and the status they are sent with.

use crate::engine::event::Reason;
use crate::store::EventError;
use crate::store::Receipt;
use axum::Json;
use axum::http::StatusCode;
use serde::Serialize;

/// `{"accepted","duplicates","rejected","errors","position"}`.
#[derive(Serialize)]
pub(super) struct Answer<'a> {
    accepted: u64,
    duplicates: u64,
    rejected: u64,
    errors: Vec<Line<'a>>,
    position: u64,
}

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

pub(super) fn json(receipt: &Receipt) -> Json<Answer<'_>> {
    Json(Answer {
        accepted: receipt.accepted,
        duplicates: receipt.duplicates,
        rejected: receipt.rejected,
        errors: receipt.errors.iter().map(Line::from).collect(),
        position: receipt.position,
    })
}

/// A list is answered 200 whatever became of its events, since a client that sends it again as a
/// whole gains nothing. One object, or an atomic list, has a status of its own.
pub(super) fn status(receipt: &Receipt, one: bool, atomic: bool) -> StatusCode {
    let conflict = receipt.errors.first().is_some_and(|error| error.reason == Reason::Conflict);
    match (receipt.rejected, one, atomic) {
        (0, _, _) | (_, false, false) => StatusCode::OK,
        (_, true, _) if conflict => StatusCode::CONFLICT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}
