//! Where events are counted first. Each writer thread keeps to a stripe of its own while it can,
//! so that two threads seldom wait for one another; readers add the stripes up.

use super::event::Measures;
use super::open::Open;
use super::open::Room;
use super::recent::RecentLog;
use super::series::Resolved;
use super::tiers::Bucket;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::sync::Arc;

/// The open buckets of some writers, and their recent calls.
#[derive(Debug)]
pub(super) struct Stripe {
    open: Vec<(Bucket, Box<Open>)>,
    index: HashMap<Bucket, usize, RandomState>, // place in `open`
    last: usize,                                // the place used last: most events follow their like
    stride: usize,
    held: usize,          // cells and bins
    crowd: usize,         // how many of them are too many
    room: (Bucket, Room), // of the newest bucket that was sealed
    pub(super) accepted: u64,
    pub(super) recent: RecentLog,
}

impl Stripe {
    /// An empty stripe whose series belong to `stride` rollup groups each, and which asks to be
    /// sealed once it holds more than `crowd` cells and bins.
    pub(super) fn new(stride: usize, crowd: usize, recent: RecentLog) -> Self {
        Self {
            open: Vec::new(),
            index: HashMap::default(),
            last: 0,
            stride,
            held: 0,
            crowd,
            room: (Bucket { tier: 0, number: i64::MIN }, Room::default()),
            accepted: 0,
            recent,
        }
    }

    /// Counts one call.
    #[inline]
    pub(super) fn record(&mut self, bucket: Bucket, series: &Resolved, measures: &Measures) {
        let open = self.open_mut(bucket);
        let before = open.held();
        open.record(series, measures);
        let after = open.held();
        self.held += after - before;
        self.accepted += 1;
    }

    #[inline]
    fn open_mut(&mut self, bucket: Bucket) -> &mut Open {
        if self.open.get(self.last).is_none_or(|(last, _)| *last != bucket) {
            let place = self.index.get(&bucket).copied();
            self.last = place.unwrap_or_else(|| self.begin(bucket));
        }
        &mut self.open[self.last].1
    }

    /// Opens a bucket. The next seconds will see about as much as the last one; any other bucket,
    /// be it late or of a sender whose clock is ahead, little.
    #[cold]
    fn begin(&mut self, bucket: Bucket) -> usize {
        let (newest, room) = self.room;
        let next = bucket.tier == 0 && (newest.number..=newest.number.saturating_add(2)).contains(&bucket.number);
        let open = if next { Open::with_room(self.stride, room) } else { Open::new(self.stride) };
        self.open.push((bucket, Box::new(open)));
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
        if let Some((bucket, open)) =
            taken.iter().filter(|(bucket, _)| bucket.tier == 0).max_by_key(|(bucket, _)| *bucket)
        {
            self.room = (*bucket, open.room());
        }
        self.held -= taken.iter().map(|(_, open)| open.held()).sum::<usize>();
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
