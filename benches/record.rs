//! How fast calls are counted: 1k, 50k and 1M series, named by strings or through handles, by one
//! writer and by two.
//!
//! One iteration is a batch of 1,000 calls for each writer; time moves on by a second every
//! 200 batches, and the engine is advanced then, as it would be live.

mod settings;

use criterion::Criterion;
use criterion::Throughput;
use std::hint::black_box;
use std::thread;
use std::time::Duration;
use std::time::Instant;
use tallyring::Engine;
use tallyring::cli::bench::traffic::START;
use tallyring::cli::bench::traffic::Source;
use tallyring::cli::bench::traffic::Traffic;
use tallyring::engine::Series;
use tallyring::engine::event::Event;
use tallyring::engine::time::Timestamp;

const BATCH: usize = 1_000;
/// Batches in a second of the engine's time.
const PACE: u64 = 200;

fn main() {
    let mut criterion = settings::settings();
    for (name, series) in [("1k", 1_000), ("50k", 50_000), ("1M", 1_000_000)] {
        let traffic = Traffic::new(series);
        by_name(&mut criterion, name, &traffic);
        by_handle(&mut criterion, name, &traffic);
    }
    criterion.final_summary();
}

fn by_name(criterion: &mut Criterion, name: &str, traffic: &Traffic) {
    let engine = traffic.engine();
    let mut clock = 0;
    measure(criterion, &format!("record/strings/{name}"), &mut clock, &engine, |first, now| {
        let events: Vec<Event<'_>> = (first..first + BATCH).map(|n| traffic.source(n).event(now)).collect();
        black_box(engine.apply(&events, now));
    });
}

fn by_handle(criterion: &mut Criterion, name: &str, traffic: &Traffic) {
    let engine = traffic.engine();
    let handle = |source: &Source| engine.series(&source.dimensions()).expect("a handle");
    let handles: Vec<Series> = traffic.sources.iter().map(handle).collect();
    let mut clock = 0;
    measure(criterion, &format!("record/handle/{name}"), &mut clock, &engine, |first, now| {
        for n in first..first + BATCH {
            let place = traffic.place(n);
            let _ = black_box(handles[place].record(&traffic.sources[place].measures, now, now));
        }
    });
}

/// One writer and two; `write` counts a batch beginning with a call of the traffic.
fn measure(
    criterion: &mut Criterion,
    name: &str,
    clock: &mut u64,
    engine: &Engine,
    write: impl Fn(usize, Timestamp) + Sync,
) {
    for writers in [1_usize, 2] {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements((BATCH * writers) as u64));
        group.bench_function(format!("{writers} writers"), |bencher| {
            bencher.iter_custom(|batches| {
                let first = *clock;
                *clock += batches;
                run(engine, &write, first..first + batches, writers)
            });
        });
        group.finish();
    }
}

fn run(
    engine: &Engine,
    write: &(impl Fn(usize, Timestamp) + Sync),
    batches: std::ops::Range<u64>,
    writers: usize,
) -> Duration {
    let began = Instant::now();
    thread::scope(|scope| {
        for writer in 0..writers {
            let batches = batches.clone();
            scope.spawn(move || {
                for batch in batches {
                    let now = Timestamp::from_secs(START + i64::try_from(batch / PACE).expect("small"));
                    if writer == 0 && batch % PACE == 0 {
                        engine.advance(now);
                    }
                    let place = usize::try_from(batch).expect("small") * writers + writer;
                    write(place * BATCH, now);
                }
            });
        }
    });
    began.elapsed()
}
