//! What a query reads, held still: sealed parts by reference, open buckets as [`Live`] copies.
//!
//! Everything is taken under one read lock, so that every figure of an answer is of one moment;
//! then the lock is gone, and scanning delays nobody.

use super::aggregate::Aggregate;
use super::column::Time;
use super::core::Core;
use super::core::Sealed as State;
use super::histogram::Distribution;
use super::live::Live;
use super::plan::Ids;
use super::plan::Plan;
use super::slice::NOWHERE;
use super::slice::Slice;
use super::tiers::Part;
use std::ops::Range;

/// Distributions that grow at a time; each takes up to 24 KB while it does.
const SLOTS_AT_A_TIME: usize = 1_024;

/// One span between two edges, with the parts that cover it.
#[derive(Debug)]
struct Stretch {
    from: i64,
    to: i64,
    parts: Vec<Part>,
    rolled_up: Option<Vec<Aggregate>>, // by place, where rollups answer
}

/// Several neighbouring spans, held still.
#[derive(Debug)]
pub(super) struct View<'p> {
    plan: &'p Plan,
    stretches: Vec<Stretch>,
    live: Vec<Live>,
}

impl<'p> View<'p> {
    /// Holds the spans between `edges` still. `times` says whether distributions will be asked for.
    pub(super) fn take(core: &Core, sealed: &State, plan: &'p Plan, edges: &[i64], times: bool) -> Self {
        let parts = times || !plan.rolled_up;
        let stretch = |pair: &[i64]| {
            let (from, to) = (pair[0], pair[1]);
            let tiles = if parts { sealed.tiers.tile(from, to) } else { Vec::new() };
            let parts = tiles.into_iter().flat_map(|bucket| sealed.tiers.parts(bucket).iter().cloned()).collect();
            Stretch { from, to, parts, rolled_up: plan.rolled_up.then(|| rolled_up(sealed, plan, from, to)) }
        };
        let stretches: Vec<Stretch> = edges.windows(2).map(stretch).collect();
        let mut live = Vec::new();
        let (from, to) = (edges[0], edges[edges.len() - 1]);
        for stripe in &core.stripes {
            for (bucket, open) in stripe.lock().open() {
                let start = sealed.tiers.start(bucket);
                if (from..to).contains(&start) {
                    live.push(Live::copy(start, open, plan, times));
                }
            }
        }
        Self { plan, stretches, live }
    }

    /// The plan it was taken for.
    pub(super) fn plan(&self) -> &'p Plan {
        self.plan
    }

    /// All spans.
    pub(super) fn all(&self) -> Range<usize> {
        0..self.stretches.len()
    }

    /// Sums of some spans together; `slots` gives each place its slot.
    pub(super) fn sums(&self, stretches: Range<usize>, slots: &[u32], count: usize) -> Vec<Aggregate> {
        let mut sums = vec![Aggregate::default(); count];
        stretches.for_each(|stretch| self.add_sums(stretch, slots, &mut sums));
        sums
    }

    fn add_sums(&self, stretch: usize, slots: &[u32], sums: &mut [Aggregate]) {
        let stretch = &self.stretches[stretch];
        match &stretch.rolled_up {
            Some(rolled_up) => {
                for (calls, slot) in rolled_up.iter().zip(slots).filter(|(_, slot)| **slot != NOWHERE) {
                    sums[*slot as usize].merge(calls);
                }
            }
            None => stretch.parts.iter().for_each(|part| self.add_part(part, slots, sums)),
        }
        self.live_in(stretch).for_each(|live| live.add_sums(self.plan, slots, sums));
    }

    /// Distributions of a time over some spans together. A block of slots at a time, so that a page
    /// of thousands of groups has no table for each at once.
    pub(super) fn times(&self, stretches: Range<usize>, time: Time, slots: &[u32], count: usize) -> Vec<Distribution> {
        let mut times = vec![Distribution::default(); count];
        for (place, block) in times.chunks_mut(SLOTS_AT_A_TIME).enumerate() {
            let first = (place * SLOTS_AT_A_TIME) as u32;
            let in_block = |slot: &u32| match slot.checked_sub(first) {
                Some(slot) if (slot as usize) < block.len() => slot,
                _ => NOWHERE,
            };
            let slots: Vec<u32> = slots.iter().map(in_block).collect();
            stretches.clone().for_each(|stretch| self.add_times(stretch, time, &slots, block));
            block.iter_mut().for_each(Distribution::settle);
        }
        times
    }

    fn add_times(&self, stretch: usize, time: Time, slots: &[u32], times: &mut [Distribution]) {
        let stretch = &self.stretches[stretch];
        for part in &stretch.parts {
            match part {
                Part::Open(open) => Live::copy(0, open, self.plan, true).add_times(self.plan, time, slots, times),
                Part::Sealed(sealed) => {
                    self.add_slice_times(self.side(&sealed.series, &sealed.groups), time, slots, times);
                }
            }
        }
        self.live_in(stretch).for_each(|live| live.add_times(self.plan, time, slots, times));
    }

    fn live_in<'a>(&'a self, stretch: &'a Stretch) -> impl Iterator<Item = &'a Live> {
        self.live.iter().filter(|live| (stretch.from..stretch.to).contains(&live.start()))
    }

    fn side<'a>(&self, series: &'a Slice, groups: &'a Slice) -> &'a Slice {
        if self.plan.rolled_up { groups } else { series }
    }

    fn add_part(&self, part: &Part, slots: &[u32], sums: &mut [Aggregate]) {
        match part {
            Part::Open(open) => Live::copy(0, open, self.plan, false).add_sums(self.plan, slots, sums),
            Part::Sealed(sealed) => {
                let slice = self.side(&sealed.series, &sealed.groups);
                match self.rows(slice, slots) {
                    Rows::Few(rows) => {
                        rows.into_iter().for_each(|(row, slot)| slice.add_row(row, &mut sums[slot as usize]));
                    }
                    Rows::All(targets) => slice.scan(&targets, sums),
                }
            }
        }
    }

    fn add_slice_times(&self, slice: &Slice, time: Time, slots: &[u32], times: &mut [Distribution]) {
        match self.rows(slice, slots) {
            Rows::Few(rows) => {
                rows.into_iter().for_each(|(row, slot)| slice.add_times(time, row, &mut times[slot as usize]));
            }
            Rows::All(targets) => {
                for (row, slot) in targets.iter().enumerate().filter(|(_, slot)| **slot != NOWHERE) {
                    if let Some((min, max)) = slice.extremes(time, row) {
                        times[*slot as usize].stretch(min, max);
                    }
                }
                slice.each_bin(time, 0..slice.len(), |row, bin, count| {
                    if targets[row] != NOWHERE {
                        times[targets[row] as usize].add(bin, count);
                    }
                });
            }
        }
    }

    /// The rows of a slice that count: looked up where the plan names few ids, else all of them.
    fn rows(&self, slice: &Slice, slots: &[u32]) -> Rows {
        match &self.plan.ids {
            Ids::Few(few) if few.len() * 8 < slice.len() => {
                let find = |&(id, place): &(u32, u32)| Some((slice.find(id)?, slots[place as usize]));
                Rows::Few(few.iter().filter_map(find).filter(|(_, slot)| *slot != NOWHERE).collect())
            }
            ids => {
                let target = |id: &u32| match ids.place(*id) {
                    NOWHERE => NOWHERE,
                    place => slots[place as usize],
                };
                Rows::All(slice.ids.iter().map(target).collect())
            }
        }
    }
}

/// Rows with their slots.
enum Rows {
    Few(Vec<(usize, u32)>),
    All(Vec<u32>),
}

/// The sums of a rolled-up plan, by place.
fn rolled_up(sealed: &State, plan: &Plan, from: i64, to: i64) -> Vec<Aggregate> {
    let mut sums = vec![Aggregate::default(); plan.len()];
    if let Ids::Few(groups) = &plan.ids {
        for (group, place) in groups {
            sums[*place as usize].merge(&sealed.rollups.between(*group, from, to, &sealed.tiers));
        }
    }
    sums
}
