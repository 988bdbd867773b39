//! The events of a body, one after another, into an intake.

use super::Ingest;
use super::too_many;
use crate::engine::time::Timestamp;
use crate::server::error::Problem;
use crate::server::formats::Detail;
use crate::server::formats::Draft;
use crate::server::formats::Fault;
use crate::server::formats::Format;
use crate::server::formats::Habits;
use crate::server::formats::framing::Pieces;
use crate::store::Batch;
use crate::store::Intake;
use axum::http::StatusCode;

/// How many events are read before they are handed over: enough to share locks, few enough to stay
/// in the processor's nearest cache.
const CHUNK: usize = 32;
/// No event takes fewer bytes of a body, its separator included.
const MIN_EVENT_BYTES: usize = 2;

impl Ingest {
    /// Refuses more events than one entry of the journal may hold, before the first is read.
    fn check_count(&self, body: &[u8], pieces: &Pieces<'_>) -> Result<(), Problem> {
        let most = self.max_events;
        let few = || body.len() / MIN_EVENT_BYTES < most || pieces.bound() <= most;
        if few() || pieces.clone().take(most + 1).count() <= most {
            return Ok(());
        }
        Err(too_many(most))
    }

    /// Reads a body; answers whether it is one event, and not a list. One ordinary event, which is what most senders
    /// send, is read without looking first what the body is.
    pub(super) fn read(
        &self,
        format: Format,
        ndjson: bool,
        body: &[u8],
        intake: &mut Intake<'_>,
        now: Timestamp,
    ) -> Result<bool, Problem> {
        if !ndjson && let Some(draft) = self.reader.read_ordinary(format, body) {
            let mut batch = Batch::new(format.pointers());
            batch.push(0, draft.event(now), draft.timed());
            intake.reserve(1);
            intake.push(batch);
            return Ok(true);
        }
        let pieces = Pieces::of(body, ndjson).map_err(|detail| Problem::new(StatusCode::BAD_REQUEST, detail))?;
        self.check_count(body, &pieces).map_err(|refused| self.count(refused))?;
        let one = pieces.is_one();
        intake.reserve(pieces.bound());
        self.read_all(format, pieces, intake, now);
        Ok(one)
    }

    fn read_all(&self, format: Format, mut pieces: Pieces<'_>, intake: &mut Intake<'_>, now: Timestamp) {
        let (mut first, mut habits) = (0, Habits::default());
        loop {
            let indexed = (first..).zip(pieces.by_ref()).take(CHUNK);
            let read = self.read_chunk(format, &mut habits, indexed, intake, now);
            if read < CHUNK {
                return;
            }
            first += read as u64;
        }
    }

    /// Reads events with their places in the request, and hands them over; answers how many there
    /// were.
    fn read_chunk<'a>(
        &self,
        format: Format,
        habits: &mut Habits,
        pieces: impl Iterator<Item = (u64, Result<&'a str, Detail>)>,
        intake: &mut Intake<'_>,
        now: Timestamp,
    ) -> usize {
        let mut drafts = Vec::with_capacity(pieces.size_hint().1.unwrap_or(CHUNK));
        let mut batch = Batch::new(format.pointers());
        for (index, piece) in pieces {
            // It is written where it stays: a draft is larger than what is told in it.
            drafts.push((index, Draft::default()));
            let Some((_, draft)) = drafts.last_mut() else { continue };
            let read = piece.map_err(Fault::whole).and_then(|text| self.reader.read_into(format, habits, text, draft));
            if let Err(fault) = read {
                drafts.pop();
                batch.refuse(fault.at(index));
            }
        }
        let read = batch.len() + drafts.len();
        batch.reserve(drafts.len());
        drafts.iter().for_each(|(index, draft)| batch.push(*index, draft.event(now), draft.timed()));
        intake.push(batch);
        read
    }
}
