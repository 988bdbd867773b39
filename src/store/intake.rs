//! Taking a request: its events are decided on as they are read, and counted all together.

use super::Inner;
use super::batch::Batch;
use super::batch::EventError;
use super::batch::MAX_LISTED;
use super::batch::Origin;
use super::batch::Receipt;
use super::columns::Columns;
use super::columns::Row;
use super::durable::Durable;
use super::record::Record;
use super::spare::Room;
use crate::dedupe::Dedupe;
use crate::dedupe::Hashers;
use crate::dedupe::IdHash;
use crate::dedupe::Known;
use crate::engine::Decided;
use crate::engine::Decision;
use crate::engine::Engine;
use crate::engine::Resolved;
use crate::engine::event::Reason;
use crate::engine::event::Reject;
use crate::engine::time::Timestamp;
use crate::failpoint;
use crate::journal::Ticket;
use hashbrown::HashMap;

/// Why a request was not taken: nothing of it was counted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too much waits to be written; come back soon.
    #[error("too much is waiting to be written to the disk; send it again soon")]
    Busy,
    /// The disk is nearly full.
    #[error(
        "the disk is nearly full: {free} bytes are free, {needed} must stay free; make room, nothing is removed to make it"
    )]
    DiskFull {
        /// Bytes free.
        free: u64,
        /// Bytes that must stay free.
        needed: u64,
    },
    /// The journal failed, or the store was closed. If the request had been handed over, it is not
    /// known whether it will be there after a restart.
    #[error("the journal failed, and nothing more is taken until a restart: {0}")]
    Failed(String),
    /// The request's idempotency key came before with another body.
    #[error("this idempotency key came before with another body")]
    KeyConflict,
}

/// What [`Intake::commit`] did; it is safe once [`wait`](Self::wait) or [`safe`](Self::safe) says so.
#[must_use = "an acknowledgement must wait for it"]
pub struct Committed {
    receipt: Receipt,
    ticket: Option<Ticket>,
}

/// Room made beforehand, in events: what is told of a request before it is read is no promise.
const MOST_ROOM: usize = 4_096;

/// A request under way.
pub struct Intake<'s> {
    pub(super) inner: &'s Inner,
    pub(super) now: Timestamp,
    pub(super) record: Record,
    pub(super) known: HashMap<u32, u32, foldhash::fast::RandomState>, // the engine's number of a series, and the record's
    pub(super) resolved: Vec<Resolved>,                               // by the record's number
    pub(super) marks: Vec<Mark>,
    key: Option<(IdHash, u64)>,
    pointers: fn(&'static str) -> &'static str,
    errors: Vec<EventError>,
    pub(super) rejected: u64,
    pub(super) scratch: Vec<u8>,
}

/// An event with an id.
pub(super) struct Mark {
    pub(super) row: usize,
    pub(super) origin: Origin,
    pub(super) id: IdHash,
    pub(super) payload: u64,
}

impl<'s> Intake<'s> {
    pub(super) fn new(inner: &'s Inner, writer: &str, now: Timestamp) -> Self {
        let width = inner.engine.config().dimensions().count();
        let Room { columns, known, resolved } = inner.spare.take(width);
        let record = Record::of(writer, columns);
        Self {
            inner,
            now,
            record,
            known,
            resolved,
            marks: Vec::new(),
            key: None,
            pointers: |pointer| pointer,
            errors: Vec::new(),
            rejected: 0,
            scratch: Vec::new(),
        }
    }

    /// Makes room for so many events, or for the first of very many.
    pub fn reserve(&mut self, events: usize) {
        let events = events.min(MOST_ROOM);
        self.record.columns.make_room(events);
        self.known.reserve(events);
        self.resolved.reserve(events);
    }

    /// Names the whole request, so that it counts once however often it is sent: `body` is what it
    /// is known by besides.
    pub fn idempotency_key(&mut self, key: &str, body: &[u8]) {
        let hashers = &self.inner.hashers;
        let body = Hashers::body(body);
        self.key = Some((hashers.key(&self.record.writer, key), body));
        self.record.key = Some((key.to_owned(), body));
    }

    /// Events read so far that were not refused.
    #[must_use]
    pub fn len(&self) -> usize {
        self.record.columns.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Decides on the next events of the request; nothing is counted yet.
    pub fn push(&mut self, batch: Batch<'_>) {
        self.pointers = batch.pointers;
        let engine = &self.inner.engine;
        for error in batch.errors {
            let reject = Reject { reason: error.reason, pointer: "", detail: "" };
            engine.note(std::slice::from_ref(&reject), 0);
            self.reject(&reject, error);
        }
        let mut origins = batch.origins.iter();
        engine.decide(&batch.events, self.now, |event, decision| {
            let origin = *origins.next().expect("each event has its origin");
            let Decision { series, late } = match decision {
                Ok(decision) => decision,
                Err(reject) => return self.reject(&reject, origin.error(&reject, batch.pointers)),
            };
            let mut payload = 0;
            if !event.id.is_empty() {
                let hashers = &self.inner.hashers;
                let id = hashers.id(&self.record.writer, event.id);
                payload = Hashers::payload(event, origin.timed, &mut self.scratch);
                self.marks.push(Mark { row: self.record.columns.len(), origin, id, payload });
            }
            let row = Row {
                series: self.series(&series),
                timestamp: event.timestamp,
                late,
                measures: event.measures,
                id: event.id,
                payload,
                job_id: event.job_id,
                error: event.error,
            };
            self.record.columns.push(&row);
        });
        self.list_faults();
    }

    pub(super) fn reject(&mut self, reject: &Reject, error: EventError) {
        self.inner.unnoted.reject(reject);
        self.rejected += 1;
        self.errors.push(error);
    }

    /// Keeps the first faults. Those of one batch come in two groups, so it must be whole.
    pub(super) fn list_faults(&mut self) {
        if self.errors.len() > MAX_LISTED {
            self.errors.sort_by_key(|error| error.index);
            self.errors.truncate(MAX_LISTED);
        }
    }

    /// The record's number of a series.
    fn series(&mut self, series: &Resolved) -> u32 {
        let Self { known, resolved, record, inner, .. } = self;
        *known.entry(series.id).or_insert_with(|| {
            resolved.push(*series);
            inner.engine.with_names(series, |names| record.columns.add_series(names))
        })
    }

    /// Counts everything that is new, all together: one frame in the journal.
    ///
    /// # Errors
    /// [`Refused`]: nothing was counted.
    pub fn commit(mut self, atomic: bool) -> Result<Committed, Refused> {
        let inner = self.inner;
        if let Some(durable) = &inner.durable {
            durable.admit()?;
        }
        let all = self.len() as u64 + self.rejected;
        let mut dedupe = (self.key.is_some() || !self.marks.is_empty()).then(|| inner.dedupe.lock());
        let duplicates = match dedupe.as_deref() {
            Some(dedupe) => self.drop_duplicates(dedupe)?,
            None => 0,
        };
        let refused = atomic && self.rejected > 0;
        let mut receipt = self.receipt(if refused { all } else { self.rejected });
        if refused {
            return Ok(Committed { receipt, ticket: None });
        }
        receipt.duplicates = duplicates;
        let mut ticket = None;
        if !self.is_empty() {
            self.resolve_again();
            let gate = inner.gate.read();
            let base = inner.append(&mut self.record, self.now, &mut ticket)?;
            if let Some(dedupe) = &mut dedupe {
                self.marks.iter().for_each(|mark| dedupe.remember(mark.id, mark.payload));
                self.key.iter().for_each(|(key, body)| dedupe.remember(*key, *body));
            }
            drop(dedupe);
            failpoint::hit("store.appended");
            receipt.accepted = self.len() as u64;
            let rows = self.record.columns.rows().map(|row| decided(&row, &self.resolved));
            inner.engine.count_decided(rows, base, self.now);
            inner.applied.finish(base, receipt.accepted);
            drop(gate);
            failpoint::hit("store.counted");
            receipt.position = base + receipt.accepted;
        } else if duplicates > 0 {
            // What they repeat may not be safe yet.
            ticket = inner.durable.as_ref().map(Durable::ticket_for_all);
        }
        inner.engine.note(&[], duplicates);
        inner.unnoted.add_duplicates(duplicates);
        let Self { record: Record { columns, .. }, known, resolved, .. } = self;
        inner.spare.give(Room { columns, known, resolved });
        Ok(Committed { receipt, ticket })
    }

    fn receipt(&mut self, rejected: u64) -> Receipt {
        let mut receipt = Receipt { rejected, errors: std::mem::take(&mut self.errors), ..Receipt::default() };
        receipt.position = self.inner.applied.position();
        receipt.list();
        receipt
    }

    /// Drops the events that came before, and answers how many; those whose id came with another
    /// payload are rejected.
    fn drop_duplicates(&mut self, dedupe: &Dedupe) -> Result<u64, Refused> {
        if let Some((key, body)) = self.key {
            match dedupe.look_up(key, body) {
                Known::New => {}
                Known::Other => return Err(Refused::KeyConflict),
                Known::Same => {
                    let all = self.len();
                    self.record.columns.retain(&vec![false; all]);
                    self.marks.clear();
                    return Ok(all as u64);
                }
            }
        }
        let mut keep = vec![true; self.len()];
        let (mut here, mut duplicates) = (HashMap::<IdHash, u64, foldhash::fast::RandomState>::default(), 0);
        for mark in std::mem::take(&mut self.marks) {
            let known = match (dedupe.look_up(mark.id, mark.payload), here.get(&mark.id)) {
                (Known::New, Some(first)) if *first == mark.payload => Known::Same,
                (Known::New, Some(_)) => Known::Other,
                (known, _) => known,
            };
            keep[mark.row] = known == Known::New;
            match known {
                Known::New => {
                    here.insert(mark.id, mark.payload);
                    self.marks.push(mark);
                }
                Known::Same => duplicates += 1,
                Known::Other => self.conflict(mark.origin),
            }
        }
        if keep.contains(&false) {
            self.record.columns.retain(&keep);
        }
        Ok(duplicates)
    }

    fn conflict(&mut self, origin: Origin) {
        let reject =
            Reject { reason: Reason::Conflict, pointer: "/id", detail: "this id came before with another payload" };
        self.inner.engine.note(std::slice::from_ref(&reject), 0);
        let error = origin.error(&reject, self.pointers);
        self.inner.unnoted.reject(&reject);
        self.rejected += 1;
        self.errors.push(error);
    }

    /// Series have other numbers in the record where rows were dropped.
    fn resolve_again(&mut self) {
        if self.record.columns.series().len() != self.resolved.len() {
            self.resolved = recall(&self.inner.engine, &self.record.columns, self.now);
        }
    }
}

/// The engine's series for those of some columns.
pub(super) fn recall(engine: &Engine, columns: &Columns, timestamp: Timestamp) -> Vec<Resolved> {
    columns.series().map(|names| engine.recall(&names, timestamp)).collect()
}

/// A row as the engine counts it.
pub(super) fn decided<'a>(row: &Row<'a>, resolved: &[Resolved]) -> Decided<'a> {
    Decided {
        decision: Decision { series: resolved[row.series as usize], late: row.late },
        timestamp: row.timestamp,
        measures: row.measures,
        id: row.id,
        job_id: row.job_id,
        error: row.error,
    }
}

impl Committed {
    /// Blocks until it is safe.
    ///
    /// # Errors
    /// [`Refused::Failed`]: whether it will be there after a restart is not known.
    pub fn wait(self) -> Result<Receipt, Refused> {
        if let Some(ticket) = self.ticket {
            ticket.wait().map_err(Refused::from)?;
        }
        Ok(self.receipt)
    }

    /// The same without blocking.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub async fn safe(self) -> Result<Receipt, Refused> {
        if let Some(ticket) = self.ticket {
            ticket.await.map_err(Refused::from)?;
        }
        Ok(self.receipt)
    }
}
