//! What keeping calls costs: the journal at each promise, snapshots, recovery, proofs.
//!
//! Everything is on the disk that holds the folder for temporary files (`TMPDIR`).

use super::Effort;
use super::ROUNDS;
use super::row::Row;
use super::row::percentile;
use super::traffic::START;
use super::traffic::Traffic;
use crate::audit;
use crate::cli::exit::Failure;
use crate::engine::time::Timestamp;
use crate::storage::Disk;
use crate::storage::Shared;
use crate::store::Ack;
use crate::store::Batch;
use crate::store::Settings;
use crate::store::Store;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Instant;
use tempfile::TempDir;

const BATCH: usize = 1_000;
/// Calls in a second of the engine's time.
const PACE: usize = 50_000;

pub(super) fn rows(effort: Effort) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    let traffic = Traffic::new(50_000);
    for (name, ack) in [("memory", Ack::Memory), ("write", Ack::Write), ("fsync", Ack::Fsync)] {
        for writers in [1, 2, 16] {
            rows.push(taking(name, ack, writers, &traffic, effort)?);
        }
    }
    rows.extend(waiting(&traffic, effort)?);
    for (name, series) in [("50k", 50_000), ("1M", effort.of(1_000_000, 200_000))] {
        rows.extend(snapshots(name, series, effort)?);
    }
    rows.extend(recovery(&traffic, effort)?);
    Ok(rows)
}

/// A store in a folder of its own.
struct Site {
    store: Store,
    folder: TempDir,
    sent: AtomicUsize,
}

impl Site {
    fn new(ack: Ack) -> Result<Self, Failure> {
        let folder = tempfile::tempdir().map_err(|fault| Failure::file("a folder for temporary files", &fault))?;
        Ok(Self { store: open(folder.path(), ack, START)?, folder, sent: AtomicUsize::new(0) })
    }

    /// Sends one request of so many calls, at the pace of the engine's time.
    fn send(&self, traffic: &Traffic, calls: usize) {
        let first = self.sent.fetch_add(calls, Ordering::Relaxed);
        let now = instant(first);
        let mut batch = Batch::new(|pointer| pointer);
        (0..calls as u64).for_each(|n| batch.push(n, traffic.source(first + n as usize).event(now), true));
        let receipt = self.store.ingest("", batch, false, now).expect("a disk with room");
        assert_eq!(receipt.accepted, calls as u64);
    }

    fn now(&self) -> Timestamp {
        instant(self.sent.load(Ordering::Relaxed))
    }
}

fn instant(calls: usize) -> Timestamp {
    Timestamp::from_secs(START + (calls / PACE).cast_signed() as i64)
}

fn open(folder: &Path, ack: Ack, second: i64) -> Result<Store, Failure> {
    let mut settings = Settings { snapshot_every_secs: 0, ..Settings::default() };
    settings.journal.ack = ack;
    let opened = Store::open(folder, settings, Timestamp::from_secs(second), &mut |_| {});
    opened.map(|(store, _)| store).map_err(|fault| Failure::unreachable(fault.to_string()))
}

/// How many events a second are taken, a thousand a request.
fn taking(name: &str, ack: Ack, writers: usize, traffic: &Traffic, effort: Effort) -> Result<Row, Failure> {
    let site = Site::new(ack)?;
    let rate = || {
        let (began, sent) = (Instant::now(), site.sent.load(Ordering::Relaxed));
        thread::scope(|scope| {
            for _ in 0..writers {
                scope.spawn(|| {
                    while began.elapsed() < effort.round() {
                        site.send(traffic, BATCH);
                    }
                });
            }
        });
        (site.sent.load(Ordering::Relaxed) - sent) as f64 / began.elapsed().as_secs_f64() / 1e6
    };
    rate(); // the first segment, the first series
    let rates: Vec<f64> = (0..ROUNDS).map(|_| rate()).collect();
    let threads = if writers == 1 { "1 thread".to_owned() } else { format!("{writers} threads") };
    Ok(Row::new(format!("store: ack = {name}, {BATCH} events a request, {threads}"), "M events/s", rates))
}

/// How long one thread waits for an acknowledgement, and what a call takes in the journal.
fn waiting(traffic: &Traffic, effort: Effort) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for calls in [1, BATCH] {
        let site = Site::new(Ack::Fsync)?;
        let (mut middle, mut tail) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (began, mut each) = (Instant::now(), Vec::new());
            while each.is_empty() || began.elapsed() < effort.round() {
                let asked = Instant::now();
                site.send(traffic, calls);
                each.push(asked.elapsed().as_secs_f64() * 1e3);
            }
            middle.push(percentile(&mut each, 50));
            tail.push(percentile(&mut each, 99));
        }
        let name =
            format!("store: ack = fsync, {calls} event{} a request, 1 thread", if calls == 1 { "" } else { "s" });
        rows.push(Row::new(format!("{name}, p50"), "ms", middle));
        rows.push(Row::new(format!("{name}, p99"), "ms", tail));
    }
    Ok(rows)
}

/// A full snapshot while calls go on being recorded.
fn snapshots(name: &str, series: usize, effort: Effort) -> Result<Vec<Row>, Failure> {
    let (traffic, site) = (Traffic::new(series), Site::new(Ack::Memory)?);
    for sources in traffic.sources.chunks(BATCH) {
        let mut batch = Batch::new(|pointer| pointer);
        (0..).zip(sources).for_each(|(n, source)| batch.push(n, source.event(Timestamp::from_secs(START)), true));
        let _ = site.store.ingest("", batch, false, Timestamp::from_secs(START)).expect("a disk with room");
    }
    for _ in 0..effort.of(3_000, 300) {
        site.send(&traffic, BATCH);
    }
    let (mut held, mut seconds, mut bytes, done) = (Vec::new(), Vec::new(), Vec::new(), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                site.send(&traffic, BATCH);
                thread::yield_now();
            }
        });
        for _ in 0..ROUNDS {
            let began = Instant::now();
            let info = site.store.snapshot(true, site.now()).expect("a disk with room");
            seconds.push(began.elapsed().as_secs_f64());
            bytes.push(info.bytes as f64 / 1e6);
            held.push(site.store.status().map_or(0.0, |status| status.last_hold.as_secs_f64() * 1e3));
        }
        done.store(true, Ordering::Relaxed);
    });
    Ok(vec![
        Row::new(format!("snapshot: {name} series, ingestion held up for"), "ms", held),
        Row::new(format!("snapshot: {name} series, written in"), "s", seconds),
        Row::new(format!("snapshot: {name} series, file"), "MB", bytes),
    ])
}

/// Ten million events, a crash, a start, a proof.
fn recovery(traffic: &Traffic, effort: Effort) -> Result<Vec<Row>, Failure> {
    let events = effort.of(10_000_000, 1_000_000);
    let site = Site::new(Ack::Write)?;
    while site.sent.load(Ordering::Relaxed) < events {
        site.send(traffic, BATCH);
    }
    let second = site.now().secs();
    let Site { store, folder, .. } = site;
    let used = used_bytes(folder.path());
    drop(store);
    let used = used.map_err(|fault| Failure::file(folder.path().display(), &fault))?;
    let (mut opening, mut proving) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let began = Instant::now();
        let store = open(folder.path(), Ack::Write, second)?;
        opening.push(began.elapsed().as_secs_f64());
        assert_eq!(store.position(), events as u64);
        drop(store);
        let began = Instant::now();
        prove(folder.path())?;
        proving.push(used as f64 / 1e6 / began.elapsed().as_secs_f64());
    }
    let millions = events / 1_000_000;
    Ok(vec![
        Row::new("journal: a call takes", "bytes", [used as f64 / events as f64]),
        Row::new(format!("recovery: {millions} M events from the journal alone"), "s", opening),
        Row::new("verify: the same journal", "MB/s", proving),
    ])
}

/// `verify`, as the command does it.
fn prove(folder: &Path) -> Result<(), Failure> {
    let disk = Disk::read_only(folder).map_err(|fault| Failure::file(folder.display(), &fault))?;
    let storage: Shared = Arc::new(disk);
    let report = audit::verify(&storage, None).map_err(|fault| Failure::unreachable(fault.to_string()))?;
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    Ok(())
}

/// Bytes of the segments that are not zeros at the end.
fn used_bytes(folder: &Path) -> io::Result<u64> {
    let mut used = 0;
    for file in fs::read_dir(folder.join("journal"))? {
        let bytes = fs::read(file?.path())?;
        used += bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1);
    }
    Ok(used)
}
