//! Whether a question costs more as history grows: ten and a hundred times as long, and as busy.

use super::Effort;
use super::ROUNDS;
use super::reads::counts;
use super::reads::micros_each;
use super::row::Row;
use super::traffic::Traffic;
use crate::engine::Engine;
use crate::engine::event::Dimension;
use crate::engine::query::Query;
use crate::engine::query::Usage;
use crate::engine::time::Timestamp;

const HOUR: u32 = 3_600;
const DAY: u32 = 24 * HOUR;
/// Calls a minute of the last day in the histories that differ in length.
const MINUTE: usize = 1_000;

pub(super) fn rows(traffic: &Traffic, effort: Effort) -> Vec<Row> {
    let (mut rows, mut first) = (Vec::new(), None);
    for days in [1, 10, 100] {
        let answers = history(traffic, days, MINUTE, effort, &mut rows);
        // The last day is the same in each.
        let first = first.get_or_insert_with(|| answers.clone());
        for (answer, first) in answers.iter().zip(first) {
            assert!(answer.totals == first.totals && answer.groups == first.groups, "{days} d tell other figures");
        }
    }
    for minute in [MINUTE / 10, MINUTE * effort.of(10, 2)] {
        let answers = history(traffic, 1, minute, effort, &mut rows);
        let day = minute as u64 * u64::from(DAY / 60);
        assert_eq!(answers.last().map(|answer| answer.totals.sums.requests), Some(day), "every call of the day");
    }
    rows
}

/// Asks about one history; the answers, in the order of the questions.
fn history(traffic: &Traffic, days: u32, minute: usize, effort: Effort, rows: &mut Vec<Row>) -> Vec<Usage> {
    let (engine, now, calls) = traffic.past(days, minute);
    let told = format!("{days} d, {:.2} M calls", calls as f64 / 1e6);
    let ask = |(name, query): (&str, Query)| {
        let rounds: Vec<f64> = (0..ROUNDS).map(|_| micros_each(&engine, &query, now, effort)).collect();
        rows.push(Row::new(format!("read: {name}; history of {told}"), "µs", rounds));
        answer(&engine, &query, now)
    };
    questions().into_iter().map(ask).collect()
}

fn answer(engine: &Engine, query: &Query, now: Timestamp) -> Usage {
    engine.query(query, now).expect("an answer")
}

fn questions() -> [(&'static str, Query); 3] {
    [
        ("total, 1 h", counts(HOUR)),
        ("one model, 1 h", counts(HOUR).only(Dimension::Model, "model-07")),
        ("by key × model, 24 h", counts(DAY).group_by(Dimension::Key).group_by(Dimension::Model)),
    ]
}
