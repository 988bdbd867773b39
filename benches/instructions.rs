//! Instructions of the hot paths, counted by Callgrind: the same in every run, so that noise hides
//! no regression.
//!
//! ```sh
//! sudo apt-get install valgrind && cargo install gungraun-runner --version 0.20.0 --locked
//! cargo bench --bench instructions
//! ```
//!
//! It compares with the run before: run it, change something, run it again.

#![allow(missing_docs, reason = "the macros write functions of their own")]

use gungraun::library_benchmark;
use gungraun::library_benchmark_group;
use gungraun::main;
use std::hint::black_box;
use tallyring::Engine;
use tallyring::cli::bench::traffic::START;
use tallyring::cli::bench::traffic::Traffic;
use tallyring::engine::Series;
use tallyring::engine::event::Dimension;
use tallyring::engine::event::Event;
use tallyring::engine::query::Query;
use tallyring::engine::time::Timestamp;

const CALLS: usize = 10_000;

fn now() -> Timestamp {
    Timestamp::from_secs(START + 1)
}

fn known(series: usize) -> (Traffic, Engine) {
    let traffic = Traffic::new(series);
    let engine = traffic.engine();
    (traffic, engine)
}

fn with_handles(series: usize) -> (Traffic, Engine, Vec<Series>) {
    let (traffic, engine) = known(series);
    let handle = |place: usize| engine.series(&traffic.sources[place].dimensions()).expect("a handle");
    let handles: Vec<Series> = (0..series).map(handle).collect();
    (0..CALLS).for_each(|n| record(&traffic, &handles, n)); // resolved before, as they are after a while
    (traffic, engine, handles)
}

fn record(traffic: &Traffic, handles: &[Series], n: usize) {
    let place = traffic.place(n);
    let _ = handles[place].record(&traffic.sources[place].measures, now(), now()).expect("a sound call");
}

fn recorded(series: usize) -> Engine {
    let (_, engine, _) = with_handles(series);
    engine
}

#[library_benchmark(setup = with_handles)]
#[bench::series_1k(1_000)]
#[bench::series_50k(50_000)]
fn handles((traffic, engine, handles): (Traffic, Engine, Vec<Series>)) -> (Traffic, Engine, Vec<Series>) {
    (0..CALLS).for_each(|n| record(&traffic, &handles, n));
    (traffic, engine, handles)
}

#[library_benchmark(setup = known)]
#[bench::series_1k(1_000)]
#[bench::series_50k(50_000)]
fn strings((traffic, engine): (Traffic, Engine)) -> (Traffic, Engine) {
    for first in (0..CALLS).step_by(1_000) {
        let events: Vec<Event<'_>> = (first..first + 1_000).map(|n| traffic.source(n).event(now())).collect();
        black_box(engine.apply(&events, now()));
    }
    (traffic, engine)
}

#[library_benchmark(setup = recorded)]
#[bench::series_1k(1_000)]
#[bench::series_50k(50_000)]
fn seal_a_second(engine: Engine) -> Engine {
    engine.advance(Timestamp::from_secs(START + 3));
    engine
}

fn month() -> Engine {
    Traffic::new(1_000).month()
}

fn end() -> Timestamp {
    Timestamp::from_secs(START + 30 * 86_400)
}

#[library_benchmark]
#[bench::a_month(month())]
fn window_of_a_rollup(engine: Engine) -> Engine {
    let query = Query { distributions: false, ..Query::window(3_600) };
    black_box(engine.query(&query, end())).expect("an answer");
    engine
}

#[library_benchmark]
#[bench::a_month(month())]
fn two_dimensions_over_a_day(engine: Engine) -> Engine {
    let query = Query { distributions: false, ..Query::window(86_400) };
    let query = query.group_by(Dimension::Key).group_by(Dimension::Model);
    black_box(engine.query(&query, end())).expect("an answer");
    engine
}

library_benchmark_group!(
    name = engine,
    benchmarks = [handles, strings, seal_a_second, window_of_a_rollup, two_dimensions_over_a_day]
);

main!(library_benchmark_groups = engine);
