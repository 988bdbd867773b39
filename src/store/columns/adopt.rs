//! Columns that came as columns: taken over whole, or row by row where some are left out.

use super::COST;
use super::Columns;
use super::LATE;
use super::LIMITS;
use super::Row;
use super::costs::Costs;
use super::texts::Texts;
use crate::engine::event::MAX_DIMENSIONS;
use crate::engine::event::MAX_ERROR_BYTES;
use crate::engine::event::MAX_ID_BYTES;
use crate::engine::money::Money;
use crate::engine::recent::cut;
use crate::engine::time::Timestamp;
use crate::store::bulk::Fate;
use crate::store::bulk::REFUSED;
use std::borrow::Cow;

/// Columns as a sender told them: each holds as many values as shapes have its bit.
pub(crate) struct Parts<'a> {
    /// By row: the bits of figures, cost, id, job and error, in this order.
    pub(crate) shapes: Vec<u16>,
    /// By row.
    pub(crate) timestamps: Vec<Timestamp>,
    /// By row: the number of the sender's series.
    pub(crate) numbers: Vec<u32>,
    /// In the order of [`Columns`], checked by nobody yet.
    pub(crate) figures: [Vec<u64>; 8],
    /// Costs.
    pub(crate) costs: Vec<Money>,
    /// Ids and jobs: lengths, and all texts; what is too long is cut.
    pub(crate) names: [(&'a [u32], &'a str); 2],
    /// Errors, without keys in them.
    pub(crate) errors: Vec<Cow<'a, str>>,
}

impl Columns {
    /// Columns without a table of series.
    pub(crate) fn of(parts: Parts<'_>) -> Self {
        let Parts { mut shapes, timestamps, numbers, figures, costs, names, errors } = parts;
        shapes.iter_mut().for_each(|shape| *shape &= (1 << LATE) - 1);
        let mut columns = Self { shapes, timestamps, numbers, figures, ..Self::new(MAX_DIMENSIONS) };
        columns.costs = Costs::default();
        costs.into_iter().for_each(|cost| columns.costs.push(cost));
        [columns.ids, columns.job_ids] = names.map(|(lens, arena)| Texts::of(lens, arena, MAX_ID_BYTES));
        columns.payloads = vec![0; columns.ids.len()];
        for error in &errors {
            columns.errors.push(cut(error, MAX_ERROR_BYTES));
        }
        columns
    }

    /// Whether any event has an id.
    pub(in crate::store) fn has_ids(&self) -> bool {
        self.ids.len() > 0
    }

    /// Whether every figure could be of a call.
    pub(in crate::store) fn is_within_limits(&self) -> bool {
        let most = |column: &Vec<u64>| column.iter().copied().max().unwrap_or(0);
        self.figures.iter().zip(LIMITS).all(|(column, limit)| most(column) <= limit) && !self.costs.any_negative()
    }

    /// The series and the time of each event.
    pub(in crate::store) fn places(&self) -> impl Iterator<Item = (u32, Timestamp)> {
        self.numbers.iter().copied().zip(self.timestamps.iter().copied())
    }

    /// Makes room for so many names and series.
    pub(in crate::store) fn reserve(&mut self, names: usize, series: usize) {
        self.table.reserve(names, series);
    }

    /// As [`add_series`](Self::add_series) of a series that is new. Each name has a slot in `known`,
    /// where its number is kept; slot 0 is `""`, and what is there is looked for each time.
    pub(in crate::store) fn add_series_by_slots<'s>(
        &mut self,
        names: impl Iterator<Item = (&'s str, usize)>,
        known: &mut [u32],
    ) -> u32 {
        self.table.add_by_slots(names, known)
    }

    /// Moves the rows that are kept to `record`, which has the table of their series and no rows.
    pub(in crate::store) fn settle(mut self, fate: Fate, record: &mut Self) {
        debug_assert!(record.len() == 0 && fate.numbers.len() == self.len());
        for place in &fate.late {
            self.shapes[*place] |= 1 << LATE;
        }
        if fate.kept == self.len() {
            std::mem::swap(&mut self.table, &mut record.table);
            *record = Self { numbers: fate.numbers, payloads: fate.payloads, ..self };
            return;
        }
        let mut payloads = fate.payloads.into_iter();
        for (row, series) in self.rows().zip(fate.numbers).filter(|(_, series)| *series != REFUSED) {
            let payload = if row.id.is_empty() { 0 } else { payloads.next().unwrap_or(0) };
            record.push(&Row { series, payload, ..row });
        }
    }
}

/// The bit of costs is where senders have it too.
const _: () = assert!(COST == 8 && LATE == 12);
