//! The engine: pure and deterministic. It has no clock, no files and no threads; `now` is always
//! a parameter, so the same events give the same state, live, replayed or in a test.
//!
//! ```text
//! event ─▶ series ─▶ stripe ─▶ open bucket          counted, the writer is done
//!                                  │ seal           a second has passed
//!                                  ▼
//!                     tiers (rings of slices) + rollups (cumulative sums)
//!                                  │ fold           a minute, a quarter, a day has passed
//!                                  ▼
//! query ─▶ plan ─▶ view (tiles of slices, open cells) ─▶ answer
//! ```

// The engine alone is neither saved nor replayed.
#![cfg_attr(not(feature = "store"), allow(dead_code))]

pub mod aggregate;
mod answer;
pub mod arrivals;
mod bins;
mod bits;
mod block;
mod canonical;
mod cell;
pub(crate) mod column;
mod columns;
mod combination;
mod combinations;
pub mod config;
mod core;
mod entry;
pub mod event;
mod forwards;
mod gather;
pub mod grown;
mod handle;
pub mod histogram;
mod ids;
pub(crate) mod image;
mod known;
mod live;
mod log;
mod merge;
pub mod money;
mod numbers;
mod open;
mod outcome;
mod packed;
pub(crate) mod plain;
pub(crate) mod plain_column;
mod plan;
mod postings;
pub mod query;
mod rank;
pub mod recent;
mod recent_log;
mod renumber;
pub mod reports;
pub(crate) mod restore;
mod rfc3339;
mod ring;
mod rollup;
mod rows;
mod scan;
mod seal;
mod series;
mod slice;
mod sound;
mod spin;
mod stripe;
mod sums;
mod table;
mod tell;
mod tiers;
pub mod time;
mod times;
mod values;
mod view;
mod wide;

use self::arrivals::Arrivals;
use self::arrivals::Follower;
use self::config::Config;
use self::config::ConfigError;
use self::core::Core;
pub(crate) use self::core::Decided;
pub(crate) use self::core::Decision;
use self::event::Dimension;
use self::event::Dimensions;
use self::event::Event;
use self::event::Reject;
use self::grown::Family;
pub use self::handle::Series;
pub use self::outcome::Applied;
pub use self::outcome::Extent;
pub use self::outcome::Stats;
pub use self::outcome::Value;
use self::query::Filter;
use self::query::Query;
use self::query::QueryError;
use self::query::Usage;
use self::recent::CallPage;
use self::recent::CallQuery;
use self::reports::Reports;
pub(crate) use self::series::Resolved;
use self::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The engine; clones share one state.
///
/// ```
/// use tallyring::Engine;
/// use tallyring::engine::event::{Dimension, Dimensions, Event};
/// use tallyring::engine::query::Query;
/// use tallyring::engine::time::Timestamp;
///
/// let engine = Engine::new(Default::default())?;
/// let now: Timestamp = "2026-11-22T12:00:00Z".parse()?;
/// let dimensions = Dimensions::default().with(Dimension::Model, "gpt-4o").with(Dimension::Status, "200");
/// engine.record(&Event { timestamp: now, dimensions, ..Event::default() }, now)?;
/// assert_eq!(engine.query(&Query::window(60), now)?.totals.sums.requests, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Engine {
    core: Arc<Core>,
}

impl Engine {
    /// An empty engine.
    ///
    /// # Errors
    /// [`ConfigError`] where the limits can't be.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self { core: Arc::new(Core::new(config)) })
    }

    /// Its limits.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.core.config
    }

    /// Counts one call.
    ///
    /// # Errors
    /// [`Reject`]: a field is at fault, or its time is too old or too far ahead. The fault is
    /// counted; nothing else changes.
    pub fn record(&self, event: &Event<'_>, now: Timestamp) -> Result<Applied, Reject> {
        self.apply(std::slice::from_ref(event), now).pop().expect("one answer for each event")
    }

    /// Counts a batch; one answer for each event, in order. Faults concern single events only.
    #[must_use]
    pub fn apply(&self, events: &[Event<'_>], now: Timestamp) -> Vec<Result<Applied, Reject>> {
        self.core.apply(events, now)
    }

    /// What [`record`](Self::record) would say, without counting anything.
    ///
    /// # Errors
    /// As [`record`](Self::record).
    pub fn check(&self, event: &Event<'_>, now: Timestamp) -> Result<(), Reject> {
        self.core.check(event, now).map(|_late| ())
    }

    /// Counts events that the caller refused or recognised itself, so that answers can say how
    /// complete they are.
    pub fn note(&self, rejected: &[Reject], duplicates: u64) {
        rejected.iter().for_each(|reject| self.core.note_reject(reject));
        self.core.counters.duplicates.fetch_add(duplicates, Ordering::Relaxed);
    }

    /// Checks and resolves events without counting them; tells the decision for each, in order.
    /// Faults are noted.
    pub(crate) fn decide<'e, 'a>(
        &self,
        events: &'e [Event<'a>],
        now: Timestamp,
        told: impl FnMut(&'e Event<'a>, Result<Decision, Reject>),
    ) {
        self.core.observe(now);
        self.core.decide(events, now, told);
    }

    /// Notes the time, before events are judged.
    #[cfg(feature = "server")]
    pub(crate) fn observe(&self, now: Timestamp) {
        self.core.observe(now);
    }

    /// Whether calls of these names can be counted at all.
    #[cfg(feature = "server")]
    pub(crate) fn check_names(&self, dimensions: &Dimensions<'_>) -> Result<(), Reject> {
        self.core.check_fields(&Event { dimensions: *dimensions, ..Event::default() })
    }

    /// Whether a time can be counted, and whether it is late.
    #[cfg(feature = "server")]
    pub(crate) fn judge(&self, timestamp: Timestamp, now: Timestamp) -> Result<bool, Reject> {
        let watermark = self.core.watermark.load(Ordering::Relaxed).max(now.secs());
        self.core.judge(timestamp, now, watermark)
    }

    /// The series of these names, made if need be; and whether it has just these names.
    #[cfg(feature = "server")]
    pub(crate) fn resolve(&self, dimensions: &Dimensions<'_>, timestamp: Timestamp) -> (Resolved, bool) {
        let (known, day) = core::resolvable(dimensions, timestamp);
        if let Some(resolved) = self.core.series.read().find(&known, day) {
            return (resolved, true);
        }
        let mut table = self.core.series.write();
        let resolved = table.admit(&known, day);
        let same = table.texts(resolved.id).zip(known.0).all(|(name, told)| **name == *told);
        (resolved, same)
    }

    /// Counts events that were decided on, numbered from `sequence`, as of `now`.
    pub(crate) fn count_decided<'a>(&self, rows: impl Iterator<Item = Decided<'a>>, sequence: u64, now: Timestamp) {
        self.core.count_decided(rows, sequence, now);
    }

    /// The series of these names as they were decided on before, whatever the limits are now.
    pub(crate) fn recall(&self, names: &Dimensions<'_>, timestamp: Timestamp) -> Resolved {
        self.core.recall(names, timestamp)
    }

    /// Tells the names of a series that was resolved, one for each dimension; `""` is "none".
    ///
    /// It may be asked from within [`decide`](Self::decide), which holds the same lock; therefore it
    /// does not queue behind a writer, who would wait for `decide` in turn.
    pub(crate) fn with_names<T>(&self, series: &Resolved, tell: impl FnOnce(&mut dyn Iterator<Item = &str>) -> T) -> T {
        let known = self.core.series.read_recursive();
        tell(&mut known.texts(series.id).map(|name| &**name))
    }

    /// Lets each tier answer from these seconds on at the earliest, as if memory had been short.
    pub(crate) fn give_up_before(&self, covered: &[i64]) {
        self.core.give_up_before(covered);
    }

    /// Adds what a journal noted: faults in the order of [`Reason::ALL`](event::Reason::ALL), and duplicates.
    pub(crate) fn note_counts(&self, rejected: [u64; 4], duplicates: u64) {
        let counters = &self.core.counters;
        for (count, more) in counters.rejected.iter().zip(rejected) {
            count.fetch_add(more, Ordering::Relaxed);
        }
        counters.duplicates.fetch_add(duplicates, Ordering::Relaxed);
    }

    /// Resolves a series once. Takes the place of naming every dimension again with every call.
    ///
    /// # Errors
    /// [`Reject`] where a value is too long or there is none.
    pub fn series(&self, dimensions: &Dimensions<'_>) -> Result<Series, Reject> {
        let event = Event { dimensions: *dimensions, ..Event::default() };
        self.core.check_fields(&event)?;
        Ok(Series::new(self.core.clone(), dimensions))
    }

    /// Seals the seconds that have passed, folds them into coarser tiers, forgets what is past
    /// retention. Cheap when there is nothing to do; [`apply`](Self::apply) and
    /// [`query`](Self::query) need it only to save work, never to be right. Call it about once a
    /// second.
    pub fn advance(&self, now: Timestamp) {
        self.core.observe(now);
        self.core.seal_if_due(now);
    }

    /// Answers a query as of `now`.
    ///
    /// # Errors
    /// [`QueryError`] names what the query asks too much of.
    pub fn query(&self, query: &Query, now: Timestamp) -> Result<Usage, QueryError> {
        self.core.query(query, now)
    }

    /// Tells recent calls, newest first.
    #[must_use]
    pub fn calls(&self, query: &CallQuery) -> CallPage {
        self.core.calls(query)
    }

    /// The calls numbered up to `upto`, all of which are counted, that came since this follower
    /// asked last.
    pub(crate) fn arrived(&self, follower: &mut Follower, upto: u64, limit: usize) -> Arrivals {
        self.core.arrived(follower, upto, limit)
    }

    /// The values of a dimension that contain `part` (in any case), by name; at most `limit`.
    #[must_use]
    pub fn values(&self, dimension: Dimension, part: &str, limit: usize) -> Vec<Value> {
        self.core.values(dimension, part, &[], limit)
    }

    /// The same, of the calls alone that the filters let through.
    #[must_use]
    pub fn values_within(&self, dimension: Dimension, part: &str, only: &[Filter], limit: usize) -> Vec<Value> {
        self.core.values(dimension, part, only, limit)
    }

    /// How many values of each dimension the calls have that the filters let through, and how many
    /// series.
    #[must_use]
    pub fn extent(&self, only: &[Filter]) -> Extent {
        self.core.extent(only)
    }

    /// The named reports as of `now`.
    #[must_use]
    pub fn reports(&self, now: Timestamp) -> Reports<'_> {
        Reports::new(self, now)
    }

    /// Begins to count what only grows, with room for so many rows in each family. A second time
    /// changes nothing.
    pub fn begin_growth(&self, limit: usize) {
        self.core.begin_growth(limit);
    }

    /// What has grown since [`begin_growth`](Self::begin_growth); nothing before. It is up to the
    /// last second sealed.
    #[must_use]
    pub fn growth(&self) -> Vec<Family> {
        self.core.growth()
    }

    /// What the engine holds.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.core.stats()
    }

    /// The whole state as bytes that depend on the events counted only: neither on the order in
    /// which they came, nor on threads or hash seeds.
    #[must_use]
    pub fn canonical_bytes(&self) -> Vec<u8> {
        self.core.canonical_bytes()
    }
}
