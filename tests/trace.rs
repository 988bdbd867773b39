//! A production trace: 24 days of a generative-AI service, all reports and 200 random questions,
//! against SQLite over the same rows.
//!
//! The trace is no part of this project and not free to copy: it is read from beside the project.
//! Where it is absent these tests say so and pass.

mod model;
mod oracle;

use model::Row;
use model::SECOND;
use model::chance::Chance;
use oracle::Logged;
use oracle::Oracle;
use oracle::maybe;
use oracle::same_quantile;
use oracle::same_quantiles;
use oracle::whole;
use rusqlite::params_from_iter;
use std::path::Path;
use std::sync::OnceLock;
use tallyring::engine::Engine;
use tallyring::engine::config::Config;
use tallyring::engine::event::Dimension;
use tallyring::engine::event::Event;
use tallyring::engine::query::Filter;
use tallyring::engine::query::Query;
use tallyring::engine::query::Rank;
use tallyring::engine::query::Usage;
use tallyring::engine::recent::Call;
use tallyring::engine::reports::Period;
use tallyring::engine::reports::Scope;
use tallyring::engine::time::Timestamp;
use tallyring::engine::time::Zone;

const TRACE: &str = "../shared/data/gentd26-requests.csv";
/// 2026-11-22T05:15:00Z; the last call of the trace is moved here, the others by as much.
const NOW: i64 = 1_795_324_500;
const END: i64 = (NOW + 1) * SECOND;
const DAY: i64 = 86_400;

struct Both {
    engine: Engine,
    oracle: Oracle,
    calls: Vec<Logged>,
}

fn now() -> Timestamp {
    Timestamp::from_secs(NOW)
}

/// The trace in both systems, or nothing where it is absent.
fn both(test: &str) -> Option<&'static Both> {
    static BOTH: OnceLock<Option<Both>> = OnceLock::new();
    let both = BOTH.get_or_init(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(TRACE);
        let text = std::fs::read_to_string(path).ok()?;
        Some(filled(calls(&text)))
    });
    if both.is_none() {
        eprintln!("SKIPPED {test}: the trace {TRACE} is absent");
    }
    both.as_ref()
}

fn filled(calls: Vec<Logged>) -> Both {
    let engine = Engine::new(Config::default()).expect("the defaults");
    for batch in calls.chunks(1_000) {
        let events: Vec<Event<'_>> = batch.iter().map(|call| call.row.event()).collect();
        assert!(engine.apply(&events, now()).iter().all(Result::is_ok));
    }
    let oracle = Oracle::new(&calls);
    Both { engine, oracle, calls }
}

/// Columns: `gmt_create` (wall clock of UTC+8), `predict_type`, `predict_status`,
/// `exec_time_seconds`, `groupId`, …, `checkpoint_model_version_id` (the tenth).
fn calls(text: &str) -> Vec<Logged> {
    let mut calls: Vec<Logged> = text.lines().skip(1).map(call).collect();
    let last = calls.iter().map(|call| call.row.at).max().expect("a trace has calls");
    calls.iter_mut().for_each(|call| call.row.at += NOW * SECOND - last);
    calls
}

fn call(line: &str) -> Logged {
    let fields: Vec<&str> = line.split(',').collect();
    let [when, endpoint, status, seconds, user] = fields[..5] else { panic!("five columns") };
    let named = [
        (Dimension::Key, user),
        (Dimension::User, user),
        (Dimension::Model, fields[9]),
        (Dimension::Endpoint, endpoint),
        (Dimension::Status, status),
    ];
    let civil: jiff::civil::DateTime = when.parse().expect("a wall-clock time");
    let utc8 = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    let at = civil.to_zoned(utc8).expect("in range").timestamp().as_second();
    let mut row = Row::at_secs(at, &named);
    row.measures.latency_us = Some(micros(seconds));
    Logged { row, success: status == "SUCCEED" }
}

/// Decimal seconds, exactly.
fn micros(seconds: &str) -> u64 {
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    format!("{whole}{fraction:0<6}").parse().expect("seconds with up to six decimals")
}

#[test]
fn the_trace_is_counted_whole() {
    let Some(both) = both("the_trace_is_counted_whole") else { return };
    let usage = both.engine.query(&Query::between(None, None), now()).expect("an answer");
    let (count, successes, latency): (u64, u64, u64) =
        both.oracle.one("SELECT count(*), sum(success), sum(latency_us) FROM calls", [], |row| {
            Ok((whole(row, 0)?, whole(row, 1)?, whole(row, 2)?))
        });
    let sums = &usage.totals.sums;
    assert_eq!(count, both.calls.len() as u64);
    assert_eq!((sums.requests, sums.successes(), sums.failures), (count, successes, count - successes));
    assert_eq!(sums.latency.sum_us, u128::from(latency));
    assert_eq!((sums.unpriced(), sums.unmetered), (count, count), "the trace tells neither costs nor tokens");
    same_quantiles("latency", &usage.totals.latency, &both.oracle.latencies("true"));
    for (dimension, column) in
        [(Dimension::User, "user"), (Dimension::Model, "model"), (Dimension::Endpoint, "endpoint")]
    {
        let sql = format!("SELECT DISTINCT {column} FROM calls WHERE {column} IS NOT NULL ORDER BY 1");
        let want: Vec<String> = both.oracle.rows(&sql, [], |row| row.get(0));
        let told = both.engine.values(dimension, "", 10_000);
        let told: Vec<_> = told.into_iter().map(|value| value.value.to_string()).collect();
        assert_eq!(told, want, "{column}");
    }
}

#[test]
fn the_summary_of_the_trace() {
    let Some(both) = both("the_summary_of_the_trace") else { return };
    for name in ["UTC", "Asia/Shanghai", "Asia/Kathmandu"] {
        let zone = Zone::parse(name).expect("a zone");
        let month = zone.start_of(jiff::civil::date(2026, 11, 1)).secs();
        let told = both.engine.reports(now()).summary(&Scope::default(), &zone).expect("a summary");
        let windows = [
            (told.calls_1m, NOW - 60),
            (told.calls_1h, NOW - 3_600),
            (told.calls_8h, NOW - 28_800),
            (told.calls_24h, NOW - DAY),
            (told.calls_month, month),
        ];
        for (told, since) in windows {
            let (count, successes) = both.oracle.one(
                "SELECT count(*), coalesce(sum(success), 0) FROM calls WHERE at >= ?",
                [since * SECOND],
                |row| Ok((whole(row, 0)?, whole(row, 1)?)),
            );
            assert_eq!((told.total, told.success, told.failure), (count, successes, count - successes), "{name}");
        }
    }
}

#[test]
fn the_days_of_the_trace() {
    let Some(both) = both("the_days_of_the_trace") else { return };
    for (name, offset) in [("UTC", 0), ("Asia/Shanghai", 28_800), ("Asia/Kathmandu", 20_700)] {
        let zone = Zone::parse(name).expect("a zone");
        let told = both.engine.reports(now()).daily(30, &zone, false).expect("days");
        let told: Vec<_> =
            told.iter().map(|day| (day.date.to_string(), day.total_calls, day.successful_calls)).collect();
        let sql = format!(
            "SELECT date(at / {SECOND} + {offset}, 'unixepoch'), count(*), sum(success) FROM calls GROUP BY 1 ORDER BY 1"
        );
        let want: Vec<(String, u64, u64)> =
            both.oracle.rows(&sql, [], |row| Ok((row.get(0)?, whole(row, 1)?, whole(row, 2)?)));
        assert_eq!(told, want, "{name}");
    }
}

#[test]
fn the_endpoints_and_users_of_the_trace() {
    let Some(both) = both("the_endpoints_and_users_of_the_trace") else { return };
    let reports = both.engine.reports(now());
    for (column, told) in [
        ("endpoint", reports.endpoints(None, None).expect("endpoints")),
        ("user", reports.top_users(100, None, None, Rank::Requests).expect("users")),
    ] {
        let sql = format!(
            "SELECT {column}, count(*), sum(latency_us) / count(latency_us) FROM calls
             GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 100"
        );
        let want: Vec<(Option<String>, u64, Option<u64>)> =
            both.oracle.rows(&sql, [], |row| Ok((row.get(0)?, whole(row, 1)?, maybe(row, 2)?)));
        let told: Vec<_> = told
            .into_iter()
            .map(|entry| (entry.name.as_deref().map(str::to_owned), entry.total_calls, entry.latency_mean_us))
            .collect();
        assert_eq!(told, want, "{column}");
    }
}

#[test]
fn each_busy_user_of_the_trace() {
    let Some(both) = both("each_busy_user_of_the_trace") else { return };
    let sql = "SELECT user, count(*), sum(success), sum(latency_us) / count(latency_us) FROM calls
               GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 50";
    let users: Vec<(String, u64, u64, u64)> =
        both.oracle.rows(sql, [], |row| Ok((row.get(0)?, whole(row, 1)?, whole(row, 2)?, whole(row, 3)?)));
    for (user, count, successes, mean) in users {
        let report = both.engine.reports(now()).user(&user, None, None).expect("a report");
        let counts = (report.total_calls, report.successful_calls, report.failed_calls);
        assert_eq!(counts, (count, successes, count - successes), "{user}");
        assert_eq!(report.latency_mean_us, Some(mean), "{user}");
        let sorted = both.oracle.latencies(&format!("user = '{user}'"));
        for (read, quantile) in report.latency_us.into_iter().zip([0.5, 0.95, 0.99]) {
            same_quantile(&user, read, model::recount::nearest_rank(&sorted, quantile));
        }
    }
}

#[test]
fn the_keys_of_the_trace() {
    let Some(both) = both("the_keys_of_the_trace") else { return };
    let keys: Vec<String> = both.oracle.rows(
        "SELECT key FROM calls WHERE at >= ? GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 30",
        [(NOW - DAY) * SECOND],
        |row| row.get(0),
    );
    assert!(!keys.is_empty());
    for key in keys {
        let told = both.engine.reports(now()).key_usage(&key, 86_400).expect("an answer");
        let told: Vec<_> = told.into_iter().map(|(model, count)| (model.to_string(), count)).collect();
        let want: Vec<(String, u64)> = both.oracle.rows(
            "SELECT model, count(*) FROM calls WHERE key = ? AND model IS NOT NULL AND at >= ?
             GROUP BY 1 ORDER BY 2 DESC, 1",
            (&key, (NOW - DAY) * SECOND),
            |row| Ok((row.get(0)?, whole(row, 1)?)),
        );
        assert_eq!(told, want, "{key}");
    }
    assert_eq!(both.engine.reports(now()).attention_keys(429, 20), Ok(vec![]), "the trace tells words, not codes");
}

#[test]
fn the_call_details_of_the_trace() {
    let Some(both) = both("the_call_details_of_the_trace") else { return };
    // The trace tells whole seconds: pages of one call end between calls of the same second.
    for (period, secs) in [(Period::Minute, 60), (Period::Hour, 3_600), (Period::Day, DAY)] {
        let (mut told, mut after) = (Vec::new(), None);
        loop {
            let page = both.engine.reports(now()).calls(period, &Scope::default(), 1, after);
            let line = |call: &Call| (call.timestamp.micros(), call.dimensions[1].as_deref().map(str::to_owned));
            told.extend(page.calls.iter().map(line));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let want: Vec<(i64, Option<String>)> = both.oracle.rows(
            "SELECT at, user FROM calls WHERE at >= ? ORDER BY at DESC, rowid DESC",
            [(NOW - secs) * SECOND],
            |row| Ok((row.get(0)?, row.get(1)?)),
        );
        assert_eq!(told, want, "{secs} s");
    }
}

const GROUPABLE: [(Dimension, &str); 5] = [
    (Dimension::Key, "key"),
    (Dimension::User, "user"),
    (Dimension::Model, "model"),
    (Dimension::Endpoint, "endpoint"),
    (Dimension::Status, "status"),
];

#[test]
fn two_hundred_random_questions_about_the_trace() {
    let Some(both) = both("two_hundred_random_questions_about_the_trace") else { return };
    let mut chance = Chance(26);
    for n in 0..200 {
        let query = question(&mut chance, &both.calls);
        let usage = both.engine.query(&query, now()).unwrap_or_else(|e| panic!("question {n}: {e}: {query:?}"));
        check(both, &query, &usage, &format!("question {n}: {query:?}"));
    }
}

fn question(chance: &mut Chance, calls: &[Logged]) -> Query {
    let mut query = if chance.one_in(2) {
        let secs = *chance.pick(&[1, 60, 3_600, 28_800, DAY, 7 * DAY, 24 * DAY, 60 * DAY]);
        Query::window(u32::try_from(1 + chance.below(secs)).expect("days"))
    } else {
        let (a, b) = (NOW - chance.below(26 * DAY), NOW - chance.below(26 * DAY));
        Query::between(Timestamp::from_secs(a.min(b)), Timestamp::from_secs(a.max(b) + 1))
    };
    for (dimension, _) in GROUPABLE {
        if query.group_by.len() < 3 && chance.one_in(4) {
            query.group_by.push(dimension);
        }
        if chance.one_in(6) {
            let values = (0..1 + chance.below(3)).map(|_| {
                let row = &chance.pick(calls).row;
                row.value(dimension).to_owned()
            });
            query.filters.push(Filter { dimension, values: values.collect() });
        }
    }
    query.limit = usize::try_from(1 + chance.below(200)).expect("small");
    query
}

/// The rows that a query covers, as SQL and its parameters; the span is the one the answer states.
fn condition(query: &Query, usage: &Usage) -> (String, Vec<String>) {
    let mut sql = format!("at >= {} AND at < {}", usage.from.micros(), usage.to.micros().min(END));
    let mut values = Vec::new();
    for filter in &query.filters {
        let column = column(filter.dimension);
        let any: Vec<String> = filter.values.iter().map(|_| format!("coalesce({column}, '') = ?")).collect();
        sql = format!("{sql} AND ({})", any.join(" OR "));
        values.extend(filter.values.iter().map(|value| stored(filter.dimension, value)));
    }
    (sql, values)
}

/// How the log spells a value: the words for success are one value in the engine only.
fn stored(dimension: Dimension, value: &str) -> String {
    if dimension == Dimension::Status && value == "success" { "SUCCEED".to_owned() } else { value.to_owned() }
}

fn column(dimension: Dimension) -> &'static str {
    GROUPABLE.iter().find(|(known, _)| *known == dimension).expect("one of them").1
}

fn check(both: &Both, query: &Query, usage: &Usage, what: &str) {
    let (condition, values) = condition(query, usage);
    let sql = format!(
        "SELECT count(*), coalesce(sum(success), 0), coalesce(sum(latency_us), 0) FROM calls WHERE {condition}"
    );
    let totals = both
        .oracle
        .one(&sql, params_from_iter(&values), |row| Ok((whole(row, 0)?, whole(row, 1)?, u128::from(whole(row, 2)?))));
    let sums = &usage.totals.sums;
    assert_eq!((sums.requests, sums.successes(), sums.latency.sum_us), totals, "{what}");
    let sql = format!("SELECT latency_us FROM calls WHERE {condition} ORDER BY 1");
    let sorted = both.oracle.rows(&sql, params_from_iter(&values), |row| whole(row, 0));
    same_quantiles(what, &usage.totals.latency, &sorted);
    if !query.group_by.is_empty() {
        check_groups(both, query, usage, what);
    }
}

type Line = (Vec<Option<String>>, u64, u64, u128);

fn check_groups(both: &Both, query: &Query, usage: &Usage, what: &str) {
    let (condition, values) = condition(query, usage);
    let columns: Vec<&str> = query.group_by.iter().map(|dimension| column(*dimension)).collect();
    let sql = format!(
        "SELECT {0}, count(*) AS n, sum(success), sum(latency_us) FROM calls WHERE {condition} GROUP BY {0}",
        columns.join(", "),
    );
    let width = columns.len();
    let mut want: Vec<Line> = both.oracle.rows(&sql, params_from_iter(&values), |row| {
        let name = (0..width).map(|place| row.get(place)).collect::<rusqlite::Result<Vec<Option<String>>>>()?;
        Ok((name, whole(row, width)?, whole(row, width + 1)?, u128::from(whole(row, width + 2)?)))
    });
    for (name, ..) in &mut want {
        for part in name.iter_mut().flatten() {
            "success".clone_into(if part == "SUCCEED" { part } else { continue });
        }
    }
    want.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    assert_eq!(usage.group_count, want.len(), "{what}");
    let rest: u64 = want.iter().skip(query.limit).map(|line| line.1).sum();
    assert_eq!((usage.other.groups, usage.other.totals.sums.requests), (want.len().saturating_sub(query.limit), rest));
    want.truncate(query.limit);
    let told: Vec<Line> = usage
        .groups
        .iter()
        .map(|group| {
            let name = group.name.iter().map(|part| part.as_deref().map(str::to_owned)).collect();
            let sums = &group.totals.sums;
            (name, sums.requests, sums.successes(), sums.latency.sum_us)
        })
        .collect();
    assert_eq!(told, want, "{what}");
}
