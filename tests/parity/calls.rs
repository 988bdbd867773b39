//! Rows A: the key-rotating proxy. Calls by window, call details, keys that need attention.

use crate::both::DAY;
use crate::both::END;
use crate::both::HOUR;
use crate::both::KEYS;
use crate::both::MODELS;
use crate::both::NOW;
use crate::both::both;
use crate::both::month;
use crate::both::now;
use crate::both::zone;
use crate::model::SECOND;
use crate::oracle::Oracle;
use crate::oracle::maybe;
use crate::oracle::whole;
use rusqlite::params;
use tallyring::engine::Engine;
use tallyring::engine::event::Dimension;
use tallyring::engine::query::Query;
use tallyring::engine::query::QueryError;
use tallyring::engine::recent::Call;
use tallyring::engine::recent::CallPage;
use tallyring::engine::reports::Outcomes;
use tallyring::engine::reports::Period;
use tallyring::engine::reports::Scope;
use tallyring::engine::time::Timestamp;

/// Calls since a second, up to now.
fn outcomes(oracle: &Oracle, since: i64, condition: &str) -> Outcomes {
    let sql = format!(
        "SELECT count(*), coalesce(sum(success), 0), coalesce(sum(1 - success), 0) FROM calls
         WHERE at >= ? AND at < ? AND ({condition})"
    );
    oracle.one(&sql, params![since * SECOND, END], |row| {
        Ok(Outcomes { total: whole(row, 0)?, success: whole(row, 1)?, failure: whole(row, 2)? })
    })
}

fn window(engine: &Engine, secs: i64) -> (Outcomes, i64) {
    let query = Query::window(u32::try_from(secs).expect("a window"));
    let usage = engine.query(&query, now()).expect("an answer");
    let sums = usage.totals.sums;
    (Outcomes { total: sums.requests, success: sums.successes(), failure: sums.failures }, usage.from.secs())
}

#[test]
fn a1_calls_in_the_last_seconds() {
    let both = both();
    for secs in [1, 2, 10, 59, 60, 61, 300, 1_000, 3_599, 3_600] {
        let (told, from) = window(&both.engine, secs);
        assert_eq!(from, NOW - secs, "to the second");
        assert_eq!(told, outcomes(&both.oracle, NOW - secs, "true"), "{secs} s");
        assert_eq!(told.total, told.success + told.failure);
    }
    let ahead: u64 = both.oracle.one("SELECT count(*) FROM calls WHERE at >= ?", [END], |row| whole(row, 0));
    assert!(ahead > 50, "calls from the future were sent, and are in no window");
}

#[test]
fn a2_a3_calls_in_the_last_minutes_and_hours() {
    let both = both();
    let minutes = [1, 5, 59, 60, 61, 90, 600].map(|n| n * 60);
    let hours = [1, 2, 8, 24, 47, 48, 100, 24 * 30].map(|n| n * HOUR);
    for secs in minutes.into_iter().chain(hours) {
        let (told, from) = window(&both.engine, secs);
        assert!(from <= NOW - secs && from > NOW - secs - 900, "{secs} s: at most a quarter hour more");
        assert_eq!(told, outcomes(&both.oracle, from, "true"), "{secs} s");
    }
}

#[test]
fn a4_calls_in_this_calendar_month() {
    let both = both();
    for name in ["UTC", "Asia/Shanghai", "Asia/Kathmandu", "America/New_York"] {
        let told = both.reports().summary(&Scope::default(), &zone(name)).expect("a summary").calls_month;
        assert_eq!(told, outcomes(&both.oracle, month(name).secs(), "true"), "{name}");
    }
}

#[test]
fn a5_all_windows_at_one_instant() {
    let both = both();
    let scopes = [
        (Scope::default(), "true".to_owned()),
        (Scope { key: Some(KEYS[2].to_owned()), ..Scope::default() }, format!("key = '{}'", KEYS[2])),
        (Scope { model: Some(MODELS[1].to_owned()), ..Scope::default() }, format!("model = '{}'", MODELS[1])),
        (Scope { user: Some("ann".to_owned()), ..Scope::default() }, "user = 'ann'".to_owned()),
        (Scope { endpoint: Some("/v1/chat".to_owned()), ..Scope::default() }, "endpoint = '/v1/chat'".to_owned()),
        (
            Scope { key: Some(KEYS[0].to_owned()), model: Some("gpt-x".to_owned()), ..Scope::default() },
            format!("key = '{}' AND model = 'gpt-x'", KEYS[0]),
        ),
        (Scope { user: Some("nobody".to_owned()), ..Scope::default() }, "false".to_owned()),
    ];
    for (scope, condition) in scopes {
        let told = both.reports().summary(&scope, &zone("Asia/Shanghai")).expect("a summary");
        let windows = [
            (told.calls_1m, NOW - 60),
            (told.calls_1h, NOW - HOUR),
            (told.calls_8h, NOW - 8 * HOUR),
            (told.calls_24h, NOW - DAY),
            (told.calls_month, month("Asia/Shanghai").secs()),
        ];
        for (told, since) in windows {
            assert_eq!(told, outcomes(&both.oracle, since, &condition), "{condition} since {since}");
            assert_eq!(told.total, told.success + told.failure);
        }
    }
}

/// A detail row, as both systems tell it.
type Line = (i64, Option<String>, Option<String>, bool, Option<u16>, Option<u64>);

fn line(call: &Call) -> Line {
    let value = |dimension: Dimension| call.dimensions[dimension.index()].as_deref();
    let status = value(Dimension::Status).unwrap_or("");
    (
        call.timestamp.micros(),
        value(Dimension::Key).map(str::to_owned),
        value(Dimension::Model).map(str::to_owned),
        status == "success" || (status.len() == 3 && status.starts_with('2')),
        status.parse().ok(),
        call.measures.latency_us,
    )
}

/// Newest first; ties by arrival, which is the order of the rows.
fn lines(oracle: &Oracle, secs: i64, condition: &str) -> Vec<Line> {
    let sql = format!(
        "SELECT at, key, model, success, status_code, latency_us FROM calls
         WHERE at >= ? AND at < ? AND ({condition}) ORDER BY at DESC, rowid DESC"
    );
    oracle.rows(&sql, params![(NOW - secs) * SECOND, END], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, maybe(row, 5)?))
    })
}

/// All pages of a listing, one after the other.
fn all_pages(mut page: impl FnMut(Option<(Timestamp, u64)>) -> CallPage) -> Vec<Line> {
    let (mut lines, mut after) = (Vec::new(), None);
    loop {
        let told = page(after);
        assert!(told.complete, "nothing had to go");
        lines.extend(told.calls.iter().map(line));
        after = told.next;
        if after.is_none() {
            return lines;
        }
    }
}

const PERIODS: [(&str, i64); 4] = [("1m", 60), ("1h", HOUR), ("8h", 8 * HOUR), ("24h", DAY)];

#[test]
fn a6_call_details_of_a_period() {
    let both = both();
    for (name, secs) in PERIODS {
        let period = Period::parse(name).expect("a period");
        assert_eq!(i64::from(period.secs()), secs);
        let want = lines(&both.oracle, secs, "true");
        assert!(!want.is_empty());
        for limit in [7, 10_000] {
            let told = all_pages(|after| both.reports().calls(period, &Scope::default(), limit, after));
            assert_eq!(told, want, "{name}, {limit} a page");
        }
    }
    for other in ["", "1d", "60", "1M", "24H", "1h "] {
        assert_eq!(Period::parse(other), None, "{other:?}");
    }
}

#[test]
fn a7_models_of_one_key() {
    let both = both();
    for key in KEYS.into_iter().filter(|key| !key.is_empty()).chain(["nobody"]) {
        let told = both.reports().key_usage(key, 86_400).expect("an answer");
        let told: Vec<_> = told.into_iter().map(|(model, count)| (model.to_string(), count)).collect();
        let want: Vec<(String, u64)> = both.oracle.rows(
            "SELECT model, count(*) FROM calls WHERE key = ? AND model IS NOT NULL AND at >= ? AND at < ?
             GROUP BY 1 ORDER BY 2 DESC, 1",
            params![key, (NOW - DAY) * SECOND, END],
            |row| Ok((row.get(0)?, whole(row, 1)?)),
        );
        assert_eq!(told, want, "{key}");
    }
    assert_eq!(both.reports().key_usage("nobody", 0), Err(QueryError::BadWindow(34_560_000)));
}

#[test]
fn a8_call_details_of_one_key() {
    let both = both();
    for (name, secs) in PERIODS {
        let period = Period::parse(name).expect("a period");
        for key in KEYS.into_iter().filter(|key| !key.is_empty()) {
            let scope = Scope { key: Some(key.to_owned()), ..Scope::default() };
            let told = all_pages(|after| both.reports().calls(period, &scope, 50, after));
            let want = lines(&both.oracle, secs, &format!("key = '{}'", key.replace('\'', "''")));
            assert_eq!(told, want, "{key} in {name}");
        }
    }
}

#[test]
fn a9_keys_that_need_attention() {
    let both = both();
    for code in [429_u16, 403, 400, 500, 200] {
        for limit in [1_u32, 3, 20, 1_000] {
            let told = both.reports().attention_keys(code, limit as usize).expect("an answer");
            let told: Vec<_> = told.into_iter().map(|(key, count)| (key.to_string(), count)).collect();
            let want: Vec<(String, u64)> = both.oracle.rows(
                "SELECT key, count(*) FROM calls WHERE status_code = ? AND key IS NOT NULL AND at >= ? AND at < ?
                 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?",
                params![code, (NOW - DAY) * SECOND, END, limit],
                |row| Ok((row.get(0)?, whole(row, 1)?)),
            );
            assert_eq!(told, want, "{code}, {limit}");
        }
    }
    assert_eq!(both.reports().attention_keys(429, 0), Err(QueryError::BadLimit));
}
