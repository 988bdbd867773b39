//! The edges of windows, spans and tiers, one microsecond to either side.

use crate::kit::DAY;
use crate::kit::NOW;
use crate::kit::ask;
use crate::kit::at;
use crate::kit::count;
use crate::kit::engine;
use crate::kit::micros;
use crate::kit::record;
use crate::model::SECOND;
use tallyring::engine::query::Query;
use tallyring::engine::query::QueryError;

#[test]
fn a_window_holds_the_calls_of_its_seconds_and_no_others() {
    // An age in µs before the start of the current second, and whether the window of `n` holds it.
    let check = |n: u32, age: i64, held: bool| {
        let engine = engine();
        let now = micros(NOW * SECOND + 400_000);
        let _ = record(&engine, micros(NOW * SECOND - age), now);
        let usage = ask(&engine, &Query::window(n), now);
        assert_eq!((usage.from, usage.to), (at(NOW - i64::from(n)), at(NOW + 1)), "window {n}");
        assert_eq!(usage.resolution_secs, 1, "window {n}");
        assert_eq!(usage.totals.sums.requests, u64::from(held), "window {n}, {age} µs before the second");
    };
    for n in [1, 2, 59, 60, 61, 300, 3_599, 3_600] {
        let edge = i64::from(n) * SECOND;
        for (age, held) in [
            (edge - SECOND, true),
            (edge - 1, true),
            (edge, true),
            (edge + 1, false),
            (edge + SECOND, false),
            (1, true),
            (0, true),
            (-400_000, true),
            (-999_999, true),
            (-SECOND, false),
        ] {
            check(n, age, held);
        }
    }
}

/// Beyond the first tier, the answer names the whole buckets it counted; it never counts fewer
/// calls than the window asked for.
#[test]
fn a_long_window_covers_what_it_promises_and_says_what_it_covers() {
    for (n, step) in [(4_261, 60), (8 * 3_600, 60), (DAY, 60), (3 * DAY, 900), (30 * DAY, 900), (100 * DAY, DAY)] {
        let now = at(NOW);
        let from = (NOW - n) / step * step;
        for (shift, held) in [(-SECOND, false), (-1, false), (0, true), (1, true), (SECOND, true)] {
            let engine = engine();
            assert!(record(&engine, micros(from * SECOND + shift), now).is_ok());
            let usage = ask(&engine, &Query::window(u32::try_from(n).expect("days")), now);
            assert_eq!((usage.from, usage.to), (at(from), at(NOW + 1)), "window {n}");
            assert_eq!(i64::from(usage.resolution_secs), step, "window {n}");
            assert_eq!(usage.totals.sums.requests, u64::from(held), "window {n}, edge {shift} µs");
        }
    }
}

/// The window slides: a call leaves it exactly one second after its last second inside.
#[test]
fn a_call_leaves_the_window_as_time_passes() {
    for advancing in [false, true] {
        let engine = engine();
        assert!(record(&engine, at(NOW), at(NOW)).is_ok());
        for later in 0..4_000 {
            let now = at(NOW + later);
            if advancing {
                engine.advance(now);
            }
            if later <= 70 || (3_590..3_610).contains(&later) {
                assert_eq!(count(&engine, &Query::window(60), now), u64::from(later <= 60), "after {later} s");
                assert_eq!(count(&engine, &Query::window(3_600), now), u64::from(later <= 3_600), "after {later} s");
            }
        }
    }
}

#[test]
fn an_event_on_a_boundary_belongs_to_the_span_it_begins() {
    let engine = engine();
    let edge = NOW / 900 * 900 - 900;
    for timestamp in [micros(edge * SECOND - 1), at(edge), micros(edge * SECOND + 1)] {
        assert!(record(&engine, timestamp, at(NOW)).is_ok());
    }
    for later in [0, 3_600, 2 * DAY, 30 * DAY] {
        let now = at(NOW + later);
        engine.advance(now);
        let before = Query::between(at(edge - 900), at(edge));
        let after = Query::between(at(edge), at(edge + 900));
        assert_eq!((count(&engine, &before, now), count(&engine, &after, now)), (1, 2), "{later} s later");
    }
}

#[test]
fn an_empty_or_reversed_span_is_refused_and_a_short_one_is_empty() {
    let engine = engine();
    assert!(record(&engine, at(NOW - 5), at(NOW)).is_ok());
    let between = |from, to| engine.query(&Query::between(from, to), at(NOW)).map(|usage| usage.totals.sums.requests);
    assert_eq!(between(at(NOW - 5), at(NOW - 5)), Err(QueryError::EmptySpan));
    assert_eq!(between(at(NOW - 5), at(NOW - 6)), Err(QueryError::EmptySpan));
    assert_eq!(between(at(NOW - 5), at(NOW - 4)), Ok(1));
    assert_eq!(between(at(NOW - 4), at(NOW - 3)), Ok(0));
    let short = between(micros((NOW - 5) * SECOND), micros((NOW - 5) * SECOND + 10));
    assert_eq!(short, Ok(0), "rounded down on both sides");
}

#[test]
fn a_span_before_the_first_call_or_after_the_last_is_empty_and_says_so() {
    let engine = engine();
    assert!(record(&engine, at(NOW - 1_000), at(NOW)).is_ok());
    for (from, to) in [(NOW - 3_000, NOW - 2_000), (NOW - 500, NOW)] {
        let usage = ask(&engine, &Query::between(at(from), at(to)), at(NOW));
        assert_eq!(usage.totals.sums.requests, 0);
        assert_eq!((usage.totals.latency.min_us(), usage.totals.latency.quantile(0.5)), (None, None), "null, never 0");
        assert_eq!(usage.totals.sums.latency.mean_us(), None);
    }
}

/// Every retention of the default tiers, two seconds around.
#[test]
fn every_tier_hands_over_to_the_next_without_a_gap() {
    for retention in [3_600, 2_880 * 60, 5_952 * 900] {
        for off in -2..=2 {
            let engine = engine();
            let now = at(NOW);
            let age = retention + off;
            for shift in [-1, 0, 1] {
                assert!(record(&engine, at(NOW - age + shift), now).is_ok());
            }
            let older = ask(&engine, &Query::between(None, at(NOW - age)), now);
            let newer = ask(&engine, &Query::between(at(NOW - age), None), now);
            assert_eq!(older.to, newer.from, "age {age}");
            let split = (older.totals.sums.requests, newer.totals.sums.requests);
            assert_eq!(split.0 + split.1, 3, "age {age}");
            assert!(newer.from <= at(NOW - age) && newer.from > at(NOW - age - DAY), "age {age}: {}", newer.from);
        }
    }
}
