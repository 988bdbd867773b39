//! How fast NDJSON is read into events, before anything is counted; and compact batches, counted.

use super::Effort;
use super::ROUNDS;
use super::row::Row;
use super::traffic::START;
use super::traffic::Traffic;
use crate::engine::time::Timestamp;
use crate::privacy::Keyring;
use crate::server::formats::Draft;
use crate::server::formats::Format;
use crate::server::formats::Habits;
use crate::server::formats::Reader;
use crate::server::formats::compact;
use crate::server::formats::framing::Pieces;
use crate::store::Committed;
use crate::store::Store;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

const SERIES: usize = 10_000;
const EVENTS: usize = 20_000;
/// Calls in a second of the engine's time.
const PACE: usize = 50_000;
const MAX_EVENT_BYTES: usize = 8 << 10;

pub(super) fn rows(effort: Effort) -> Vec<Row> {
    let now = Timestamp::from_secs(START);
    let traffic = Traffic::new(SERIES);
    let body = traffic.ndjson(0..EVENTS, now);
    let reader = Reader::new(Arc::new(Keyring::new([7; 32])), &[], MAX_EVENT_BYTES);
    read(&reader, &body, now);
    let rates: Vec<f64> = (0..ROUNDS).map(|_| round(&reader, &body, now, effort)).collect();
    let bytes = body.len() as f64 / EVENTS as f64;
    let name = format!("parse: NDJSON, {bytes:.0} bytes an event");
    let mut rows = vec![
        Row::new(name.clone(), "M events/s", rates.iter().map(|rate| rate / 1e6)),
        Row::new(name, "GB/s", rates.iter().map(|rate| rate * bytes / 1e9)),
    ];
    rows.extend(compact(&reader, &traffic, effort));
    rows
}

/// Compact batches read and counted, without HTTP and without a disk.
fn compact(reader: &Reader, traffic: &Traffic, effort: Effort) -> Vec<Row> {
    let mut rows = Vec::new();
    for events in [1_000, 10_000] {
        let (store, mut sent) = (Store::in_memory(traffic.engine()), 0);
        let mut batch = |time: &mut Duration| {
            let now = Timestamp::from_secs(START + (sent / PACE).cast_signed() as i64);
            let body = traffic.batch(sent..sent + events, now);
            sent += events;
            let began = Instant::now();
            let mut intake = store.intake("", now);
            compact::push(reader, &body, &mut intake, now).expect("a batch");
            let counted = intake.commit(false).and_then(Committed::wait).expect("nothing to refuse").accepted;
            *time += began.elapsed();
            assert_eq!(counted, events as u64);
        };
        let mut count = || {
            let (mut time, mut batches) = (Duration::ZERO, 0);
            while time < effort.round() {
                batch(&mut time);
                batches += 1;
            }
            (batches * events) as f64 / time.as_secs_f64() / 1e6
        };
        count();
        let bytes = traffic.batch(0..events, Timestamp::from_secs(START)).len() as f64 / events as f64;
        let name =
            format!("parse: compact batch, {events} events a batch, {bytes:.0} bytes an event, read and counted");
        rows.push(Row::new(name, "M events/s", (0..ROUNDS).map(|_| count())));
    }
    rows
}

/// Events a second.
fn round(reader: &Reader, body: &[u8], now: Timestamp, effort: Effort) -> f64 {
    let (began, mut events) = (Instant::now(), 0);
    while began.elapsed() < effort.round() {
        events += read(reader, body, now);
    }
    events as f64 / began.elapsed().as_secs_f64()
}

fn read(reader: &Reader, body: &[u8], now: Timestamp) -> usize {
    let (pieces, mut habits, mut events) = (Pieces::of(body, true).expect("lines"), Habits::default(), 0);
    for line in pieces {
        let mut draft = Draft::default();
        reader.read_into(Format::Native, &mut habits, line.expect("text"), &mut draft).expect("an event");
        black_box(draft.event(now));
        events += 1;
    }
    events
}
