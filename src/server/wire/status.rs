//! How the server is, as JSON.

use super::snapshot::SnapshotJson;
use crate::engine::Stats;
use crate::store::Status;
use crate::store::Store;
use serde::Serialize;
use std::time::Duration;

/// The whole answer of `/v1/status`.
#[derive(Serialize)]
pub(in crate::server) struct StatusJson {
    name: &'static str,
    version: &'static str,
    uptime_secs: u64,
    position: u64,
    ids: usize,
    ack: &'static str,
    engine: EngineJson,
    /// `null` in memory.
    disk: Option<DiskJson>,
}

#[derive(Serialize)]
struct EngineJson {
    series: usize,
    series_limit: usize,
    memory_bytes: u64,
    memory_bytes_limit: u64,
}

#[derive(Serialize)]
struct DiskJson {
    instance: String,
    free_bytes: u64,
    full: bool,
    failure: Option<String>,
    journal: JournalJson,
    snapshots: Vec<SnapshotJson>,
}

#[derive(Serialize)]
struct JournalJson {
    frames: u64,
    durable_frames: u64,
    waiting_bytes: usize,
    segments: usize,
    bytes: u64,
    oldest_position: u64,
}

impl StatusJson {
    /// Of a store, as it is now.
    pub(in crate::server) fn of(store: &Store, uptime: Duration) -> Self {
        Self {
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
            uptime_secs: uptime.as_secs(),
            position: store.position(),
            ids: store.ids(),
            ack: store.ack().word(),
            engine: (&store.engine().stats()).into(),
            disk: store.status().map(DiskJson::from),
        }
    }
}

impl From<&Stats> for EngineJson {
    fn from(of: &Stats) -> Self {
        Self {
            series: of.series,
            series_limit: of.max_series,
            memory_bytes: of.memory_bytes,
            memory_bytes_limit: of.max_memory_bytes,
        }
    }
}

impl From<Status> for DiskJson {
    fn from(of: Status) -> Self {
        Self {
            instance: of.instance.iter().map(|byte| format!("{byte:02x}")).collect(),
            free_bytes: of.free_bytes,
            full: of.full,
            failure: of.failure,
            snapshots: of.snapshots.iter().map(SnapshotJson::from).collect(),
            journal: JournalJson {
                frames: of.frames.0,
                durable_frames: of.frames.1,
                waiting_bytes: of.waiting_bytes,
                segments: of.segments,
                bytes: of.journal_bytes,
                oldest_position: of.oldest_position,
            },
        }
    }
}
