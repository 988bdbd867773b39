//! Histogram bins gathered by row: a counting sort by row, then each row by bin.
//!
//! Sealing turns a second's log of bins into rows, and folding adds rows up; both are this. A
//! comparison sort of the whole log took most of the time of sealing a busy second.

/// Entries of a row from which counting into a table (some 2,000 bins wide) beats sorting.
const DENSE: usize = 400;

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
        let mut gathered = Self { ends: Vec::with_capacity(rows), entries: Vec::with_capacity(sorted.len()) };
        let mut table = Vec::new();
        for row in 0..rows {
            gathered.push(&mut sorted[begins[row]..begins[row + 1]], &mut table);
        }
        gathered
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
        let (mut row, mut table) = (Vec::new(), Vec::new());
        let mut begin = 0;
        for end in &ends[..rows] {
            row.clear();
            sorted[begin..*end].iter().for_each(|from| row.extend_from_slice(self.words(*from as usize)));
            regrouped.push(&mut row, &mut table);
            begin = *end;
        }
        regrouped
    }

    /// Appends a row of single bins, which are sorted on the way.
    pub(super) fn push_log(&mut self, log: &mut [u16]) {
        log.sort_unstable();
        self.entries.extend(log.chunk_by(|a, b| a == b).map(|same| pack(same[0], same.len() as u64)));
        self.ends.push(self.entries.len());
    }

    /// Appends a row.
    fn push(&mut self, row: &mut [u64], table: &mut Vec<u64>) {
        if row.len() < DENSE {
            row.sort_unstable();
            let bin = |word: &u64| unpack(*word).0;
            for same in row.chunk_by(|a, b| bin(a) == bin(b)) {
                self.entries.push(pack(bin(&same[0]), same.iter().map(|word| unpack(*word).1).sum()));
            }
        } else {
            let (mut least, mut most) = (u64::MAX, 0); // the bin is what decides
            row.iter().for_each(|word| (least, most) = (least.min(*word), most.max(*word)));
            let (least, most) = (unpack(least).0, unpack(most).0);
            table.resize(table.len().max(usize::from(most - least) + 1), 0);
            row.iter().map(|word| unpack(*word)).for_each(|(bin, count)| table[usize::from(bin - least)] += count);
            for (bin, count) in (least..=most).zip(table) {
                if *count > 0 {
                    self.entries.push(pack(bin, std::mem::take(count)));
                }
            }
        }
        self.ends.push(self.entries.len());
    }

    fn words(&self, row: usize) -> &[u64] {
        let begin = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.entries[begin..self.ends[row]]
    }

    /// The bins of a row.
    pub(super) fn row(&self, row: usize) -> impl ExactSizeIterator<Item = (u16, u64)> + '_ {
        self.words(row).iter().map(|word| unpack(*word))
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
            log.iter().for_each(|(_, bin, count)| single.push(&mut [pack(*bin, *count)], &mut Vec::new()));
            let members = (0..).zip(&log).map(|(from, (to, ..))| (*to, from));
            let regrouped = single.regroup(3, members);
            prop_assert!(regrouped.rows().zip(gathered.rows()).all(|(a, b)| a.eq(b)));
        }
    }
}
