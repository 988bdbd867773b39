//! An event spelled out as bytes, to be hashed.
//!
//! Each field is a tag and a value; a field that is not told is left out. Integers take 8 bytes,
//! lowest first; texts follow their length in 4 bytes. A tag tells how long its value is, so two
//! different events are never spelled alike, and a field that later releases add changes no hash
//! of an event without it.

use crate::engine::event::Event;
use crate::engine::event::MAX_ERROR_BYTES;
use crate::engine::event::Measures;
use crate::engine::recent::cut;

/// Dimensions have the tags from 0, by their place.
const DIMENSIONS: u8 = 0;
const TIMESTAMP: u8 = 64;
const JOB_ID: u8 = 65;
const ERROR: u8 = 66;
const COST: u8 = 67;
/// Figures have the tags from here.
const FIGURES: u8 = 68;

/// Overwrites `out` with everything the sender told besides the id.
pub(super) fn spell(event: &Event<'_>, timed: bool, out: &mut Vec<u8>) {
    // Taken apart without `..`, so that a new field can't be forgotten.
    let Event { timestamp, dimensions, measures, id: _, job_id, error } = event;
    out.clear();
    for (tag, value) in (DIMENSIONS..).zip(dimensions.0) {
        text(tag, value, out);
    }
    if timed {
        integer(TIMESTAMP, timestamp.micros().cast_unsigned(), out);
    }
    text(JOB_ID, job_id, out);
    // As it is kept: what was cut off is not known any more.
    text(ERROR, cut(error, MAX_ERROR_BYTES), out);
    spell_measures(measures, out);
}

fn spell_measures(measures: &Measures, out: &mut Vec<u8>) {
    if let Some(cost) = measures.cost {
        integer(COST, cost.nanos.cast_unsigned(), out);
        out.extend_from_slice(cost.currency.code().as_bytes());
    }
    for (tag, figure) in (FIGURES..).zip(measures.figures()) {
        figure.into_iter().for_each(|figure| integer(tag, figure, out));
    }
}

/// Heads are put together before they are added: two additions would take twice the time of one.
fn integer(tag: u8, value: u64, out: &mut Vec<u8>) {
    let mut field = [tag; 9];
    field[1..].copy_from_slice(&value.to_le_bytes());
    out.extend_from_slice(&field);
}

fn text(tag: u8, text: &str, out: &mut Vec<u8>) {
    if text.is_empty() {
        return;
    }
    let mut head = [tag; 5];
    head[1..].copy_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(text.as_bytes());
}
