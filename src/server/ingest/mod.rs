//! Routes that take events: `POST /v1/events` and `POST /v1/ingest/…`.
//!
//! | answer | when |
//! |---|---|
//! | 200 | a list: whatever became of its events; one object: it was counted, or is a duplicate |
//! | 409 | one object whose id came before with another payload; an `Idempotency-Key` with another body |
//! | 422 | one object that was rejected; `?atomic=true` and at least one event at fault |
//! | 400 | nothing in the body could be read as events |
//! | 403 | a browser sent it from a page of another origin |
//! | 408, 413, 415 | the body is too slow, too long, of another type or encoding |
//! | 503 | too much at once, or the disk is full; `retry-after` says when to come back |
//!
//! The first three carry the receipt `{accepted, duplicates, rejected, errors, position}`, and what
//! was accepted is as safe as the setting `ack` promises; the others a problem document, and nothing
//! was counted, unless it says that this is not known.
//!
//! One request is one entry of the journal: it is read in chunks, and counted as a whole.

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
use crate::store::Committed;
use crate::store::Intake;
use crate::store::Refused;
use crate::store::Store;
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::post;
use body::Bodies;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::runtime::RuntimeFlavor;
use tokio::time::Instant;

/// How many events are read before they are handed over: enough to share locks, few enough to stay
/// in the processor's cache and to let other requests have their turn.
const CHUNK: usize = 256;
/// How many events are counted in place: about a millisecond's worth.
const MAX_IN_PLACE: usize = 4_096;
/// No event takes fewer bytes of a body, its separator included.
const MIN_EVENT_BYTES: usize = 2;
/// How long a request waits for the journal to catch up before it is turned away, and how often it
/// looks.
const BUSY_TIMEOUT: Duration = Duration::from_millis(250);
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// Whose ids these are. With one ingest credential there is one writer.
const WRITER: &str = "";

/// What the routes share.
struct Ingest {
    store: Store,
    clock: Arc<dyn Clock>,
    reader: Reader,
    bodies: Bodies,
    max_events: usize,
}

pub(super) fn routes(app: &App, settings: &Settings) -> Router<App> {
    let labels = &app.store.engine().config().labels;
    let ingest = Arc::new(Ingest {
        store: app.store.clone(),
        clock: Arc::clone(&app.clock),
        reader: Reader::new(Arc::clone(&app.keyring), labels, settings.max_event_bytes),
        bodies: Bodies::new(settings),
        max_events: settings.max_events,
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
        self.check_count(body.bytes(), &pieces)?;
        let (one, now) = (pieces.is_one(), self.clock.now());
        let mut intake = self.store.intake(WRITER, now);
        if let Some(key) = &terms.key {
            intake.idempotency_key(key, body.bytes());
        }
        self.read_all(format, pieces, &mut intake, now).await;
        drop(body); // its room is for others while this request waits for the disk
        self.not_busy().await?;
        let receipt = commit(intake, terms.atomic)?.safe().await?;
        let status = answer::status(&receipt, one, terms.atomic);
        Ok((status, answer::json(&receipt)).into_response())
    }

    /// Refuses more events than one entry of the journal may hold, before the first is read.
    fn check_count(&self, body: &[u8], pieces: &Pieces<'_>) -> Result<(), Problem> {
        let most = self.max_events;
        if body.len() / MIN_EVENT_BYTES < most || pieces.clone().take(most + 1).count() <= most {
            return Ok(());
        }
        let detail = format!("a request takes at most {most} events; send several");
        Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail))
    }

    /// Reads a chunk at a time, and lets others have the thread between two chunks.
    async fn read_all(&self, format: Format, mut pieces: Pieces<'_>, intake: &mut Intake<'_>, now: Timestamp) {
        let mut first = 0;
        loop {
            let read = self.read_chunk(format, &mut pieces, first, intake, now);
            if read < CHUNK {
                return;
            }
            first += read as u64;
            tokio::task::yield_now().await;
        }
    }

    fn read_chunk(
        &self,
        format: Format,
        pieces: &mut Pieces<'_>,
        first: u64,
        intake: &mut Intake<'_>,
        now: Timestamp,
    ) -> usize {
        let drafts = self.read(format, pieces.take(CHUNK));
        intake.push(batch(format, first, &drafts, now));
        drafts.len()
    }

    /// Waits a little where too much waits to be written. Nothing is promised by it: another
    /// request may be quicker, and then this one is turned away.
    async fn not_busy(&self) -> Result<(), Problem> {
        let deadline = Instant::now() + BUSY_TIMEOUT;
        while self.store.is_busy() {
            if Instant::now() >= deadline {
                return Err(Refused::Busy.into());
            }
            tokio::time::sleep(BUSY_PAUSE).await;
        }
        Ok(())
    }

    fn read<'a>(
        &self,
        format: Format,
        pieces: impl Iterator<Item = Result<&'a str, Detail>>,
    ) -> Vec<Result<Draft<'a>, Fault>> {
        pieces.map(|piece| self.reader.read(format, piece.map_err(Fault::whole)?)).collect()
    }
}

/// Counts a request. A long one takes a while: other requests of this thread go on elsewhere.
fn commit(intake: Intake<'_>, atomic: bool) -> Result<Committed, Refused> {
    let elsewhere = Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread;
    if elsewhere && intake.len() > MAX_IN_PLACE {
        return tokio::task::block_in_place(|| intake.commit(atomic));
    }
    intake.commit(atomic)
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
