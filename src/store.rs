//! The engine and what stands around it: every event of a request becomes exactly one of
//! accepted, duplicate and rejected.
//!
//! ```text
//! Batch ─ sort ──┬─ came before, same payload ───────────────> duplicate
//!                ├─ came before, other payload; at fault ────> rejected
//!                └─ new ─ engine.apply ─┬─ counted ─ remember > accepted
//!                                       └─ refused ─────────> rejected
//! ```
//!
//! Ids are looked up, counted and remembered under one lock, so that two requests with the same id
//! count it once. Requests without ids never take that lock.

mod batch;

pub use batch::Batch;
pub use batch::EventError;
pub use batch::MAX_LISTED;
pub use batch::Receipt;

use crate::dedupe::DEFAULT_HORIZON;
use crate::dedupe::Dedupe;
use crate::dedupe::Hashers;
use crate::dedupe::IdHash;
use crate::dedupe::Known;
use crate::engine::Engine;
use crate::engine::event::Event;
use crate::engine::event::Reason;
use crate::engine::event::Reject;
use crate::engine::time::Timestamp;
use batch::Origin;
use batch::Payload;
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// An engine that takes each event once; clones share one state.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    hashers: Hashers,
    dedupe: Mutex<Dedupe>,
    position: AtomicU64,
}

/// The new events of a batch, and what was decided about the others.
#[derive(Default)]
struct Sorted<'a> {
    events: Vec<Event<'a>>,
    origins: Vec<Origin>,
    /// What to remember of `events[i]` once it was counted.
    marks: Vec<Option<(IdHash, u64)>>,
    duplicates: u64,
    errors: Vec<EventError>,
}

impl Store {
    /// A store around an engine; it remembers the last 1,000,000 ids at least.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self::with_horizon(engine, DEFAULT_HORIZON)
    }

    /// The same with another number of ids.
    #[must_use]
    pub fn with_horizon(engine: Engine, horizon: usize) -> Self {
        let dedupe = Dedupe::new(horizon);
        let hashers = dedupe.hashers();
        Self { inner: Arc::new(Inner { engine, hashers, dedupe: Mutex::new(dedupe), position: AtomicU64::new(0) }) }
    }

    /// The engine, to query.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// How many events were accepted so far. Whoever reads it before a query knows that the
    /// answer holds at least so many.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.inner.position.load(Ordering::Acquire)
    }

    /// Takes one request, or one part of a long one. Ids are told apart by `writer`.
    ///
    /// With `atomic`, one fault refuses the whole batch: nothing is counted, every event is
    /// rejected, and `errors` names those at fault. Duplicates are no fault.
    pub fn ingest(&self, writer: &str, batch: Batch<'_>, atomic: bool, now: Timestamp) -> Receipt {
        let mut receipt = if batch.named || atomic {
            self.ingest_with_care(writer, batch, atomic, now)
        } else {
            self.note(&batch.errors, 0);
            let receipt = Receipt { errors: batch.errors, ..Receipt::default() };
            self.count(receipt, &batch.events, &batch.origins, batch.pointers, now, |_| {})
        };
        receipt.rejected = receipt.rejected.max(receipt.errors.len() as u64);
        receipt.list();
        receipt
    }

    /// The way of batches with ids, and of atomic ones.
    fn ingest_with_care(&self, writer: &str, batch: Batch<'_>, atomic: bool, now: Timestamp) -> Receipt {
        let all = batch.len() as u64;
        let pointers = batch.pointers;
        let mut dedupe = batch.named.then(|| self.inner.dedupe.lock());
        let sorted = self.sort(writer, batch, atomic, dedupe.as_deref(), now);
        let refused = atomic && !sorted.errors.is_empty();
        self.note(&sorted.errors, if refused { 0 } else { sorted.duplicates });
        let receipt = Receipt { errors: sorted.errors, ..Receipt::default() };
        if refused {
            return Receipt { rejected: all, position: self.position(), ..receipt };
        }
        let receipt = Receipt { duplicates: sorted.duplicates, ..receipt };
        self.count(receipt, &sorted.events, &sorted.origins, pointers, now, |at| {
            if let (Some((id, payload)), Some(dedupe)) = (sorted.marks[at], dedupe.as_deref_mut()) {
                dedupe.remember(id, payload);
            }
        })
    }

    /// Tells new events from duplicates and faults. An event with an id is checked here, before
    /// the engine sees it, so that a second one with its id in the same batch is a duplicate of an
    /// event that will be counted.
    fn sort<'a>(
        &self,
        writer: &str,
        batch: Batch<'a>,
        atomic: bool,
        dedupe: Option<&Dedupe>,
        now: Timestamp,
    ) -> Sorted<'a> {
        let mut sorted = Sorted { errors: batch.errors, ..Sorted::default() };
        let mut here = HashMap::<IdHash, u64, foldhash::fast::RandomState>::default();
        for (event, origin) in batch.events.into_iter().zip(batch.origins) {
            let mark = dedupe.filter(|_| !event.id.is_empty()).map(|dedupe| {
                let id = self.inner.hashers.id(writer, event.id);
                let payload = self.inner.hashers.payload(Payload { event: &event, timed: origin.timed });
                (id, payload, known(dedupe, &here, id, payload))
            });
            match mark {
                Some((_, _, Known::Same)) => sorted.duplicates += 1,
                Some((_, _, Known::Other)) => sorted.errors.push(origin.error(&CONFLICT, batch.pointers)),
                None if !atomic => sorted.keep(event, origin, None),
                _ => match self.inner.engine.check(&event, now) {
                    Err(reject) => sorted.errors.push(origin.error(&reject, batch.pointers)),
                    Ok(()) => {
                        let mark = mark.map(|(id, payload, _)| (id, payload));
                        here.extend(mark);
                        sorted.keep(event, origin, mark);
                    }
                },
            }
        }
        sorted
    }

    /// Lets the engine count events; `counted` hears of each that was, by its place.
    fn count(
        &self,
        mut receipt: Receipt,
        events: &[Event<'_>],
        origins: &[Origin],
        pointers: fn(&'static str) -> &'static str,
        now: Timestamp,
        mut counted: impl FnMut(usize),
    ) -> Receipt {
        for (at, outcome) in self.inner.engine.apply(events, now).into_iter().enumerate() {
            match outcome {
                Ok(_) => {
                    receipt.accepted += 1;
                    counted(at);
                }
                Err(reject) => receipt.errors.push(origins[at].error(&reject, pointers)),
            }
        }
        receipt.position = self.inner.position.fetch_add(receipt.accepted, Ordering::AcqRel) + receipt.accepted;
        receipt
    }

    /// Tells the engine of what it never sees, for the completeness of its answers.
    fn note(&self, errors: &[EventError], duplicates: u64) {
        if errors.is_empty() && duplicates == 0 {
            return;
        }
        let reject = |error: &EventError| Reject { reason: error.reason, pointer: "", detail: "" };
        let rejects: Vec<Reject> = errors.iter().map(reject).collect();
        self.inner.engine.note(&rejects, duplicates);
    }
}

const CONFLICT: Reject =
    Reject { reason: Reason::Conflict, pointer: "/id", detail: "this id came before with another payload" };

/// What is known about an id: from before, or from earlier in this batch.
fn known(dedupe: &Dedupe, here: &HashMap<IdHash, u64, foldhash::fast::RandomState>, id: IdHash, payload: u64) -> Known {
    match (dedupe.look_up(id, payload), here.get(&id)) {
        (Known::New, Some(first)) if *first == payload => Known::Same,
        (Known::New, Some(_)) => Known::Other,
        (known, _) => known,
    }
}

impl<'a> Sorted<'a> {
    fn keep(&mut self, event: Event<'a>, origin: Origin, mark: Option<(IdHash, u64)>) {
        self.events.push(event);
        self.origins.push(origin);
        self.marks.push(mark);
    }
}

#[cfg(test)]
mod tests;
