//! Histogram bins by row.
//!
//! Sealing turns a second's log of bins into rows, and folding adds rows up; both are this: few bins
//! are sorted, many are counted by bin. A comparison sort of the whole log took most of the time of
//! sealing a busy second.

use super::histogram::bin_of;

/// Entries of a row from which counting them by bin beats sorting.
const SEVERAL: usize = 16;

/// A bin and its count in one word, so that sorting compares and moves words: 16 bits and 48.
fn pack(bin: u16, count: u64) -> u64 {
    debug_assert!(count < 1 << 48, "a bucket holds fewer calls");
    u64::from(bin) << 48 | count
}

fn unpack(word: u64) -> (u16, u64) {
    ((word >> 48) as u16, word & ((1 << 48) - 1))
}

/// Room for any bin, and a power of two: a place needs no check then.
const BINS: usize = 1 << 13;
const _: () = assert!(bin_of(u64::MAX) < BINS as u16);

/// Counts by bin, while a row is added up.
#[derive(Debug)]
pub(super) struct Tally {
    counts: Box<[u64; BINS]>,
    seen: [u64; BINS / 64], // a bit for each bin that holds something: few of them do
    most: u16,              // the highest bin ever seen
}

impl Default for Tally {
    fn default() -> Self {
        Self { counts: Box::new([0; BINS]), seen: [0; BINS / 64], most: 0 }
    }
}

impl Tally {
    /// Counts stay far below 64 bits, see [`pack`].
    #[inline(always)]
    fn add(&mut self, bin: u16, count: u64) {
        let place = usize::from(bin) % BINS;
        self.counts[place] = self.counts[place].wrapping_add(count);
        self.seen[place / 64] |= 1 << (place % 64);
        self.most = self.most.max(bin);
    }

    /// Visits the bins that hold something, upwards, and empties them.
    #[inline]
    fn drain(&mut self, mut visit: impl FnMut(u16, u64)) {
        for word in 0..=usize::from(self.most) / 64 {
            let mut bits = std::mem::take(&mut self.seen[word]);
            while bits != 0 {
                let bin = word * 64 + bits.trailing_zeros() as usize;
                visit(bin as u16, std::mem::take(&mut self.counts[bin]));
                bits &= bits - 1;
            }
        }
    }
}

/// Bins by row, in each row upwards and each once.
#[derive(Clone, Debug, Default)]
pub(super) struct BinRows {
    ends: Vec<usize>,  // where each row ends in `entries`
    entries: Vec<u64>, // packed
}

impl BinRows {
    /// No rows yet, with room for so many, and for so many bins in all.
    pub(super) fn with_room(rows: usize, bins: usize) -> Self {
        Self { ends: Vec::with_capacity(rows), entries: Vec::with_capacity(bins) }
    }

    /// How many bins all rows have.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many rows.
    pub(super) fn rows_held(&self) -> usize {
        self.ends.len()
    }

    /// Rows that are sums of rows here: `members` tells pairs of a new row, below `rows`, and one of these.
    pub(super) fn regroup(&self, rows: usize, members: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        let mut ends = vec![0_usize; rows + 1];
        members.clone().for_each(|(to, _)| ends[to as usize + 1] += 1);
        (0..rows).for_each(|row| ends[row + 1] += ends[row]);
        let mut sorted = vec![0; ends[rows]];
        for (to, from) in members {
            let end = &mut ends[to as usize]; // the beginning, before the last member is in
            sorted[*end] = from;
            *end += 1;
        }
        let mut regrouped = Self::with_room(rows, 0);
        let (mut begin, mut tally, mut few) = (0, Tally::default(), Vec::new());
        for end in &ends[..rows] {
            regrouped.push_sum(self, &sorted[begin..*end], &mut few, &mut tally);
            begin = *end;
        }
        regrouped
    }

    /// Appends the sum of some rows of another; `few` is room to sort in.
    fn push_sum(&mut self, other: &Self, rows: &[u32], few: &mut Vec<u64>, tally: &mut Tally) {
        let words = rows.iter().map(|row| other.words(*row as usize));
        if rows.len() < 2 {
            words.for_each(|words| self.entries.extend_from_slice(words));
            return self.end();
        }
        if words.clone().map(<[u64]>::len).sum::<usize>() >= SEVERAL {
            words.flatten().map(|word| unpack(*word)).for_each(|(bin, count)| tally.add(bin, count));
            return self.push_tally(tally);
        }
        few.clear();
        words.for_each(|words| few.extend_from_slice(words));
        few.sort_unstable();
        let bin = |word: &u64| unpack(*word).0;
        for same in few.chunk_by(|a, b| bin(a) == bin(b)) {
            self.push(bin(&same[0]), same.iter().map(|word| unpack(*word).1).sum());
        }
        self.end();
    }

    /// Appends a row of single bins, which are sorted on the way.
    pub(super) fn push_log(&mut self, log: &mut [u16], tally: &mut Tally) {
        if log.len() < SEVERAL {
            log.sort_unstable();
            self.entries.extend(log.chunk_by(|a, b| a == b).map(|same| pack(same[0], same.len() as u64)));
            self.end();
        } else {
            log.iter().for_each(|bin| tally.add(*bin, 1));
            self.push_tally(tally);
        }
    }

    /// Adds a bin to the row that is next; bins come upwards.
    #[inline(always)]
    pub(super) fn push(&mut self, bin: u16, count: u64) {
        self.entries.push(pack(bin, count));
    }

    /// Ends the row that is next.
    #[inline(always)]
    pub(super) fn end(&mut self) {
        self.ends.push(self.entries.len());
    }

    fn push_tally(&mut self, tally: &mut Tally) {
        tally.drain(|bin, count| self.push(bin, count));
        self.end();
    }

    /// The bins of a row.
    pub(super) fn row(&self, row: usize) -> impl ExactSizeIterator<Item = (u16, u64)> + '_ {
        self.words(row).iter().map(|word| unpack(*word))
    }

    fn words(&self, row: usize) -> &[u64] {
        let begin = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.entries[begin..self.ends[row]]
    }

    /// All rows.
    pub(super) fn rows(&self) -> impl Iterator<Item = impl ExactSizeIterator<Item = (u16, u64)> + '_> {
        (0..self.ends.len()).map(|row| self.row(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn rows_hold_each_bin_once_and_in_order(
            log in proptest::collection::vec((0_u32..3, 0_u16..1_000, 1_u64..4), 0..900),
            width in 1_u16..1_000,
        ) {
            let log: Vec<(u32, u16, u64)> = log.into_iter().map(|(row, bin, count)| (row, bin % width, count)).collect();
            let mut expected = vec![BTreeMap::new(); 3];
            for (row, bin, count) in &log {
                *expected[*row as usize].entry(*bin).or_insert(0) += count;
            }
            // Each entry is a row of its own to begin with.
            let mut single = BinRows::default();
            for (_, bin, count) in &log {
                single.push(*bin, *count);
                single.end();
            }
            let sums = single.regroup(3, (0..).zip(&log).map(|(from, (to, ..))| (*to, from)));
            let read: Vec<BTreeMap<u16, u64>> = sums.rows().map(Iterator::collect).collect();
            prop_assert_eq!(&read, &expected);
            prop_assert!(sums.rows().all(|row| row.is_sorted_by(|a, b| a.0 < b.0)));
            // And rows of several, among them empty ones.
            let again = sums.regroup(3, [(0, 1), (0, 2), (2, 1)].into_iter());
            let both = expected[1].iter().chain(&expected[2]).fold(BTreeMap::new(), |mut both, (bin, count)| {
                *both.entry(*bin).or_insert(0) += count;
                both
            });
            let read: Vec<BTreeMap<u16, u64>> = again.rows().map(Iterator::collect).collect();
            prop_assert_eq!(read, [both, BTreeMap::new(), expected[1].clone()]);
        }
    }
}
