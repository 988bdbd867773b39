//! The state behind an [`Engine`](super::Engine), and how events get into it.
//!
//! ```text
//! record ─ check ─ resolve (series table, read lock) ─ stripe (mutex) ─ open bucket
//! seal   ─ passed buckets out of the stripes ─ packed ─ tiers and rollups (write lock, pointers only)
//! ```
//!
//! Locks are taken in this order and never the other way: `sealed`, then a stripe, then `series`.

use super::combination::Combination;
use super::config::Config;
use super::event::Dimension;
use super::event::Dimensions;
use super::event::Event;
use super::event::Measures;
use super::event::Reason;
use super::event::Reject;
use super::event::status;
use super::grown::Grown;
use super::open::Open;
use super::outcome::Applied;
use super::recent_log::Notes;
use super::recent_log::RecentLog;
use super::recent_log::Row;
use super::rollup::Rollups;
use super::series::Resolved;
use super::series::SeriesTable;
use super::series::is_reserved;
use super::stripe::Stripe;
use super::tiers::Bucket;
use super::tiers::Tiers;
use super::tiers::align;
use super::time::DAY;
use super::time::Timestamp;
use crossbeam_utils::CachePadded;
use parking_lot::Mutex;
use parking_lot::MutexGuard;
use parking_lot::RwLock;
use parking_lot::RwLockReadGuard;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

/// Events counted under one hold of a stripe's lock; a reader waits for no more than these.
const CHUNK: usize = 32;

/// Calls a stripe may hold before it is sealed out of turn: questions that no rollup answers read
/// them one by one.
const CROWD: usize = 1 << 16;
/// Places in the order of arrival that a stripe takes at a time for calls that come one by one, so
/// that threads do not write to the same line for each.
const NUMBERS: u64 = 64;
/// Bytes of an open call with what sealing makes of it, and of a recent call: with these an eighth
/// of the memory budget goes to open calls, and another to recent ones, at most.
const OPEN_BYTES: usize = 512;
const RECENT_BYTES: usize = 512;

/// What was sealed.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) tiers: Tiers,
    pub(super) rollups: Rollups,
}

/// What the engine counts about itself.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) late: AtomicU64,
    pub(super) rejected: [AtomicU64; 4],
    pub(super) duplicates: AtomicU64,
}

/// All state.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) config: Config,
    pub(super) series: RwLock<SeriesTable>,
    pub(super) stripes: Box<[CachePadded<Mutex<Stripe>>]>,
    pub(super) sealed: RwLock<Sealed>,
    pub(super) sealing: Mutex<()>,                // held by the one who seals
    pub(super) ungathered: Mutex<Vec<Arc<Open>>>, // taken out of the stripes, for any thread to gather
    pub(super) watermark: AtomicI64,              // the latest `now` seen, in seconds
    pub(super) sealed_to: AtomicI64,              // the `now` of the last sealing, in seconds
    pub(super) covered: Box<[AtomicI64]>,         // by tier: the second it answers from, as of the last sealing
    pub(super) crowded: AtomicBool,
    pub(super) counters: Counters,
    pub(super) grown: Grown,
    pub(super) forgets: AtomicU64, // changes whenever series numbers may have been given back
    pub(super) images: AtomicUsize, // while there are any, no series numbers are given back
    sequence: AtomicU64,
}

/// What arrival decides about an event that passed every check.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decision {
    pub(crate) series: Resolved,
    pub(crate) late: bool,
}

/// An event with its decision, to be counted now or, from a journal, again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decided<'a> {
    pub(crate) decision: Decision,
    pub(crate) timestamp: Timestamp,
    pub(crate) measures: Measures,
    pub(crate) id: &'a str,
    pub(crate) job_id: &'a str,
    pub(crate) error: &'a str,
}

impl Core {
    pub(super) fn new(config: Config) -> Self {
        let held = Arc::new(AtomicUsize::new(0));
        let stripes = config.stripes as usize;
        let share = usize::try_from(config.memory_bytes / 8).unwrap_or(usize::MAX);
        let recent = (share / RECENT_BYTES).min(config.recent_calls as usize);
        let crowd = (share / OPEN_BYTES / stripes).clamp(256, CROWD);
        let log = || RecentLog::new(recent, stripes, held.clone());
        let stripe = |_| CachePadded::new(Mutex::new(Stripe::new(config.rollups.len(), crowd, log())));
        Self {
            series: RwLock::new(SeriesTable::new(&config)),
            stripes: (0..stripes).map(stripe).collect(),
            sealed: RwLock::new(Sealed { tiers: Tiers::new(&config), rollups: Rollups::default() }),
            sealing: Mutex::new(()),
            ungathered: Mutex::new(Vec::new()),
            watermark: AtomicI64::new(i64::MIN),
            sealed_to: AtomicI64::new(i64::MIN),
            covered: config.tiers.iter().map(|_| AtomicI64::new(i64::MIN)).collect(),
            crowded: AtomicBool::new(false),
            counters: Counters::default(),
            grown: Grown::default(),
            forgets: AtomicU64::new(0),
            images: AtomicUsize::new(0),
            sequence: AtomicU64::new(0),
            config,
        }
    }

    /// Notes the time; it never goes back. Answers the latest seen, in seconds.
    #[inline]
    pub(super) fn observe(&self, now: Timestamp) -> i64 {
        let now = now.secs();
        let before = self.watermark.load(Ordering::Acquire);
        if now <= before {
            return before;
        }
        if before == i64::MIN {
            self.begin(now);
        }
        self.watermark.fetch_max(now, Ordering::AcqRel);
        now
    }

    /// Begins the tiers at the first instant ever seen. The watermark is raised only afterwards:
    /// whoever finds it raised may count on tiers that have begun.
    #[cold]
    fn begin(&self, now: i64) {
        let mut sealed = self.sealed.write();
        if !sealed.tiers.begun() {
            sealed.tiers.begin(now, i64::from(self.config.open_secs));
            self.publish_coverage(&sealed.tiers);
            self.sealed_to.store(now, Ordering::Relaxed);
        }
    }

    /// Whether a time can be counted, and whether it is late.
    #[inline]
    pub(super) fn judge(&self, timestamp: Timestamp, now: Timestamp, watermark: i64) -> Result<bool, Reject> {
        let second = timestamp.secs();
        if timestamp > now.plus_secs(i64::from(self.config.ahead_secs)) {
            let detail = "further ahead of the server's clock than allowed; check the sender's clock and unit";
            return Err(Reject { reason: Reason::Ahead, pointer: "/timestamp", detail });
        }
        let last = self.config.tiers.last().expect("validated: at least one tier");
        let oldest = watermark - last.retention_secs();
        // Aligning divides, which costs more than the rest of this; few calls are that old.
        if second < oldest && second < align(oldest, i64::from(last.step_secs)) {
            let detail = "older than the longest retention";
            return Err(Reject { reason: Reason::TooOld, pointer: "/timestamp", detail });
        }
        Ok(second < watermark - i64::from(self.config.open_secs))
    }

    /// Everything that can be said of an event without counting it.
    pub(super) fn check(&self, event: &Event<'_>, now: Timestamp) -> Result<bool, Reject> {
        self.check_fields(event)?;
        let watermark = self.watermark.load(Ordering::Relaxed).max(now.secs());
        self.judge(event.timestamp, now, watermark)
    }

    /// The part of [`check`](Self::check) that does not depend on time.
    pub(super) fn check_fields(&self, event: &Event<'_>) -> Result<(), Reject> {
        if is_reserved(&event.dimensions) {
            return Err(Reject::invalid("", "`__other__` is reserved for calls without room of their own"));
        }
        event.check()
    }

    /// Counts a batch; the answers are in the order of the events.
    pub(super) fn apply(&self, events: &[Event<'_>], now: Timestamp) -> Vec<Result<Applied, Reject>> {
        self.observe(now);
        let mut answers = Vec::with_capacity(events.len());
        let mut ready = Vec::with_capacity(events.len().min(CHUNK));
        for events in events.chunks(CHUNK) {
            ready.clear();
            self.decide(events, now, |event, decision| {
                answers.push(decision.as_ref().map(Decision::applied).map_err(Reject::clone));
                ready.extend(decision.ok().map(|decision| (event, decision)));
            });
            let sequence = self.sequence.fetch_add(ready.len() as u64, Ordering::Relaxed);
            self.count(ready.iter().map(|(event, decision)| decided(event, *decision)), sequence);
        }
        self.seal_if_due(now);
        answers
    }

    /// Checks and resolves events; tells the decision for each, in order. Faults are noted.
    pub(super) fn decide<'e, 'a>(
        &self,
        events: &'e [Event<'a>],
        now: Timestamp,
        mut told: impl FnMut(&'e Event<'a>, Result<Decision, Reject>),
    ) {
        let mut known = self.series.read();
        for event in events {
            let checked = self.check(event, now).inspect_err(|reject| self.note_reject(reject));
            let decision = checked.map(|late| {
                let (dimensions, day) = resolvable(&event.dimensions, event.timestamp);
                let series = known.find(&dimensions, day).unwrap_or_else(|| {
                    RwLockReadGuard::unlocked(&mut known, || self.series.write().admit(&dimensions, day))
                });
                Decision { series, late }
            });
            told(event, decision);
        }
    }

    /// Counts events that were decided on, numbered from `sequence`, as of `now`.
    pub(super) fn count_decided<'a>(&self, rows: impl Iterator<Item = Decided<'a>>, sequence: u64, now: Timestamp) {
        self.observe(now);
        let (mut rows, mut sequence) = (rows.peekable(), sequence);
        while rows.peek().is_some() {
            sequence += self.count(rows.by_ref().take(CHUNK), sequence);
        }
        self.seal_if_due(now);
    }

    pub(super) fn note_reject(&self, reject: &Reject) {
        self.counters.rejected[reject.reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// The series of these values, made if need be.
    pub(super) fn resolve(&self, dimensions: &Dimensions<'_>, timestamp: Timestamp) -> Resolved {
        let (dimensions, day) = resolvable(dimensions, timestamp);
        let known = self.series.read().find(&dimensions, day);
        known.unwrap_or_else(|| self.series.write().admit(&dimensions, day))
    }

    /// The series of these names, whatever the limits are now.
    pub(super) fn recall(&self, dimensions: &Dimensions<'_>, timestamp: Timestamp) -> Resolved {
        let day = u32::try_from(timestamp.secs() / DAY).expect("the year 9999 is day 2,932,896");
        let known = self.series.read().find(dimensions, day);
        known.unwrap_or_else(|| self.series.write().recall(dimensions, day))
    }

    /// Counts a chunk in one stripe; answers how many there were.
    fn count<'a>(&self, rows: impl Iterator<Item = Decided<'a>>, sequence: u64) -> u64 {
        let (mut counted, mut late) = (0, 0);
        let mut stripe = self.stripe();
        for row in rows {
            let series = &row.decision.series;
            let bucket = self.bucket_of(row.timestamp.secs());
            let entry = stripe.record(bucket, series, &row.measures, || self.combination(series));
            let kept = Row { timestamp: row.timestamp, sequence: sequence + counted, entry };
            stripe.recent.push(kept, Notes::of(row.id, row.job_id, row.error));
            counted += 1;
            late += u64::from(row.decision.late);
        }
        if stripe.is_crowded() {
            self.crowded.store(true, Ordering::Relaxed);
        }
        MutexGuard::unlock_fair(stripe);
        if late > 0 {
            self.counters.late.fetch_add(late, Ordering::Relaxed);
        }
        counted
    }

    /// Counts one call of a series resolved before.
    pub(super) fn count_one(
        &self,
        series: &Resolved,
        measures: &Measures,
        timestamp: Timestamp,
        now: Timestamp,
    ) -> Result<Applied, Reject> {
        let watermark = self.observe(now);
        let judged = measures.check().and_then(|()| self.judge(timestamp, now, watermark));
        let late = judged.inspect_err(|reject| self.note_reject(reject))?;
        let bucket = self.bucket_of(timestamp.secs());
        {
            let mut stripe = self.stripe();
            let sequence = stripe.numbers.next().unwrap_or_else(|| {
                let first = self.sequence.fetch_add(NUMBERS, Ordering::Relaxed);
                stripe.numbers = first + 1..first + NUMBERS;
                first
            });
            let entry = stripe.record(bucket, series, measures, || self.combination(series));
            stripe.recent.push(Row { timestamp, sequence, entry }, None);
            if stripe.is_crowded() {
                self.crowded.store(true, Ordering::Relaxed);
            }
        }
        if late {
            self.counters.late.fetch_add(1, Ordering::Relaxed);
        }
        self.seal_if_due(now);
        Ok(if late { Applied::CountedLate } else { Applied::Counted })
    }

    #[cold]
    fn combination(&self, series: &Resolved) -> Combination {
        self.series.read().combination(series.id)
    }

    /// The bucket an event is counted in. Coverage only ever shrinks, so an old reading names a
    /// bucket that is too fine, which sealing mends.
    #[inline]
    fn bucket_of(&self, second: i64) -> Bucket {
        let covers = |tier: &usize| second >= self.covered[*tier].load(Ordering::Relaxed);
        let tier = (0..self.covered.len()).find(covers).unwrap_or(self.covered.len() - 1);
        match i64::from(self.config.tiers[tier].step_secs) {
            1 => Bucket { tier, number: second }, // nearly always, and without a division
            step => Bucket { tier, number: second.div_euclid(step) },
        }
    }

    pub(super) fn publish_coverage(&self, tiers: &Tiers) {
        for (tier, covered) in self.covered.iter().enumerate() {
            covered.store(tiers.covered_from(tier), Ordering::Relaxed);
        }
    }

    /// This thread's stripe, or a free one, or this thread's after a wait.
    fn stripe(&self) -> MutexGuard<'_, Stripe> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local!(static MINE: Cell<usize> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed)));
        let mut mine = MINE.get();
        if mine >= self.stripes.len() {
            mine %= self.stripes.len(); // a division, which few threads need
        }
        self.stripes[mine].try_lock().unwrap_or_else(|| self.another_stripe(mine))
    }

    #[cold]
    fn another_stripe(&self, mine: usize) -> MutexGuard<'_, Stripe> {
        let (before, after) = self.stripes.split_at(mine);
        let free = after.iter().chain(before).find_map(|stripe| stripe.try_lock());
        free.unwrap_or_else(|| self.stripes[mine].lock())
    }

    /// Seals when a second has passed or a stripe is full; lends a hand where someone else is at it
    /// already.
    #[inline]
    pub(super) fn seal_if_due(&self, now: Timestamp) {
        if now.secs() > self.sealed_to.load(Ordering::Relaxed) || self.crowded.load(Ordering::Relaxed) {
            match self.sealing.try_lock() {
                Some(_guard) => self.seal(),
                None => self.gather(),
            }
        }
    }
}

impl Decision {
    fn applied(&self) -> Applied {
        if self.late { Applied::CountedLate } else { Applied::Counted }
    }
}

fn decided<'a>(event: &Event<'a>, decision: Decision) -> Decided<'a> {
    Decided {
        decision,
        timestamp: event.timestamp,
        measures: event.measures,
        id: event.id,
        job_id: event.job_id,
        error: event.error,
    }
}

/// What a series is looked up by: its values with one spelling of success, and the day it is seen on.
pub(super) fn resolvable<'a>(dimensions: &Dimensions<'a>, timestamp: Timestamp) -> (Dimensions<'a>, u32) {
    let day = u32::try_from(timestamp.secs() / DAY).expect("the year 9999 is day 2,932,896");
    let status = status::canonical(dimensions.get(Dimension::Status));
    (dimensions.with(Dimension::Status, status), day)
}
