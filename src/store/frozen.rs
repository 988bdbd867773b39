//! Asking a snapshot instead of the present.

use super::Store;
use super::checkpoint::SnapshotFailed;
use super::checkpoint::SnapshotInfo;
use super::checkpoint::list;
use super::checkpoint::reading;
use super::durable::Durable;
use super::image;
use crate::engine::Engine;
use crate::engine::time::Timestamp;
use crate::snapshot::SnapshotError;

/// An engine made of a snapshot, and the instant it is of.
#[derive(Clone)]
pub(super) struct Frozen {
    name: String,
    engine: Engine,
    at: Timestamp,
}

impl Store {
    /// The snapshots that are there, newest first.
    ///
    /// # Errors
    /// [`SnapshotFailed::InMemory`], or of the disk.
    pub fn snapshots(&self) -> Result<Vec<SnapshotInfo>, SnapshotFailed> {
        let durable = self.inner.durable.as_ref().ok_or(SnapshotFailed::InMemory)?;
        Ok(list(&durable.storage)?)
    }

    /// Reads a snapshot whole and checks everything in it.
    ///
    /// # Errors
    /// [`SnapshotFailed::Snapshot`] says what is wrong.
    pub fn verify_snapshot(&self, name: &str) -> Result<SnapshotInfo, SnapshotFailed> {
        let durable = self.inner.durable.as_ref().ok_or(SnapshotFailed::InMemory)?;
        durable.reading(name, |found| {
            image::Thawed::open(&*durable.storage, &found.file())?.check()?;
            Ok(found)
        })
    }

    /// The engine of a snapshot, and the instant it is of. The one asked for last is kept, so that
    /// paging does not read it again.
    ///
    /// # Errors
    /// [`SnapshotFailed::Unknown`], or what is wrong with it.
    pub fn frozen(&self, name: &str) -> Result<(Engine, Timestamp), SnapshotFailed> {
        let durable = self.inner.durable.as_ref().ok_or(SnapshotFailed::InMemory)?;
        durable.reading(name, |found| {
            let mut kept = durable.frozen.lock();
            if let Some(kept) = kept.as_ref().filter(|kept| kept.name == name) {
                return Ok((kept.engine.clone(), kept.at));
            }
            *kept = None; // one at a time in memory
            let thawed = image::Thawed::open(&*durable.storage, &found.file())?;
            let at = Timestamp::from_secs(thawed.facts().now);
            let engine = thawed.restore(durable.settings.engine.clone())?;
            *kept = Some(Frozen { name: name.to_owned(), engine: engine.clone(), at });
            Ok((engine, at))
        })
    }
}

impl Durable {
    /// Reads a snapshot while others may be taken, and older ones removed.
    fn reading<T>(
        &self,
        name: &str,
        read: impl FnOnce(SnapshotInfo) -> Result<T, SnapshotError>,
    ) -> Result<T, SnapshotFailed> {
        reading(&self.storage, name, || drop(self.freezer.lock()), read)
    }
}
