//! The events of one request, column by column.
//!
//! ```text
//! shapes       which optional values each row has, a bit for each
//! timestamps   one for each row
//! numbers      one for each row: its series, by number in this table ── table ─ texts
//! figures ×8   ┐
//! costs        │ only the values that are there, one after another
//! texts ×3     ┘
//! ```
//!
//! A row is found by walking: where the values of a column have holes, only the shapes before tell
//! which of them belongs to a row. A request may hold 100,000 events, so a hole takes a bit.

#[cfg(feature = "server")]
mod adopt;
mod costs;
mod decode;
mod encode;
mod rows;
mod table;
mod texts;

#[cfg(feature = "server")]
pub(crate) use adopt::Parts;
pub(crate) use rows::Rows;

use crate::engine::event::Dimensions;
use crate::engine::event::MAX_ERROR_BYTES;
use crate::engine::event::MAX_ID_BYTES;
use crate::engine::event::MAX_LATENCY_US;
use crate::engine::event::MAX_TOKENS;
use crate::engine::event::Measures;
use crate::engine::recent::cut;
use crate::engine::time::Timestamp;
use costs::Costs;
use table::Table;
use texts::Texts;

/// The figures of a call, each with its greatest value, in their order.
const LIMITS: [u64; 8] =
    [MAX_LATENCY_US, MAX_LATENCY_US, MAX_TOKENS, MAX_TOKENS, MAX_TOKENS, MAX_TOKENS, MAX_TOKENS, MAX_TOKENS];

/// The other bits of a shape; the figures have the first eight.
const COST: u32 = 8;
const ID: u32 = 9;
const JOB_ID: u32 = 10;
const ERROR: u32 = 11;
const LATE: u32 = 12;

/// One event, as the record keeps it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Row<'a> {
    /// What it is counted under, by its number in the record.
    pub(crate) series: u32,
    /// When the call ended.
    pub(crate) timestamp: Timestamp,
    /// Whether it came late.
    pub(crate) late: bool,
    /// Its numbers, within the limits of the engine.
    pub(crate) measures: Measures,
    /// The sender's name for it; `""` is "none".
    pub(crate) id: &'a str,
    /// The hash of all else its sender told; 0 where there is no id.
    pub(crate) payload: u64,
    /// Its job; `""` is "none".
    pub(crate) job_id: &'a str,
    /// What went wrong; `""` is "nothing".
    pub(crate) error: &'a str,
}

/// Invariant: each column holds as many values as shapes have its bit, and a payload for each id.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Columns {
    table: Table,
    shapes: Vec<u16>,
    timestamps: Vec<Timestamp>,
    numbers: Vec<u32>,
    figures: [Vec<u64>; 8],
    costs: Costs,
    ids: Texts,
    payloads: Vec<u64>,
    job_ids: Texts,
    errors: Texts,
}

impl Columns {
    /// None yet; a series has `width` dimensions: the six fixed ones and the labels.
    pub(crate) fn new(width: usize) -> Self {
        Self {
            table: Table::new(width),
            shapes: Vec::new(),
            timestamps: Vec::new(),
            numbers: Vec::new(),
            figures: Default::default(),
            costs: Costs::default(),
            ids: Texts::default(),
            payloads: Vec::new(),
            job_ids: Texts::default(),
            errors: Texts::default(),
        }
    }

    /// Makes room for so many events: growing step by step takes longer than filling.
    pub(crate) fn make_room(&mut self, events: usize) {
        if self.table.len() == 0 {
            self.table.make_room(events.max(self.table.width()), events);
        }
        self.shapes.reserve(events);
        self.timestamps.reserve(events);
        self.numbers.reserve(events);
    }

    /// The number of a series in this record, a new one at its first call. Names that are not told
    /// are `""`; those beyond the width are left out.
    pub(crate) fn add_series<'s>(&mut self, names: impl Iterator<Item = &'s str>) -> u32 {
        self.table.add(names)
    }

    /// Adds an event that the engine's check let pass: of any other the record could not be read
    /// again. A long error is cut.
    pub(crate) fn push(&mut self, row: &Row<'_>) {
        debug_assert!((row.series as usize) < self.table.len(), "a series of this record");
        debug_assert!(row.measures.check().is_ok() && row.id.len().max(row.job_id.len()) <= MAX_ID_BYTES);
        let mut shape = u16::from(row.late) << LATE;
        for (place, (figure, column)) in row.measures.figures().into_iter().zip(&mut self.figures).enumerate() {
            let Some(figure) = figure else { continue };
            shape |= 1 << place;
            if column.capacity() == 0 {
                column.reserve(self.shapes.capacity());
            }
            column.push(figure);
        }
        if let Some(cost) = row.measures.cost {
            shape |= 1 << COST;
            self.costs.push(cost);
        }
        if !row.id.is_empty() {
            self.payloads.push(row.payload);
        }
        shape |= u16::from(self.ids.push(row.id)) << ID;
        shape |= u16::from(self.job_ids.push(row.job_id)) << JOB_ID;
        shape |= u16::from(self.errors.push(cut(row.error, MAX_ERROR_BYTES))) << ERROR;
        self.shapes.push(shape);
        self.timestamps.push(row.timestamp);
        self.numbers.push(row.series);
    }

    /// Drops everything, and keeps the room.
    pub(crate) fn clear(&mut self) {
        let Self { table, shapes, timestamps, numbers, figures, costs, ids, payloads, job_ids, errors } = self;
        table.clear();
        shapes.clear();
        timestamps.clear();
        numbers.clear();
        figures.iter_mut().for_each(Vec::clear);
        costs.clear();
        payloads.clear();
        [ids, job_ids, errors].into_iter().for_each(Texts::clear);
    }

    /// How many events.
    pub(crate) fn len(&self) -> usize {
        self.shapes.len()
    }

    /// The events, in the order they were added.
    pub(crate) fn rows(&self) -> Rows<'_> {
        Rows::new(self)
    }

    /// The names of each series, by its number.
    pub(crate) fn series(&self) -> impl ExactSizeIterator<Item = Dimensions<'_>> {
        self.table.iter()
    }

    /// How many dimensions a series has.
    pub(crate) fn width(&self) -> usize {
        self.table.width()
    }

    /// Drops each row whose place in `keep` is false, and the series that no row has any more. The
    /// series that stay are numbered anew, in their order.
    pub(crate) fn retain(&mut self, keep: &[bool]) {
        debug_assert_eq!(keep.len(), self.len());
        let kept = |place: usize| keep.get(place).copied().unwrap_or(true);
        let mut used = vec![false; self.table.len()];
        self.numbers.iter().enumerate().filter(|(place, _)| kept(*place)).for_each(|(_, n)| used[*n as usize] = true);
        if used.iter().all(|used| *used) && keep.iter().all(|keep| *keep) {
            return;
        }
        let mut next = Self::new(self.width());
        let mut add =
            |(names, used): (Dimensions<'_>, &bool)| if *used { next.add_series(names.0.into_iter()) } else { 0 };
        let renumbered: Vec<u32> = self.series().zip(&used).map(&mut add).collect();
        for (_, row) in self.rows().enumerate().filter(|(place, _)| kept(*place)) {
            next.push(&Row { series: renumbered[row.series as usize], ..row });
        }
        *self = next;
    }

    /// The earliest and the latest timestamp, in µs; the epoch where there is no event.
    pub(crate) fn span(&self) -> (i64, i64) {
        let micros = || self.timestamps.iter().map(|timestamp| timestamp.micros());
        (micros().min().unwrap_or(0), micros().max().unwrap_or(0))
    }

    /// Bytes on the heap, about.
    pub(crate) fn bytes(&self) -> usize {
        let words = self.timestamps.capacity() + self.payloads.capacity();
        let words = self.figures.iter().fold(words, |words, column| words + column.capacity());
        let texts = self.ids.bytes() + self.job_ids.bytes() + self.errors.bytes();
        words * 8
            + self.numbers.capacity() * 4
            + self.shapes.capacity() * 2
            + self.costs.bytes()
            + texts
            + self.table.bytes()
    }
}

#[cfg(test)]
pub(in crate::store) mod tests;
