//! Cumulative sums by rollup group: any window in two look-ups and a subtraction.
//!
//! For each group and tier there is a track: the sum of all calls *up to and including* each
//! bucket in which the group was seen.
//!
//! ```text
//! bucket      41   44   45            calls in [42, 46) = before(46) - before(42)
//! sum so far   7    9   12                              =     12     -     7     = 5
//! ```
//!
//! Sums are integers, so the difference is exact however long the history; and because every
//! track counts from the beginning, the two edges of a window may be read from different tiers.

use super::aggregate::Aggregate;
use super::tiers::Tiers;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::collections::VecDeque;

/// The sums of one group at one resolution.
#[derive(Debug, Default)]
struct Track {
    lift: Option<Box<Aggregate>>, // calls of buckets dropped already, told late: below every entry
    base: Option<Box<Aggregate>>, // the sum so far of the newest bucket dropped
    entries: VecDeque<(i64, Aggregate)>,
    late: Vec<(i64, Aggregate)>, // calls of older buckets, not yet worked into `entries`
    dropped: Option<i64>,        // buckets before this one are in `base`
}

impl Track {
    /// Adds the calls of a bucket.
    fn add(&mut self, bucket: i64, calls: &Aggregate) {
        if self.dropped.is_some_and(|dropped| bucket < dropped) {
            self.lift.get_or_insert_default().merge(calls);
            return;
        }
        match self.entries.back_mut() {
            Some((newest, sum)) if *newest == bucket => sum.merge(calls),
            Some((newest, _)) if *newest > bucket => {
                self.late.push((bucket, calls.clone()));
                if self.late.len() > 32 + self.entries.len() / 8 {
                    self.settle();
                }
            }
            newest => {
                let mut sum = newest.map_or_else(|| base(&self.base), |(_, sum)| sum.clone());
                sum.merge(calls);
                if self.entries.is_empty() {
                    self.entries.reserve_exact(1); // most values of a junk name are seen once
                }
                self.entries.push_back((bucket, sum));
            }
        }
    }

    /// Works late calls into the sums, in one pass from the oldest of them.
    fn settle(&mut self) {
        let mut late = std::mem::take(&mut self.late);
        late.sort_by_key(|(bucket, _)| *bucket);
        let Some((oldest, _)) = late.first() else { return };
        let keep = self.entries.partition_point(|(bucket, _)| bucket < oldest);
        let mut later = self.entries.split_off(keep).into_iter().peekable();
        let mut late = late.into_iter().peekable();
        let mut added = Aggregate::default();
        let mut sum_before = self.entries.back().map_or_else(|| base(&self.base), |(_, sum)| sum.clone());
        loop {
            let next = [later.peek(), late.peek()].into_iter().flatten().map(|(bucket, _)| *bucket).min();
            let Some(bucket) = next else { break };
            while let Some((_, calls)) = late.next_if(|(b, _)| *b == bucket) {
                added.merge(&calls);
            }
            if let Some((_, sum)) = later.next_if(|(b, _)| *b == bucket) {
                sum_before = sum;
            }
            let mut sum = sum_before.clone();
            sum.merge(&added);
            self.entries.push_back((bucket, sum));
        }
    }

    /// Drops the buckets before one; their sum stays in `base`.
    fn evict(&mut self, before: i64) {
        if self.dropped.is_some_and(|dropped| dropped >= before) {
            return;
        }
        self.settle();
        while self.entries.front().is_some_and(|(bucket, _)| *bucket < before) {
            self.base = self.entries.pop_front().map(|(_, sum)| Box::new(sum));
        }
        if self.entries.capacity() > 2 * self.entries.len() + 64 {
            self.entries.shrink_to_fit();
        }
        self.dropped = Some(before);
    }

    /// Visits the sums that make up all calls before a bucket.
    fn before(&self, bucket: i64, mut visit: impl FnMut(&Aggregate)) {
        let place = self.entries.partition_point(|(held, _)| *held < bucket);
        match place.checked_sub(1) {
            Some(place) => visit(&self.entries[place].1),
            None => self.base.iter().for_each(|base| visit(base)),
        }
        self.lift.iter().for_each(|lift| visit(lift));
        self.late.iter().filter(|(held, _)| *held < bucket).for_each(|(_, calls)| visit(calls));
    }

    fn bytes(&self) -> usize {
        let boxes = usize::from(self.lift.is_some()) + usize::from(self.base.is_some());
        let entries = self.entries.capacity() + self.late.capacity();
        entries * size_of::<(i64, Aggregate)>() + boxes * size_of::<Aggregate>() + size_of::<Self>()
    }
}

fn base(base: &Option<Box<Aggregate>>) -> Aggregate {
    base.as_deref().cloned().unwrap_or_default()
}

/// The tracks of every group.
#[derive(Debug, Default)]
pub(super) struct Rollups {
    groups: HashMap<u32, Box<[Track]>, RandomState>,
    bytes: u64,
}

impl Rollups {
    /// Adds calls of a group that were counted in a bucket.
    pub(super) fn add(&mut self, group: u32, start: i64, calls: &Aggregate, tiers: &Tiers) {
        let Self { groups, bytes } = self;
        let tracks = groups.entry(group).or_insert_with(|| {
            let track = |tier| Track {
                dropped: Some(tiers.covered_from(tier).div_euclid(tiers.step(tier))),
                ..Track::default()
            };
            let tracks: Box<[Track]> = (0..tiers.len()).map(track).collect();
            *bytes += tracks.iter().map(Track::bytes).sum::<usize>() as u64;
            tracks
        });
        for (tier, track) in tracks.iter_mut().enumerate() {
            *bytes -= track.bytes() as u64;
            track.add(start.div_euclid(tiers.step(tier)), calls);
            *bytes += track.bytes() as u64;
        }
    }

    /// All calls of a group in `[from, to)`; both edges come from [`Tiers::floor`].
    pub(super) fn between(&self, group: u32, from: i64, to: i64, tiers: &Tiers) -> Aggregate {
        let mut calls = Aggregate::default();
        if let Some(tracks) = self.groups.get(&group) {
            let place = |edge: i64| {
                let tier = tiers.finest(edge);
                (tier, edge.div_euclid(tiers.step(tier)))
            };
            let ((new, to), (old, from)) = (place(to), place(from));
            tracks[new].before(to, |sum| calls.merge(sum));
            tracks[old].before(from, |sum| calls.subtract(sum));
        }
        calls
    }

    /// Drops what has left each tier's retention.
    pub(super) fn evict(&mut self, tiers: &Tiers) {
        let from: Vec<i64> =
            (0..tiers.len()).map(|tier| tiers.covered_from(tier).div_euclid(tiers.step(tier))).collect();
        let mut bytes = 0;
        for tracks in self.groups.values_mut() {
            for (track, from) in tracks.iter_mut().zip(&from) {
                track.evict(*from);
                bytes += track.bytes() as u64;
            }
        }
        self.bytes = bytes;
    }

    /// Forgets groups whose values are gone.
    pub(super) fn forget(&mut self, groups: &[u32]) {
        for group in groups {
            if let Some(tracks) = self.groups.remove(group) {
                self.bytes -= tracks.iter().map(Track::bytes).sum::<usize>() as u64;
            }
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn calls(requests: u64) -> Aggregate {
        Aggregate { requests, ..Aggregate::default() }
    }

    fn before(track: &Track, bucket: i64) -> u64 {
        let mut sum = 0;
        track.before(bucket, |part| sum += part.requests);
        sum
    }

    proptest! {
        #[test]
        fn a_track_sums_what_came_before_in_any_order(
            adds in proptest::collection::vec((0_i64..60, 1_u64..9, any::<bool>()), 0..300),
            drop in 0_i64..40,
        ) {
            let mut track = Track::default();
            for (place, (bucket, requests, settle)) in adds.iter().enumerate() {
                track.add(*bucket, &calls(*requests));
                if *settle && place % 7 == 0 {
                    track.settle();
                }
                if place == adds.len() / 2 {
                    track.evict(drop);
                }
            }
            for edge in drop..62 {
                let expected: u64 = adds.iter().filter(|(bucket, ..)| *bucket < edge).map(|(_, n, _)| n).sum();
                prop_assert_eq!(before(&track, edge), expected, "edge {}", edge);
            }
        }
    }
}
