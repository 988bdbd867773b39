//! A day of a busy gateway in simulated time, under the default budget of 2 GiB: what it takes, and what
//! the answers over it can tell.

use super::MIB;
use super::Row;
use super::after;
use super::peaks;
use crate::cli::bench::traffic::Traffic;
use crate::engine::Engine;
use crate::engine::Series;
use crate::engine::config::Config;
use crate::engine::event::Measures;
use crate::engine::money::Currency;
use crate::engine::money::Money;
use crate::engine::query::Query;
use std::time::Instant;

const SERIES: usize = 20_000;
/// Calls a second.
const PACE: usize = 2_000;

/// What was counted, to be found in the answers.
#[derive(Default)]
struct Counted {
    calls: u64,
    nanos: i128,
    latency_us: u128,
}

/// Rows of so many hours.
pub(super) fn rows(hours: usize) -> Vec<Row> {
    let traffic = Traffic::new(SERIES);
    let engine = Engine::new(Config::default()).expect("the defaults");
    let handle = |place: usize| engine.series(&traffic.sources[place].dimensions()).expect("a handle");
    let handles: Vec<Series> = (0..SERIES).map(handle).collect();
    let (mut counted, mut highest, began) = (Counted::default(), 0, Instant::now());
    let seconds = hours * 3_600;
    for second in 0..seconds {
        let now = after(second);
        engine.advance(now);
        for n in second * PACE..(second + 1) * PACE {
            let place = traffic.place(n);
            let measures = varied(&traffic.sources[place].measures, n);
            assert!(handles[place].record(&measures, now, now).is_ok());
            counted.add(&measures);
        }
        if second % 60 == 59 {
            highest = highest.max(engine.stats().memory_bytes);
        }
    }
    let took = began.elapsed();
    let what = format!("{hours} h of {PACE} calls/s of 20k series");
    let mut rows = Vec::from(peaks(&what, highest));
    rows.push(Row::new(format!("memory: {what}: own account, at the end"), "MiB", [held(&engine)]));
    rows.push(Row::new(format!("memory: {what}: took"), "s", [took.as_secs_f64()]));
    let resolution = |back| counted.check(&engine, seconds, back);
    rows.push(Row::new(format!("memory: {what}: all of it, resolution"), "s", [resolution(seconds)]));
    rows.push(Row::new(format!("memory: {what}: its last hour, resolution"), "s", [resolution(3_600)]));
    rows
}

fn held(engine: &Engine) -> f64 {
    engine.stats().memory_bytes as f64 / MIB
}

/// Calls of a series differ from one another, as bins of histograms do.
fn varied(measures: &Measures, n: usize) -> Measures {
    let chance = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let vary = |value: Option<u64>, shift: u32| value.map(|value| value * (32 + (chance >> shift) % 256) / 128 + 1);
    Measures {
        latency_us: vary(measures.latency_us, 0),
        ttft_us: vary(measures.ttft_us, 8),
        input_tokens: vary(measures.input_tokens, 16),
        output_tokens: vary(measures.output_tokens, 20),
        cost: measures.cost.map(|cost| Money { nanos: cost.nanos + (chance % 1_000).cast_signed(), ..cost }),
        ..*measures
    }
}

impl Counted {
    fn add(&mut self, measures: &Measures) {
        self.calls += 1;
        self.nanos += measures.cost.map_or(0, |cost| cost.nanos.into());
        self.latency_us += u128::from(measures.latency_us.unwrap_or(0));
    }

    /// Asks for the last seconds; answers the resolution told. What is told of all of it must be exact.
    fn check(&self, engine: &Engine, seconds: usize, back: usize) -> f64 {
        let query = Query::between(Some(after(seconds - back)), Some(after(seconds)));
        let usage = engine.query(&query, after(seconds - 1)).expect("an answer");
        if back == seconds {
            let sums = &usage.totals.sums;
            assert_eq!((sums.requests, sums.latency.sum_us), (self.calls, self.latency_us));
            assert_eq!(sums.cost.get(Currency::USD), Some(self.nanos));
        } else {
            let told = (usage.to.secs() - usage.from.secs()).unsigned_abs();
            assert_eq!(usage.totals.sums.requests, told * PACE as u64, "what it says it counted");
        }
        f64::from(usage.resolution_secs)
    }
}
