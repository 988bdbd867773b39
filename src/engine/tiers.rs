//! A ring for each resolution, and which of them answers for which instant.
//!
//! ```text
//! tier 0   1 s     ────────────────────────────▌ now
//! tier 1   1 min   ──────────────────────▐          up to `folded_to`: complete
//! tier 2   15 min  ─────────────────▐
//! ```
//!
//! An event goes to the finest tier that still covers it. A bucket of a coarser tier is made by
//! folding the finer buckets it is made of, once they have passed; what comes later still is put
//! into every folded bucket it belongs to. So wherever two tiers cover the same span they hold the
//! same calls, and a span can be read from any mix of them.

use super::config::Config;
use super::open::Open;
use super::ring::Ring;
use super::slice::Slice;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A sealed part of a bucket: its series, and the same calls by rollup group.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) series: Slice,
    pub(super) groups: Slice,
}

/// Part of what a bucket holds.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// No longer written to, not yet packed.
    Open(Arc<Open>),
    /// Packed.
    Sealed(Arc<Sealed>),
}

impl Part {
    /// The open bucket, if it is not packed yet.
    pub(super) fn as_open(&self) -> Option<&Open> {
        match self {
            Self::Open(open) => Some(open),
            Self::Sealed(_) => None,
        }
    }

    /// How many rows, about.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Open(open) => open.len(),
            Self::Sealed(sealed) => sealed.series.len(),
        }
    }

    fn bytes(&self) -> u64 {
        let bytes = match self {
            Self::Open(open) => open.bytes(),
            Self::Sealed(sealed) => sealed.series.bytes() + sealed.groups.bytes(),
        };
        bytes as u64
    }
}

/// A bucket of a tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Bucket {
    pub(super) tier: usize,
    pub(super) number: i64,
}

/// Buckets of the next tier that a tier keeps beyond its retention.
const SLACK: i64 = 5;

/// One resolution. All spans are in seconds.
#[derive(Debug)]
struct Tier {
    step: i64,
    retention: i64,
    align: i64, // the next tier's step: coverage begins on its borders, so spans can be tiled
    slack: i64, // kept beyond retention, so that paging through an answer outlives it
    ring: Ring<Vec<Part>>,
    folded_to: i64, // every bucket that ends here or before is complete
    floor: i64,     // given up before this for want of memory
    bytes: u64,
}

/// All resolutions, finest first.
#[derive(Debug)]
pub(super) struct Tiers {
    tiers: Vec<Tier>,
    newest: i64, // the second up to which passed seconds were sealed
    ahead: i64,
}

impl Tiers {
    pub(super) fn new(config: &Config) -> Self {
        let ahead = i64::from(config.ahead_secs);
        let steps: Vec<i64> = config.tiers.iter().map(|tier| i64::from(tier.step_secs)).collect();
        let tier = |(place, tier): (usize, &super::config::TierConfig)| {
            let step = steps[place];
            let align = steps.get(place + 1).copied().unwrap_or(step);
            let slack = if align == step { 0 } else { SLACK * align };
            let slots = i64::from(tier.len) + (slack + align + ahead) / step + 3;
            Tier {
                step,
                retention: tier.retention_secs(),
                align,
                slack,
                ring: Ring::new(usize::try_from(slots).expect("a ring fits in memory")),
                folded_to: i64::MIN,
                floor: i64::MIN,
                bytes: 0,
            }
        };
        Self { tiers: config.tiers.iter().enumerate().map(tier).collect(), newest: i64::MIN, ahead }
    }

    /// Begins at an instant: what lies before it counts as folded already.
    pub(super) fn begin(&mut self, now: i64, open_secs: i64) {
        self.newest = now;
        for tier in &mut self.tiers {
            tier.folded_to = align(now - open_secs, tier.step);
        }
    }

    /// Lets a tier answer from `second` on at the earliest, rounded up to what spans can be tiled with.
    pub(super) fn give_up_before(&mut self, tier: usize, second: i64) {
        let tier = &mut self.tiers[tier];
        tier.floor = tier.floor.max(-align(-second, tier.align));
    }

    /// Begins folding again where the finer tiers begin: what lies before has leaves of its own.
    pub(super) fn unfold(&mut self) {
        for tier in 1..self.tiers.len() {
            let from = self.covered_from(tier - 1);
            self.tiers[tier].folded_to = self.tiers[tier].folded_to.min(from);
        }
    }

    /// The second up to which passed seconds were sealed.
    pub(super) fn newest(&self) -> i64 {
        self.newest
    }

    /// Whether [`begin`](Self::begin) has been called.
    pub(super) fn begun(&self) -> bool {
        self.newest != i64::MIN
    }

    /// Seconds of a tier's bucket.
    pub(super) fn step(&self, tier: usize) -> i64 {
        self.tiers[tier].step
    }

    /// How many tiers.
    pub(super) fn len(&self) -> usize {
        self.tiers.len()
    }

    /// The second from which a tier answers.
    pub(super) fn covered_from(&self, tier: usize) -> i64 {
        let tier = &self.tiers[tier];
        align(self.newest - tier.retention - tier.slack, tier.align).max(tier.floor)
    }

    /// The finest tier that answers for a second; the coarsest for those that none covers.
    pub(super) fn finest(&self, second: i64) -> usize {
        let covers = |tier: &usize| second >= self.covered_from(*tier);
        (0..self.tiers.len()).find(covers).unwrap_or(self.tiers.len() - 1)
    }

    /// The first second of a bucket.
    pub(super) fn start(&self, bucket: Bucket) -> i64 {
        bucket.number * self.tiers[bucket.tier].step
    }

    /// An edge rounded down to the finest bucket kept for it, and that bucket's step.
    pub(super) fn floor(&self, second: i64) -> (i64, i64) {
        let second = second.max(self.covered_from(self.tiers.len() - 1));
        let step = self.tiers[self.finest(second)].step;
        (align(second, step), step)
    }

    /// Puts a part into the bucket it was counted for, or the finest one that still covers it, and
    /// into every coarser bucket that is folded already. Answers the buckets touched; none where
    /// the part is older than everything kept.
    pub(super) fn insert(&mut self, bucket: Bucket, part: &Part) -> Vec<Bucket> {
        let start = self.start(bucket);
        let last = self.tiers.len() - 1;
        if start < self.covered_from(last) {
            return Vec::new();
        }
        let finest = self.finest(start).max(bucket.tier);
        let folded = |tier: &usize| *tier == finest || start < self.tiers[*tier].folded_to;
        let tiers: Vec<usize> = (finest..=last).filter(folded).collect();
        let bucket = |tier: usize| Bucket { tier, number: start.div_euclid(self.tiers[tier].step) };
        let touched: Vec<Bucket> = tiers.into_iter().map(bucket).collect();
        for bucket in &touched {
            self.push(*bucket, part.clone());
        }
        touched
    }

    fn push(&mut self, bucket: Bucket, part: Part) {
        let tier = &mut self.tiers[bucket.tier];
        tier.bytes += part.bytes();
        tier.ring.get_mut(bucket.number).push(part);
    }

    /// What a bucket holds.
    pub(super) fn parts(&self, bucket: Bucket) -> &[Part] {
        self.tiers[bucket.tier].ring.get(bucket.number).map_or(&[], Vec::as_slice)
    }

    /// Replaces parts of a bucket, known by their address, by one that holds the same calls.
    pub(super) fn replace(&mut self, bucket: Bucket, old: &[Part], new: Part) {
        let same = |a: &Part, b: &Part| match (a, b) {
            (Part::Open(a), Part::Open(b)) => Arc::ptr_eq(a, b),
            (Part::Sealed(a), Part::Sealed(b)) => Arc::ptr_eq(a, b),
            _ => false,
        };
        let tier = &mut self.tiers[bucket.tier];
        let gone: u64 = old.iter().map(Part::bytes).sum();
        tier.ring.get_mut(bucket.number).retain(|part| !old.iter().any(|old| same(part, old)));
        tier.bytes -= gone;
        self.push(bucket, new);
    }

    /// The buckets of a tier that ended at `passed` or before but are not folded yet, each with the finer parts it
    /// is made of, and where folding has come to after them.
    pub(super) fn to_fold(&self, tier: usize, passed: i64) -> (Vec<(Bucket, Vec<Part>)>, i64) {
        let (coarse, fine) = (&self.tiers[tier], &self.tiers[tier - 1]);
        let passed = if tier == 1 { passed } else { fine.folded_to };
        let to = align(passed, coarse.step).max(coarse.folded_to);
        let mut buckets: BTreeMap<i64, Vec<Part>> = BTreeMap::new();
        for (number, parts) in fine.ring.iter() {
            let start = number * fine.step;
            if (coarse.folded_to..to).contains(&start) {
                buckets.entry(start.div_euclid(coarse.step)).or_default().extend(parts.iter().cloned());
            }
        }
        let bucket = |(number, parts)| (Bucket { tier, number }, parts);
        (buckets.into_iter().map(bucket).collect(), to)
    }

    /// Takes in what [`to_fold`](Self::to_fold) told, merged.
    pub(super) fn folded(&mut self, tier: usize, merged: Vec<(Bucket, Part)>, to: i64) {
        for (bucket, part) in merged {
            self.push(bucket, part);
        }
        self.tiers[tier].folded_to = to;
    }

    /// Moves the tiers on, never back. Everything that is about to leave a tier must be folded.
    pub(super) fn advance(&mut self, now: i64) {
        self.newest = self.newest.max(now);
    }

    /// Drops what has left each tier's retention.
    pub(super) fn evict(&mut self) {
        for place in 0..self.tiers.len() {
            let from = self.covered_from(place);
            let tier = &mut self.tiers[place];
            let bucket = from.div_euclid(tier.step);
            let gone: u64 = tier.ring.evict_before(bucket).flatten().map(|part| part.bytes()).sum();
            tier.bytes -= gone;
        }
    }

    /// Gives up the oldest eighth of the finest tier that still has more than its newest folded
    /// span, so that the coarser tiers answer for it. `false` where nothing more can be given up.
    pub(super) fn shed(&mut self) -> bool {
        for place in 0..self.tiers.len() - 1 {
            let (from, folded_to) = (self.covered_from(place), self.tiers[place + 1].folded_to);
            let tier = &mut self.tiers[place];
            let oldest =
                tier.ring.iter().filter(|(_, parts)| !parts.is_empty()).map(|(number, _)| number * tier.step).min();
            let Some(oldest) = oldest.filter(|oldest| *oldest < folded_to) else { continue };
            let span = (folded_to - oldest.max(from)) / 8;
            tier.floor = align(oldest.max(from) + span + tier.align, tier.align).min(folded_to);
            self.evict();
            return true;
        }
        false
    }

    /// The buckets that together cover `[from, to)`, coarse ones where they are complete. Both
    /// edges must come from [`floor`](Self::floor).
    pub(super) fn tile(&self, from: i64, to: i64) -> Vec<Bucket> {
        let mut at = from;
        let mut buckets = Vec::new();
        let to = to.min(self.horizon() + 1); // nothing is sealed beyond
        while at < to {
            let fits = |tier: &usize| {
                let Tier { step, folded_to, .. } = self.tiers[*tier];
                at % step == 0 && at + step <= to && at + step <= folded_to && at >= self.covered_from(*tier)
            };
            let tier = (1..self.tiers.len()).rev().find(fits).unwrap_or_else(|| self.finest(at));
            let step = self.tiers[tier].step;
            buckets.push(Bucket { tier, number: at.div_euclid(step) });
            at += step;
        }
        buckets
    }

    /// The buckets that hold something and that no finer tier answers for, by the time they begin:
    /// each call once.
    pub(super) fn leaves(&self) -> Vec<Bucket> {
        let mut leaves = Vec::new();
        let mut until = i64::MAX;
        for (tier, held) in self.tiers.iter().enumerate() {
            let span = self.covered_from(tier)..until;
            let within = held.ring.iter().filter(|(_, parts)| !parts.is_empty()).map(|(number, _)| number);
            leaves.extend(
                within.filter(|number| span.contains(&(number * held.step))).map(|number| Bucket { tier, number }),
            );
            until = span.start;
        }
        leaves.sort_unstable_by_key(|leaf| self.start(*leaf));
        leaves
    }

    /// Every bucket that holds something.
    pub(super) fn buckets(&self) -> Vec<Bucket> {
        let of = |(tier, t): (usize, &Tier)| {
            t.ring.iter().map(move |(number, _)| Bucket { tier, number }).collect::<Vec<_>>()
        };
        let mut all: Vec<Bucket> = self.tiers.iter().enumerate().flat_map(of).collect();
        all.sort_unstable();
        all
    }

    /// The last second that can be counted.
    pub(super) fn horizon(&self) -> i64 {
        self.newest + self.ahead
    }

    /// Bytes of all parts; one that several tiers share counts for each.
    pub(super) fn bytes(&self) -> u64 {
        self.tiers.iter().map(|tier| tier.bytes).sum()
    }
}

/// Rounded down to a multiple of `step`.
pub(super) fn align(second: i64, step: i64) -> i64 {
    second.div_euclid(step) * step
}
