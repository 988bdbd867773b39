//! Rows B3 and B5: calendar days and what they cost.

use crate::both::DAY;
use crate::both::END;
use crate::both::NOW;
use crate::both::both;
use crate::both::now;
use crate::both::zone;
use crate::model::Row;
use crate::model::SECOND;
use crate::oracle::Oracle;
use crate::oracle::told;
use crate::oracle::whole;
use rusqlite::params;
use std::collections::BTreeMap;
use tallyring::engine::Engine;
use tallyring::engine::config::Config;
use tallyring::engine::event::Dimension;
use tallyring::engine::reports::DayReport;
use tallyring::engine::time::Zone;

/// The date of a call in a zone, the old way: by the offset in force. New York left summer time
/// on the first of November 2026 at 06:00 UTC.
fn local_date(name: &str) -> String {
    let offset = match name {
        "UTC" => "0".to_owned(),
        "Asia/Shanghai" => "28800".to_owned(),
        "Asia/Kathmandu" => "20700".to_owned(),
        _ => "CASE WHEN at < 1793512800000000 THEN -14400 ELSE -18000 END".to_owned(),
    };
    format!("date(at / {SECOND} + ({offset}), 'unixepoch')")
}

/// Calls, successes, tokens, money.
type Figures = (u64, u64, u64, Vec<(String, i128)>);
type Daily = BTreeMap<String, Figures>;

fn daily(oracle: &Oracle, name: &str, from: &str) -> Daily {
    let date = local_date(name);
    let sql = format!(
        "SELECT {date}, count(*), sum(success), coalesce(sum(total_tokens), 0) FROM calls
         WHERE {date} >= ? AND at < ? GROUP BY 1"
    );
    let rows = oracle.rows(&sql, params![from, END], |row| {
        Ok((row.get::<_, String>(0)?, (whole(row, 1)?, whole(row, 2)?, whole(row, 3)?)))
    });
    let with_costs = |(day, (calls, successes, tokens)): (String, _)| {
        let costs = oracle.costs(&format!("{date} = '{day}' AND at < {END}"));
        (day, (calls, successes, tokens, costs))
    };
    rows.into_iter().map(with_costs).collect()
}

fn told_day(day: &DayReport) -> (String, Figures) {
    assert_eq!(day.total_calls, day.successful_calls + day.failed_calls);
    let tokens = u64::try_from(day.total_tokens).expect("a day's tokens");
    (day.date.to_string(), (day.total_calls, day.successful_calls, tokens, told(&day.total_cost)))
}

#[test]
fn b3_b5_days_and_what_they_cost() {
    let both = both();
    for name in ["UTC", "Asia/Shanghai", "Asia/Kathmandu", "America/New_York"] {
        for days in [1, 2, 7, 30, 44] {
            let today = zone(name).date(now());
            let first = today.checked_sub(jiff::Span::new().days(i64::from(days) - 1)).expect("in range");
            let want = daily(&both.oracle, name, &first.to_string());
            let told = both.reports().daily(days, &zone(name), false).expect("days");
            let told: Vec<_> = told.iter().map(told_day).collect();
            assert_eq!(told, want.clone().into_iter().collect::<Vec<_>>(), "{name}, {days} days");
            let filled = both.reports().daily(days, &zone(name), true).expect("days");
            let dates: Vec<_> = filled.iter().map(|day| day.date).collect();
            let every: Vec<_> = first.series(jiff::Span::new().days(1)).take(days as usize).collect();
            assert_eq!(dates, every, "{name}, {days} days, oldest first and none missing");
            let calls: u64 = filled.iter().map(|day| day.total_calls).sum();
            assert_eq!(calls, want.values().map(|day| day.0).sum::<u64>());
        }
    }
}

#[test]
fn b3_empty_days_are_there_on_request_only() {
    let engine = Engine::new(Config::default()).expect("the defaults");
    for age in [0, 3 * DAY] {
        let row = Row::at_secs(NOW - age, &[(Dimension::User, "ann")]);
        assert!(engine.record(&row.event(), now()).is_ok());
    }
    let calls = |fill| {
        let days = engine.reports(now()).daily(5, &Zone::utc(), fill).expect("five days");
        days.iter().map(|day| day.total_calls).collect::<Vec<_>>()
    };
    assert_eq!(calls(false), [1, 1]);
    assert_eq!(calls(true), [0, 1, 0, 0, 1]);
    let many = engine.reports(now()).daily(400, &Zone::utc(), true).map(|days| days.len());
    assert_eq!(many, Ok(400));
}
