//! Rows B: the translation service. What is stored of a call, users, endpoints; its days are apart.

use crate::both::DAY;
use crate::both::END;
use crate::both::HOUR;
use crate::both::NOW;
use crate::both::USERS;
use crate::both::both;
use crate::both::measures;
use crate::both::now;
use crate::model::Row;
use crate::model::SECOND;
use crate::model::chance::Chance;
use crate::model::random::money;
use crate::model::recount;
use crate::oracle::maybe;
use crate::oracle::same_quantile;
use crate::oracle::told;
use crate::oracle::whole;
use tallyring::engine::Engine;
use tallyring::engine::config::Config;
use tallyring::engine::event::Dimension;
use tallyring::engine::event::Event;
use tallyring::engine::event::MAX_ERROR_BYTES;
use tallyring::engine::event::Measures;
use tallyring::engine::event::Reason;
use tallyring::engine::money::Currency;
use tallyring::engine::money::Money;
use tallyring::engine::money::MoneyError;
use tallyring::engine::query::Query;
use tallyring::engine::query::QueryError;
use tallyring::engine::query::Rank;
use tallyring::engine::reports::Period;
use tallyring::engine::reports::Scope;
use tallyring::engine::time::Timestamp;

/// B1: what is stored of one call, from what the sender's metadata says.
#[test]
fn b1_a_call_is_stored_as_it_was_told() {
    let usd = |text: &str| Money::parse(text, Currency::USD);
    let told = |measures: Measures| {
        let engine = Engine::new(Config::default()).expect("the defaults");
        let mut row = Row::at_secs(NOW, &[(Dimension::User, "ann"), (Dimension::Status, "success")]);
        row.measures = measures;
        engine.record(&row.event(), now()).map(|_| {
            let sums = engine.query(&Query::window(60), now()).expect("an answer").totals.sums;
            (sums.total_tokens, sums.unmetered, told(&sums.cost), sums.unpriced())
        })
    };
    let none = Measures::default();
    let tokens = |input, output, total| Measures {
        input_tokens: input,
        output_tokens: output,
        total_tokens: total,
        ..Measures::default()
    };
    let cost = |text| Measures { cost: Some(usd(text).expect("an amount")), ..Measures::default() };
    let usd_sum = |nanos| vec![("USD".to_owned(), nanos)];
    assert_eq!(told(none), Ok((0, 1, vec![], 1)), "`usage: null` is absent, not zero");
    assert_eq!(told(tokens(Some(33), Some(128), None)), Ok((161, 0, vec![], 1)), "the total is their sum, if absent");
    assert_eq!(told(tokens(Some(33), Some(128), Some(200))), Ok((200, 0, vec![], 1)), "or as told");
    assert_eq!(told(tokens(Some(33), Some(128), Some(0))), Ok((0, 0, vec![], 1)), "an explicit 0 is 0");
    assert_eq!(told(tokens(Some(0), None, None)), Ok((0, 0, vec![], 1)));
    assert_eq!(told(cost("0.00004")), Ok((0, 1, usd_sum(40_000), 0)), "the old system stored 0");
    assert_eq!(told(cost("0")), Ok((0, 1, usd_sum(0), 0)), "priced at nothing is not unpriced");
    assert_eq!(told(cost("0.0012890")), Ok((0, 1, usd_sum(1_289_000), 0)));
    assert_eq!(told(cost("0.0000000004")), Ok((0, 1, usd_sum(0), 0)), "below half of what is kept");
    assert_eq!(told(cost("0.0000000015")), Ok((0, 1, usd_sum(2), 0)), "half goes to even");
    assert_eq!(told(cost("0.0000000025")), Ok((0, 1, usd_sum(2), 0)));
    assert_eq!(told(cost("1e9")), Ok((0, 1, usd_sum(1_000_000_000_000_000_000), 0)));
    for (text, error) in [("", MoneyError::Malformed), ("nan", MoneyError::Malformed), ("-1", MoneyError::Negative)] {
        assert_eq!(usd(text), Err(error), "{text:?}");
    }
    let negative = Measures { cost: Some(money(-1, "USD")), ..none };
    assert_eq!(told(negative).map_err(|reject| (reject.reason, reject.pointer)), Err((Reason::Invalid, "/cost")));
    let many = tokens(Some(100_000_001), None, None);
    assert_eq!(told(many).map_err(|reject| (reject.reason, reject.pointer)), Err((Reason::Invalid, "/input_tokens")));
}

/// A fault in one call of a batch concerns that call alone.
#[test]
fn b1_one_bad_call_poisons_no_sum() {
    let engine = Engine::new(Config::default()).expect("the defaults");
    let mut rows = vec![Row::at_secs(NOW, &[(Dimension::User, "ann")]); 5];
    for (n, row) in (1..).zip(&mut rows) {
        row.measures.cost = Some(money(n, "USD"));
    }
    rows[1].measures.cost = Some(money(-5, "USD"));
    rows[3].values[Dimension::User.index()] = String::new();
    let events: Vec<Event<'_>> = rows.iter().map(Row::event).collect();
    let outcomes: Vec<bool> = engine.apply(&events, now()).iter().map(Result::is_ok).collect();
    assert_eq!(outcomes, [true, false, true, false, true]);
    let usage = engine.query(&Query::window(60), now()).expect("an answer");
    assert_eq!(told(&usage.totals.sums.cost), [("USD".to_owned(), 1 + 3 + 5)]);
    assert_eq!(usage.completeness.rejected, [2, 0, 0, 0]);
}

/// Spans of the user report: as given (bounds inclusive), and the same for the oracle.
fn spans() -> Vec<(Option<i64>, Option<i64>)> {
    let quarter = NOW / 900 * 900;
    vec![
        (None, None),
        (Some(NOW - 1_234), None),
        (Some(NOW - 1_234), Some(NOW - 567)),
        (Some(NOW - 60), Some(NOW - 60)),
        (None, Some(quarter - 10 * DAY - 1)),
        (Some(quarter - 20 * DAY), Some(quarter - 3 * DAY - 1)),
        (Some(quarter - 45 * DAY), Some(NOW)),
        (Some(NOW - HOUR), Some(NOW + 200)),
    ]
}

fn bounds(span: (Option<i64>, Option<i64>)) -> String {
    let from = span.0.unwrap_or(0) * SECOND;
    let to = span.1.map_or(END, |end| ((end + 1) * SECOND).min(END));
    format!("at >= {from} AND at < {to}")
}

fn instants(span: (Option<i64>, Option<i64>)) -> (Option<Timestamp>, Option<Timestamp>) {
    (span.0.map(Timestamp::from_secs), span.1.map(Timestamp::from_secs))
}

#[test]
fn b2_statistics_of_one_user() {
    let both = both();
    for user in USERS.into_iter().filter(|user| !user.is_empty()).chain(["nobody"]) {
        for span in spans() {
            let (start, end) = instants(span);
            let report = both.reports().user(user, start, end).expect("a report");
            let condition = format!("user = '{user}' AND {}", bounds(span));
            let sql = format!(
                "SELECT count(*), coalesce(sum(success), 0), coalesce(sum(total_tokens), 0),
                 coalesce(100.0 * sum(success) / count(*), 0.0), sum(latency_us) / count(latency_us)
                 FROM calls WHERE {condition}"
            );
            let (calls, successes, tokens, rate, mean): (u64, u64, u64, f64, Option<u64>) =
                both.oracle.one(&sql, [], |row| {
                    Ok((whole(row, 0)?, whole(row, 1)?, whole(row, 2)?, row.get(3)?, maybe(row, 4)?))
                });
            let counts = (report.total_calls, report.successful_calls, report.failed_calls);
            assert_eq!(counts, (calls, successes, calls - successes), "{condition}");
            assert_eq!(report.total_tokens, u128::from(tokens), "{condition}");
            assert!((report.success_rate - rate).abs() < 1e-9, "{} for {rate}: {condition}", report.success_rate);
            assert_eq!(report.latency_mean_us, mean, "{condition}");
            assert_eq!(told(&report.total_cost), both.oracle.costs(&condition), "{condition}");
            let sorted = both.oracle.latencies(&condition);
            for (read, quantile) in report.latency_us.into_iter().zip([0.5, 0.95, 0.99]) {
                same_quantile(&condition, read, recount::nearest_rank(&sorted, quantile));
            }
        }
    }
}

#[test]
fn b2_a_start_after_the_end_is_refused() {
    let (start, end) = (Timestamp::from_secs(NOW - 10), Timestamp::from_secs(NOW - 20));
    let reports = both().reports();
    assert_eq!(reports.user("ann", Some(start), Some(end)).err(), Some(QueryError::EmptySpan));
    assert_eq!(reports.endpoints(Some(start), Some(end)).err(), Some(QueryError::EmptySpan));
    assert_eq!(reports.top_users(10, Some(start), Some(end), Rank::Requests).err(), Some(QueryError::EmptySpan));
    assert_eq!(reports.top_users(0, None, None, Rank::Requests).err(), Some(QueryError::BadLimit));
}

#[test]
fn b4_top_users() {
    let both = both();
    let usd = Rank::Cost(Currency::USD);
    let by = [(usd, "usd"), (Rank::Requests, "calls"), (Rank::TotalTokens, "tokens"), (Rank::Failures, "failures")];
    for (rank, column) in by {
        for limit in [1, 3, 10] {
            for span in spans() {
                let (start, end) = instants(span);
                let told = both.reports().top_users(limit, start, end, rank).expect("users");
                let told: Vec<_> =
                    told.iter().map(|user| (user.name.as_deref().map(str::to_owned), user.total_calls)).collect();
                let sql = format!(
                    "SELECT user, count(*) AS calls, coalesce(sum(total_tokens), 0) AS tokens,
                     coalesce(sum(cost) FILTER (WHERE currency = 'USD'), 0) AS usd, sum(1 - success) AS failures
                     FROM calls WHERE {} GROUP BY 1 ORDER BY {column} DESC, user LIMIT {limit}",
                    bounds(span)
                );
                let want: Vec<(Option<String>, u64)> =
                    both.oracle.rows(&sql, [], |row| Ok((row.get(0)?, whole(row, 1)?)));
                assert_eq!(told, want, "by {column}, {span:?}");
            }
        }
    }
}

#[test]
fn b4_a_ranked_user_has_the_figures_of_the_user_report() {
    let reports = both().reports();
    for ranked in reports.top_users(10, None, None, Rank::Requests).expect("users") {
        let Some(name) = ranked.name else { continue };
        let report = reports.user(&name, None, None).expect("a report");
        assert_eq!((ranked.total_calls, ranked.total_tokens), (report.total_calls, report.total_tokens), "{name}");
        assert_eq!((ranked.total_cost, ranked.latency_mean_us), (report.total_cost, report.latency_mean_us), "{name}");
    }
}

#[test]
fn b6_endpoints() {
    let both = both();
    for span in spans() {
        let (start, end) = instants(span);
        let told = both.reports().endpoints(start, end).expect("endpoints");
        let sql = format!(
            "SELECT endpoint, count(*), coalesce(sum(total_tokens), 0), sum(latency_us) / count(latency_us)
             FROM calls WHERE {} GROUP BY 1 ORDER BY 2 DESC, 1",
            bounds(span)
        );
        let want: Vec<(Option<String>, u64, u64, Option<u64>)> =
            both.oracle.rows(&sql, [], |row| Ok((row.get(0)?, whole(row, 1)?, whole(row, 2)?, maybe(row, 3)?)));
        let figures: Vec<_> = told
            .iter()
            .map(|e| {
                let tokens = u64::try_from(e.total_tokens).expect("fits");
                (e.name.as_deref().map(str::to_owned), e.total_calls, tokens, e.latency_mean_us)
            })
            .collect();
        assert_eq!(figures, want, "{span:?}");
        for endpoint in &told {
            let named = endpoint.name.as_deref().map_or("IS NULL".to_owned(), |name| format!("= '{name}'"));
            let condition = format!("endpoint {named} AND {}", bounds(span));
            assert_eq!(crate::oracle::told(&endpoint.total_cost), both.oracle.costs(&condition), "{condition}");
        }
    }
}

#[test]
fn b7_a_call_is_told_back_with_its_job_and_error() {
    let engine = Engine::new(Config::default()).expect("the defaults");
    let mut row = Row::at_secs(NOW, &[(Dimension::User, "ann"), (Dimension::Endpoint, "translate")]);
    row.measures = measures(&mut Chance(7));
    let long = "\u{738b}".repeat(MAX_ERROR_BYTES);
    let event = Event { id: "call-1", job_id: "job/\u{1f642}", error: &long, ..row.event() };
    assert!(engine.record(&event, now()).is_ok());
    let plain = Row::at_secs(NOW - 1, &[(Dimension::User, "bob")]);
    assert!(engine.record(&plain.event(), now()).is_ok());
    let page = engine.reports(now()).calls(Period::Minute, &Scope::default(), 10, None);
    let [told, other] = page.calls.as_slice() else { panic!("two calls, not {page:?}") };
    assert_eq!((told.timestamp, told.measures), (now(), row.measures));
    assert_eq!((told.id.as_deref(), told.job_id.as_deref()), (Some("call-1"), Some("job/\u{1f642}")));
    let error = told.error.as_deref().expect("an error");
    assert!(error.len() <= MAX_ERROR_BYTES && error.len() > MAX_ERROR_BYTES - 4, "{} bytes", error.len());
    assert!(long.starts_with(error), "cut, between two characters");
    assert_eq!((&other.id, &other.job_id, &other.error), (&None, &None, &None), "absent is absent");
    let bare = Event { job_id: "job-2", ..plain.event() };
    assert!(engine.record(&bare, now()).is_ok());
    let page = engine.reports(now()).calls(Period::Minute, &Scope::default(), 10, None);
    let bare = page.calls.iter().find(|call| call.job_id.as_deref() == Some("job-2")).expect("told too");
    assert_eq!((&bare.id, &bare.error), (&None, &None), "absent beside what was told, too");
    let by_job = engine.query(&Query::window(60).group_by(Dimension::Endpoint), now()).expect("an answer");
    assert_eq!(by_job.group_count, 2, "a job is no dimension");
}
