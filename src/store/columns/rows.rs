//! Walking over the rows of columns: one cursor for each column.

use super::COST;
use super::Columns;
use super::ERROR;
use super::ID;
use super::JOB_ID;
use super::LATE;
use super::Row;
use super::costs::CostCursor;
use super::texts::TextCursor;
use crate::engine::event::Measures;
use crate::engine::time::Timestamp;
use std::slice::Iter;

/// The rows of [`Columns`], in order.
#[derive(Clone)]
pub(crate) struct Rows<'a> {
    shapes: Iter<'a, u16>,
    timestamps: Iter<'a, Timestamp>,
    numbers: Iter<'a, u32>,
    figures: [Iter<'a, u64>; 8],
    costs: CostCursor<'a>,
    ids: TextCursor<'a>,
    payloads: Iter<'a, u64>,
    job_ids: TextCursor<'a>,
    errors: TextCursor<'a>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(columns: &'a Columns) -> Self {
        Self {
            shapes: columns.shapes.iter(),
            timestamps: columns.timestamps.iter(),
            numbers: columns.numbers.iter(),
            figures: columns.figures.each_ref().map(|column| column.iter()),
            costs: columns.costs.cursor(),
            ids: columns.ids.cursor(),
            payloads: columns.payloads.iter(),
            job_ids: columns.job_ids.cursor(),
            errors: columns.errors.cursor(),
        }
    }

    #[inline]
    fn measures(&mut self, shape: u16) -> Measures {
        let [latency, ttft, input, output, cache_read, cache_write, reasoning, total] = &mut self.figures;
        let next =
            |place: u32, column: &mut Iter<'_, u64>| if has(shape, place) { column.next().copied() } else { None };
        Measures {
            latency_us: next(0, latency),
            ttft_us: next(1, ttft),
            input_tokens: next(2, input),
            output_tokens: next(3, output),
            cache_read_tokens: next(4, cache_read),
            cache_write_tokens: next(5, cache_write),
            reasoning_tokens: next(6, reasoning),
            total_tokens: next(7, total),
            cost: if has(shape, COST) { self.costs.next() } else { None },
        }
    }
}

#[inline]
fn has(shape: u16, place: u32) -> bool {
    shape >> place & 1 != 0
}

impl<'a> Iterator for Rows<'a> {
    type Item = Row<'a>;

    #[inline]
    fn next(&mut self) -> Option<Row<'a>> {
        let shape = *self.shapes.next()?;
        let named = has(shape, ID);
        Some(Row {
            series: *self.numbers.next()?,
            timestamp: *self.timestamps.next()?,
            late: has(shape, LATE),
            measures: self.measures(shape),
            id: if named { self.ids.next() } else { "" },
            payload: if named { *self.payloads.next()? } else { 0 },
            job_id: if has(shape, JOB_ID) { self.job_ids.next() } else { "" },
            error: if has(shape, ERROR) { self.errors.next() } else { "" },
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.shapes.size_hint()
    }
}

impl ExactSizeIterator for Rows<'_> {}
