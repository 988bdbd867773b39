//! A slice cut by rows, and put together again.
//!
//! A day of a million series has hundreds of megabytes; a section has one. Where the cuts are
//! depends on what is in the slice only.

use crate::engine::plain::PlainBins;
use crate::engine::plain::PlainCosts;
use crate::engine::plain::PlainSlice;
use crate::engine::plain_column::PlainColumn;
use std::ops::Range;

/// The parts of a slice, each of about so many bytes, in order.
pub(super) struct Cut<'a> {
    slice: &'a PlainSlice,
    limit: usize,
    fixed: usize, // bytes of each row, bins aside
    row: usize,
    at: [usize; 2], // where the bins of `row` begin, by time
}

impl<'a> Cut<'a> {
    pub(super) fn new(slice: &'a PlainSlice, limit: usize) -> Self {
        let columns: usize = slice.columns.iter().map(width).sum();
        let costs: usize = slice.costs.iter().map(|cost| width(&cost.nanos) + width(&cost.calls)).sum();
        let times: usize = slice.times.iter().map(|bins| width(&bins.min) + width(&bins.max) + width(&bins.lens)).sum();
        Self { slice, limit, fixed: 4 + columns + costs + times, row: 0, at: [0; 2] }
    }

    /// Whether the whole slice is one part, which then need not be copied.
    pub(super) fn is_whole(&self) -> bool {
        self.end().0 == self.slice.len()
    }

    /// The row after the next part, and where its bins begin. A part has one row at least.
    fn end(&self) -> (usize, [usize; 2]) {
        let (mut row, mut at, mut bytes) = (self.row, self.at, 0);
        while row < self.slice.len() {
            let lens = self.slice.times.each_ref().map(|bins| usize(bins.lens.get(row)));
            let weight = |(bins, len): (&PlainBins, &usize)| len * (2 + width(&bins.counts));
            bytes += self.fixed + self.slice.times.iter().zip(&lens).map(weight).sum::<usize>();
            if bytes > self.limit && row > self.row {
                break;
            }
            row += 1;
            at = [at[0] + lens[0], at[1] + lens[1]];
        }
        (row, at)
    }
}

impl Iterator for Cut<'_> {
    type Item = PlainSlice;

    fn next(&mut self) -> Option<PlainSlice> {
        if self.row == self.slice.len() {
            return None;
        }
        let (end, at) = self.end();
        let rows = self.row..end;
        let of = |column: &PlainColumn| part(column, &rows);
        let cost =
            |cost: &PlainCosts| PlainCosts { currency: cost.currency, nanos: of(&cost.nanos), calls: of(&cost.calls) };
        let bins = |time: usize| part_of_bins(&self.slice.times[time], &rows, self.at[time]..at[time]);
        let slice = PlainSlice {
            ids: self.slice.ids[rows.clone()].into(),
            columns: self.slice.columns.each_ref().map(of),
            costs: self.slice.costs.iter().map(cost).collect(),
            times: [bins(0), bins(1)],
        };
        (self.row, self.at) = (end, at);
        Some(slice)
    }
}

/// Bytes of a value.
fn width(column: &PlainColumn) -> usize {
    match column {
        PlainColumn::Const(_) => 0,
        PlainColumn::U8(_) => 1,
        PlainColumn::U16(_) => 2,
        PlainColumn::U32(_) => 4,
        PlainColumn::U64(_) => 8,
        PlainColumn::U128(_) => 16,
    }
}

fn usize(len: u128) -> usize {
    usize::try_from(len).expect("fits: it was a Vec's length")
}

fn part(column: &PlainColumn, rows: &Range<usize>) -> PlainColumn {
    PlainColumn::pack(rows.clone().map(|row| column.get(row)))
}

fn part_of_bins(bins: &PlainBins, rows: &Range<usize>, at: Range<usize>) -> PlainBins {
    let place = |row: usize| bins.many.partition_point(|many| (*many as usize) < row);
    let many = place(rows.start)..place(rows.end);
    PlainBins {
        many: bins.many[many.clone()].iter().map(|row| row - rows.start as u32).collect(),
        min: part(&bins.min, &many),
        max: part(&bins.max, &many),
        lens: part(&bins.lens, rows),
        counts: part(&bins.counts, &at),
        bins: bins.bins[at].into(),
    }
}

/// Puts sound parts together; `None` where they are not those of one slice.
pub(super) fn join(mut parts: Vec<PlainSlice>) -> Option<PlainSlice> {
    if parts.len() < 2 {
        return parts.pop();
    }
    let ids: Box<[u32]> = parts.iter().flat_map(|part| &part.ids).copied().collect();
    let currencies = |part: &PlainSlice| part.costs.iter().map(|cost| cost.currency).collect::<Vec<_>>();
    let alike = parts.iter().all(|part| currencies(part) == currencies(&parts[0]));
    if !alike || !ids.is_sorted_by(|a, b| a < b) {
        return None;
    }
    let cost = |place: usize| PlainCosts {
        currency: parts[0].costs[place].currency,
        nanos: joined(&parts, |part| (&part.costs[place].nanos, part.len())),
        calls: joined(&parts, |part| (&part.costs[place].calls, part.len())),
    };
    let costs = (0..parts[0].costs.len()).map(cost).collect();
    let columns = std::array::from_fn(|place| joined(&parts, |part| (&part.columns[place], part.len())));
    let times = [join_bins(&parts, 0), join_bins(&parts, 1)];
    Some(PlainSlice { ids, columns, costs, times })
}

/// One column of all parts.
fn joined(parts: &[PlainSlice], column: impl Fn(&PlainSlice) -> (&PlainColumn, usize) + Clone) -> PlainColumn {
    PlainColumn::pack(parts.iter().flat_map(move |part| {
        let (column, rows) = column(part);
        (0..rows).map(|row| column.get(row))
    }))
}

fn join_bins(parts: &[PlainSlice], time: usize) -> PlainBins {
    let mut many = Vec::new();
    let mut bins = Vec::new();
    let mut begin = 0;
    for part in parts {
        many.extend(part.times[time].many.iter().map(|row| row + begin));
        bins.extend_from_slice(&part.times[time].bins);
        begin += part.len() as u32;
    }
    PlainBins {
        min: joined(parts, |part| (&part.times[time].min, part.times[time].many.len())),
        max: joined(parts, |part| (&part.times[time].max, part.times[time].many.len())),
        counts: joined(parts, |part| (&part.times[time].counts, part.times[time].bins.len())),
        lens: joined(parts, |part| (&part.times[time].lens, part.len())),
        many: many.into(),
        bins: bins.into(),
    }
}
