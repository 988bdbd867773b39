//! Figures of the server itself.

use super::Began;
use super::family::Metric;
use crate::engine::Stats;
use crate::engine::config::Config;
use crate::engine::event::Dimension;
use crate::engine::event::Reason;
use crate::engine::time::Timestamp;
use crate::server::App;
use crate::server::Recovery;
use crate::server::counters::Counters;
use crate::server::counters::Refusal;
use crate::store::Status;
use std::sync::atomic::Ordering;

pub(super) fn metrics(app: &App, began: &Began) -> Vec<Metric> {
    let now = app.clock.now();
    let stats = app.store.engine().stats();
    let mut metrics = server(app, began);
    metrics.extend(events(&stats, &began.stats));
    metrics.extend(engine(&stats, app.store.engine().config()));
    metrics.extend(requests(&app.counters, began));
    metrics.extend(app.store.status().map(|status| disk(&status, now)).unwrap_or_default());
    metrics.extend(app.recovery.as_deref().map(recovery).unwrap_or_default());
    metrics
}

fn server(app: &App, began: &Began) -> Vec<Metric> {
    let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
    vec![
        Metric::gauge("tallyring_build_info", "Always 1; the release of the server.").with(version, 1_u64),
        Metric::gauge("tallyring_uptime_seconds", "Since it began to answer.").is(began.at.elapsed().as_secs_f64()),
        Metric::gauge("tallyring_position", "Events ever accepted, those before a restart too.")
            .is(app.store.position()),
        Metric::gauge("tallyring_ids", "Ids and idempotency keys remembered.").is(app.store.ids()),
    ]
}

/// Since the server began. The engine's own counts go on from what a snapshot held, and after a
/// crash may be behind what was told before it.
fn events(stats: &Stats, began: &Stats) -> Vec<Metric> {
    let mut rejected = Metric::counter("tallyring_events_rejected", "Events rejected, by reason.");
    for (reason, (count, before)) in Reason::ALL.iter().zip(stats.rejected.iter().zip(began.rejected)) {
        rejected.push(vec![("reason", reason.word().to_owned())], count.saturating_sub(before));
    }
    let counter = |name: &str, help, count: u64, before| Metric::counter(name, help).is(count.saturating_sub(before));
    vec![
        counter("tallyring_events_accepted", "Events accepted.", stats.accepted, began.accepted),
        counter("tallyring_events_late", "Events accepted late.", stats.late, began.late),
        counter("tallyring_events_duplicate", "Events that had come before.", stats.duplicates, began.duplicates),
        rejected,
    ]
}

fn engine(stats: &Stats, config: &Config) -> Vec<Metric> {
    let mut values = Metric::gauge("tallyring_dimension_values", "Values held, by dimension.");
    let mut limits = Metric::gauge("tallyring_dimension_values_limit", "The most values of a dimension.");
    for (dimension, count) in config.dimensions().zip(&stats.values) {
        let labels = vec![("dimension", config.name(dimension).to_owned())];
        let limit = match dimension {
            Dimension::Key | Dimension::User => config.max_identities,
            _ => config.max_values,
        };
        values.push(labels.clone(), *count);
        limits.push(labels, u64::from(limit));
    }
    vec![
        Metric::gauge("tallyring_memory_bytes", "Memory held by counts, by their own account.").is(stats.memory_bytes),
        Metric::gauge("tallyring_memory_limit_bytes", "The budget of that memory.").is(stats.max_memory_bytes),
        Metric::gauge("tallyring_series", "Series held.").is(stats.series),
        Metric::gauge("tallyring_series_limit", "The most series.").is(stats.max_series),
        values,
        limits,
    ]
}

fn requests(counters: &Counters, began: &Began) -> Vec<Metric> {
    let mut refused = Metric::counter("tallyring_requests_refused", "Requests turned away, by reason.");
    for refusal in Refusal::ALL {
        refused.push(vec![("reason", refusal.word().to_owned())], counters.refused(refusal));
    }
    let (slow, limits) = (counters.slow_readers.load(Ordering::Relaxed), &began.settings);
    vec![
        refused,
        Metric::gauge("tallyring_connections", "Connections open.").is(counters.connections()),
        Metric::gauge("tallyring_connections_limit", "The most connections.").is(limits.max_connections),
        Metric::gauge("tallyring_streams", "Live streams open.").is(counters.streams()),
        Metric::gauge("tallyring_streams_limit", "The most live streams.").is(limits.max_streams),
        Metric::counter("tallyring_slow_readers", "Live streams ended because their reader was too slow.").is(slow),
    ]
}

fn disk(status: &Status, now: Timestamp) -> Vec<Metric> {
    let (frames, durable) = status.frames;
    let mut metrics = vec![
        Metric::gauge("tallyring_journal_frames", "Entries ever appended to the journal.").is(frames),
        Metric::gauge("tallyring_journal_durable_frames", "Of these, entries synced.").is(durable),
        Metric::gauge("tallyring_journal_waiting_bytes", "Bytes waiting to be written.").is(status.waiting_bytes),
        Metric::gauge("tallyring_journal_segments", "Files of the journal.").is(status.segments),
        Metric::gauge("tallyring_journal_bytes", "Bytes of the journal, reserved ones too.").is(status.journal_bytes),
        Metric::gauge("tallyring_journal_oldest_position", "The oldest call still listed.").is(status.oldest_position),
        Metric::gauge("tallyring_journal_failed", "1 once the journal failed.").is(status.failure.is_some()),
        Metric::gauge("tallyring_disk_free_bytes", "Bytes free on the disk.").is(status.free_bytes),
        Metric::gauge("tallyring_disk_needed_bytes", "Free bytes below which nothing is taken.")
            .is(status.needed_bytes),
        Metric::gauge("tallyring_disk_full", "1 while too few bytes are free to take calls.").is(status.full),
        Metric::gauge("tallyring_snapshots", "Snapshots kept.").is(status.snapshots.len()),
    ];
    if let Some(newest) = status.snapshots.first() {
        let age = (now.micros() - newest.taken.micros()).max(0) as f64 / 1e6;
        let hold = status.last_hold.as_secs_f64();
        metrics.push(Metric::gauge("tallyring_snapshot_age_seconds", "Since the newest snapshot was taken.").is(age));
        metrics.push(Metric::gauge("tallyring_snapshot_bytes", "Bytes of the newest snapshot.").is(newest.bytes));
        metrics.push(Metric::gauge("tallyring_snapshot_hold_seconds", "How long it held calls up.").is(hold));
    }
    metrics
}

fn recovery(recovery: &Recovery) -> Vec<Metric> {
    let Recovery { opened, took } = recovery;
    let passed_over = opened.passed_over.len();
    vec![
        Metric::gauge("tallyring_recovery_seconds", "How long the last start took.").is(took.as_secs_f64()),
        Metric::gauge("tallyring_recovery_replayed_events", "Events it read from the journal.").is(opened.replayed),
        Metric::gauge("tallyring_recovery_torn_bytes", "Bytes of a cut-off write it removed.").is(opened.torn_bytes),
        Metric::gauge("tallyring_recovery_damaged_snapshots", "Snapshots it could not use.").is(passed_over),
    ]
}
