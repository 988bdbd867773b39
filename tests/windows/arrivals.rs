//! What becomes of a call by its time: counted, late, too old, ahead.

use crate::kit::DAY;
use crate::kit::NOW;
use crate::kit::YEAR;
use crate::kit::ask;
use crate::kit::at;
use crate::kit::count;
use crate::kit::engine;
use crate::kit::record;
use crate::kit::refused;
use tallyring::engine::Applied;
use tallyring::engine::event::Reason;
use tallyring::engine::event::Reject;
use tallyring::engine::query::Query;
use tallyring::engine::time::Timestamp;

#[test]
fn what_is_accepted_is_in_the_longest_window() {
    let longest = 400 * DAY;
    for age in [longest - DAY, longest - 1, longest, longest + 1] {
        let engine = engine();
        let accepted = record(&engine, at(NOW - age), at(NOW)).is_ok();
        let usage = ask(&engine, &Query::between(None, None), at(NOW));
        assert_eq!(usage.totals.sums.requests, u64::from(accepted), "{age} s old");
        if age <= longest {
            let window = Query::window(u32::try_from(longest).expect("400 days"));
            assert_eq!(count(&engine, &window, at(NOW)), u64::from(accepted), "{age} s old");
        }
    }
}

#[test]
fn a_call_ahead_is_accepted_up_to_the_limit_and_counted_when_its_time_comes() {
    let engine = engine();
    assert_eq!(record(&engine, at(NOW + 1), at(NOW)), Ok(Applied::Counted));
    assert_eq!(record(&engine, at(NOW + 300), at(NOW)), Ok(Applied::Counted));
    assert_eq!(refused(record(&engine, at(NOW + 301), at(NOW))), Some(Reason::Ahead));
    for (later, want) in [(0, 0), (1, 1), (299, 1), (300, 2), (301, 2)] {
        assert_eq!(count(&engine, &Query::window(3_600), at(NOW + later)), want, "after {later} s");
        assert_eq!(count(&engine, &Query::between(at(NOW - 60), None), at(NOW + later)), want, "after {later} s");
    }
}

/// Rejected calls are counted by reason and change nothing else.
#[test]
fn a_bad_time_touches_no_total() {
    let engine = engine();
    assert!(record(&engine, at(NOW), at(NOW)).is_ok());
    let before = (engine.canonical_bytes(), ask(&engine, &Query::between(None, None), at(NOW)).totals);
    let ten_years = 10 * YEAR;
    let bad = [
        (at(NOW + 301), Reason::Ahead),
        (at(NOW + ten_years), Reason::Ahead),
        (Timestamp::MAX, Reason::Ahead),
        (at(NOW - 401 * DAY), Reason::TooOld),
        (at(NOW - ten_years), Reason::TooOld),
        (Timestamp::MIN, Reason::TooOld),
    ];
    for (timestamp, reason) in bad {
        assert_eq!(refused(record(&engine, timestamp, at(NOW))), Some(reason), "{timestamp}");
    }
    let usage = ask(&engine, &Query::between(None, None), at(NOW));
    assert_eq!((engine.canonical_bytes(), usage.totals), before);
    assert_eq!(usage.completeness.rejected, [0, 3, 3, 0]);
    assert_eq!(engine.stats().rejected, [0, 3, 3, 0]);
    assert_eq!(engine.stats().accepted, 1);
}

#[test]
fn what_the_caller_refused_or_recognised_is_told_with_every_answer() {
    let engine = engine();
    let conflict = Reject { reason: Reason::Conflict, pointer: "/id", detail: "came before with another payload" };
    let invalid = Reject { reason: Reason::Invalid, pointer: "/latency_ms", detail: "not a number" };
    engine.note(&[conflict, invalid.clone(), invalid], 7);
    let completeness = ask(&engine, &Query::window(60), at(NOW)).completeness;
    assert_eq!((completeness.rejected, completeness.duplicates), ([2, 0, 0, 1], 7));
    assert_eq!(completeness.late + completeness.unpriced + completeness.unmetered + completeness.overflowed, 0);
}

#[test]
fn a_call_is_late_when_its_second_lies_further_back_than_the_open_ones() {
    let engine = engine();
    for (age, fate) in [
        (0, Applied::Counted),
        (63, Applied::Counted),
        (64, Applied::Counted),
        (65, Applied::CountedLate),
        (3_601, Applied::CountedLate),
        (300 * DAY, Applied::CountedLate),
    ] {
        assert_eq!(record(&engine, at(NOW - age), at(NOW)), Ok(fate), "{age} s old");
    }
    assert_eq!(engine.stats().late, 3);
    assert_eq!(count(&engine, &Query::between(None, None), at(NOW)), 6, "late ones are counted");
}

/// I4 across every age: right after it is acknowledged, a call is in every window that holds it.
#[test]
fn an_acknowledged_call_is_in_the_very_next_answer() {
    let engine = engine();
    let ages = [0, 1, 30, 63, 64, 65, 100, 3_500, 3_600, 3_601, 7_200, DAY, 2 * DAY, 3 * DAY, 61 * DAY, 100 * DAY];
    for (round, waits) in [0, 1, 70, 5_000, DAY].into_iter().enumerate() {
        let now = at(NOW + waits);
        for (n, age) in ages.into_iter().enumerate() {
            assert!(record(&engine, now.plus_secs(-age), now).is_ok());
            let told = count(&engine, &Query::between(None, None), now);
            assert_eq!(told, (round * ages.len() + n + 1) as u64, "{age} s old in round {round}");
            let window = Query::window(u32::try_from(age).expect("days").max(1));
            let usage = ask(&engine, &window, now);
            assert!(usage.totals.sums.requests >= (n + 1).min(ages.len()) as u64, "{age} s old in round {round}");
        }
    }
}

/// Two engines in one process share nothing.
#[test]
fn two_engines_share_nothing() {
    let (one, other) = (engine(), engine());
    assert!(record(&one, at(NOW), at(NOW)).is_ok());
    assert_eq!((count(&one, &Query::window(60), at(NOW)), count(&other, &Query::window(60), at(NOW))), (1, 0));
    let clone = one.clone();
    assert!(record(&clone, at(NOW), at(NOW)).is_ok());
    assert_eq!(count(&one, &Query::window(60), at(NOW)), 2, "clones share one state");
}
