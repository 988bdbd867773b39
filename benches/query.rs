//! How fast questions are answered over a month of history in 50,000 series.
//!
//! The last day is dense (minute by minute, the last hour second by second), the rest is quarter
//! hours. Whether the cost of a window depends on the length of history shows in the same table:
//! one minute and thirty days are read in the same way.

mod settings;

use criterion::Criterion;
use std::hint::black_box;
use tallyring::Engine;
use tallyring::cli::bench::traffic::START;
use tallyring::cli::bench::traffic::Traffic;
use tallyring::engine::event::Dimension;
use tallyring::engine::query::Query;
use tallyring::engine::time::Timestamp;

const DAY: i64 = 86_400;

fn main() {
    let mut criterion = settings::settings();
    let traffic = Traffic::new(50_000);
    let engine = traffic.month();
    let now = Timestamp::from_secs(START + 30 * DAY);
    windows(&mut criterion, &engine, now);
    groups(&mut criterion, &engine, now);
    keys(&mut criterion, &engine, &traffic, now);
    criterion.final_summary();
}

fn ask(criterion: &mut Criterion, name: &str, engine: &Engine, query: &Query, now: Timestamp) {
    let answer = engine.query(query, now).expect("an answer");
    assert!(answer.totals.sums.requests > 0, "{name} asks about something");
    criterion.bench_function(name, |bencher| bencher.iter(|| black_box(engine.query(black_box(query), now))));
}

const WINDOWS: [(&str, u32); 4] = [("1m", 60), ("1h", 3_600), ("24h", 86_400), ("30d", 2_592_000)];

fn windows(criterion: &mut Criterion, engine: &Engine, now: Timestamp) {
    for (name, secs) in WINDOWS {
        let counts = Query { distributions: false, ..Query::window(secs) };
        let model = counts.clone().only(Dimension::Model, "model-07");
        let quantiles = Query::window(secs);
        ask(criterion, &format!("window/{name}/total"), engine, &counts, now);
        ask(criterion, &format!("window/{name}/one model"), engine, &model, now);
        ask(criterion, &format!("window/{name}/total with quantiles"), engine, &quantiles, now);
    }
}

fn groups(criterion: &mut Criterion, engine: &Engine, now: Timestamp) {
    let counts = Query { distributions: false, ..Query::window(86_400) };
    let by_model = counts.clone().group_by(Dimension::Model);
    ask(criterion, "group/24h/model", engine, &by_model, now);
    ask(criterion, "group/24h/model with quantiles", engine, &Query { distributions: true, ..by_model }, now);
    let by_two = counts.group_by(Dimension::Key).group_by(Dimension::Model);
    ask(criterion, "group/24h/key x model", engine, &by_two, now);
}

fn keys(criterion: &mut Criterion, engine: &Engine, traffic: &Traffic, now: Timestamp) {
    for (name, secs) in WINDOWS {
        let query = Query { distributions: false, ..Query::window(secs) };
        let query = query.only(Dimension::Key, traffic.source(0).key()).group_by(Dimension::Model);
        if engine.query(&query, now).is_ok_and(|usage| usage.totals.sums.requests > 0) {
            ask(criterion, &format!("key/{name}/by model"), engine, &query, now);
        }
    }
}
