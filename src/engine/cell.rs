//! What an open bucket counts of one series: small integers, bounded by one second's traffic.

use super::aggregate::Aggregate;
use super::aggregate::Costs;
use super::aggregate::Kind;
use super::column::Column;
use super::column::Time;
use super::column::zigzag;
use super::event::Measures;
use super::money::Money;
use hashbrown::HashTable;

/// The figures of a call that add up, by place.
const REQUESTS: usize = 0;
const FAILURES: usize = 1;
const OVERFLOWED: usize = 2;
const UNMETERED: usize = 3;
const INPUT: usize = 4;
const OUTPUT: usize = 5;
const CACHE_READ: usize = 6;
const CACHE_WRITE: usize = 7;
const REASONING: usize = 8;
const TOTAL: usize = 9;
const COUNTS: [usize; 2] = [10, 12]; // by `Time`
const SUMS: [usize; 2] = [11, 13];
const FIGURES: usize = 14;

/// One call as numbers, worked out once and added to its series and to each of its rollup groups:
/// an addition of two arrays and a maximum of two others, which compile to a few vector
/// instructions each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delta {
    sums: [u64; FIGURES],
    extremes: [u64; 4], // (!µs, µs) by `Time`: the maximum of `!µs` is the minimum; 0 is "none"
    cost: Option<Money>,
}

impl Delta {
    #[inline]
    pub(super) fn new(measures: &Measures, kind: Kind) -> Self {
        let total = measures.total();
        let times = [measures.latency_us, measures.ttft_us];
        let mut sums = [0; FIGURES];
        sums[REQUESTS] = 1;
        sums[FAILURES] = u64::from(kind.failure);
        sums[OVERFLOWED] = u64::from(kind.overflowed);
        sums[UNMETERED] = u64::from(total.is_none());
        sums[INPUT] = measures.input_tokens.unwrap_or(0);
        sums[OUTPUT] = measures.output_tokens.unwrap_or(0);
        sums[CACHE_READ] = measures.cache_read_tokens.unwrap_or(0);
        sums[CACHE_WRITE] = measures.cache_write_tokens.unwrap_or(0);
        sums[REASONING] = measures.reasoning_tokens.unwrap_or(0);
        sums[TOTAL] = total.unwrap_or(0);
        let mut extremes = [0; 4];
        for (time, us) in times.into_iter().enumerate() {
            sums[COUNTS[time]] = u64::from(us.is_some());
            sums[SUMS[time]] = us.unwrap_or(0);
            extremes[time * 2] = us.map_or(0, |us| !us);
            extremes[time * 2 + 1] = us.unwrap_or(0);
        }
        Self { sums, extremes, cost: measures.cost }
    }
}

/// Counts and sums of the calls of one series (or one rollup group) in one open bucket.
///
/// An open bucket is sealed within seconds, and one call is bounded (10^8 tokens, a day), so 64 bits
/// hold every sum; sealed slices and answers use 128.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// The series or group.
    pub(super) id: u32,
    sums: [u64; FIGURES],
    extremes: [u64; 4],
    pub(super) cost: Costs,
}

impl Cell {
    fn new(id: u32) -> Self {
        Self { id, sums: [0; FIGURES], extremes: [0; 4], cost: Costs::default() }
    }

    #[inline]
    pub(super) fn add(&mut self, delta: &Delta) {
        for (sum, figure) in self.sums.iter_mut().zip(delta.sums) {
            *sum = sum.wrapping_add(figure); // can't overflow; a check would keep it from being vectorised
        }
        for (extreme, us) in self.extremes.iter_mut().zip(delta.extremes) {
            *extreme = (*extreme).max(us);
        }
        if let Some(Money { nanos, currency }) = delta.cost {
            self.cost.add_one(currency, nanos);
        }
    }

    /// The extremes of a time in µs; `None` where no call told it.
    pub(super) fn extremes(&self, time: Time) -> Option<(u64, u64)> {
        let place = time as usize;
        (self.sums[COUNTS[place]] > 0).then(|| (!self.extremes[place * 2], self.extremes[place * 2 + 1]))
    }

    /// One figure as a slice stores it.
    pub(super) fn column(&self, column: Column) -> u128 {
        let sums = &self.sums;
        u128::from(match column {
            Column::Requests => sums[REQUESTS],
            Column::Failures => sums[FAILURES],
            Column::Overflowed => sums[OVERFLOWED],
            Column::Unmetered => sums[UNMETERED],
            Column::InputTokens => sums[INPUT],
            Column::OutputTokens => sums[OUTPUT],
            Column::CacheReadTokens => sums[CACHE_READ],
            Column::CacheWriteTokens => sums[CACHE_WRITE],
            Column::ReasoningTokens => sums[REASONING],
            Column::TotalExcess => {
                let plain = i128::from(sums[INPUT]) + i128::from(sums[OUTPUT]);
                return zigzag(i128::from(sums[TOTAL]) - plain);
            }
            Column::LatencyCount => sums[COUNTS[0]],
            Column::LatencySum => sums[SUMS[0]],
            Column::TtftCount => sums[COUNTS[1]],
            Column::TtftSum => sums[SUMS[1]],
        })
    }

    /// Adds this cell to an aggregate.
    pub(super) fn add_to(&self, aggregate: &mut Aggregate) {
        let sums = &self.sums;
        aggregate.requests += sums[REQUESTS];
        aggregate.failures += sums[FAILURES];
        aggregate.overflowed += sums[OVERFLOWED];
        aggregate.unmetered += sums[UNMETERED];
        aggregate.input_tokens += u128::from(sums[INPUT]);
        aggregate.output_tokens += u128::from(sums[OUTPUT]);
        aggregate.cache_read_tokens += u128::from(sums[CACHE_READ]);
        aggregate.cache_write_tokens += u128::from(sums[CACHE_WRITE]);
        aggregate.reasoning_tokens += u128::from(sums[REASONING]);
        aggregate.total_tokens += u128::from(sums[TOTAL]);
        for (timing, time) in [&mut aggregate.latency, &mut aggregate.ttft].into_iter().zip(Time::BOTH) {
            timing.count += sums[COUNTS[time as usize]];
            timing.sum_us += u128::from(sums[SUMS[time as usize]]);
        }
        aggregate.cost.merge(&self.cost);
    }
}

/// Cells by id.
#[derive(Debug, Default)]
pub(super) struct Cells {
    index: HashTable<u32>, // place in `cells`
    cells: Vec<Cell>,
}

impl Cells {
    pub(super) fn with_capacity(cells: usize) -> Self {
        Self { index: HashTable::with_capacity(cells), cells: Vec::with_capacity(cells) }
    }

    /// The place of an id, and whether it is new.
    #[inline]
    pub(super) fn place(&mut self, id: u32) -> (usize, bool) {
        let hash = hash(id);
        if let Some(place) = self.index.find(hash, |place| self.cells[*place as usize].id == id) {
            return (*place as usize, false);
        }
        let place = u32::try_from(self.cells.len()).expect("a bucket is sealed long before");
        self.cells.push(Cell::new(id));
        self.index.insert_unique(hash, place, |place| self::hash(self.cells[*place as usize].id));
        (place as usize, true)
    }

    #[inline]
    pub(super) fn at(&mut self, place: usize) -> &mut Cell {
        &mut self.cells[place]
    }

    pub(super) fn get(&self, id: u32) -> Option<&Cell> {
        let place = *self.index.find(hash(id), |place| self.cells[*place as usize].id == id)?;
        Some(&self.cells[place as usize])
    }

    pub(super) fn all(&self) -> &[Cell] {
        &self.cells
    }

    pub(super) fn bytes(&self) -> usize {
        self.cells.capacity() * size_of::<Cell>() + self.index.capacity() * 5
    }
}

/// Ids are small and dense; a multiplication spreads them over the whole word. They are the
/// engine's own, so no sender can aim at a bucket of this table.
fn hash(id: u32) -> u64 {
    (u64::from(id) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_right(29)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn maybe(most: u64) -> impl Strategy<Value = Option<u64>> {
        proptest::option::of(0..most)
    }

    proptest! {
        /// The vectorised cell against the plain aggregate.
        #[test]
        fn a_cell_counts_as_an_aggregate_does(
            calls in proptest::collection::vec((maybe(9), maybe(9), maybe(5), maybe(30), maybe(4), any::<bool>()), 1..20),
        ) {
            let (mut cell, mut plain) = (Cell::new(3), Aggregate::default());
            let mut extremes: Option<(u64, u64)> = None;
            for (input, output, total, latency, cost, failure) in calls {
                let money = |units: u64| Money { nanos: units.cast_signed(), currency: super::super::money::Currency::USD };
                let measures = Measures {
                    input_tokens: input,
                    output_tokens: output,
                    total_tokens: total,
                    latency_us: latency,
                    cost: cost.map(money),
                    ..Measures::default()
                };
                let kind = Kind { failure, overflowed: !failure };
                cell.add(&Delta::new(&measures, kind));
                plain.record(&measures, kind);
                if let Some(us) = latency {
                    extremes = Some(extremes.map_or((us, us), |(min, max)| (min.min(us), max.max(us))));
                }
            }
            let mut sums = Aggregate::default();
            cell.add_to(&mut sums);
            prop_assert_eq!(sums, plain);
            prop_assert_eq!(cell.extremes(Time::Latency), extremes);
            prop_assert_eq!(cell.extremes(Time::Ttft), None);
        }
    }
}
