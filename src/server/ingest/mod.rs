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

mod admission;
mod answer;
mod batch;
mod body;
mod events;
mod request;

use super::App;
use super::Settings;
use super::access::Caller;
use super::access::Scope;
use super::counters::Counters;
use super::counters::Refusal;
use super::error::Problem;
use super::formats::Format;
use super::formats::Reader;
use super::routes::Routes;
use super::threads::Threads;
use super::turns;
use crate::clock::Clock;
use crate::engine::time::Timestamp;
use crate::privacy::Keyring;
use crate::store::Committed;
use crate::store::Intake;
use crate::store::Refused;
use crate::store::Store;
use admission::Admission;
use admission::Turn;
use axum::Extension;
use axum::body::Body;
use axum::http::Request;
use axum::http::Response;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::post;
use body::Bodies;
use body::WholeBody;
use bytes::Bytes;
use hyper::body::Body as HttpBody;
use request::Encoding;
use request::Terms;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Bodies up to so many bytes are read and counted where they came in: a tenth of a millisecond's
/// work, and going elsewhere takes some 10 µs.
const MAX_IN_PLACE: usize = 16 << 10;
/// How long a request waits for the journal to catch up before it is turned away, and how often it
/// looks.
const BUSY_TIMEOUT: Duration = Duration::from_millis(250);
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// What the routes share.
pub(super) struct Ingest {
    store: Store,
    keyring: Arc<Keyring>,
    clock: Arc<dyn Clock>,
    reader: Reader,
    admission: Arc<Admission>,
    counting: Threads, // for the longer bodies
    bodies: Bodies,
    max_events: usize,
    counters: Arc<Counters>,
}

/// Where events are taken, and in which format.
pub(super) const ROUTES: [(&str, Format); 2] = [("/v1/events", Format::Native), ("/v1/ingest/dify", Format::Dify)];

pub(super) fn routes(routes: Routes, ingest: &Arc<Ingest>) -> Routes {
    ROUTES.into_iter().fold(routes, |routes, (path, format)| {
        let ingest = Arc::clone(ingest);
        let take = post(async move |Extension(caller): Extension<Caller>, request: Request<Body>| {
            ingest.take(format, &caller, request).await.map(|answer| answer.map(Body::from))
        });
        routes.post(path, Scope::Ingest, take)
    })
}

/// Whether it was one event and not a list, and what became of it.
type Counted = (bool, Result<Committed, Refused>);

impl Ingest {
    pub(super) fn new(app: &App, settings: &Settings) -> Arc<Self> {
        let labels = &app.store.engine().config().labels;
        Arc::new(Self {
            store: app.store.clone(),
            keyring: Arc::clone(&app.keyring),
            clock: Arc::clone(&app.clock),
            reader: Reader::new(Arc::clone(&app.keyring), labels, settings.max_event_bytes),
            admission: Arc::new(Admission::new(settings, app.questions.counting())),
            counting: Threads::new("count", turns::most()),
            bodies: Bodies::new(settings),
            max_events: settings.max_events,
            counters: Arc::clone(&app.counters),
        })
    }

    pub(super) async fn take<B>(
        self: &Arc<Self>,
        format: Format,
        caller: &Caller,
        request: Request<B>,
    ) -> Result<Response<Bytes>, Problem>
    where
        B: HttpBody<Data = Bytes> + Unpin,
    {
        let (head, body) = request.into_parts();
        let terms = Terms::of(&head).map_err(|refused| self.count(refused))?;
        let body = self.receive(&head, terms.encoding, body).await.map_err(|refused| self.count(refused))?;
        let turn = self.admission.enter(body.bytes().len(), terms.encoding).await;
        let turn = turn.map_err(|refused| self.count(refused))?;
        let body = self.bodies.unpack(body, terms.encoding).await.map_err(|refused| self.count(refused))?;
        self.not_busy().await.map_err(|refused| self.count(refused))?;
        let atomic = terms.atomic;
        let (one, committed) = self.take_whole(format, &caller.name, terms, body, turn).await?;
        let receipt = committed?.safe().await?;
        Ok(answer::response(&receipt, one, atomic))
    }

    /// Reads and counts a whole body, a long one on a thread for that.
    async fn take_whole(
        self: &Arc<Self>,
        format: Format,
        writer: &str,
        terms: Terms,
        body: WholeBody,
        turn: Turn,
    ) -> Result<Counted, Problem> {
        if body.bytes().len() <= MAX_IN_PLACE {
            return self.count_whole(format, writer, &terms, body, turn);
        }
        let (ingest, writer) = (Arc::clone(self), writer.to_owned());
        let counted = self.counting.run(move || ingest.count_whole(format, &writer, &terms, body, turn)).await;
        counted.unwrap_or_else(|| Err(self.count(Problem::busy("there are no threads to count events"))))
    }

    /// The turn and the body's room last as long as this, whether or not its client is still there; they are for
    /// others while the request waits for the disk.
    #[expect(clippy::needless_pass_by_value, reason = "they are over with it")]
    fn count_whole(
        &self,
        format: Format,
        writer: &str,
        terms: &Terms,
        body: WholeBody,
        _turn: Turn,
    ) -> Result<Counted, Problem> {
        let now = self.clock.now();
        let mut intake = self.store.intake(writer, now);
        if let Some(key) = &terms.key {
            // The journal keeps it: a secret sent there by mistake must not lie on the disk.
            intake.idempotency_key(&self.keyring.scrub(key, ""), body.bytes());
        }
        let one = if terms.batch {
            self.read_batch(format, body.bytes(), &mut intake, now)?;
            false
        } else {
            self.read(format, terms.ndjson, body.bytes(), &mut intake, now)?
        };
        Ok((one, intake.commit(terms.atomic)))
    }

    /// Reads a compact batch.
    fn read_batch(&self, format: Format, body: &[u8], intake: &mut Intake<'_>, now: Timestamp) -> Result<(), Problem> {
        if format != Format::Native {
            let detail = "a compact batch is for `/v1/events`";
            return Err(self.count(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)));
        }
        batch::check(body, self.max_events).map_err(|refused| self.count(refused))?;
        batch::read(&self.reader, body, intake, now)
    }

    /// Reads a body, unless there is too much to do: then none of it is kept.
    async fn receive<B>(&self, head: &Parts, encoding: Encoding, body: B) -> Result<WholeBody, Problem>
    where
        B: HttpBody<Data = Bytes> + Unpin,
    {
        if let Err(refused) = self.admission.wait_at_the_door().await {
            body::throw_away(head, body).await;
            return Err(refused);
        }
        self.bodies.read(head, encoding, body).await
    }

    /// Counts a request that is turned away.
    fn count(&self, refused: Problem) -> Problem {
        match refused.status() {
            StatusCode::SERVICE_UNAVAILABLE => self.counters.refuse(Refusal::Overload),
            StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                self.counters.refuse(Refusal::Body);
            }
            _ => {}
        }
        refused
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
}

fn too_many(most: usize) -> Problem {
    let detail = format!("a request takes at most {most} events; send several");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}
