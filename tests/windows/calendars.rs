//! Days and months of the zone asked for: 23 to 25 hours, quarter-hour offsets, new months.

use crate::kit::DAY;
use crate::kit::NOW;
use crate::kit::ask;
use crate::kit::at;
use crate::kit::engine;
use crate::kit::micros;
use crate::kit::record;
use crate::model::SECOND;
use jiff::civil::Date;
use jiff::civil::date;
use tallyring::engine::query::Query;
use tallyring::engine::reports::Scope;
use tallyring::engine::time::Interval;
use tallyring::engine::time::Timestamp;
use tallyring::engine::time::Zone;

fn zone(name: &str) -> Zone {
    Zone::parse(name).expect("a zone of the database")
}

/// Calls each hour on the half hour around a date, then that date's points.
fn points_of_days(zone_name: &str, first: Date, days: i64, hours_wanted: &[u64]) {
    let zone = zone(zone_name);
    let engine = engine();
    let start = zone.start_of(first);
    let now = start.plus_secs(days * DAY + 10 * DAY);
    for hour in -48..(days + 2) * 24 {
        assert!(record(&engine, start.plus_secs(hour * 3_600 + 1_800), now).is_ok());
    }
    let end = zone.start_of(first.checked_add(jiff::Span::new().days(days)).expect("in range"));
    let query = Query { interval: Some(Interval::Day), zone, ..Query::between(start, end) };
    let usage = ask(&engine, &query, now);
    assert_eq!((usage.from, usage.to), (start, end), "{zone_name}");
    let hours: Vec<u64> = usage.series.iter().map(|point| point.totals.sums.requests).collect();
    assert_eq!(hours, hours_wanted, "{zone_name} from {first}");
}

#[test]
fn a_calendar_day_has_as_many_hours_as_the_clocks_there_showed() {
    points_of_days("America/New_York", date(2026, 3, 7), 3, &[24, 23, 24]);
    points_of_days("America/New_York", date(2026, 10, 31), 3, &[24, 25, 24]);
    points_of_days("Asia/Kathmandu", date(2026, 3, 7), 3, &[24, 24, 24]);
    points_of_days("Asia/Shanghai", date(2026, 12, 31), 2, &[24, 24]);
    points_of_days("UTC", date(2028, 2, 28), 3, &[24, 24, 24]);
}

/// The borders against instants worked out by hand.
#[test]
fn midnights_and_new_months_are_where_the_calendar_puts_them() {
    let check = |name: &str, interval: Interval, from: &str, to: &str, want: &[&str]| {
        let instant = |text: &str| text.parse::<Timestamp>().expect("an instant");
        let engine = engine();
        let now = instant(to).plus_secs(5 * DAY);
        let query = Query { interval: Some(interval), zone: zone(name), ..Query::between(instant(from), instant(to)) };
        let got: Vec<String> = ask(&engine, &query, now).series.iter().map(|point| point.from.to_string()).collect();
        assert_eq!(got, want, "{name}");
    };
    let (kathmandu, shanghai, new_york) = ("Asia/Kathmandu", "Asia/Shanghai", "America/New_York");
    check(
        kathmandu,
        Interval::Day,
        "2026-11-20T12:00:00Z",
        "2026-11-22T12:00:00Z",
        &["2026-11-20T12:00:00Z", "2026-11-20T18:15:00Z", "2026-11-21T18:15:00Z"],
    );
    check(
        shanghai,
        Interval::Day,
        "2026-11-20T12:00:00Z",
        "2026-11-21T20:00:00Z",
        &["2026-11-20T12:00:00Z", "2026-11-20T16:00:00Z", "2026-11-21T16:00:00Z"],
    );
    check(
        new_york,
        Interval::Day,
        "2026-11-01T04:00:00Z",
        "2026-11-03T05:00:00Z",
        &["2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"],
    );
    check(
        new_york,
        Interval::Month,
        "2026-10-15T00:00:00Z",
        "2026-12-02T00:00:00Z",
        &["2026-10-15T00:00:00Z", "2026-11-01T04:00:00Z", "2026-12-01T05:00:00Z"],
    );
}

#[test]
fn this_month_begins_at_midnight_of_the_first_in_the_zone_asked_for() {
    // 2026-11-30T16:00:00Z is December in Shanghai and November in UTC and New York.
    let turn = 1_796_054_400;
    let engine = engine();
    let now = at(turn + 3_600);
    for timestamp in [micros(turn * SECOND - 1), at(turn), micros(turn * SECOND + 1)] {
        assert!(record(&engine, timestamp, now).is_ok());
    }
    let month = |name: &str| {
        let summary = engine.reports(now).summary(&Scope::default(), &zone(name)).expect("a summary");
        (summary.calls_month.total, summary.calls_1h.total, summary.calls_8h.total)
    };
    assert_eq!(month("Asia/Shanghai"), (2, 2, 3));
    assert_eq!(month("UTC"), (3, 2, 3));
    assert_eq!(month("America/New_York"), (3, 2, 3));
}

#[test]
fn today_begins_at_midnight_of_the_zone_asked_for() {
    for (name, midnight) in [
        ("Asia/Shanghai", "2026-11-21T16:00:00Z"),
        ("Asia/Kathmandu", "2026-11-21T18:15:00Z"),
        ("America/New_York", "2026-11-22T05:00:00Z"),
        ("UTC", "2026-11-22T00:00:00Z"),
    ] {
        let midnight: Timestamp = midnight.parse().expect("an instant");
        let engine = engine();
        for timestamp in [micros(midnight.micros() - 1), midnight, at(NOW)] {
            assert!(record(&engine, timestamp, at(NOW)).is_ok());
        }
        let days = engine.reports(at(NOW)).daily(2, &zone(name), true).expect("two days");
        let calls: Vec<_> = days.iter().map(|day| (day.date, day.total_calls)).collect();
        assert_eq!(calls, [(date(2026, 11, 21), 1), (date(2026, 11, 22), 2)], "{name}");
    }
}
