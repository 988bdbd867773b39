//! Scanning: the rows of many slices added to the groups they belong to.

use super::column::Time;
use super::columns::Columns;
use super::histogram::Distribution;
use super::plan::Ids;
use super::rows::Rows;
use super::slice::NOWHERE;
use super::slice::Slice;

/// Rows whose slots are held at a time, 4 bytes each: all their figures are added before the next.
const ROWS_AT_A_TIME: usize = 1 << 16;

/// Rows of a slice that are too few to wait for others: their figures are added at once, while the
/// slice's columns are at hand.
const FEW: usize = 256;

/// Which slot each id counts for.
#[derive(Debug)]
pub(super) enum Targets {
    /// These ids, upwards; all others count nowhere.
    Few(Vec<(u32, u32)>),
    /// The slot of each id below the length, and the slot of all others.
    All(Vec<u32>, u32),
}

impl Targets {
    /// The slots of a plan's ids: its places by id, then `slots` by place.
    pub(super) fn new(ids: &Ids, slots: &[u32], nowhere: u32) -> Self {
        let slot = |place: u32| slots.get(place as usize).copied().unwrap_or(NOWHERE);
        match ids {
            Ids::Few(few) => {
                let few = few.iter().map(|&(id, place)| (id, slot(place)));
                Self::Few(few.filter(|(_, slot)| *slot != NOWHERE).collect())
            }
            Ids::Many(places) => {
                let all = places.iter().map(|place| slot(*place));
                Self::All(all.map(|slot| if slot == NOWHERE { nowhere } else { slot }).collect(), nowhere)
            }
        }
    }

    /// The rows of a slice that count.
    pub(super) fn rows(&self, slice: &Slice) -> Rows {
        match self {
            Self::Few(few) if few.len() * 8 < slice.len() => {
                let find = |&(id, slot): &(u32, u32)| Some((slice.find(id)? as u32, slot));
                Rows::Few(few.iter().filter_map(find).collect())
            }
            Self::Few(few) => Rows::Few(both(few, &slice.ids.to_vec())),
            Self::All(slots, nowhere) => {
                let slot = |id: u32| slots.get(id as usize).copied().unwrap_or(*nowhere);
                Rows::All(slice.ids.to_vec().into_iter().map(slot).collect())
            }
        }
    }
}

/// The rows of the ids that occur in both lists, which ascend.
fn both(few: &[(u32, u32)], ids: &[u32]) -> Vec<(u32, u32)> {
    let mut few = few.iter().peekable();
    let mut rows = Vec::with_capacity(few.len().min(ids.len()));
    for (row, id) in (0..).zip(ids) {
        while few.next_if(|(few, _)| few < id).is_some() {}
        if let Some((_, slot)) = few.next_if(|(few, _)| few == id) {
            rows.push((row, *slot));
        }
    }
    rows
}

/// Adds the rows of all slices that count.
pub(super) fn scan<'s>(slices: impl Iterator<Item = &'s Slice>, targets: &Targets, sums: &mut Columns) {
    let (mut held, mut batch) = (0, Vec::new());
    for slice in slices {
        let rows = targets.rows(slice);
        match rows.len() {
            0 => {}
            1..FEW => sums.add_rows(&[(slice, rows)]),
            more => {
                held += more;
                batch.push((slice, rows));
            }
        }
        if held >= ROWS_AT_A_TIME {
            sums.add_rows(&batch);
            batch.clear();
            held = 0;
        }
    }
    sums.add_rows(&batch);
}

/// Adds the times of a slice's rows that count to the distributions of their slots.
pub(super) fn add_times(slice: &Slice, time: Time, targets: &Targets, times: &mut [Distribution]) {
    let mut bins = slice.row_bins(time);
    let mut add = |row: usize, slot: u32| {
        if let Some(times) = times.get_mut(slot as usize) {
            bins.add(row, times);
        }
    };
    match targets.rows(slice) {
        Rows::Few(rows) => rows.into_iter().for_each(|(row, slot)| add(row as usize, slot)),
        Rows::All(slots) => slots.into_iter().enumerate().for_each(|(row, slot)| add(row, slot)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::aggregate::Aggregate;
    use super::super::column::Column;
    use super::super::column::zigzag;
    use super::super::histogram::bin_of;
    use super::super::merge::merge;
    use super::super::money::Currency;
    use super::super::packed::Packed;
    use super::super::times::Histograms;
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// Rows by id: each one's figure, wide or narrow, its latencies, and its currency. In some tables
    /// every call has a latency and a price, all in one currency.
    #[derive(Clone, Debug)]
    struct Table(Vec<u32>, Vec<(u128, Vec<u16>, bool)>, bool);

    impl Table {
        fn figure(&self, column: Column, row: usize) -> u128 {
            let (figure, times, odd) = &self.1[row];
            match column {
                Column::LatencyCount => times.len() as u128,
                Column::Requests if self.2 => times.len() as u128,
                Column::LatencySum => times.iter().map(|us| u128::from(*us)).sum(),
                Column::TotalExcess if *odd => zigzag(-(figure >> 1).cast_signed()),
                Column::TotalExcess => zigzag((figure >> 1).cast_signed()),
                Column::TtftCount | Column::TtftSum | Column::CacheReadTokens => 0,
                column if column.is_count() => (figure & 0xff) + column as u128,
                column => figure >> (column as u32 % 3),
            }
        }

        fn costs(&self, usd: bool) -> (Currency, Packed, Packed) {
            let own = |row: usize| usd == (self.1[row].2 || self.2);
            let calls = |row: usize| if self.2 { self.1[row].1.len() as u128 } else { 1 };
            let packed = |figure: &dyn Fn(usize) -> u128| {
                let stored = (0..self.0.len()).map(|row| if own(row) && calls(row) > 0 { figure(row) } else { 0 });
                Packed::pack_wide(stored.collect())
            };
            let currency = if usd { Currency::USD } else { Currency::parse("EUR").unwrap() };
            (currency, packed(&|row| self.1[row].0 >> 2), packed(&calls))
        }

        fn latencies(&self) -> Histograms {
            let mut histograms = Histograms::default();
            for (row, (_, times, _)) in (0..).zip(&self.1).filter(|(_, row)| row.1.len() > 1) {
                let mut bins = BTreeMap::new();
                times.iter().for_each(|us| *bins.entry(bin_of(u64::from(*us))).or_insert(0) += 1);
                let (min, max) = (times.iter().min().unwrap(), times.iter().max().unwrap());
                histograms.rows.push(row);
                histograms.extremes.push((u64::from(*min), u64::from(*max)));
                histograms.push(bins.into_iter());
            }
            histograms
        }

        fn slice(&self) -> Slice {
            let column = |column| Packed::pack_wide((0..self.0.len()).map(|row| self.figure(column, row)).collect());
            let times = [self.latencies().pack(), None];
            Slice::new(&self.0, Column::ALL.map(column), vec![self.costs(false), self.costs(true)], times)
        }
    }

    fn tables() -> impl Strategy<Value = Vec<Table>> {
        let figure = (any::<u128>(), 28_u32..128).prop_map(|(figure, shift)| figure >> shift);
        let row = (figure, proptest::collection::vec(any::<u16>(), 0..4), any::<bool>());
        let table = (proptest::collection::btree_map(0_u32..200, row, 0..60), any::<bool>())
            .prop_map(|(rows, alike)| Table(rows.keys().copied().collect(), rows.into_values().collect(), alike));
        proptest::collection::vec(table, 1..5)
    }

    proptest! {
        /// Column by column against row by row: each row looked up and added to its group's aggregate.
        #[test]
        fn a_scan_adds_what_rows_add_one_by_one(
            tables in tables(),
            places in proptest::collection::vec(proptest::option::weighted(0.7, 0_u32..6), 0..200),
            slots in proptest::collection::vec(proptest::option::weighted(0.8, 0_u32..4), 6),
            few in any::<bool>(),
        ) {
            let slices: Vec<Slice> = tables.iter().map(Table::slice).collect();
            let slots: Vec<u32> = slots.into_iter().map(|slot| slot.unwrap_or(NOWHERE)).collect();
            let places: Vec<u32> = places.into_iter().map(|place| place.unwrap_or(NOWHERE)).collect();
            let ids = match few {
                true => Ids::Few((0..).zip(places.clone()).filter(|(_, place)| *place != NOWHERE).collect()),
                false => Ids::Many(places),
            };
            let mut expected = vec![Aggregate::default(); 4];
            let mut bins: Vec<BTreeMap<u16, u64>> = vec![BTreeMap::new(); 4];
            for (slice, table) in slices.iter().zip(&tables) {
                for (row, id) in slice.ids.to_vec().iter().enumerate() {
                    let slot = slots.get(ids.place(*id) as usize).copied().unwrap_or(NOWHERE);
                    if slot != NOWHERE {
                        slice.add_row(row, &mut expected[slot as usize]);
                        let own = table.1[row].1.iter().map(|us| bin_of(u64::from(*us)));
                        own.for_each(|bin| *bins[slot as usize].entry(bin).or_default() += 1);
                    }
                }
            }
            // Slice by slice, as small ones are scanned, and all at once, as large ones are.
            let (mut sums, mut at_once) = (Columns::new(4), Columns::new(4));
            let targets = Targets::new(&ids, &slots, sums.nowhere());
            scan(slices.iter(), &targets, &mut sums);
            let parts: Vec<(&Slice, Rows)> = slices.iter().map(|slice| (slice, targets.rows(slice))).collect();
            at_once.add_rows(&parts);
            // And merged beforehand, as slices are when they are folded.
            let merged = merge(&slices.iter().collect::<Vec<_>>());
            let mut folded = Columns::new(4);
            scan([&merged].into_iter(), &targets, &mut folded);
            for sums in [&sums, &at_once, &folded] {
                let scanned: Vec<Aggregate> = (0..4).map(|slot| sums.get(slot)).collect();
                prop_assert_eq!(&scanned, &expected);
            }
            let mut whole = Aggregate::default();
            expected.iter().for_each(|calls| whole.merge(calls));
            prop_assert_eq!(sums.whole(), whole);
            let mut times = vec![Distribution::default(); 4];
            let targets = Targets::new(&ids, &slots, NOWHERE);
            slices.iter().for_each(|slice| add_times(slice, Time::Latency, &targets, &mut times));
            let read: Vec<BTreeMap<u16, u64>> = times.iter().map(|times| times.bins().collect()).collect();
            prop_assert_eq!(read, bins);
            let mut folded = vec![Distribution::default(); 4];
            add_times(&merged, Time::Latency, &targets, &mut folded);
            prop_assert_eq!(folded, times);
        }
    }
}
