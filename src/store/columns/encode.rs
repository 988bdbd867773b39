//! Columns as bytes: the table of series, then one column after another.

use super::COST;
use super::Columns;
use super::ERROR;
use super::ID;
use super::JOB_ID;
use super::LATE;
use crate::store::varint::put;
use crate::store::varint::zigzag;

/// How a column tells which rows have a value.
pub(super) const NONE: u8 = 0;
pub(super) const ALL: u8 = 1;
/// By a bitmap: the lowest bit of the first byte is the first row's.
pub(super) const SOME: u8 = 2;

impl Columns {
    pub(in crate::store) fn encode(&self, out: &mut Vec<u8>) {
        self.table.encode(out);
        put(out, self.len() as u64);
        self.encode_timestamps(out);
        self.numbers.iter().for_each(|number| put(out, u64::from(*number)));
        let presence = Presence::new(&self.shapes);
        presence.encode(LATE, out);
        for (place, figures) in (0..).zip(&self.figures) {
            presence.encode(place, out);
            figures.iter().for_each(|figure| put(out, *figure));
        }
        presence.encode(COST, out);
        self.costs.encode(out);
        presence.encode(ID, out);
        self.ids.encode(out);
        self.payloads.iter().for_each(|payload| out.extend_from_slice(&payload.to_le_bytes()));
        presence.encode(JOB_ID, out);
        self.job_ids.encode(out);
        presence.encode(ERROR, out);
        self.errors.encode(out);
    }

    /// Each against the one before, the first against the epoch.
    fn encode_timestamps(&self, out: &mut Vec<u8>) {
        let mut before = 0;
        for timestamp in &self.timestamps {
            put(out, zigzag(timestamp.micros() - before));
            before = timestamp.micros();
        }
    }
}

/// Which rows have what, and the bits that any and that all of them have.
struct Presence<'a> {
    shapes: &'a [u16],
    any: u16,
    all: u16,
}

impl<'a> Presence<'a> {
    fn new(shapes: &'a [u16]) -> Self {
        let any = shapes.iter().fold(0, |any, shape| any | shape);
        let all = shapes.iter().fold(any, |all, shape| all & shape);
        Self { shapes, any, all }
    }

    fn encode(&self, place: u32, out: &mut Vec<u8>) {
        match (self.any >> place & 1, self.all >> place & 1) {
            (0, _) => out.push(NONE),
            (_, 1) => out.push(ALL),
            _ => {
                out.push(SOME);
                out.extend(self.shapes.chunks(8).map(|rows| bits(rows, place)));
            }
        }
    }
}

/// The bits of at most eight rows.
fn bits(rows: &[u16], place: u32) -> u8 {
    rows.iter().rev().fold(0, |bits, shape| bits << 1 | u8::from(shape >> place & 1 != 0))
}
