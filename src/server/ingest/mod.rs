//! Routes that take events: `POST /v1/events` and `POST /v1/ingest/…`.
//!
//! | answer | when |
//! |---|---|
//! | 200 | a list: whatever became of its events; one object: it was counted, or is a duplicate |
//! | 409 | one object whose id came before with another payload |
//! | 422 | one object that was rejected; `?atomic=true` and at least one event at fault |
//! | 400 | nothing in the body could be read as events |
//! | 403 | a browser sent it from a page of another origin |
//! | 408, 413, 415 | the body is too slow, too long, of another type or encoding |
//! | 503 | too many bodies at once; `retry-after` says when to come back |
//!
//! The first three carry the receipt `{accepted, duplicates, rejected, errors, position}`; the
//! others a problem document, and nothing was counted.

mod answer;
mod body;
mod request;

use super::App;
use super::Settings;
use super::error::Problem;
use super::formats::Detail;
use super::formats::Draft;
use super::formats::Fault;
use super::formats::Format;
use super::formats::Reader;
use super::formats::framing::Pieces;
use crate::clock::Clock;
use crate::engine::time::Timestamp;
use crate::store::Batch;
use crate::store::Receipt;
use crate::store::Store;
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::post;
use body::Bodies;
use std::sync::Arc;

/// How many events are read before they are counted: enough to share locks, few enough to stay
/// in the processor's cache and to let other requests have their turn.
const CHUNK: usize = 256;

/// Whose ids these are. With one ingest credential there is one writer.
const WRITER: &str = "";

/// What the routes share.
struct Ingest {
    store: Store,
    clock: Arc<dyn Clock>,
    reader: Reader,
    bodies: Bodies,
    max_atomic_events: usize,
}

pub(super) fn routes(app: &App, settings: &Settings) -> Router<App> {
    let labels = &app.store.engine().config().labels;
    let ingest = Arc::new(Ingest {
        store: app.store.clone(),
        clock: Arc::clone(&app.clock),
        reader: Reader::new(Arc::clone(&app.keyring), labels, settings.max_event_bytes),
        bodies: Bodies::new(settings),
        max_atomic_events: settings.max_atomic_events,
    });
    let take = |format| {
        let ingest = Arc::clone(&ingest);
        post(async move |request: Request| ingest.take(format, request).await)
    };
    Router::new().route("/v1/events", take(Format::Native)).route("/v1/ingest/dify", take(Format::Dify))
}

impl Ingest {
    async fn take(&self, format: Format, request: Request) -> Result<Response, Problem> {
        let (head, body) = request.into_parts();
        let terms = request::Terms::of(&head)?;
        let body = self.bodies.read(&head, terms.encoding, body).await?;
        let pieces =
            Pieces::of(body.bytes(), terms.ndjson).map_err(|detail| Problem::new(StatusCode::BAD_REQUEST, detail))?;
        let (one, now) = (pieces.is_one(), self.clock.now());
        let receipt = if terms.atomic {
            self.count_all_or_none(format, pieces, now)?
        } else {
            self.count(format, pieces, now).await
        };
        let status = answer::status(&receipt, one, terms.atomic);
        Ok((status, answer::json(&receipt)).into_response())
    }

    /// Counts a chunk at a time, and lets others have the thread between two chunks.
    async fn count(&self, format: Format, mut pieces: Pieces<'_>, now: Timestamp) -> Receipt {
        let (mut receipt, mut first) = (Receipt::default(), 0);
        loop {
            let (read, next) = self.count_chunk(format, &mut pieces, first, now);
            receipt.add(next);
            if read < CHUNK {
                return receipt;
            }
            first += read as u64;
            tokio::task::yield_now().await;
        }
    }

    fn count_chunk(&self, format: Format, pieces: &mut Pieces<'_>, first: u64, now: Timestamp) -> (usize, Receipt) {
        let drafts = self.read(format, pieces.take(CHUNK));
        (drafts.len(), self.store.ingest(WRITER, batch(format, first, &drafts, now), false, now))
    }

    /// Reads every event before the first is counted.
    fn count_all_or_none(&self, format: Format, pieces: Pieces<'_>, now: Timestamp) -> Result<Receipt, Problem> {
        let most = self.max_atomic_events;
        if pieces.clone().take(most + 1).count() > most {
            let detail = format!("an atomic request takes at most {most} events; send several, or leave `atomic` out");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
        }
        let drafts = self.read(format, pieces);
        Ok(self.store.ingest(WRITER, batch(format, 0, &drafts, now), true, now))
    }

    fn read<'a>(
        &self,
        format: Format,
        pieces: impl Iterator<Item = Result<&'a str, Detail>>,
    ) -> Vec<Result<Draft<'a>, Fault>> {
        pieces.map(|piece| self.reader.read(format, piece.map_err(Fault::whole)?)).collect()
    }
}

/// The drafts as events, for the store.
fn batch<'d>(format: Format, first: u64, drafts: &'d [Result<Draft<'_>, Fault>], now: Timestamp) -> Batch<'d> {
    let mut batch = Batch::new(format.pointers());
    batch.reserve(drafts.len());
    for (index, draft) in (first..).zip(drafts) {
        match draft {
            Ok(draft) => batch.push(index, draft.event(now), draft.timed()),
            Err(fault) => batch.refuse(fault.clone().at(index)),
        }
    }
    batch
}
