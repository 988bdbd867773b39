//! The snapshots of a data folder, read without a server, and beside one.
//!
//! Nothing is locked and nothing is written: a snapshot is whole once it has its name. One that a
//! server removes meanwhile is simply no longer there.

use super::checkpoint::SnapshotFailed;
use super::checkpoint::SnapshotInfo;
use super::checkpoint::list;
use super::checkpoint::reading;
use super::image::Thawed;
use crate::engine::Engine;
use crate::engine::config::Config;
use crate::engine::config::TierConfig;
use crate::engine::image::Facts;
use crate::engine::time::Timestamp;
use crate::snapshot::SnapshotError;
use crate::storage::Disk;
use crate::storage::Shared;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// The snapshots of a data folder.
pub struct Archive {
    storage: Shared,
}

impl Archive {
    /// Opens a data folder to read only.
    ///
    /// # Errors
    /// Of the file system.
    pub fn open(folder: &Path) -> io::Result<Self> {
        Ok(Self { storage: Arc::new(Disk::read_only(folder)?) })
    }

    /// The snapshots that are there, newest first.
    ///
    /// # Errors
    /// [`SnapshotFailed::Snapshot`] of the disk.
    pub fn snapshots(&self) -> Result<Vec<SnapshotInfo>, SnapshotFailed> {
        Ok(list(&self.storage)?)
    }

    /// Reads a snapshot whole and checks everything in it.
    ///
    /// # Errors
    /// [`SnapshotFailed::Unknown`], or what is wrong with it.
    pub fn verify(&self, name: &str) -> Result<SnapshotInfo, SnapshotFailed> {
        self.thawed(name, |thawed, found| thawed.check().map(|()| found))
    }

    /// The engine of a snapshot under the configuration it was taken with, and the instant it is of.
    ///
    /// # Errors
    /// [`SnapshotFailed::Unknown`], or what is wrong with it.
    pub fn frozen(&self, name: &str) -> Result<(Engine, Timestamp), SnapshotFailed> {
        self.thawed(name, |thawed, _| {
            let engine = thawed.restore(config(thawed.facts()))?;
            Ok((engine, Timestamp::from_secs(thawed.facts().now)))
        })
    }

    fn thawed<T>(
        &self,
        name: &str,
        read: impl FnOnce(Thawed, SnapshotInfo) -> Result<T, SnapshotError>,
    ) -> Result<T, SnapshotFailed> {
        reading(&self.storage, name, || {}, |found| read(Thawed::open(&*self.storage, &found.file())?, found))
    }
}

/// What a snapshot tells of the limits it was taken under; none of the others changes an answer.
fn config(facts: &Facts) -> Config {
    let tier = |&(step_secs, len): &(u32, u32)| TierConfig { step_secs, len };
    Config { labels: facts.labels.clone(), tiers: facts.tiers.iter().map(tier).collect(), ..Config::default() }
}
