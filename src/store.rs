//! The engine and what stands around it: every event of a request becomes exactly one of
//! accepted, duplicate and rejected, and what was accepted survives.
//!
//! ```text
//! batch ─ decide ─ columns ─┬─ sort out ids ─ journal ─ count ─ remember ─▶ receipt, then its ticket
//!   engine: series, late    │  lock: dedupe   gate: shared
//!                           └─ refused, or came before ────────────────────▶ receipt
//! snapshot ─ lock: dedupe ─ gate: alone, a millisecond ─ image ─ file, in the background
//! ```
//!
//! The columns of a request become one frame of the journal, and what is counted is read from these
//! columns: so replaying the frame counts the same. Locks are taken in the order dedupe, gate, those
//! of the engine.

mod applied;
mod archive;
mod batch;
#[cfg(feature = "server")]
pub(crate) mod bulk;
mod calls;
mod checkpoint;
pub(crate) mod columns;
mod durable;
mod follow;
mod frozen;
pub mod image;
mod intake;
mod open;
pub(crate) mod record;
pub(crate) mod replay;
mod settings;
mod spare;
mod varint;

pub use crate::journal::Ack;
pub use archive::Archive;
pub use batch::Batch;
pub use batch::EventError;
pub use batch::MAX_LISTED;
pub use batch::Receipt;
pub use checkpoint::SnapshotFailed;
pub use checkpoint::SnapshotInfo;
pub use durable::Status;
pub use intake::Committed;
pub use intake::Intake;
pub use intake::Refused;
pub use open::OpenError;
pub use open::Opened;
pub use open::Phase;
pub use settings::Settings;

use crate::dedupe::DEFAULT_HORIZON;
use crate::dedupe::Dedupe;
use crate::dedupe::Hashers;
use crate::engine::Engine;
use crate::engine::event::Event;
use crate::engine::event::Reject;
use crate::engine::time::Timestamp;
use applied::Applied;
use durable::Durable;
use parking_lot::Mutex;
use parking_lot::RwLock;
use spare::Spare;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// An engine that takes each event once, and keeps it where it has a data folder; clones share one
/// state. Dropping the last clone without [`close`](Self::close) is what a crash would be: nothing
/// acknowledged is lost, the next start replays the journal.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    hashers: Hashers,
    dedupe: Mutex<Dedupe>,
    gate: RwLock<()>, // shared by those who append and count, alone by who takes an image
    applied: Applied,
    unnoted: Unnoted,
    durable: Option<Durable>,
    spare: Spare,
}

/// Faults and duplicates that no frame tells of yet.
#[derive(Default)]
struct Unnoted {
    rejected: [AtomicU64; 4],
    duplicates: AtomicU64,
}

impl Store {
    /// A store in memory only: ids are known while it lives, and nothing survives it.
    #[must_use]
    pub fn in_memory(engine: Engine) -> Self {
        Self::in_memory_with(engine, DEFAULT_HORIZON)
    }

    /// The same with another number of ids remembered.
    #[must_use]
    pub fn in_memory_with(engine: Engine, horizon: usize) -> Self {
        let mut instance = [0; 16];
        // Ids of one process are told apart under any key; a random one is merely better.
        let _ = getrandom::fill(&mut instance);
        Self::of(engine, Hashers::new(instance), Dedupe::new(horizon), 0, None)
    }

    fn of(engine: Engine, hashers: Hashers, dedupe: Dedupe, position: u64, durable: Option<Durable>) -> Self {
        let inner = Inner {
            engine,
            hashers,
            dedupe: Mutex::new(dedupe),
            gate: RwLock::new(()),
            applied: Applied::at(position),
            unnoted: Unnoted::default(),
            durable,
            spare: Spare::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The engine, to query. What is recorded with it directly is kept by no journal.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// Every event up to this position, counted from the first ever, is in the engine. Whoever
    /// reads it before a query knows that the answer holds at least these.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.inner.applied.position()
    }

    /// Why nothing is taken any more, if that is so.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.inner.durable.as_ref().and_then(Durable::failure)
    }

    /// Whether too much waits to be written to take anything more right now.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.inner.durable.as_ref().is_some_and(Durable::is_busy)
    }

    /// What an acknowledgement promises.
    #[must_use]
    pub fn ack(&self) -> Ack {
        self.inner.durable.as_ref().map_or(Ack::Memory, |durable| durable.settings.journal.ack)
    }

    /// How many ids and idempotency keys are remembered.
    #[must_use]
    pub fn ids(&self) -> usize {
        self.inner.dedupe.lock().len()
    }

    /// Begins to take a request. Ids are told apart by `writer`.
    #[must_use]
    pub fn intake<'s>(&'s self, writer: &str, now: Timestamp) -> Intake<'s> {
        Intake::new(&self.inner, writer, now)
    }

    /// Takes a whole request and waits until it is as safe as the settings say; blocks.
    ///
    /// With `atomic`, one fault refuses the whole batch: nothing is counted, every event is
    /// rejected, and `errors` names those at fault. Duplicates are no fault.
    ///
    /// # Errors
    /// [`Refused`]: nothing was counted, except after [`Refused::Failed`], where it is not known.
    pub fn ingest(&self, writer: &str, batch: Batch<'_>, atomic: bool, now: Timestamp) -> Result<Receipt, Refused> {
        let mut intake = self.intake(writer, now);
        intake.push(batch);
        intake.commit(atomic)?.wait()
    }

    /// Takes one event without waiting until it is safe; what it answers can be waited for, by
    /// [`wait`](Committed::wait) or, in a future, by [`safe`](Committed::safe).
    ///
    /// # Errors
    /// [`Refused`]: nothing was counted. A fault of the event is no error but in the receipt.
    pub fn take(&self, event: &Event<'_>, now: Timestamp) -> Result<Committed, Refused> {
        let mut batch = Batch::new(|pointer| pointer);
        batch.push(0, *event, true);
        let mut intake = self.intake("", now);
        intake.push(batch);
        intake.commit(false)
    }

    /// Takes one event and waits until it is as safe as the settings say; blocks.
    ///
    /// # Errors
    /// As [`ingest`](Self::ingest). A fault of the event is no error but in the receipt.
    pub fn record(&self, event: &Event<'_>, now: Timestamp) -> Result<Receipt, Refused> {
        self.take(event, now)?.wait()
    }
}

impl Unnoted {
    fn reject(&self, reject: &Reject) {
        self.rejected[reject.reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    fn is_empty(&self) -> bool {
        self.sums() == ([0; 4], 0)
    }

    fn sums(&self) -> ([u64; 4], u64) {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (self.rejected.each_ref().map(load), load(&self.duplicates))
    }

    fn add_duplicates(&self, duplicates: u64) {
        self.duplicates.fetch_add(duplicates, Ordering::Relaxed);
    }

    /// Takes them, to be noted by a frame.
    fn take(&self) -> ([u64; 4], u64) {
        let take = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
        (self.rejected.each_ref().map(take), take(&self.duplicates))
    }

    /// Adds them again: the frame was not taken.
    fn add(&self, rejected: [u64; 4], duplicates: u64) {
        self.rejected.iter().zip(rejected).for_each(|(count, by)| {
            count.fetch_add(by, Ordering::Relaxed);
        });
        self.add_duplicates(duplicates);
    }
}

#[cfg(test)]
mod tests;
