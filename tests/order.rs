//! Order does not matter: the same calls give the same bytes, however they arrive.
//!
//! [`Engine::canonical_bytes`] is compared, and the answers besides, so that bytes that say
//! nothing can't pass.

mod model;

use model::Row;
use model::cases;
use model::random;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use tallyring::engine::Applied;
use tallyring::engine::Engine;
use tallyring::engine::config::Config;
use tallyring::engine::event::Dimension;
use tallyring::engine::event::Event;
use tallyring::engine::query::Query;
use tallyring::engine::query::Totals;
use tallyring::engine::time::Timestamp;

const BASE: i64 = 1_795_324_556;

fn settings(default: u32) -> ProptestConfig {
    ProptestConfig {
        cases: cases(default),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/regressions/order.txt"))),
        ..ProptestConfig::default()
    }
}

fn engine(config: &Config) -> Engine {
    Engine::new(config.clone()).expect("a valid configuration")
}

fn apply(engine: &Engine, rows: &[Row], now: Timestamp) {
    let events: Vec<Event<'_>> = rows.iter().map(Row::event).collect();
    let _ = engine.apply(&events, now);
}

/// State and totals of everything kept.
fn state(engine: &Engine, now: Timestamp) -> (Vec<u8>, Totals) {
    engine.advance(now);
    let usage = engine.query(&Query::between(None, None), now).expect("an answer");
    (engine.canonical_bytes(), usage.totals)
}

fn same_state(a: &Engine, b: &Engine, now: Timestamp) {
    let (a, b) = (state(a, now), state(b, now));
    assert_eq!(a.1.sums, b.1.sums, "totals");
    assert!(a.0 == b.0, "{} and {} canonical bytes differ", a.0.len(), b.0.len());
}

fn rows(config: &Config, draws: &[random::Draw], now: Timestamp) -> Vec<Row> {
    draws.iter().map(|draw| draw.row(config, now)).collect()
}

/// Calls, and the same in another order.
fn shuffled() -> impl Strategy<Value = (Vec<random::Draw>, Vec<usize>)> {
    prop::collection::vec(random::draw(), 1..60).prop_flat_map(|draws| {
        let places: Vec<usize> = (0..draws.len()).collect();
        (Just(draws), Just(places).prop_shuffle())
    })
}

proptest! {
    #![proptest_config(settings(300))]

    #[test]
    fn a_permutation_gives_the_same_bytes((config, base) in random::world(), (draws, order) in shuffled()) {
        let now = Timestamp::from_secs(base);
        let rows = rows(&config, &draws, now);
        let permuted: Vec<Row> = order.iter().map(|place| rows[*place].clone()).collect();
        let (one, other) = (engine(&config), engine(&config));
        apply(&one, &rows, now);
        apply(&other, &permuted, now);
        same_state(&one, &other, now);
    }

    #[test]
    fn batches_split_and_merged_give_the_same_bytes(
        (config, base) in random::world(),
        draws in prop::collection::vec(random::draw(), 1..60),
        size in 1..20_usize,
    ) {
        let now = Timestamp::from_secs(base);
        let rows = rows(&config, &draws, now);
        let (whole, split, single) = (engine(&config), engine(&config), engine(&config));
        apply(&whole, &rows, now);
        rows.chunks(size).for_each(|batch| apply(&split, batch, now));
        for row in &rows {
            let _ = single.record(&row.event(), now);
        }
        same_state(&whole, &split, now);
        same_state(&whole, &single, now);
    }

    #[test]
    fn stripes_and_handles_give_the_same_bytes(
        (config, base) in random::world(),
        draws in prop::collection::vec(random::draw(), 1..60),
    ) {
        let now = Timestamp::from_secs(base);
        let rows = rows(&config, &draws, now);
        let engines = [1, 2, 7].map(|stripes| engine(&Config { stripes, ..config.clone() }));
        apply(&engines[0], &rows, now);
        apply(&engines[1], &rows, now);
        for row in &rows {
            if let Ok(series) = engines[2].series(&row.dimensions()) {
                let _ = series.record(&row.measures, row.timestamp(), now);
            }
        }
        same_state(&engines[0], &engines[1], now);
        same_state(&engines[0], &engines[2], now);
    }

    /// Each call in its own second with `advance` every second, against everything at the end in
    /// one batch.
    #[test]
    fn late_calls_count_like_timely_ones(
        (config, base) in random::world(),
        draws in prop::collection::vec(random::draw(), 1..40),
        often in any::<bool>(),
    ) {
        let end = Timestamp::from_secs(base);
        let mut rows = rows(&config, &draws, end);
        let judge = engine(&config);
        rows.retain(|row| row.at <= end.micros() && judge.check(&row.event(), end).is_ok());
        rows.sort_by_key(|row| row.at);
        let (timely, late) = (engine(&config), engine(&config));
        for row in &rows {
            let now = row.timestamp();
            prop_assert_eq!(timely.record(&row.event(), now), Ok(Applied::Counted));
            if often {
                timely.advance(now);
            }
        }
        apply(&late, &rows, end);
        same_state(&timely, &late, end);
    }

    /// Whether and how often `advance` runs, and which questions are asked, leaves no trace.
    #[test]
    fn advancing_and_asking_leave_no_trace(
        (config, base) in random::world(),
        batches in prop::collection::vec((prop::collection::vec(random::draw(), 1..12), 0..7_200_i64), 1..8),
        question in random::question(),
    ) {
        let (busy, idle) = (engine(&config), engine(&config));
        let mut now = Timestamp::from_secs(base);
        for (draws, wait) in &batches {
            let rows = rows(&config, draws, now);
            apply(&busy, &rows, now);
            apply(&idle, &rows, now);
            busy.advance(now);
            let _ = busy.query(&question.query(&config, now), now);
            now = now.plus_secs(*wait);
            busy.advance(now);
        }
        same_state(&busy, &idle, now);
    }

    #[test]
    fn another_call_gives_other_bytes(
        (config, base) in random::world(),
        draws in prop::collection::vec(random::draw(), 1..20),
    ) {
        let now = Timestamp::from_secs(base);
        let rows = rows(&config, &draws, now);
        let (one, other) = (engine(&config), engine(&config));
        apply(&one, &rows, now);
        apply(&other, &rows, now);
        let more = Row::at_secs(base, &[(Dimension::Model, "m1")]);
        prop_assert!(other.record(&more.event(), now).is_ok());
        prop_assert!(state(&one, now).0 != state(&other, now).0);
    }
}

/// Many writers at once: no call is lost, none counted twice, and the bytes don't tell who came
/// first.
#[test]
fn the_number_of_threads_leaves_no_trace() {
    let now = Timestamp::from_secs(BASE);
    let rows: Vec<Row> = (0..20_000).map(busy_row).collect();
    let config = random::config(4, 4);
    let alone = engine(&config);
    apply(&alone, &rows, now);
    for threads in [2, 8] {
        let shared = engine(&config);
        thread::scope(|scope| {
            for part in 0..threads {
                let (engine, rows) = (shared.clone(), &rows);
                scope.spawn(move || {
                    let mine: Vec<&Row> = rows.iter().skip(part).step_by(threads).collect();
                    for chunk in mine.chunks(64) {
                        let events: Vec<Event<'_>> = chunk.iter().map(|row| row.event()).collect();
                        assert!(engine.apply(&events, now).iter().all(Result::is_ok));
                    }
                });
            }
            scope.spawn(|| (0..200).for_each(|_| shared.advance(now)));
        });
        same_state(&alone, &shared, now);
    }
}

/// Writers while the clock runs and a reader looks on: what is acknowledged is in the next answer.
#[test]
fn an_acknowledged_call_is_in_the_next_answer_while_others_write() {
    let config = random::config(4, 4);
    let shared = engine(&config);
    thread::scope(|scope| {
        for writer in 0..4_i64 {
            let engine = shared.clone();
            scope.spawn(move || {
                let name = format!("writer-{writer}");
                let query = Query::window(3_600).only(Dimension::User, name.as_str());
                for n in 0..300_i64 {
                    let now = Timestamp::from_secs(BASE + n);
                    let row = Row::at_secs(BASE + n - n % 90, &[(Dimension::User, name.as_str())]);
                    assert!(engine.record(&row.event(), now).is_ok());
                    let told = engine.query(&query, now).expect("an answer").totals.sums.requests;
                    assert_eq!(told, u64::try_from(n + 1).expect("positive"), "{name} at {now}");
                }
            });
        }
        let engine = shared.clone();
        scope.spawn(move || (0..300).for_each(|n| engine.advance(Timestamp::from_secs(BASE + n))));
    });
    let usage = shared.query(&Query::window(3_600), Timestamp::from_secs(BASE + 300)).expect("an answer");
    assert_eq!(usage.totals.sums.requests, 1_200);
}

/// Quantiles are read from calls that others move and seal meanwhile, thousands in a second.
#[test]
fn quantiles_asked_for_while_seconds_end_leave_no_trace() {
    let config = random::config(4, 2);
    let (alone, shared) = (engine(&config), engine(&config));
    let feed = |engine: &Engine| {
        for second in BASE..BASE + 40 {
            let rows: Vec<Row> = (0..4_000).map(|n| Row { at: second * 1_000_000 + n, ..busy_row(n) }).collect();
            rows.chunks(100).for_each(|rows| apply(engine, rows, Timestamp::from_secs(second)));
        }
    };
    feed(&alone);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let query = Query { distributions: true, ..Query::window(3_600).group_by(Dimension::Model) };
            while !over.load(Ordering::Relaxed) {
                let totals = shared.query(&query, Timestamp::from_secs(BASE + 40)).expect("an answer").totals;
                assert_eq!(totals.latency.count(), totals.sums.requests, "of one moment");
            }
        });
        feed(&shared);
        over.store(true, Ordering::Relaxed);
        asking.join().expect("no panic");
    });
    same_state(&alone, &shared, Timestamp::from_secs(BASE + 40));
}

fn busy_row(n: i64) -> Row {
    let model = format!("m{}", n % 37);
    let user = format!("u{}", n % 211);
    let status = if n % 5 == 0 { "500" } else { "200" };
    let age = (n * 7_919) % 5_000;
    let named = [(Dimension::Model, model.as_str()), (Dimension::User, user.as_str()), (Dimension::Status, status)];
    let mut row = Row::at_secs(BASE - age, &named);
    row.measures.latency_us = u64::try_from(n * 31).ok();
    row.measures.cost = Some(random::money(n, if n % 3 == 0 { "EUR" } else { "USD" }));
    row
}
