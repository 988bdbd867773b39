//! Calls on their way to a store: first the history, then as time goes by.
//!
//! History is counted with the clock of the engine moving along, so that it is counted just as it
//! would have been live, at the same rate. Calls older than two days are gathered at one second of
//! their quarter of an hour: nothing finer is kept of those days, and there are far fewer seconds to
//! seal.

use super::traffic::Call;
use super::traffic::Traffic;
use crate::clock::Clock;
use crate::clock::System;
use crate::engine::time::DAY;
use crate::engine::time::Timestamp;
use crate::store::Batch;
use crate::store::Committed;
use crate::store::Store;
use std::time::Duration;

/// How often live calls are handed over.
const TICK: Duration = Duration::from_millis(100);
/// Calls of one batch of history …
const BATCH_CALLS: usize = 512;
/// … and the longest span of one, well within the open seconds of the engine.
const BATCH_SECS: i64 = 20;
/// The age from which calls are gathered, and the span they are gathered from.
const GATHERED_AGE_SECS: i64 = 2 * DAY;
const GATHERED_MICROS: i64 = 900_000_000;

pub(super) struct Feed {
    store: Store,
    traffic: Traffic,
    rate: f64,
    /// When the next call comes.
    next: Timestamp,
    batch: Vec<Call>,
    /// The batch before, which may not be on the disk yet.
    sent: Option<Committed>,
}

impl Feed {
    /// `rate` calls a second, averaged over a week, from now on.
    pub(super) fn new(store: Store, traffic: Traffic, rate: f64) -> Self {
        Self { store, traffic, rate, next: System.now(), batch: Vec::new(), sent: None }
    }

    /// Counts the calls of the days before `now`, and tells `progress` the day it is at, from 0.
    /// Gives back how many there were.
    pub(super) fn history(&mut self, days: i64, now: Timestamp, mut progress: impl FnMut(i64)) -> usize {
        let begin = now.plus_secs(-days * DAY);
        self.next = begin;
        let mut count = 0;
        for day in 0..days {
            progress(day);
            count += self.until(begin.plus_secs((day + 1) * DAY), now);
        }
        count
    }

    /// Counts calls as they come, for ever.
    pub(super) async fn live(mut self) {
        let mut ticks = tokio::time::interval(TICK);
        loop {
            ticks.tick().await;
            let now = System.now();
            self.until(now, now);
        }
    }

    /// Counts the calls that come before `end`.
    fn until(&mut self, end: Timestamp, now: Timestamp) -> usize {
        let mut count = 0;
        while self.next < end {
            count += 1;
            let call = self.traffic.call(gathered(self.next, now));
            let first = self.batch.first().map_or(call.at(), Call::at);
            if self.batch.len() >= BATCH_CALLS || call.at().secs() - first.secs() > BATCH_SECS {
                self.hand_over();
            }
            self.batch.push(call);
            let wait = self.traffic.wait_secs(self.rate, self.next);
            let next = self.next.micros().saturating_add((wait * 1e6) as i64 + 1);
            self.next = Timestamp::from_micros(next).unwrap_or(Timestamp::MAX);
        }
        self.hand_over();
        count
    }

    fn hand_over(&mut self) {
        let Some(last) = self.batch.last().map(Call::at) else {
            return;
        };
        let mut batch = Batch::new(|pointer| pointer);
        for (index, call) in (0..).zip(&self.batch) {
            batch.push(index, self.traffic.event(call), true);
        }
        let mut intake = self.store.intake("", last);
        intake.push(batch);
        // The disk has as long for a batch as the next one takes to be made up.
        let before = self.sent.take().map_or_else(|| Ok(Default::default()), Committed::wait);
        let sent = before.and_then(|receipt| {
            receipt.errors.iter().for_each(|error| tracing::warn!("a call of the demo was rejected: {}", error.detail));
            intake.commit(false)
        });
        match sent {
            Ok(sent) => self.sent = Some(sent),
            Err(refused) => tracing::warn!("calls of the demo were refused: {refused}"),
        }
        self.batch.clear();
    }
}

/// When a call is said to have come.
fn gathered(at: Timestamp, now: Timestamp) -> Timestamp {
    if now.secs() - at.secs() < GATHERED_AGE_SECS {
        return at;
    }
    Timestamp::from_micros(at.micros() - at.micros().rem_euclid(GATHERED_MICROS)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::engine::query::Query;
    use crate::privacy::Keyring;

    #[test]
    fn history_is_counted_as_if_it_had_been_live() {
        let engine = Engine::new(Default::default()).unwrap();
        let now = Timestamp::from_secs(1_795_324_556);
        let mut feed = Feed::new(Store::in_memory(engine.clone()), Traffic::new(1, &Keyring::plain()), 0.5);
        let mut days = Vec::new();
        let count = feed.history(4, now, |day| days.push(day)) as u64;
        assert_eq!(days, [0, 1, 2, 3]);
        let stats = engine.stats();
        assert_eq!((stats.accepted, stats.late, stats.rejected), (count, 0, [0; 4]));
        let requests = |secs| engine.query(&Query::window(secs), now).unwrap().totals.sums.requests;
        assert_eq!(requests(5 * 86_400), count);
        // From Wednesday to Sunday, at one in two seconds on average of a week.
        assert!((150_000..180_000).contains(&count), "{count}");
        // A Sunday at five in the morning: a third of the mean.
        assert!((500..750).contains(&requests(3_600)), "{}", requests(3_600));
    }
}
