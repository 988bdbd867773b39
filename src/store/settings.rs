//! What a store with a data folder is told.

use crate::dedupe::DEFAULT_HORIZON;
use crate::engine::config::Config;
use crate::journal;

/// Limits of a [`Store`](super::Store) with a data folder.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Limits of the engine.
    pub engine: Config,
    /// Limits of the journal, and what an acknowledgement promises.
    pub journal: journal::Settings,
    /// How many ids are remembered at least. Default 1,000,000.
    pub id_horizon: usize,
    /// Seconds between two snapshots, where anything came in between; 0 takes them on demand and
    /// at the end only. Default 300.
    pub snapshot_every_secs: u32,
    /// Bytes of the journal above which its oldest segments are removed, once two snapshots cover
    /// them. Default 8 GiB.
    pub journal_max_bytes: u64,
    /// Seconds after which segments are removed, likewise. Default 31 days.
    pub journal_max_age_secs: u32,
    /// Free bytes on the disk below which nothing is taken in. Default 256 MiB.
    pub min_free_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            engine: Config::default(),
            journal: journal::Settings::default(),
            id_horizon: DEFAULT_HORIZON,
            snapshot_every_secs: 300,
            journal_max_bytes: 8 << 30,
            journal_max_age_secs: 31 * 86_400,
            min_free_bytes: 256 << 20,
        }
    }
}
