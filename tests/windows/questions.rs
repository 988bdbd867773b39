//! What a question may ask, and spans compared with the span before.

use crate::kit::DAY;
use crate::kit::NOW;
use crate::kit::ask;
use crate::kit::at;
use crate::kit::engine;
use crate::kit::record;
use crate::model::Row;
use tallyring::engine::event::Dimension;
use tallyring::engine::query::Query;
use tallyring::engine::query::QueryError;
use tallyring::engine::reports::Scope;
use tallyring::engine::time::Interval;
use tallyring::engine::time::Zone;

#[test]
fn a_window_is_from_one_second_to_the_longest_retention() {
    let engine = engine();
    let longest = u32::try_from(400 * DAY).expect("400 days");
    for (secs, refused) in [(0, true), (1, false), (longest, false), (longest + 1, true), (u32::MAX, true)] {
        let answer = engine.query(&Query::window(secs), at(NOW));
        assert_eq!(answer.err(), refused.then_some(QueryError::BadWindow(longest)), "window {secs}");
    }
}

#[test]
fn compare_answers_for_the_span_of_equal_length_before() {
    let engine = engine();
    for age in [0, 60, 61, 121, 122, 123] {
        assert!(record(&engine, at(NOW - age), at(NOW)).is_ok());
    }
    let query = Query { compare: true, ..Query::window(60) };
    let usage = ask(&engine, &query, at(NOW));
    assert_eq!(usage.totals.sums.requests, 2, "[-60, 0] are 61 seconds");
    assert_eq!(usage.previous.map(|totals| totals.sums.requests), Some(2), "[-121, -61] are the 61 before");
}

#[test]
fn too_many_points_are_refused() {
    let engine = engine();
    for n in 0..30 {
        let model = format!("m{n}");
        assert!(engine.record(&Row::at_secs(NOW, &[(Dimension::Model, &model)]).event(), at(NOW)).is_ok());
    }
    let points = |limit| {
        let interval = Some(Interval::Fixed(1));
        let query = Query { interval, limit, ..Query::window(3_600).group_by(Dimension::Model) };
        engine.query(&query, at(NOW)).map(|usage| usage.groups.iter().map(|g| g.series.len()).sum::<usize>())
    };
    assert_eq!(points(20), Ok(20 * 3_601));
    assert_eq!(points(100), Err(QueryError::TooManyPoints), "30 groups × 3,601 seconds");
}

#[test]
fn a_question_beyond_its_limits_is_refused() {
    let engine = engine();
    assert!(record(&engine, at(NOW), at(NOW)).is_ok());
    let refuses = |query: Query| engine.query(&query, at(NOW)).err();
    let by = |dimensions: &[Dimension]| Query { group_by: dimensions.to_vec(), ..Query::window(60) };
    let all = Dimension::FIXED;
    assert_eq!(refuses(by(&all[..3])), None);
    assert_eq!(refuses(by(&all[..4])), Some(QueryError::BadGroupBy));
    assert_eq!(refuses(by(&[all[0], all[0]])), Some(QueryError::BadGroupBy));
    for (limit, error) in
        [(0, Some(QueryError::BadLimit)), (1, None), (10_000, None), (10_001, Some(QueryError::BadLimit))]
    {
        assert_eq!(refuses(Query { limit, ..by(&all[..1]) }), error, "limit {limit}");
    }
    for (quantile, error) in [
        (0.0, None),
        (1.0, None),
        (-0.1, Some(QueryError::BadQuantile)),
        (1.1, Some(QueryError::BadQuantile)),
        (f64::NAN, Some(QueryError::BadQuantile)),
    ] {
        let mut query = by(&all[..1]);
        query.order.by = tallyring::engine::query::Rank::Latency(quantile);
        assert_eq!(refuses(query), error, "quantile {quantile}");
    }
}

#[test]
fn scope_narrows_a_summary() {
    let engine = engine();
    let rows = [("k1", "200"), ("k1", "500"), ("k2", "200")]
        .map(|(key, status)| Row::at_secs(NOW - 30, &[(Dimension::Key, key), (Dimension::Status, status)]));
    for row in &rows {
        assert!(engine.record(&row.event(), at(NOW)).is_ok());
    }
    let scope = Scope { key: Some("k1".to_owned()), ..Scope::default() };
    let minute = engine.reports(at(NOW)).summary(&scope, &Zone::utc()).expect("a summary").calls_1m;
    assert_eq!((minute.total, minute.success, minute.failure), (2, 1, 1));
}
