//! Sealing: what time does to the state. Runs in whoever's call finds that a second has passed;
//! one at a time, and without holding a lock while it sorts and packs. Writers who come meanwhile
//! help with the sorting, which is most of it: each call is sorted once, by as many threads as write.

use super::aggregate::Aggregate;
use super::core::Core;
use super::core::Sealed as State;
use super::gather::Gathered;
use super::merge::merge;
use super::open::Open;
use super::slice::Slice;
use super::table::Table;
use super::tiers::Bucket;
use super::tiers::Part;
use super::tiers::Sealed;
use super::time::DAY;
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Sealed parts a bucket may have before small ones are merged. Folding merges them all anyway.
const PARTS: usize = 8;
/// Seconds after which what has passed is folded, though it stays open for longer: nearly all that comes late has
/// come, and a question reads a minute instead of sixty seconds.
const FOLDED_AFTER: u32 = 10;
/// A part this much larger than all smaller ones together is left alone, so that a trickle of late
/// events does not rewrite a large slice each second.
const LARGE: usize = 2;

impl Core {
    /// Seals what has passed. The caller holds `sealing`.
    pub(super) fn seal(&self) {
        let now = self.watermark.load(Ordering::Relaxed);
        if now == i64::MIN {
            return; // nothing has happened yet
        }
        let crowded = self.crowded.swap(false, Ordering::Relaxed);
        let horizon = self.drain(now, crowded);
        self.fold_passed(now);
        self.move_on(now);
        if now > horizon {
            self.drain(now, crowded); // the clock jumped: these had no place before
        }
        let before = self.sealed_to.swap(now, Ordering::Relaxed);
        if before.div_euclid(DAY) != now.div_euclid(DAY) {
            self.forget(now);
        }
    }

    /// Seals everything, the current second too.
    pub(super) fn seal_all(&self) {
        let _guard = self.sealing.lock();
        self.seal();
        if self.sealed.read().tiers.begun() {
            self.drain(self.watermark.load(Ordering::Relaxed), true);
        }
    }

    /// Moves open buckets that have passed (or `all` of them) out of the stripes into the tiers.
    /// Answers the last second the tiers had a place for.
    fn drain(&self, now: i64, all: bool) -> i64 {
        let (touched, horizon) = self.collect(&mut self.sealed.write(), now, all);
        self.gather();
        touched.into_iter().for_each(|bucket| self.pack(bucket));
        self.settle_growth();
        horizon
    }

    /// Gathers what waits for it, beside others who do.
    pub(super) fn gather(&self) {
        while let Some(open) = { self.ungathered.lock().pop() } {
            open.gathered();
        }
    }

    /// Counts what was sealed towards what only grows.
    pub(super) fn settle_growth(&self) {
        self.grown.settle(&self.series, self.forgets.load(Ordering::Acquire));
    }

    /// Begins with it, once.
    pub(super) fn begin_growth(&self, limit: usize) {
        if !self.grown.has_begun() {
            self.seal_all(); // what came before must not seem to come now
            self.grown.begin(limit);
        }
    }

    /// The quick part of [`drain`](Self::drain): pointers are moved, nothing is sorted. Answers the
    /// buckets that are to be packed.
    pub(super) fn collect(&self, sealed: &mut State, now: i64, all: bool) -> (Vec<Bucket>, i64) {
        let mut touched = Vec::new();
        let State { tiers, rollups } = sealed;
        let horizon = tiers.horizon();
        for stripe in &self.stripes {
            let ripe = |bucket: Bucket| {
                let start = tiers.start(bucket);
                start <= horizon && (all || bucket.tier > 0 || start < now - 1)
            };
            let taken = stripe.lock().take(ripe);
            for (bucket, open) in taken {
                let buckets = tiers.insert(bucket, &Part::Open(open.clone()));
                if !buckets.is_empty() {
                    each_group(&open, |group, calls| rollups.add(group, tiers.start(bucket), calls, tiers));
                }
                touched.extend(buckets);
                self.grown.note(&open);
                self.ungathered.lock().push(open);
            }
        }
        touched.sort_unstable();
        touched.dedup();
        (touched, horizon)
    }

    /// Packs the open parts of a bucket, together with small sealed ones if there are many.
    pub(super) fn pack(&self, bucket: Bucket) {
        let parts = self.sealed.read().tiers.parts(bucket).to_vec();
        let (mut packed, mut sealed): (Vec<Part>, Vec<Part>) =
            parts.into_iter().partition(|part| part.as_open().is_some());
        if sealed.len() > PARTS {
            sealed.sort_by_key(Part::len);
            let mut series: usize = packed.iter().map(Part::len).sum();
            let small = sealed.into_iter().take_while(|part| {
                let small = part.len() <= LARGE * series;
                series += part.len();
                small
            });
            packed.extend(small);
        }
        if !packed.is_empty() {
            let one = Part::Sealed(Arc::new(merge_parts(&packed)));
            self.sealed.write().tiers.replace(bucket, &packed, one);
        }
    }

    /// Folds what has passed for a while.
    pub(super) fn fold_passed(&self, now: i64) {
        self.fold(now - i64::from(self.config.open_secs.min(FOLDED_AFTER)));
    }

    /// Folds what ended at `passed` or before into the coarser tiers, finest first.
    fn fold(&self, passed: i64) {
        for tier in 1..self.config.tiers.len() {
            let (buckets, to) = self.sealed.read().tiers.to_fold(tier, passed);
            let merge = |(bucket, parts): (Bucket, Vec<Part>)| (bucket, Part::Sealed(Arc::new(merge_parts(&parts))));
            let merged: Vec<(Bucket, Part)> = buckets.into_iter().map(merge).collect();
            self.sealed.write().tiers.folded(tier, merged, to);
        }
    }

    /// Moves coverage on, drops what has left it, and keeps to the memory budget.
    fn move_on(&self, now: i64) {
        let mut sealed = self.sealed.write();
        let State { tiers, rollups } = &mut *sealed;
        tiers.advance(now);
        tiers.evict();
        rollups.evict(tiers);
        drop(sealed);
        self.keep_to_budget(now);
        self.publish_coverage(&self.sealed.read().tiers);
    }

    /// Gives up fine buckets until nine tenths of the budget are enough; if what may be given up
    /// is not, folds without waiting for late events; if that is not, shuts the door on new names.
    fn keep_to_budget(&self, now: i64) {
        let enough = self.config.memory_bytes / 10 * 9;
        if self.shed_to(enough) > enough {
            self.fold(now);
            self.shed_to(enough);
        }
        let held = self.memory(&self.sealed.read());
        self.series.write().set_full(held > enough);
    }

    /// Gives up fine buckets as another engine did for want of memory.
    pub(super) fn give_up_before(&self, covered: &[i64]) {
        let _sealing = self.sealing.lock();
        self.seal();
        let mut sealed = self.sealed.write();
        let State { tiers, rollups } = &mut *sealed;
        (0..tiers.len()).zip(covered).for_each(|(tier, second)| tiers.give_up_before(tier, *second));
        tiers.evict();
        rollups.evict(tiers);
        self.publish_coverage(tiers);
    }

    fn shed_to(&self, enough: u64) -> u64 {
        let mut sealed = self.sealed.write();
        loop {
            let held = self.memory(&sealed);
            if held <= enough || !sealed.tiers.shed() {
                return held;
            }
            let State { tiers, rollups } = &mut *sealed;
            rollups.evict(tiers);
        }
    }

    /// Bytes held in all.
    pub(super) fn memory(&self, sealed: &State) -> u64 {
        let stripes: u64 = self.stripes.iter().map(|stripe| stripe.lock().bytes()).sum();
        stripes + self.series.read().bytes() as u64 + sealed.tiers.bytes() + sealed.rollups.bytes()
    }

    /// Forgets series that no tier can hold a call of any more; not while an image names them.
    fn forget(&self, now: i64) {
        if self.images.load(Ordering::Acquire) > 0 {
            return;
        }
        let last = self.config.tiers.last().expect("validated: at least one tier");
        let day = (now - last.retention_secs()).div_euclid(DAY) - 2; // a margin for events under way
        let Ok(day) = u32::try_from(day) else { return };
        let gone = self.series.write().forget_before(day);
        self.forgets.fetch_add(1, Ordering::Release);
        self.sealed.write().rollups.forget(&gone);
    }
}

fn each_group(open: &Open, mut visit: impl FnMut(u32, &Aggregate)) {
    let groups = open.sums().by_group();
    for (id, cell) in groups.ids.into_iter().zip(groups.cells) {
        let mut calls = Aggregate::default();
        cell.add_to(&mut calls);
        visit(id, &calls);
    }
}

/// Any parts as one.
pub(super) fn merge_parts(parts: &[Part]) -> Sealed {
    let series = merge_side(parts, |gathered| &gathered.series, |sealed| &sealed.series);
    let groups = merge_side(parts, |gathered| &gathered.groups, |sealed| &sealed.groups);
    Sealed { series, groups }
}

/// The series of any parts.
pub(super) fn merge_series(parts: &[Part]) -> Slice {
    merge_side(parts, |gathered| &gathered.series, |sealed| &sealed.series)
}

/// One side of any parts: gathered open buckets, and slices.
fn merge_side<'a>(
    parts: &'a [Part],
    table: impl Fn(&'a Gathered) -> &'a Table,
    slice: impl Fn(&'a Sealed) -> &'a Slice,
) -> Slice {
    if let [Part::Open(open)] = parts {
        return table(open.gathered()).pack(); // as most buckets are sealed
    }
    let slices: Vec<Cow<'_, Slice>> = parts
        .iter()
        .map(|part| match part {
            Part::Open(open) => Cow::Owned(table(open.gathered()).pack()),
            Part::Sealed(sealed) => Cow::Borrowed(slice(sealed)),
        })
        .collect();
    merge(&slices.iter().map(|slice| &**slice).collect::<Vec<_>>())
}
