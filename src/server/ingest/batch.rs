//! A compact batch as the body of a request.

use super::too_many;
use crate::batch::Decoded;
use crate::batch::Malformed;
use crate::engine::time::Timestamp;
use crate::server::error::Problem;
use crate::server::formats::Reader;
use crate::server::formats::compact;
use crate::store::Intake;
use axum::http::StatusCode;

/// Whether a batch says that it has as many events as may be.
pub(super) fn check(body: &[u8], most: usize) -> Result<(), Problem> {
    match Decoded::told(body).map_err(malformed)? {
        0 => Err(Problem::new(StatusCode::BAD_REQUEST, "the batch holds no event")),
        rows if rows > most => Err(too_many(most)),
        _ => Ok(()),
    }
}

/// Reads a batch and decides on its events.
pub(super) fn read(reader: &Reader, body: &[u8], intake: &mut Intake<'_>, now: Timestamp) -> Result<(), Problem> {
    compact::push(reader, body, intake, now).map_err(malformed)
}

fn malformed(fault: Malformed) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, fault.to_string())
}
