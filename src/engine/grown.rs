//! Counts that only grow, for whoever reads rates from them: a monitoring system.
//!
//! Answers to queries shrink as calls leave their span, and what is kept shrinks as time passes.
//! These do neither: they begin at nothing when they are asked for first, and every call sealed
//! since is in them for good. So they lag behind by the seconds that are still open.
//!
//! ```text
//! sealed second ─▶ waiting ─▶ settle: each series ─▶ a row of each family, or the family's others
//! ```
//!
//! A family has room for so many rows; who comes later is counted under `__other__` together. A
//! row is never given up for another: if it were, its counts would fall.

use super::aggregate::Aggregate;
use super::column::Time;
use super::event::Dimension;
use super::event::status;
use super::histogram::bin_of;
use super::open::Open;
use super::series::SeriesTable;
use super::values::OTHER_TEXT;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use parking_lot::Mutex;
use parking_lot::RwLock;
use std::sync::Arc;

/// Upper bounds of latencies in µs: 10 ms, doubled up to 11 minutes.
pub const LATENCY_BOUNDS_US: [u64; 17] = {
    let mut bounds = [10_000; 17];
    let mut place = 1;
    while place < bounds.len() {
        bounds[place] = bounds[place - 1] * 2;
        place += 1;
    }
    bounds
};

/// Upper bounds of times to the first token in µs: 1 ms to 60 s.
pub const TTFT_BOUNDS_US: [u64; 17] = [
    1_000, 5_000, 10_000, 20_000, 40_000, 60_000, 80_000, 100_000, 250_000, 500_000, 750_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000, 30_000_000, 60_000_000,
];

/// What the rows of a family are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The model.
    Model,
    /// The provider.
    Provider,
    /// The endpoint.
    Endpoint,
    /// The class of the status: `2xx`, `success`, `failure`, …
    Class,
    /// The model, the provider, and the status of calls that failed.
    Operation,
}

impl By {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Model, Self::Provider, Self::Endpoint, Self::Class, Self::Operation];

    fn names(self, series: u32, table: &SeriesTable) -> Vec<Arc<str>> {
        let text = |dimension| table.text(series, dimension).clone();
        match self {
            Self::Model => vec![text(Dimension::Model)],
            Self::Provider => vec![text(Dimension::Provider)],
            Self::Endpoint => vec![text(Dimension::Endpoint)],
            Self::Class => vec![class(&text(Dimension::Status)).into()],
            Self::Operation => vec![text(Dimension::Model), text(Dimension::Provider), error(&text(Dimension::Status))],
        }
    }
}

/// The class of a status: one of eight words.
fn class(text: &str) -> &'static str {
    match status::code(text) {
        Some(code) => ["1xx", "2xx", "3xx", "4xx", "5xx"][usize::from(code / 100) - 1],
        None if status::is_success(text) => "success",
        None if text == OTHER_TEXT => OTHER_TEXT,
        None => "failure",
    }
}

/// The status of a call that failed; nothing where it did not.
fn error(text: &Arc<str>) -> Arc<str> {
    match &**text {
        success if status::is_success(success) => "".into(),
        "" => "_OTHER".into(),
        _ => text.clone(),
    }
}

/// The counts of one row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Growth {
    /// Sums.
    pub sums: Aggregate,
    /// Latencies by [`LATENCY_BOUNDS_US`], those above the last one last.
    pub latency: [u64; LATENCY_BOUNDS_US.len() + 1],
    /// Times to the first token by [`TTFT_BOUNDS_US`], likewise.
    pub ttft: [u64; TTFT_BOUNDS_US.len() + 1],
}

/// One family: a row for each of the first names seen, `__other__` the last if there is one.
#[derive(Clone, Debug)]
pub struct Family {
    /// What its rows are told apart by.
    pub by: By,
    /// The names of each row and its counts.
    pub rows: Vec<(Vec<Arc<str>>, Growth)>,
}

/// One family as it grows. Row 0 holds the others.
#[derive(Debug)]
struct Table {
    by: By,
    index: HashMap<Vec<Arc<str>>, usize, RandomState>,
    names: Vec<Vec<Arc<str>>>,
    rows: Vec<Growth>,
}

impl Table {
    fn new(by: By) -> Self {
        Self { by, index: HashMap::default(), names: vec![Vec::new()], rows: vec![Growth::default()] }
    }

    /// The row of a series.
    fn row(&mut self, series: u32, table: &SeriesTable, limit: usize) -> usize {
        let names = self.by.names(series, table);
        if let Some(row) = self.index.get(&names) {
            return *row;
        }
        if self.rows.len() > limit || names.iter().any(|name| &**name == OTHER_TEXT) {
            return 0;
        }
        self.rows.push(Growth::default());
        self.names.push(names.clone());
        self.index.insert(names, self.rows.len() - 1);
        self.rows.len() - 1
    }

    fn told(&self) -> Family {
        let others: Vec<Arc<str>> = self.by.names_of_others();
        let names = self.names[1..].iter().cloned().chain([others]);
        let rows = names.zip(self.rows[1..].iter().chain(&self.rows[..1]).cloned());
        Family { by: self.by, rows: rows.filter(|(_, growth)| growth.sums.requests > 0).collect() }
    }
}

impl By {
    fn names_of_others(self) -> Vec<Arc<str>> {
        vec![OTHER_TEXT.into(); if self == Self::Operation { 3 } else { 1 }]
    }
}

/// All families.
#[derive(Debug)]
struct Tables {
    limit: usize,
    families: [Table; By::ALL.len()],
    // The rows of series that are alike in what families look at; numbers of values change hands
    // when series are forgotten.
    known: HashMap<[u32; 4], [usize; By::ALL.len()], RandomState>,
    forgets: u64,
}

/// Rows remembered for so many kinds of series before they are looked up anew.
const KNOWN: usize = 1 << 16;

impl Tables {
    fn new(limit: usize) -> Self {
        Self { limit, families: By::ALL.map(Table::new), known: HashMap::default(), forgets: 0 }
    }

    fn add(&mut self, open: &Open, series: &SeriesTable) {
        let gathered = &open.gathered().series;
        let mut rows = Vec::new();
        for (id, sums) in gathered.rows() {
            let of = self.rows_of(id, series);
            for (table, row) in self.families.iter_mut().zip(of) {
                table.rows[row].sums.merge(&sums);
            }
            rows.push(of);
        }
        for (time, bounds) in [(Time::Latency, bins(&LATENCY_BOUNDS_US)), (Time::Ttft, bins(&TTFT_BOUNDS_US))] {
            for (at, of) in rows.iter().enumerate() {
                for (bin, count) in gathered.bins_of(time, at) {
                    let below = bounds.partition_point(|bound| *bound < bin);
                    for (table, row) in self.families.iter_mut().zip(of) {
                        let growth = &mut table.rows[*row];
                        match time {
                            Time::Latency => growth.latency[below] += count,
                            Time::Ttft => growth.ttft[below] += count,
                        }
                    }
                }
            }
        }
    }

    fn rows_of(&mut self, id: u32, series: &SeriesTable) -> [usize; By::ALL.len()] {
        let Self { limit, families, known, .. } = self;
        let numbers = series.numbers(id);
        let kind = [Dimension::Model, Dimension::Provider, Dimension::Endpoint, Dimension::Status];
        let kind = kind.map(|dimension| numbers[dimension.index()]);
        if let Some(rows) = known.get(&kind) {
            return *rows;
        }
        let rows = families.each_mut().map(|table| table.row(id, series, *limit));
        if known.len() >= KNOWN {
            known.clear();
        }
        known.insert(kind, rows);
        rows
    }
}

/// The bins that bounds lie in: what is in them counts as not above.
fn bins(bounds: &[u64; 17]) -> [u16; 17] {
    bounds.map(bin_of)
}

/// What the engine keeps for it; nothing before it is asked for.
#[derive(Debug, Default)]
pub(super) struct Grown {
    waiting: Mutex<Option<Vec<Arc<Open>>>>,
    tables: Mutex<Option<Tables>>,
}

impl Grown {
    /// Begins to count, from nothing: what came until now must have been sealed.
    pub(super) fn begin(&self, limit: usize) {
        let mut tables = self.tables.lock();
        if tables.is_none() {
            *tables = Some(Tables::new(limit));
            *self.waiting.lock() = Some(Vec::new());
        }
    }

    pub(super) fn has_begun(&self) -> bool {
        self.tables.lock().is_some()
    }

    /// Notes a bucket that was sealed, to be counted by [`settle`](Self::settle).
    pub(super) fn note(&self, open: &Arc<Open>) {
        if let Some(waiting) = &mut *self.waiting.lock() {
            waiting.push(open.clone());
        }
    }

    /// Counts what was sealed. `forgets` changes whenever numbers of values change hands.
    pub(super) fn settle(&self, series: &RwLock<SeriesTable>, forgets: u64) {
        let Some(tables) = &mut *self.tables.lock() else { return };
        let waiting = self.waiting.lock().as_mut().map(std::mem::take).unwrap_or_default();
        if std::mem::replace(&mut tables.forgets, forgets) != forgets {
            tables.known.clear();
        }
        waiting.iter().for_each(|open| tables.add(open, &series.read()));
    }

    /// What was counted so far; nothing before it has begun.
    pub(super) fn told(&self) -> Vec<Family> {
        let tables = self.tables.lock();
        tables.as_ref().map(|tables| tables.families.iter().map(Table::told).collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Engine;
    use super::super::config::Config;
    use super::super::config::TierConfig;
    use super::super::event::Dimensions;
    use super::super::event::Event;
    use super::super::event::Measures;
    use super::super::query::Query;
    use super::super::time::Timestamp;
    use super::*;
    use std::collections::BTreeMap;

    const BEGIN: i64 = 1_795_000_020;

    fn engine() -> Engine {
        let tier = |step_secs, len| TierConfig { step_secs, len };
        let tiers = vec![tier(1, 900), tier(60, 3_000), tier(86_400, 5)];
        Engine::new(Config { tiers, stripes: 3, ..Config::default() }).unwrap()
    }

    fn record(engine: &Engine, now: Timestamp, model: &str, status: &str, latency_us: u64) {
        let dimensions = Dimensions::default().with(Dimension::Model, model).with(Dimension::Status, status);
        let measures = Measures { latency_us: Some(latency_us), input_tokens: Some(3), ..Measures::default() };
        let _ = engine.record(&Event { timestamp: now, dimensions, measures, ..Event::default() }, now).unwrap();
    }

    /// Requests, tokens and latencies of every row.
    fn told(engine: &Engine) -> BTreeMap<(usize, Vec<Arc<str>>), Vec<u64>> {
        let families = engine.growth();
        let rows = (0..).zip(families).flat_map(|(place, family)| {
            family.rows.into_iter().map(move |(names, growth)| {
                let tokens = u64::try_from(growth.sums.input_tokens).unwrap();
                let counts = [growth.sums.requests, growth.sums.failures, tokens];
                ((place, names), [&counts[..], &growth.latency[..]].concat())
            })
        });
        rows.collect()
    }

    #[test]
    fn nothing_falls_while_time_runs_past_all_retention() {
        let engine = engine();
        let mut now = Timestamp::from_secs(BEGIN);
        record(&engine, now, "before", "200", 1);
        engine.begin_growth(3);
        let (mut before, mut random) = (BTreeMap::new(), 1_u64);
        let calls = 3_000_u64;
        for call in 0..calls {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let draw = random >> 33;
            let pass = [0, 0, 1, 61, 7_000][draw as usize % 5];
            now = now.plus_secs(pass); // some 50 days in all
            let model = ["a", "b", "c", "d", "e", "__proto__"][(draw / 5) as usize % 6];
            record(
                &engine,
                now,
                model,
                ["200", "429", "success", "odd", ""][(draw / 30) as usize % 5],
                draw % 100_000_000,
            );
            if call % 97 == 0 {
                engine.advance(now);
                let after = told(&engine);
                for (row, counts) in &before {
                    let later: &Vec<u64> = &after[row];
                    assert!(later.iter().zip(counts).all(|(later, count)| later >= count), "{row:?} fell");
                }
                before = after;
            }
        }
        engine.advance(now.plus_secs(5));
        for family in engine.growth() {
            let sum = |of: fn(&Growth) -> u64| family.rows.iter().map(|(_, growth)| of(growth)).sum::<u64>();
            assert_eq!(sum(|growth| growth.sums.requests), calls, "{:?}", family.by);
            assert_eq!(sum(|growth| growth.latency.iter().sum()), calls, "{:?}", family.by);
            let most = if family.by == By::Class { 6 } else { 4 };
            assert!(family.rows.len() <= most, "{:?}: {}", family.by, family.rows.len());
        }
        let kept = engine.query(&Query::between(None, None), now).unwrap().totals.sums.requests;
        assert!(kept < calls / 2, "retention has passed over most of them: {kept}");
    }

    #[test]
    fn rows_are_those_of_the_first_names() {
        let engine = engine();
        engine.begin_growth(2);
        let now = Timestamp::from_secs(BEGIN);
        for (second, model) in (0..).zip(["one", "two", "three", "one", "four"]) {
            record(&engine, now.plus_secs(second), model, "200", 10_000);
            engine.advance(now.plus_secs(second));
        }
        engine.advance(now.plus_secs(60));
        let families = engine.growth();
        let models: Vec<_> =
            families[0].rows.iter().map(|(names, growth)| (&*names[0], growth.sums.requests)).collect();
        assert_eq!(models, [("one", 2), ("two", 1), (OTHER_TEXT, 2)]);
        assert_eq!(families[0].rows[0].1.latency[0], 2, "a bound belongs to its bucket");
        engine.begin_growth(9);
        assert_eq!(engine.growth()[0].rows.len(), 3, "it has begun already");
    }

    #[test]
    fn statuses_are_told_by_their_class() {
        let classes =
            ["200", "204", "302", "404", "429", "503", "success", "odd", "", "99", "600", OTHER_TEXT].map(class);
        let expected = [
            "2xx", "2xx", "3xx", "4xx", "4xx", "5xx", "success", "failure", "failure", "failure", "failure", OTHER_TEXT,
        ];
        assert_eq!(classes, expected);
    }
}
