//! How fast NDJSON is read into events, before anything is counted.

use super::Effort;
use super::ROUNDS;
use super::row::Row;
use super::traffic::START;
use super::traffic::Traffic;
use crate::engine::time::Timestamp;
use crate::privacy::Keyring;
use crate::server::formats::Format;
use crate::server::formats::Reader;
use crate::server::formats::framing::Pieces;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

const SERIES: usize = 10_000;
const EVENTS: usize = 20_000;
const MAX_EVENT_BYTES: usize = 8 << 10;

pub(super) fn rows(effort: Effort) -> Vec<Row> {
    let now = Timestamp::from_secs(START);
    let body = Traffic::new(SERIES).ndjson(0..EVENTS, now);
    let reader = Reader::new(Arc::new(Keyring::new([7; 32])), &[], MAX_EVENT_BYTES);
    read(&reader, &body, now);
    let rates: Vec<f64> = (0..ROUNDS).map(|_| round(&reader, &body, now, effort)).collect();
    let bytes = body.len() as f64 / EVENTS as f64;
    let name = format!("parse: NDJSON, {bytes:.0} bytes an event");
    vec![
        Row::new(name.clone(), "M events/s", rates.iter().map(|rate| rate / 1e6)),
        Row::new(name, "GB/s", rates.iter().map(|rate| rate * bytes / 1e9)),
    ]
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
    let pieces = Pieces::of(body, true).expect("lines");
    let drafts = pieces.map(|line| reader.read(Format::Native, line.expect("text")));
    let mut events = 0;
    for draft in drafts {
        black_box(draft.expect("an event").event(now));
        events += 1;
    }
    events
}
