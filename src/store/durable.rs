//! The part of a store that is on the disk.

use super::Inner;
use super::Settings;
use super::SnapshotInfo;
use super::Unnoted;
use super::checkpoint;
use super::frozen::Frozen;
use super::image::Freezer;
use super::intake::Refused;
use super::record::Record;
use crate::engine::time::Timestamp;
use crate::journal::Draft;
use crate::journal::Journal;
use crate::journal::Kind;
use crate::journal::Ticket;
use crate::journal::Unavailable;
use crate::snapshot::SnapshotError;
use crate::storage::Shared;
use parking_lot::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long a snapshot that failed is not tried again.
const RETRY_US: i64 = 30_000_000;

/// Journal, snapshots and what is known of the disk.
pub(super) struct Durable {
    pub(super) storage: Shared,
    pub(super) settings: Settings,
    pub(super) instance: [u8; 16],
    pub(super) journal: Journal,
    pub(super) noted: Unnoted,          // faults and duplicates that frames tell of, in all
    pub(super) freezer: Mutex<Freezer>, // held by the one who takes a snapshot
    pub(super) snapshots: Mutex<Vec<SnapshotInfo>>, // newest first, as of the last look
    pub(super) frozen: Mutex<Option<Frozen>>, // asked for last
    pub(super) opened_us: i64,
    pub(super) full: AtomicBool,
    pub(super) free: AtomicU64,
    pub(super) requests_to: AtomicU64, // frames up to the newest with a request
    pub(super) closed: AtomicBool,
    pub(super) tried_us: AtomicI64, // when a snapshot was tried last, of its own accord
    pub(super) hold_us: AtomicU64,  // how long the last snapshot held ingestion up
}

/// What there is on the disk, and how it is.
#[derive(Clone, Debug)]
pub struct Status {
    /// The installation, made with the data folder.
    pub instance: [u8; 16],
    /// Frames appended, and synced.
    pub frames: (u64, u64),
    /// Bytes waiting to be written.
    pub waiting_bytes: usize,
    /// Segments of the journal and their bytes.
    pub segments: usize,
    /// Bytes of the journal.
    pub journal_bytes: u64,
    /// The position of the oldest call that the journal still tells.
    pub oldest_position: u64,
    /// Snapshots, newest first.
    pub snapshots: Vec<SnapshotInfo>,
    /// Free bytes on the disk, as of the last look.
    pub free_bytes: u64,
    /// Bytes that must stay free.
    pub needed_bytes: u64,
    /// Whether too few are free to take anything in.
    pub full: bool,
    /// How long the last snapshot held ingestion up.
    pub last_hold: Duration,
    /// Why nothing is taken any more.
    pub failure: Option<String>,
}

impl Durable {
    pub(super) fn new(
        storage: Shared,
        settings: Settings,
        instance: [u8; 16],
        journal: Journal,
        noted: ([u64; 4], u64),
        now: Timestamp,
    ) -> Result<Self, SnapshotError> {
        let durable = Self {
            snapshots: Mutex::new(checkpoint::list(&storage)?),
            frozen: Mutex::new(None),
            noted: Unnoted::default(),
            freezer: Mutex::new(Freezer::default()),
            full: AtomicBool::new(false),
            free: AtomicU64::new(0),
            requests_to: AtomicU64::new(journal.progress().durable()),
            closed: AtomicBool::new(false),
            tried_us: AtomicI64::new(0),
            hold_us: AtomicU64::new(0),
            opened_us: now.micros(),
            storage,
            settings,
            instance,
            journal,
        };
        durable.noted.add(noted.0, noted.1);
        durable.look();
        Ok(durable)
    }

    /// Whether anything can be taken in now.
    pub(super) fn admit(&self) -> Result<(), Refused> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(Refused::Failed("the store is closed".to_owned()));
        }
        if self.full.load(Ordering::Relaxed) {
            let free = self.free.load(Ordering::Relaxed);
            return Err(Refused::DiskFull { free, needed: self.settings.min_free_bytes });
        }
        Ok(())
    }

    /// Not on a disk that is nearly full: there a snapshot would be one more thing to fail.
    pub(super) fn is_snapshot_due(&self, now: Timestamp) -> bool {
        let every = i64::from(self.settings.snapshot_every_secs) * 1_000_000;
        let last = self.snapshots.lock().first().map_or(self.opened_us, |newest| newest.taken.micros());
        // A clock that was set back does not make it wait.
        let waits = |since: i64, span: i64| (0..span).contains(&(now.micros() - since));
        let tried = self.tried_us.load(Ordering::Relaxed);
        every > 0 && !self.full.load(Ordering::Relaxed) && !waits(last, every) && !waits(tried, every.min(RETRY_US))
    }

    pub(super) fn failure(&self) -> Option<String> {
        self.journal.progress().failure()
    }

    pub(super) fn is_busy(&self) -> bool {
        self.journal.progress().waiting_bytes() >= self.settings.journal.queue_bytes
    }

    /// Looks at the disk.
    pub(super) fn look(&self) {
        // A disk that can't tell is taken for one with room: writing will say more.
        let free = self.storage.free_bytes().unwrap_or(u64::MAX);
        self.free.store(free, Ordering::Relaxed);
        let needed = self.settings.min_free_bytes;
        self.full.store(free < needed, Ordering::Relaxed);
    }

    /// Ready when every request appended so far is safe. Marks are left out: nothing syncs them.
    pub(super) fn ticket_for_all(&self) -> Ticket {
        self.journal.ticket(self.requests_to.load(Ordering::Acquire))
    }

    pub(super) fn status(&self) -> Status {
        let (progress, extent) = (self.journal.progress(), self.journal.extent());
        Status {
            instance: self.instance,
            frames: (progress.appended(), progress.durable()),
            waiting_bytes: progress.waiting_bytes(),
            segments: extent.segments,
            journal_bytes: extent.bytes,
            oldest_position: extent.first.events,
            snapshots: self.snapshots.lock().clone(),
            free_bytes: self.free.load(Ordering::Relaxed),
            needed_bytes: self.settings.min_free_bytes,
            full: self.full.load(Ordering::Relaxed),
            last_hold: Duration::from_micros(self.hold_us.load(Ordering::Relaxed)),
            failure: progress.failure(),
        }
    }
}

impl Inner {
    /// Gives the events of a record their place, in the journal if there is one. The caller holds
    /// the gate.
    pub(super) fn append(
        &self,
        record: &mut Record,
        now: Timestamp,
        ticket: &mut Option<Ticket>,
    ) -> Result<u64, Refused> {
        let events = record.columns.len();
        let Some(durable) = &self.durable else { return Ok(self.applied.give_out(events as u64)) };
        (record.rejected, record.duplicates) = self.unnoted.take();
        let draft = Draft {
            kind: Kind::Events,
            events: u32::try_from(events).expect("a request is far shorter"),
            arrived: now.micros(),
            span: record.columns.span(),
            payload: record.encode(),
        };
        match durable.journal.append(draft) {
            Ok(appended) => {
                durable.noted.add(record.rejected, record.duplicates);
                durable.requests_to.fetch_max(appended.frame + 1, Ordering::AcqRel);
                *ticket = Some(durable.journal.ticket(appended.frame + 1));
                Ok(appended.base)
            }
            Err(fault) => {
                self.unnoted.add(record.rejected, record.duplicates);
                Err(fault.into())
            }
        }
    }
}

impl From<Unavailable> for Refused {
    fn from(fault: Unavailable) -> Self {
        match fault {
            Unavailable::Busy => Self::Busy,
            Unavailable::Failed(detail) => Self::Failed(detail),
        }
    }
}
