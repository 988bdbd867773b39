//! Calls in the order they came, for whoever follows along.
//!
//! ```text
//! place in the log     7   8   9  10  11        asked up to 104:
//! number             101 103 106 102 105        told 101, 102, 103; the next question begins at
//!                                 place 9: the first that was not told yet
//! ```
//!
//! Threads that count at the same time number their calls first and log them later, so the log of
//! a stripe is only nearly in order. A follower therefore remembers two things: up to which number
//! everything was told, and the place of the first call beyond it.

use super::core::Core;
use super::query::Filter;
use super::recent::Call;
use super::tell::Wanted;
use super::tell::call;
use std::collections::BTreeMap;

/// Where someone stands who is told each call once, as it comes.
#[derive(Clone, Debug)]
pub struct Follower {
    filters: Vec<Filter>,
    failures_only: bool,
    told: u64,        // every call before this number was told
    places: Vec<u64>, // by stripe: no call from `told` on lies before
}

impl Follower {
    /// Begins behind the call of this number.
    pub(crate) fn new(filters: Vec<Filter>, failures_only: bool, told: u64) -> Self {
        Self { filters, failures_only, told, places: Vec::new() }
    }
}

/// What came since the last question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrivals {
    /// The latest that match, in the order they came.
    pub calls: Vec<Call>,
    /// How many more there were that match.
    pub skipped: u64,
    /// Whether that is all; `false` where calls were dropped before they could be looked at, and it
    /// is not known how many of them match.
    pub complete: bool,
}

impl Core {
    /// `upto` must have been read before: every call before it is in the logs, its names in the
    /// table of series.
    pub(super) fn arrived(&self, follower: &mut Follower, upto: u64, limit: usize) -> Arrivals {
        follower.places.resize(self.stripes.len(), 0);
        let wanted = Wanted::new(&follower.filters, follower.failures_only, &self.series.read());
        let mut latest = Latest { limit, calls: BTreeMap::new(), skipped: 0 };
        let (told, mut complete) = (follower.told, true);
        for (stripe, place) in self.stripes.iter().zip(&mut follower.places) {
            let stripe = stripe.lock();
            let series = self.series.read();
            let (first, mut next) = stripe.recent.places();
            complete &= first <= *place;
            for (place, kept) in stripe.recent.since(*place) {
                let row = kept.row;
                if row.sequence >= upto {
                    next = place;
                } else if row.sequence >= told && wanted.holds(row, &series) {
                    latest.offer(row.sequence, || call(kept, &series));
                }
            }
            *place = next;
        }
        follower.told = told.max(upto);
        let calls: Vec<Call> = latest.calls.into_values().collect();
        if wanted.is_everything() {
            let skipped = (follower.told - told).saturating_sub(calls.len() as u64);
            return Arrivals { calls, skipped, complete: true };
        }
        Arrivals { calls, skipped: latest.skipped, complete }
    }
}

/// The calls of the highest numbers.
struct Latest {
    limit: usize,
    calls: BTreeMap<u64, Call>,
    skipped: u64,
}

impl Latest {
    /// Offers a call; `make` is called only if it is among the latest so far.
    fn offer(&mut self, number: u64, make: impl FnOnce() -> Call) {
        if self.calls.len() < self.limit {
            self.calls.insert(number, make());
            return;
        }
        self.skipped += 1;
        if self.calls.first_key_value().is_some_and(|(first, _)| *first < number) {
            self.calls.pop_first();
            self.calls.insert(number, make());
        }
    }
}
