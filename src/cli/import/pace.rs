//! Moving a trace in time, and playing it in time.

use crate::engine::time::TimeError;
use crate::engine::time::Timestamp;
use std::time::Duration;
use std::time::Instant;

/// Below this, waiting costs more than it gains: calls that are due so soon go out together.
const GRAIN: Duration = Duration::from_millis(50);

/// The first and the last time of a file.
#[derive(Debug, Default)]
pub(super) struct Bounds(Option<(Timestamp, Timestamp)>);

/// How times are rewritten.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rebase {
    origin: Timestamp,
    target: Timestamp,
    speed: f64,
}

/// When calls are sent.
#[derive(Debug)]
pub(super) enum Pace {
    /// As fast as they are taken.
    AtOnce,
    /// In time: `speed` times faster than they happened, from `first` on.
    InTime { first: Timestamp, speed: f64, started: Instant },
}

impl Bounds {
    pub(super) fn add(&mut self, time: Option<Timestamp>) {
        if let Some(time) = time {
            let (first, last) = self.0.unwrap_or((time, time));
            self.0 = Some((first.min(time), last.max(time)));
        }
    }

    /// What `--shift-to-now` and `--speed` mean for a file with these bounds. At once, the newest
    /// call ends now; in time, the first one is played now and each carries the time it is played.
    pub(super) fn plan(&self, now: Timestamp, shift: bool, speed: Option<f64>) -> (Option<Rebase>, Pace) {
        let Some((first, last)) = self.0 else {
            return (None, Pace::AtOnce);
        };
        let rebase = match speed {
            Some(speed) => Rebase { origin: first, target: now, speed },
            None => Rebase { origin: last, target: now, speed: 1.0 },
        };
        let pace = match speed {
            Some(speed) => Pace::InTime { first, speed, started: Instant::now() },
            None => Pace::AtOnce,
        };
        (shift.then_some(rebase), pace)
    }
}

impl Rebase {
    /// The new time of a call.
    pub(super) fn apply(&self, time: Timestamp) -> Result<Timestamp, TimeError> {
        let gap = time.micros() - self.origin.micros();
        Timestamp::from_micros(self.target.micros() + slower(gap, self.speed))
    }
}

impl Pace {
    /// How long to wait before a call of this time is sent; `None` if it is due.
    pub(super) fn wait(&self, time: Timestamp) -> Option<Duration> {
        let Self::InTime { first, speed, started } = self else {
            return None;
        };
        let due = u64::try_from(slower(time.micros() - first.micros(), *speed)).unwrap_or(0);
        Duration::from_micros(due).checked_sub(started.elapsed()).filter(|wait| *wait >= GRAIN)
    }
}

/// A span at another speed; exact at the speed of 1. A pace is no account, so a float will do.
fn slower(micros: i64, speed: f64) -> i64 {
    if speed.to_bits() == 1.0_f64.to_bits() { micros } else { (micros as f64 / speed) as i64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    fn bounds() -> Bounds {
        let mut bounds = Bounds::default();
        [Some(at(500)), None, Some(at(100)), Some(at(300))].into_iter().for_each(|time| bounds.add(time));
        bounds
    }

    #[test]
    fn the_newest_call_ends_now_and_gaps_stay() {
        let (rebase, pace) = bounds().plan(at(10_000), true, None);
        let rebase = rebase.unwrap();
        assert_eq!([100, 300, 500].map(|secs| rebase.apply(at(secs)).unwrap().secs()), [9_600, 9_800, 10_000]);
        assert!(pace.wait(at(500)).is_none());
    }

    #[test]
    fn in_time_each_call_carries_the_time_it_is_played() {
        let (rebase, pace) = bounds().plan(at(10_000), true, Some(10.0));
        let rebase = rebase.unwrap();
        assert_eq!([100, 300, 500].map(|secs| rebase.apply(at(secs)).unwrap().secs()), [10_000, 10_020, 10_040]);
        assert!(pace.wait(at(100)).is_none());
        assert!(pace.wait(at(500)).is_some_and(|wait| wait > Duration::from_secs(39)));
    }

    #[test]
    fn without_shift_times_stay() {
        assert_eq!(bounds().plan(at(10_000), false, Some(2.0)).0, None);
        assert_eq!(Bounds::default().plan(at(1), true, None).0, None);
    }
}
