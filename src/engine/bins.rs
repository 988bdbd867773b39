//! Histogram bins gathered by row: a counting sort by row, then each row by bin.
//!
//! Sealing turns a second's log of bins into rows, and folding adds rows up; both are this. A
//! comparison sort of the whole log took most of the time of sealing a busy second.

use super::histogram::bin_of;

/// Entries of a row from which counting them by bin beats sorting.
const SEVERAL: usize = 16;

/// Cells of a table that one entry pays for.
const TABLE: usize = 4;

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
    /// Gathers what `each` visits, which it does twice and alike: row below `rows`, bin, count.
    pub(super) fn gather(rows: usize, each: impl Fn(&mut dyn FnMut(u32, u16, u64))) -> Self {
        let mut begins = vec![0_usize; rows + 1];
        let mut most = 0;
        each(&mut |row, bin, _| {
            begins[row as usize + 1] += 1;
            most = most.max(bin);
        });
        for row in 0..rows {
            begins[row + 1] += begins[row];
        }
        let width = usize::from(most) + 1;
        if rows * width <= TABLE * begins[rows] { Self::tabulate(rows, width, each) } else { Self::sort(&begins, each) }
    }

    /// Few rows with many entries, such as rollup groups: counted into one table.
    fn tabulate(rows: usize, width: usize, each: impl Fn(&mut dyn FnMut(u32, u16, u64))) -> Self {
        let mut table = vec![0_u64; rows * width];
        each(&mut |row, bin, count| table[row as usize * width + usize::from(bin)] += count);
        let mut gathered = Self { ends: Vec::with_capacity(rows), entries: Vec::new() };
        for row in table.chunks_exact(width) {
            gathered
                .entries
                .extend((0..).zip(row).filter(|(_, count)| **count > 0).map(|(bin, count)| pack(bin, *count)));
            gathered.ends.push(gathered.entries.len());
        }
        gathered
    }

    /// Many rows with few entries each: sorted by row, then each row by bin.
    fn sort(begins: &[usize], each: impl Fn(&mut dyn FnMut(u32, u16, u64))) -> Self {
        let rows = begins.len() - 1;
        let mut places = begins.to_vec();
        let mut sorted = vec![0_u64; begins[rows]];
        each(&mut |row, bin, count| {
            let place = &mut places[row as usize];
            sorted[*place] = pack(bin, count);
            *place += 1;
        });
        let mut gathered = Self::with_room(rows, sorted.len());
        let mut tally = Tally::default();
        for row in 0..rows {
            gathered.push(&mut sorted[begins[row]..begins[row + 1]], &mut tally);
        }
        gathered
    }

    /// No rows yet, with room for so many, and for so many bins in all.
    pub(super) fn with_room(rows: usize, bins: usize) -> Self {
        Self { ends: Vec::with_capacity(rows), entries: Vec::with_capacity(bins) }
    }

    /// How many bins all rows have.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
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
        let mut regrouped = Self { ends: Vec::with_capacity(rows), entries: Vec::new() };
        let mut tally = Tally::default();
        let mut begin = 0;
        for end in &ends[..rows] {
            for from in &sorted[begin..*end] {
                self.row(*from as usize).for_each(|(bin, count)| tally.add(bin, count));
            }
            regrouped.push_tally(&mut tally);
            begin = *end;
        }
        regrouped
    }

    /// Appends a row of single bins, which are sorted on the way.
    pub(super) fn push_log(&mut self, log: &mut [u16], tally: &mut Tally) {
        if log.len() < SEVERAL {
            log.sort_unstable();
            self.entries.extend(log.chunk_by(|a, b| a == b).map(|same| pack(same[0], same.len() as u64)));
            self.ends.push(self.entries.len());
        } else {
            log.iter().for_each(|bin| tally.add(*bin, 1));
            self.push_tally(tally);
        }
    }

    /// Appends a row.
    fn push(&mut self, row: &mut [u64], tally: &mut Tally) {
        if row.len() < SEVERAL {
            row.sort_unstable();
            let bin = |word: &u64| unpack(*word).0;
            for same in row.chunk_by(|a, b| bin(a) == bin(b)) {
                self.entries.push(pack(bin(&same[0]), same.iter().map(|word| unpack(*word).1).sum()));
            }
            self.ends.push(self.entries.len());
        } else {
            row.iter().map(|word| unpack(*word)).for_each(|(bin, count)| tally.add(bin, count));
            self.push_tally(tally);
        }
    }

    fn push_tally(&mut self, tally: &mut Tally) {
        tally.drain(|bin, count| self.entries.push(pack(bin, count)));
        self.ends.push(self.entries.len());
    }

    /// The bins of a row.
    pub(super) fn row(&self, row: usize) -> impl ExactSizeIterator<Item = (u16, u64)> + '_ {
        let begin = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.entries[begin..self.ends[row]].iter().map(|word| unpack(*word))
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
            let gathered = BinRows::gather(3, |visit| log.iter().for_each(|(row, bin, count)| visit(*row, *bin, *count)));
            let mut expected = vec![BTreeMap::new(); 3];
            for (row, bin, count) in &log {
                *expected[*row as usize].entry(*bin).or_insert(0) += count;
            }
            let read: Vec<BTreeMap<u16, u64>> = gathered.rows().map(Iterator::collect).collect();
            prop_assert_eq!(read, expected);
            prop_assert!(gathered.rows().all(|row| row.is_sorted_by(|a, b| a.0 < b.0)));
            // The same log, each entry a row of its own to begin with.
            let mut single = BinRows::default();
            log.iter().for_each(|(_, bin, count)| single.push(&mut [pack(*bin, *count)], &mut Tally::default()));
            let members = (0..).zip(&log).map(|(from, (to, ..))| (*to, from));
            let regrouped = single.regroup(3, members);
            prop_assert!(regrouped.rows().zip(gathered.rows()).all(|(a, b)| a.eq(b)));
        }
    }
}
