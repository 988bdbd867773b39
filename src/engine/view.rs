//! What a query reads, held still: sealed parts by reference, open buckets as [`Live`] copies.
//!
//! Everything is taken under one read lock, so that every figure of an answer is of one moment;
//! then the lock is gone, and scanning delays nobody.

use super::aggregate::Aggregate;
use super::column::Time;
use super::columns::Columns;
use super::core::Core;
use super::core::Sealed as State;
use super::histogram::Distribution;
use super::live::Live;
use super::live::each_cell;
use super::plan::Ids;
use super::plan::Plan;
use super::scan::Targets;
use super::scan::add_times;
use super::scan::scan;
use super::slice::NOWHERE;
use super::slice::Slice;
use super::spin;
use super::sums::Sums;
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
            for (bucket, open) in spin::lock(stripe).open() {
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
    pub(super) fn sums(&self, stretches: Range<usize>, slots: &[u32], count: usize) -> Sums {
        let stretches = &self.stretches[stretches];
        let mut sums = if self.plan.rolled_up {
            Sums::Few(told(stretches, slots, count))
        } else {
            Sums::Scanned(Box::new(self.scanned(stretches, slots, count)))
        };
        for stretch in stretches {
            let open = stretch.parts.iter().filter_map(Part::as_open).filter(|_| !self.plan.rolled_up);
            open.for_each(|open| Live::copy(0, open, self.plan, false).add_sums(self.plan, slots, &mut sums));
            self.live_in(stretch).for_each(|live| live.add_sums(self.plan, slots, &mut sums));
        }
        sums
    }

    /// What is sealed of some spans.
    fn scanned(&self, stretches: &[Stretch], slots: &[u32], count: usize) -> Columns {
        let mut sums = Columns::new(count);
        let targets = Targets::new(&self.plan.ids, slots, sums.nowhere());
        let slices = stretches.iter().flat_map(|stretch| &stretch.parts).filter_map(|part| match part {
            Part::Open(_) => None,
            Part::Sealed(sealed) => Some(&sealed.series),
        });
        scan(slices, &targets, &mut sums);
        sums
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
            let targets = Targets::new(&self.plan.ids, &slots, NOWHERE);
            stretches.clone().for_each(|stretch| self.add_times(stretch, time, &targets, &slots, block));
            block.iter_mut().for_each(Distribution::settle);
        }
        times
    }

    fn add_times(&self, stretch: usize, time: Time, targets: &Targets, slots: &[u32], times: &mut [Distribution]) {
        let stretch = &self.stretches[stretch];
        for part in &stretch.parts {
            match part {
                Part::Open(open) => Live::copy(0, open, self.plan, true).add_times(self.plan, time, slots, times),
                Part::Sealed(sealed) => add_times(self.side(&sealed.series, &sealed.groups), time, targets, times),
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
}

/// All groups of a rolled-up plan together, between two edges: what [`View::sums`] would tell,
/// with nothing copied or put on the heap.
pub(super) fn whole(core: &Core, sealed: &State, ids: &Ids, from: i64, to: i64) -> Aggregate {
    let mut sums = Aggregate::default();
    if let Ids::Few(groups) = ids {
        groups.iter().for_each(|(group, _)| sums.merge(&sealed.rollups.between(*group, from, to, &sealed.tiers)));
    }
    for stripe in &core.stripes {
        for (bucket, open) in spin::lock(stripe).open() {
            if (from..to).contains(&sealed.tiers.start(bucket)) {
                each_cell(open, ids, |_, cell| cell.add_to(&mut sums));
            }
        }
    }
    sums
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

/// What rollups told of some spans, by slot.
fn told(stretches: &[Stretch], slots: &[u32], count: usize) -> Vec<Aggregate> {
    let mut sums = vec![Aggregate::default(); count];
    for (calls, slot) in stretches.iter().flat_map(|stretch| stretch.rolled_up.iter().flatten().zip(slots)) {
        if *slot != NOWHERE {
            sums[*slot as usize].merge(calls);
        }
    }
    sums
}
