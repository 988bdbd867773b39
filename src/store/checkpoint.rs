//! Taking snapshots, and what they allow: removing old ones, and what of the journal they cover.

use super::Inner;
use super::Store;
use super::columns::Columns;
use super::durable::Durable;
use super::durable::Status;
use super::intake::Refused;
use super::record::Record;
use crate::engine::time::Timestamp;
use crate::failpoint;
use crate::journal::Draft;
use crate::journal::JournalError;
use crate::journal::Kind;
use crate::journal::Place;
use crate::journal::Unavailable;
use crate::snapshot;
use crate::snapshot::Head;
use crate::snapshot::Snapshot;
use crate::snapshot::SnapshotError;
use crate::snapshot::vouch;
use crate::storage::Shared;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// The pause before a frame of its own is offered again to a journal that is busy.
const BUSY_PAUSE: Duration = Duration::from_millis(5);
/// How many snapshots are kept.
const KEPT: usize = 2;

/// A snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// Its name, without folder and extension.
    pub name: String,
    /// Events it covers.
    pub position: u64,
    /// Frames of the journal it covers.
    pub frames: u64,
    /// The chain over them.
    pub chain: [u8; 32],
    /// When it was taken.
    pub taken: Timestamp,
    /// Bytes of its file.
    pub bytes: u64,
    /// The hash in its footer.
    pub blake3: [u8; 32],
    /// Older files that it needs.
    pub leans_on: usize,
}

impl SnapshotInfo {
    fn of(snapshot: &Snapshot) -> Self {
        let Head { place, taken_us, .. } = snapshot.head();
        Self {
            name: snapshot.name().trim_end_matches(".snap").to_owned(),
            position: place.events,
            frames: place.frames,
            chain: place.chain,
            taken: Timestamp::from_micros(*taken_us).unwrap_or_default(),
            bytes: snapshot.bytes(),
            blake3: *snapshot.blake3(),
            leans_on: snapshot.leans().len(),
        }
    }

    /// The name of its file, without the folder.
    pub(super) fn file(&self) -> String {
        format!("{}.snap", self.name)
    }
}

/// The snapshots whose heads are whole, newest first. One that is removed meanwhile is none.
pub(super) fn list(storage: &Shared) -> Result<Vec<SnapshotInfo>, SnapshotError> {
    let listed = snapshot::list(&**storage)?.into_iter().filter(|listed| listed.head.is_ok());
    let opened = listed.map(|listed| Snapshot::open(&**storage, &listed.name));
    opened
        .filter(|opened| !opened.as_ref().is_err_and(SnapshotError::is_missing))
        .map(|opened| opened.map(|snapshot| SnapshotInfo::of(&snapshot)))
        .collect()
}

/// What `read` makes of one of them; what is wrong with it where its head is not whole. It, or what
/// it leans on, may be removed on the way: after a fault `settle` waits for whoever is removing
/// snapshots, and one that is gone then is unknown, not damaged.
pub(super) fn reading<T>(
    storage: &Shared,
    name: &str,
    settle: impl FnOnce(),
    read: impl FnOnce(SnapshotInfo) -> Result<T, SnapshotError>,
) -> Result<T, SnapshotFailed> {
    let file = format!("{name}.snap");
    let found = snapshot::list(&**storage)?.into_iter().find(|listed| listed.name == file);
    let found = found.ok_or(SnapshotFailed::Unknown)?;
    let info = found.head.and_then(|_| Ok(SnapshotInfo::of(&Snapshot::open(&**storage, &file)?)));
    info.and_then(read).map_err(|fault| {
        settle();
        let again = Snapshot::open(&**storage, &file);
        if again.is_err_and(|fault| fault.is_missing()) { SnapshotFailed::Unknown } else { fault.into() }
    })
}

/// Why there is no new snapshot. What there was is untouched.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotFailed {
    /// There is none of this name.
    #[error("there is no snapshot of this name")]
    Unknown,
    /// There is no data folder.
    #[error("this store is in memory only")]
    InMemory,
    /// The snapshot could not be written.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The journal could not be synced or pruned.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

impl Store {
    /// Takes a snapshot of everything counted so far; events go on being taken meanwhile. Blocks
    /// until it is on the disk. With `full` it leans on no older one. Where nothing was counted
    /// since the newest, that one is answered.
    ///
    /// # Errors
    /// [`SnapshotFailed`].
    pub fn snapshot(&self, full: bool, now: Timestamp) -> Result<SnapshotInfo, SnapshotFailed> {
        let durable = self.inner.durable.as_ref().ok_or(SnapshotFailed::InMemory)?;
        let newest = durable.snapshots.lock().first().cloned();
        match newest {
            Some(newest) if !full && !self.inner.is_ahead(durable) => Ok(newest),
            _ => self.inner.snapshot(durable, full, now),
        }
    }

    /// Looks how much room there is on the disk; too little, and nothing more is taken in.
    pub fn look(&self) {
        self.inner.durable.iter().for_each(Durable::look);
    }

    /// Does what time asks for: looks at the disk, takes a snapshot when one is due, removes what
    /// the journal need not keep. Call it about once a second, apart from
    /// [`Engine::advance`](crate::Engine::advance); it may take seconds.
    ///
    /// # Errors
    /// [`SnapshotFailed`]; it is tried again half a minute later.
    pub fn maintain(&self, now: Timestamp) -> Result<Option<SnapshotInfo>, SnapshotFailed> {
        let Some(durable) = &self.inner.durable else { return Ok(None) };
        durable.look();
        if !durable.is_snapshot_due(now) || !self.inner.is_ahead(durable) {
            return Ok(None);
        }
        durable.tried_us.store(now.micros(), Ordering::Relaxed);
        self.inner.snapshot(durable, false, now).map(Some)
    }

    /// Takes nothing more in, takes a last snapshot if there is anything new, and syncs.
    ///
    /// # Errors
    /// [`SnapshotFailed`]: what was acknowledged is in the journal all the same.
    pub fn close(&self, now: Timestamp) -> Result<(), SnapshotFailed> {
        let Some(durable) = &self.inner.durable else { return Ok(()) };
        durable.closed.store(true, Ordering::SeqCst);
        if self.inner.is_ahead(durable) {
            self.inner.snapshot(durable, false, now)?;
        }
        durable.journal.sync().map_err(Refused::from)?;
        Ok(())
    }

    /// What there is on the disk; nothing for a store in memory.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        self.inner.durable.as_ref().map(Durable::status)
    }
}

/// What as many snapshots cover as are kept, read whole: one that is damaged is none to fall back on.
fn covered_twice(storage: &Shared) -> Result<Place, SnapshotError> {
    let listed = snapshot::list(&**storage)?;
    let whole = listed.iter().filter_map(|listed| snapshot::verify(&**storage, &listed.name).ok());
    Ok(whole.take(KEPT).nth(KEPT - 1).map_or(Place::default(), |oldest| oldest.head().place))
}

/// Ingestion, held up; tells for how long.
struct Held<'a, L> {
    _locks: L,
    since: Instant,
    told: &'a AtomicU64,
}

impl<L> Drop for Held<'_, L> {
    fn drop(&mut self) {
        let held = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.told.store(held, Ordering::Relaxed);
    }
}

impl Inner {
    /// Whether anything was counted that no snapshot covers.
    fn is_ahead(&self, durable: &Durable) -> bool {
        let covered = durable.snapshots.lock().first().map_or(0, |newest| newest.position);
        self.applied.position() > covered
    }

    fn snapshot(&self, durable: &Durable, full: bool, now: Timestamp) -> Result<SnapshotInfo, SnapshotFailed> {
        let mut freezer = durable.freezer.lock();
        let mut cut = None;
        let mut image = self.engine.image(now, || {
            let since = Instant::now();
            let dedupe = self.dedupe.lock();
            let gate = self.gate.write();
            self.note_all(now);
            cut = Some(durable.journal.place_here().map(|place| (place, dedupe.image(), durable.noted.sums())));
            Held { _locks: (dedupe, gate), since, told: &durable.hold_us }
        });
        let (place, ids, noted) = cut.expect("the image was taken").map_err(Refused::from)?;
        // What the journal tells, and no fault that came since.
        (image.facts.rejected, image.facts.duplicates) = noted;
        failpoint::hit("store.image.taken");
        let place = place.recv().map_err(|_| Refused::Failed("the journal stopped".to_owned()))?;
        let head = Head { instance: durable.instance, place, taken_us: now.micros() };
        let written = freezer.write(
            &*durable.storage,
            &image,
            head,
            ids.entries().map(|entry| (entry.id.0, entry.payload)),
            full,
        )?;
        drop(image);
        let published = Snapshot::open(&*durable.storage, &written.name)?;
        failpoint::hit("store.snapshot.published");
        self.tell_of(durable, &published, now)?;
        self.tidy_up(durable, now)?;
        Ok(SnapshotInfo::of(&published))
    }

    /// Writes a frame for the faults and duplicates that none tells of. The caller holds the gate.
    fn note_all(&self, now: Timestamp) {
        if !self.unnoted.is_empty() {
            let mut record = Record::of("", Columns::new(self.engine.config().dimensions().count()));
            // Where there is no room for it now, the next frame tells of them.
            let _ = self.append(&mut record, now, &mut None);
        }
    }

    /// Writes a frame that names a snapshot, so that the chain of the journal vouches for it.
    fn tell_of(&self, durable: &Durable, published: &Snapshot, now: Timestamp) -> Result<(), SnapshotFailed> {
        let draft = || Draft {
            kind: Kind::Snapshot,
            events: 0,
            arrived: now.micros(),
            span: (now.micros(), now.micros()),
            payload: vouch::encode(published.name(), published.blake3()),
        };
        while let Err(fault) = durable.journal.append(draft()) {
            if fault != Unavailable::Busy {
                return Err(Refused::from(fault).into());
            }
            thread::sleep(BUSY_PAUSE);
        }
        durable.journal.sync().map_err(Refused::from)?;
        Ok(())
    }

    /// Removes snapshots and segments that are no longer needed.
    fn tidy_up(&self, durable: &Durable, now: Timestamp) -> Result<(), SnapshotFailed> {
        failpoint::hit("store.tidy.before");
        snapshot::remove_old(&*durable.storage, KEPT)?;
        *durable.snapshots.lock() = list(&durable.storage)?;
        let keep = covered_twice(&durable.storage)?;
        let settings = &durable.settings;
        let oldest = now.plus_secs(-i64::from(settings.journal_max_age_secs)).micros();
        durable.journal.prune(keep, settings.journal_max_bytes, oldest)?;
        failpoint::hit("store.tidy.after");
        Ok(())
    }
}
