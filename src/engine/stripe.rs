//! Where events are counted first. Each writer thread keeps to a stripe of its own while it can,
//! so that two threads seldom wait for one another; readers add the stripes up.

use super::combination::Combination;
use super::entry::Entry;
use super::event::Measures;
use super::open::Open;
use super::recent_log::RecentLog;
use super::series::Resolved;
use super::tiers::Bucket;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// The open buckets of some writers, and their recent calls.
#[derive(Debug)]
pub(super) struct Stripe {
    open: Vec<(Bucket, Box<Open>)>,
    index: HashMap<Bucket, usize, RandomState>, // place in `open`
    last: usize,                                // the place used last: most events follow their like
    rollups: usize,
    held: usize,  // calls in open buckets
    crowd: usize, // how many of them are too many
    pub(super) accepted: u64,
    pub(super) numbers: Range<u64>, // places in the order of arrival, taken and not yet given
    pub(super) recent: RecentLog,
}

impl Stripe {
    /// An empty stripe whose series belong to so many rollup groups each besides the total, and
    /// which asks to be sealed once it holds more than `crowd` calls.
    pub(super) fn new(rollups: usize, crowd: usize, recent: RecentLog) -> Self {
        Self {
            open: Vec::new(),
            index: HashMap::default(),
            last: 0,
            rollups,
            held: 0,
            crowd,
            accepted: 0,
            numbers: 0..0,
            recent,
        }
    }

    /// Counts one call; answers it as it was kept. `told` tells the groups of its combination.
    #[inline]
    pub(super) fn record(
        &mut self,
        bucket: Bucket,
        series: &Resolved,
        measures: &Measures,
        told: impl FnOnce() -> Combination,
    ) -> Entry {
        self.held += 1;
        self.accepted += 1;
        self.open_mut(bucket).record(series, measures, told)
    }

    #[inline]
    fn open_mut(&mut self, bucket: Bucket) -> &mut Open {
        if self.open.get(self.last).is_none_or(|(last, _)| *last != bucket) {
            let place = self.index.get(&bucket).copied();
            self.last = place.unwrap_or_else(|| self.begin(bucket));
        }
        &mut self.open[self.last].1
    }

    #[cold]
    fn begin(&mut self, bucket: Bucket) -> usize {
        self.open.push((bucket, Box::new(Open::new(self.rollups))));
        self.index.insert(bucket, self.open.len() - 1);
        self.open.len() - 1
    }

    /// Whether it should be sealed before its second has passed.
    pub(super) fn is_crowded(&self) -> bool {
        self.held > self.crowd
    }

    /// Takes the buckets out that `ripe` says, to be sealed.
    pub(super) fn take(&mut self, ripe: impl Fn(Bucket) -> bool) -> Vec<(Bucket, Arc<Open>)> {
        let taken = self.open.extract_if(.., |(bucket, _)| ripe(*bucket));
        let taken: Vec<(Bucket, Arc<Open>)> = taken.map(|(bucket, open)| (bucket, Arc::from(open))).collect();
        self.held -= taken.iter().map(|(_, open)| open.len()).sum::<usize>();
        self.index = self.open.iter().enumerate().map(|(place, (bucket, _))| (*bucket, place)).collect();
        taken
    }

    /// The buckets still open.
    pub(super) fn open(&self) -> impl Iterator<Item = (Bucket, &Open)> {
        self.open.iter().map(|(bucket, open)| (*bucket, &**open))
    }

    /// Bytes on the heap, about.
    pub(super) fn bytes(&self) -> u64 {
        let open: usize = self.open.iter().map(|(_, open)| open.bytes()).sum();
        (open + self.open.capacity() * 64) as u64 + self.recent.bytes()
    }
}
