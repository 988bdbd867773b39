//! How fast an embedded engine counts calls.
//!
//! A round is half a minute of the engine's time, so that every second one holds the fold of a
//! minute; quick rounds have three seconds.

use super::Effort;
use super::ROUNDS;
use super::row::Row;
use super::traffic::START;
use super::traffic::Traffic;
use crate::engine::Engine;
use crate::engine::Series;
use crate::engine::event::Event;
use crate::engine::time::Timestamp;
use std::ops::Range;
use std::thread;
use std::time::Instant;

const BATCH: usize = 1_000;
/// Calls whose numbers are told again and again: a caller has them at hand.
const TOLD: usize = 1_000;
/// Calls in a second of the engine's time: a second has to be sealed after so many.
const PACE: usize = 50_000;
/// The same of a machine with nothing else to do.
const FULL_PACE: usize = 1_000_000;

pub(super) fn rows(effort: Effort) -> Vec<Row> {
    [("1k", 1_000), ("50k", 50_000), ("1M", 1_000_000)]
        .into_iter()
        .flat_map(|(name, series)| Recording::new(series, effort).rows(name))
        .collect()
}

/// An engine, its traffic, and how far its time has come.
struct Recording {
    traffic: Traffic,
    engine: Engine,
    /// Seconds of a round.
    round: i64,
    next: i64,
}

impl Recording {
    fn new(series: usize, effort: Effort) -> Self {
        let traffic = Traffic::new(series);
        let engine = traffic.engine();
        Self { traffic, engine, round: if effort.quick { 3 } else { 30 }, next: START + 1 }
    }

    fn rows(mut self, name: &str) -> Vec<Row> {
        let (traffic, engine) = (&self.traffic, self.engine.clone());
        // Past the open seconds, unless in a hurry, so that sealing is under way.
        let seconds = self.next..self.next + 2 * self.round + 6;
        run(&engine, &seconds, PACE, 1, |_| strings(traffic, &engine));
        self.next = seconds.end;
        let mut rows = Vec::new();
        for writers in [1, 2] {
            let name = format!("record: {name} series, strings, {}", threads(writers));
            rows.push(measure(name, self.round, &mut self.next, |seconds| {
                run(&engine, seconds, PACE, writers, |_| strings(traffic, &engine)) / 1e6
            }));
        }
        let handle = |place: usize| engine.series(&traffic.sources[place].dimensions()).expect("a handle");
        let series: Vec<Series> = (0..traffic.sources.len()).map(handle).collect(); // which threads share
        for writers in [1, 2] {
            let name = format!("record: {name} series, handles, {}", threads(writers));
            rows.push(measure(name, self.round, &mut self.next, |seconds| {
                run(&engine, seconds, PACE, writers, |_| handles(traffic, &series)) / 1e6
            }));
        }
        let full = format!("record: {name} series, handles, 1 thread, 1M calls a second of its time");
        rows.push(measure(full, (self.round / 10).max(1), &mut self.next, |seconds| {
            run(&engine, seconds, FULL_PACE, 1, |_| handles(traffic, &series)) / 1e6
        }));
        rows
    }
}

fn threads(count: usize) -> String {
    if count == 1 { "1 thread".to_owned() } else { format!("{count} threads") }
}

/// `round` tells the rate over some seconds of the engine's time, in millions a second.
fn measure(name: String, secs: i64, next: &mut i64, mut round: impl FnMut(&Range<i64>) -> f64) -> Row {
    let mut rate = || {
        let seconds = *next..*next + secs;
        *next = seconds.end;
        round(&seconds)
    };
    Row::new(name, "M events/s", (0..ROUNDS).map(|_| rate()).collect::<Vec<_>>())
}

/// Counts by naming every dimension, a batch at a time.
fn strings<'t>(traffic: &'t Traffic, engine: &'t Engine) -> impl FnMut(Range<usize>, Timestamp) + 't {
    let mut events: Vec<Event<'t>> = Vec::with_capacity(BATCH);
    move |calls, now| {
        events.clear();
        events.extend(calls.map(|n| traffic.source(n).event(now)));
        assert!(engine.apply(&events, now).iter().all(Result::is_ok));
    }
}

/// Counts through handles, a call at a time.
fn handles<'t>(traffic: &'t Traffic, handles: &'t [Series]) -> impl FnMut(Range<usize>, Timestamp) + 't {
    move |calls, now| {
        for n in calls {
            let place = traffic.place(n);
            let measures = &traffic.sources[n % TOLD].measures;
            assert!(handles[place].record(measures, now, now).is_ok());
        }
    }
}

/// Counts the calls of some seconds with one thread or more; events a second of real time.
fn run<W: FnMut(Range<usize>, Timestamp)>(
    engine: &Engine,
    seconds: &Range<i64>,
    pace: usize,
    writers: usize,
    writer: impl Fn(usize) -> W + Sync,
) -> f64 {
    let share = pace / writers;
    let began = Instant::now();
    thread::scope(|scope| {
        for number in 0..writers {
            let (seconds, writer) = (seconds.clone(), &writer);
            scope.spawn(move || {
                let mut write = writer(number);
                for second in seconds {
                    let first = usize::try_from(second).expect("positive") * pace + number * share;
                    let now = Timestamp::from_secs(second);
                    if number == 0 {
                        engine.advance(now);
                    }
                    for first in (first..first + share).step_by(BATCH) {
                        write(first..first + BATCH, now);
                    }
                }
            });
        }
    });
    (seconds.end - seconds.start) as f64 * pace as f64 / began.elapsed().as_secs_f64()
}
