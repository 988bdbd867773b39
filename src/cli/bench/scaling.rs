//! What more cores would do: what a call costs is measured here, on as many cores as there are, and
//! a model says the rest.
//!
//! ```text
//! own     ns of a call that any core does: deciding, appending, sorting when its second is sealed
//! one     ns of a call that one thread does for all: packing and folding
//! line    ns of a write to a line that another core has just written to
//! shared  such writes a call
//!
//! calls a second with n cores = min( n / (own + one),  1 / one,  1 / (shared · line) )
//! ```
//!
//! The first is the cores' own limit, the others do not grow with cores. The traffic is a million
//! calls a second, so that a second holds as many calls of a series as it would at such rates.

use super::Effort;
use super::ROUNDS;
use super::row::Row;
use super::traffic::START;
use super::traffic::Source;
use super::traffic::Traffic;
use crate::engine::Engine;
use crate::engine::Series;
use crate::engine::time::Timestamp;
use std::hint::spin_loop;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Instant;

const SERIES: usize = 50_000;
const PACE: usize = 1_000_000;
/// Writes to lines that all threads share: one for each 64 calls through a handle, for their places in
/// the order of arrival.
const SHARED: f64 = 1.0 / 64.0;
const CORES: [u32; 4] = [2, 8, 32, 96];

pub(super) fn rows(effort: Effort) -> Vec<Row> {
    let bench = Bench::new();
    let seconds = effort.of(4, 1);
    let costs: Vec<Costs> = (0..ROUNDS).map(|_| bench.costs(seconds)).collect();
    let lines: Vec<f64> = (0..ROUNDS).map(|_| line_ns()).collect();
    let of = |pick: fn(&Costs) -> f64| costs.iter().map(pick).collect::<Vec<f64>>();
    let own = Row::new("scaling: a call's own work, any thread", "ns", of(|costs| costs.own));
    let one = Row::new("scaling: packing and folding, one thread for all", "ns a call", of(|costs| costs.one));
    let line = Row::new("scaling: a write to a line another core has just written to", "ns", lines);
    let pair = Row::new("scaling: two threads, of twice one thread's rate", "%", of(|costs| costs.pair * 100.0));
    let model = Model { own: own.median(), one: one.median(), line: line.median() };
    let rate = |name: String, ns: f64| Row::new(name, "M calls/s", [1e3 / ns]);
    let limits = [
        rate("scaling: model, most that packing in one thread allows".to_owned(), model.one),
        rate("scaling: model, most that shared lines allow".to_owned(), SHARED * model.line),
    ];
    let cores = CORES.map(|cores| rate(format!("scaling: model, {cores} cores"), model.ns(cores)));
    [own, one, line, pair].into_iter().chain(cores).chain(limits).collect()
}

/// Nanoseconds a call.
struct Costs {
    own: f64,
    one: f64,
    /// The rate of two threads by twice that of one.
    pair: f64,
}

struct Model {
    own: f64,
    one: f64,
    line: f64,
}

impl Model {
    /// Between two calls, with so many cores.
    fn ns(&self, cores: u32) -> f64 {
        ((self.own + self.one) / f64::from(cores)).max(self.one).max(SHARED * self.line)
    }
}

struct Bench {
    traffic: Traffic,
    engine: Engine,
    handles: Vec<Series>,
    next: AtomicU64,
}

impl Bench {
    fn new() -> Self {
        let traffic = Traffic::new(SERIES);
        let engine = traffic.engine();
        let handle = |source: &Source| engine.series(&source.dimensions()).expect("a handle");
        let handles = traffic.sources.iter().map(handle).collect();
        Self { traffic, engine, handles, next: AtomicU64::new(1) }
    }

    /// What calls cost over some seconds: first by one thread, then by two that also seal together.
    fn costs(&self, seconds: usize) -> Costs {
        let calls = (seconds * PACE) as f64;
        let (mut record, mut seal, mut record_two, mut seal_two) = (0.0, 0.0, 0.0, 0.0);
        for _ in 0..seconds {
            record += self.timed(1, |number, now| self.record(number, PACE, now));
            seal += self.sealed(1);
            record_two += self.timed(2, |number, now| self.record(number, PACE / 2, now));
            seal_two += self.sealed(2);
        }
        // Two threads share the sorting and nothing else: half of it is what they save.
        let sorting = (2.0 * (seal - seal_two)).clamp(0.0, seal);
        let ns = |secs: f64| secs * 1e9 / calls;
        Costs {
            own: ns(record + sorting),
            one: ns(seal - sorting),
            pair: (record + seal) / (2.0 * (record_two + seal_two)),
        }
    }

    fn record(&self, number: usize, calls: usize, now: Timestamp) {
        for n in number * calls..(number + 1) * calls {
            let place = self.traffic.place(n);
            let measures = &self.traffic.sources[n % 1_024].measures;
            assert!(self.handles[place].record(measures, now, now).is_ok());
        }
    }

    /// Seconds it takes to seal what was recorded.
    fn sealed(&self, threads: usize) -> f64 {
        self.next.fetch_add(3, Ordering::Relaxed);
        self.timed(threads, |_, now| self.engine.advance(now))
    }

    /// Seconds until all threads are done, which begin together.
    fn timed(&self, threads: usize, work: impl Fn(usize, Timestamp) + Sync) -> f64 {
        let second = self.next.load(Ordering::Relaxed);
        let now = Timestamp::from_secs(START + i64::try_from(second).expect("small"));
        let go = AtomicBool::new(false);
        thread::scope(|scope| {
            for number in 1..threads {
                let (work, go) = (&work, &go);
                scope.spawn(move || {
                    while !go.load(Ordering::Acquire) {
                        spin_loop();
                    }
                    work(number, now);
                });
            }
            let began = Instant::now();
            go.store(true, Ordering::Release);
            work(0, now);
            began
        })
        .elapsed()
        .as_secs_f64()
    }
}

/// Two threads add to one number as fast as they can.
fn line_ns() -> f64 {
    const TIMES: u64 = 500_000;
    let number = AtomicU64::new(0);
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..TIMES {
                    number.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    began.elapsed().as_secs_f64() * 1e9 / (2 * TIMES) as f64
}
