//! The histograms of one time in a slice, of the rows with two values or more: of a single value the sum
//! tells everything.
//!
//! ```text
//! rows      7               31                 rows with two values or more
//! min       190 ms          2 s                and from there to the largest: `spread`
//! lens      3               2                  bins
//! steps     bin of min, +4 +1   …, +9          from each bin to the next
//! counts    1 2 1           1 6
//! ```

use super::bins::BinRows;
use super::block::BLOCK;
use super::block::SEVERAL;
use super::forwards::Forwards;
use super::histogram::bin_of;
use super::ids::Ids;
use super::packed::Packed;

/// Rows between two marks.
const MARK: usize = 64;

/// Histograms with their extremes, row by row.
#[derive(Clone, Debug)]
pub(super) struct Times {
    rows: Ids,
    min: Packed, // by place in `rows`
    spread: Packed,
    lens: Packed,
    marks: Box<[u32]>, // where the bins of places 0, MARK, 2 * MARK … begin
    steps: Packed,     // of all bins but the first of each row
    counts: Packed,    // of all bins
}

/// What [`Times`] are made of, place by place.
#[derive(Debug, Default)]
pub(super) struct Histograms {
    pub(super) rows: Vec<u32>,            // upwards
    pub(super) extremes: Vec<(u64, u64)>, // of each
    lens: Vec<u64>,
    steps: Vec<u64>,
    counts: Vec<u64>,
}

impl Histograms {
    /// None yet, with room for so many bins.
    pub(super) fn with_room(bins: usize) -> Self {
        Self { steps: Vec::with_capacity(bins), counts: Vec::with_capacity(bins), ..Self::default() }
    }

    /// Adds the bins of the next row, upwards.
    pub(super) fn push(&mut self, bins: impl Iterator<Item = (u16, u64)>) {
        let (mut len, mut before) = (0, 0);
        for (bin, count) in bins {
            if len > 0 {
                self.steps.push(u64::from(bin - before));
            }
            self.counts.push(count);
            (len, before) = (len + 1, bin);
        }
        self.lens.push(len);
    }

    /// Packs them; `None` where there are no rows.
    pub(super) fn pack(self) -> Option<Box<Times>> {
        if self.rows.is_empty() {
            return None;
        }
        let Self { rows, extremes, lens, steps, counts } = self;
        let begins = lens.iter().scan(0, |end: &mut u32, len| {
            let begin = *end;
            *end += *len as u32;
            Some(begin)
        });
        let of = |figure: fn(&(u64, u64)) -> u64| Packed::pack(&extremes.iter().map(figure).collect::<Vec<u64>>());
        Some(Box::new(Times {
            rows: Ids::pack(&rows),
            min: of(|(min, _)| *min),
            spread: of(|(min, max)| max - min),
            marks: begins.step_by(MARK).collect(),
            lens: Packed::pack(&lens),
            steps: Packed::pack(&steps),
            counts: Packed::pack(&counts),
        }))
    }
}

/// Where a row's histogram is: best asked for row by row, upwards.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spot {
    place: usize,
    begin: usize,
}

impl Times {
    /// The spot of a row; `near` is the one after the row asked for before.
    pub(super) fn spot(&self, row: usize, near: Spot) -> Spot {
        let row = row as u32;
        if near.place < self.rows.len() && self.rows.get(near.place) == row {
            return near;
        }
        let place = self.rows.find(row).expect("rows with two values are listed");
        let mut begin = self.marks[place / MARK] as usize;
        self.lens.visit(place / MARK * MARK..place, |len| begin += len as usize);
        Spot { place, begin }
    }

    /// The smallest and the largest value.
    pub(super) fn extremes(&self, spot: Spot) -> (u64, u64) {
        let min = self.min.get(spot.place) as u64;
        (min, min + self.spread.get(spot.place) as u64)
    }

    /// Visits the bins, upwards, each with its count; answers the spot after.
    pub(super) fn visit(&self, spot: Spot, mut visit: impl FnMut(u16, u64)) -> Spot {
        let Spot { place, begin } = spot;
        let end = begin + self.lens.get(place) as usize;
        let (mut bin, mut at) = (bin_of(self.min.get(place) as u64), begin);
        visit(bin, self.counts.get(at) as u64);
        at += 1;
        // Each row before has a bin without a step, and so has this one.
        if end - at < SEVERAL {
            self.steps.visit(at - place - 1..end - place - 1, |step| {
                bin += step as u16;
                visit(bin, self.counts.get(at) as u64);
                at += 1;
            });
        } else {
            let (mut steps, mut counts) = ([0; BLOCK], [0; BLOCK]);
            while at < end {
                let held = (end - at).min(BLOCK);
                self.steps.copy(at - place - 1, &mut steps[..held]);
                self.counts.copy(at, &mut counts[..held]);
                for (step, count) in steps[..held].iter().zip(&counts) {
                    bin += *step as u16;
                    visit(bin, *count);
                }
                at += held;
            }
        }
        Spot { place: place + 1, begin: end }
    }

    /// Reads all of them forwards, from a spot on.
    pub(super) fn from(&self, spot: Spot) -> TimesForwards<'_> {
        TimesForwards {
            min: Forwards::new(&self.min, spot.place),
            spread: Forwards::new(&self.spread, spot.place),
            lens: Forwards::new(&self.lens, spot.place),
            steps: Forwards::new(&self.steps, spot.begin - spot.place), // each row before has a bin without a step
            counts: Forwards::new(&self.counts, spot.begin),
        }
    }

    /// How many bins all rows have.
    pub(super) fn len(&self) -> usize {
        let last = (self.rows.len() - 1) / MARK;
        let mut len = self.marks[last] as usize;
        self.lens.visit(last * MARK..self.rows.len(), |more| len += more as usize);
        len
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        let packed = [&self.min, &self.spread, &self.lens, &self.steps, &self.counts].map(Packed::bytes);
        self.rows.bytes() + self.marks.len() * 4 + packed.iter().sum::<usize>() + size_of::<Self>()
    }
}

/// Reads histograms one after the other.
pub(super) struct TimesForwards<'a> {
    min: Forwards<'a>,
    spread: Forwards<'a>,
    lens: Forwards<'a>,
    steps: Forwards<'a>,
    counts: Forwards<'a>,
}

impl TimesForwards<'_> {
    /// Appends the next one; answers its extremes.
    #[inline]
    pub(super) fn append(&mut self, to: &mut BinRows) -> (u64, u64) {
        let min = self.min.next();
        let mut bin = bin_of(min);
        to.push(bin, self.counts.next());
        for _ in 1..self.lens.next() {
            bin += self.steps.next() as u16;
            to.push(bin, self.counts.next());
        }
        to.end();
        (min, min + self.spread.next())
    }

    /// Where the next one is.
    pub(super) fn spot(&self) -> Spot {
        Spot { place: self.min.at(), begin: self.counts.at() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::histogram::lowest_of;
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// Rows of few bins and of many, asked for one after the other and here and there.
        #[test]
        fn histograms_are_read_as_they_were_packed(
            rows in proptest::collection::btree_map(
                0_u32..400,
                (0_usize..300, proptest::collection::btree_map(0_u16..900, 1_u64..5_000, 1..300)),
                1..40,
            ),
        ) {
            let rows: BTreeMap<u32, BTreeMap<u16, u64>> = rows
                .into_iter()
                .map(|(row, (most, bins))| (row, bins.into_iter().take(1 + most).collect()))
                .collect();
            let mut histograms = Histograms::default();
            for (row, bins) in &rows {
                histograms.rows.push(*row);
                let [min, max] = [bins.keys().next(), bins.keys().last()].map(|bin| lowest_of(*bin.expect("one bin")));
                histograms.extremes.push((min, max));
                histograms.push(bins.iter().map(|(bin, count)| (*bin, *count)));
            }
            let times = histograms.pack().expect("one row");
            let mut near = Spot::default();
            for (place, (row, bins)) in rows.iter().enumerate() {
                let mut read = BTreeMap::new();
                let spot = times.spot(*row as usize, if place % 3 == 2 { Spot::default() } else { near });
                near = times.visit(spot, |bin, count| assert!(read.insert(bin, count).is_none()));
                prop_assert_eq!(&read, bins);
            }
        }
    }
}
