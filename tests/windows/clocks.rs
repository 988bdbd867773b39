//! Clocks that stand, go back or jump, and the ends of time.

use crate::kit::DAY;
use crate::kit::NOW;
use crate::kit::YEAR;
use crate::kit::ask;
use crate::kit::at;
use crate::kit::count;
use crate::kit::engine;
use crate::kit::record;
use tallyring::engine::Applied;
use tallyring::engine::Engine;
use tallyring::engine::config::Config;
use tallyring::engine::config::TierConfig;
use tallyring::engine::event::Dimension;
use tallyring::engine::query::Query;
use tallyring::engine::time::Interval;
use tallyring::engine::time::Timestamp;

/// A clock that goes back: nothing is lost, nothing counted twice, answers cover what they say.
#[test]
fn a_clock_that_goes_back_loses_nothing() {
    for back in [1, 10, 63, 65, 600, 3_500, 3_700, 2 * DAY] {
        let engine = engine();
        let (high, low) = (at(NOW), at(NOW - back));
        assert!(record(&engine, high, high).is_ok());
        engine.advance(high);
        assert!(record(&engine, low, low).is_ok(), "back {back} s");
        engine.advance(low);
        let usage = ask(&engine, &Query::window(60), low);
        assert!(usage.from <= low.plus_secs(-60) && usage.to > low, "back {back} s: {} to {}", usage.from, usage.to);
        let within = [high, low].iter().filter(|t| usage.from <= **t && **t < usage.to).count() as u64;
        assert_eq!(usage.totals.sums.requests, within, "back {back} s: {} to {}", usage.from, usage.to);
        for _ in 0..2 {
            assert_eq!(count(&engine, &Query::between(None, None), high), 2, "back {back} s");
            engine.advance(high.plus_secs(1));
        }
        assert!(record(&engine, high, high).is_ok());
        assert_eq!(count(&engine, &Query::between(None, None), high), 3, "back {back} s, and on again");
    }
}

/// A clock that jumps a year ahead (and back) neither blocks nor hangs anything.
#[test]
fn a_clock_that_jumps_ahead_forgets_only_what_left_retention() {
    let engine = engine();
    let later = NOW + YEAR;
    for age in [0, 20 * DAY, 50 * DAY] {
        assert!(record(&engine, at(NOW - age), at(NOW)).is_ok());
    }
    engine.advance(at(later));
    assert!(record(&engine, at(later), at(later)).is_ok());
    assert_eq!(count(&engine, &Query::window(60), at(later)), 1);
    let all = ask(&engine, &Query::between(None, None), at(later));
    assert!(all.from > at(NOW - 50 * DAY) && all.from <= at(NOW - 20 * DAY), "400 days back: {}", all.from);
    assert_eq!(all.totals.sums.requests, 3, "the one 415 days old is gone");
    engine.advance(at(later + 30 * YEAR));
    assert_eq!(count(&engine, &Query::between(None, None), at(later + 30 * YEAR)), 0);
    assert!(record(&engine, at(later + 30 * YEAR), at(later + 30 * YEAR)).is_ok());
    assert_eq!(count(&engine, &Query::window(1), at(later + 30 * YEAR)), 1);
}

/// A forgotten series comes back as itself, and its old calls don't.
#[test]
fn what_left_retention_never_comes_back() {
    let tiers = vec![TierConfig { step_secs: 1, len: 100 }];
    let config = Config { tiers, open_secs: 5, ahead_secs: 5, ..Config::default() };
    let engine = Engine::new(config).expect("one tier");
    for round in 0..20 {
        let now = at(NOW + round * 150);
        assert!(record(&engine, now, now).is_ok());
        assert_eq!(count(&engine, &Query::between(None, None), now), 1, "round {round}");
        assert_eq!(engine.values(Dimension::Model, "", 10).len(), 1, "round {round}");
        if round % 3 == 0 {
            engine.advance(now.plus_secs(120));
        }
    }
    engine.advance(at(NOW + 3 * DAY));
    let stats = engine.stats();
    assert_eq!((stats.series, stats.accepted), (0, 20), "forgotten, but it was accepted");
}

/// The same instant again, many times over, and a restart at the same `now`.
#[test]
fn a_standing_clock_counts_everything_once() {
    let engine = engine();
    let now = at(NOW);
    for n in 1..=200 {
        assert!(record(&engine, now, now).is_ok());
        engine.advance(now);
        assert_eq!(count(&engine, &Query::window(1), now), n);
    }
}

/// The last second of each era, the first of the next, and a question on both sides.
#[test]
fn the_ends_of_time_are_ordinary_times() {
    let last = Timestamp::MAX.secs();
    for now in
        [0, 1, 59, 3_600, i64::from(i32::MAX), i64::from(i32::MAX) + 1, i64::from(u32::MAX) + 1, last - 3_600, last - 2]
    {
        let engine = engine();
        let now = at(now);
        assert_eq!(record(&engine, now, now), Ok(Applied::Counted), "{now}");
        for window in [1, 60, 3_600, 86_400, 34_560_000] {
            assert_eq!(count(&engine, &Query::window(window), now), 1, "window {window} at {now}");
        }
        assert_eq!(count(&engine, &Query::between(Timestamp::MIN, Timestamp::MAX), now), 1, "{now}");
        for interval in [Interval::Day, Interval::Month] {
            let query = Query { interval: Some(interval), compare: true, ..Query::window(86_400) };
            let counted: u64 = ask(&engine, &query, now).series.iter().map(|p| p.totals.sums.requests).sum();
            assert_eq!(counted, 1, "{interval:?} at {now}");
        }
        engine.advance(now.plus_secs(1));
        assert_eq!(count(&engine, &Query::window(3_600), now.plus_secs(1)), 1, "{now}");
    }
}
