//! The engine against a list of raw calls that is counted again for every question.
//!
//! A case is a random life: calls in time, late and early, seconds or months behind, singly, in
//! batches and through handles; time that stands still or jumps by weeks; `advance` called or not;
//! and questions of every shape in between. `TALLYRING_CASES=20000` runs deeper.

mod model;

use model::Model;
use model::Row;
use model::SECOND;
use model::answer;
use model::cases;
use model::random;
use model::random::Path;
use model::random::Step;
use model::recount;
use model::same;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use tallyring::engine::Applied;
use tallyring::engine::Engine;
use tallyring::engine::config::Config;
use tallyring::engine::event::Dimension;
use tallyring::engine::event::Event;
use tallyring::engine::event::Reject;
use tallyring::engine::query::Filter;
use tallyring::engine::query::Query;
use tallyring::engine::query::Rank;
use tallyring::engine::query::Usage;
use tallyring::engine::recent::Call;
use tallyring::engine::recent::CallQuery;
use tallyring::engine::time::Timestamp;

fn settings(default: u32) -> ProptestConfig {
    ProptestConfig {
        cases: cases(default),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/regressions/engine_model.txt"))),
        ..ProptestConfig::default()
    }
}

/// An engine, its model, and the time both are told.
struct World {
    engine: Engine,
    model: Model,
    now: Timestamp,
}

impl World {
    fn new(config: &Config, base: i64) -> Self {
        let engine = Engine::new(config.clone()).expect("a valid configuration");
        Self { engine, model: Model::new(config.clone()), now: Timestamp::from_secs(base) }
    }

    fn live(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Arrive(draws, path) => {
                    let rows = draws.iter().map(|draw| draw.row(&self.model.config, self.now)).collect();
                    self.arrive(rows, *path);
                }
                Step::Wait(micros) => self.wait(*micros),
                Step::Advance => {
                    self.engine.advance(self.now);
                    self.model.settle(self.now);
                }
                Step::Ask(question) => self.ask(&question.query(&self.model.config, self.now)),
            }
        }
    }

    fn wait(&mut self, micros: i64) {
        self.now = Timestamp::from_micros(self.now.micros() + micros).expect("before the year 9999");
    }

    fn arrive(&mut self, rows: Vec<Row>, path: Path) {
        let outcomes = send(&self.engine, &rows, path, self.now);
        for (row, outcome) in rows.into_iter().zip(&outcomes) {
            self.model.take(row, self.now, outcome).unwrap_or_else(|why| panic!("{why}"));
        }
    }

    fn ask(&self, query: &Query) {
        let answer = self.engine.query(query, self.now);
        answer::check(&self.model, query, self.now, &answer);
    }

    fn answer(&self, query: &Query) -> Usage {
        self.engine.query(query, self.now).expect("a question that has an answer")
    }
}

/// Brings calls to the engine; before each, `check` must say what counting it will say.
fn send(engine: &Engine, rows: &[Row], path: Path, now: Timestamp) -> Vec<Result<Applied, Reject>> {
    let events: Vec<Event<'_>> = rows.iter().map(Row::event).collect();
    let foreseen: Vec<_> = events.iter().map(|event| engine.check(event, now)).collect();
    let outcomes = match path {
        Path::Batch => engine.apply(&events, now),
        Path::Single => events.iter().map(|event| engine.record(event, now)).collect(),
        Path::Handle => events.iter().map(|event| through_handle(engine, event, now)).collect(),
    };
    assert_eq!(foreseen, outcomes.iter().map(|o| o.clone().map(|_| ())).collect::<Vec<_>>(), "check and count");
    outcomes
}

/// A call whose series can't be named is refused before it can be counted.
fn through_handle(engine: &Engine, event: &Event<'_>, now: Timestamp) -> Result<Applied, Reject> {
    match engine.series(&event.dimensions) {
        Ok(series) => series.record(&event.measures, event.timestamp, now),
        Err(_) => engine.record(event, now),
    }
}

/// Every dimension that can be grouped by.
fn dimensions(config: &Config) -> Vec<Dimension> {
    config.dimensions().collect()
}

proptest! {
    #![proptest_config(settings(400))]

    #[test]
    fn answers_equal_a_recount((config, base) in random::world(), steps in random::life()) {
        let mut world = World::new(&config, base);
        world.live(&steps);
        let stats = world.engine.stats();
        prop_assert_eq!(stats.accepted, world.model.rows.len() as u64);
        prop_assert_eq!(stats.late, world.model.late);
        prop_assert_eq!(stats.rejected, world.model.rejected);
    }
}

proptest! {
    #![proptest_config(settings(300))]

    /// Calls, and only then many questions at once: deep states rather than long lives.
    #[test]
    fn many_questions_about_one_state_equal_a_recount(
        (config, base) in random::world(),
        batches in prop::collection::vec(prop::collection::vec(random::draw(), 1..40), 1..4),
        questions in prop::collection::vec(random::question(), 12),
    ) {
        let mut world = World::new(&config, base);
        for draws in &batches {
            let rows = draws.iter().map(|draw| draw.row(&config, world.now)).collect();
            world.arrive(rows, Path::Batch);
            world.wait(37_000_000);
        }
        for question in &questions {
            world.ask(&question.query(&config, world.now));
        }
    }

    /// I2, from the answers alone: neighbouring spans meet without overlap or gap and add up.
    #[test]
    fn disjoint_spans_add_up(
        (config, base) in random::world(),
        steps in random::life(),
        cuts in prop::collection::vec(0.0..1.0_f64, 1..4),
    ) {
        let mut world = World::new(&config, base);
        world.live(&steps);
        let whole = world.answer(&Query::between(None, None));
        let length = whole.to.secs() - whole.from.secs();
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "any cut will do")]
        let mut edges: Vec<i64> = cuts.iter().map(|cut| whole.from.secs() + (length as f64 * cut) as i64).collect();
        edges.retain(|edge| *edge < world.now.secs()); // the current second is never cut off
        edges.extend([whole.from.secs(), whole.to.secs()]);
        edges.sort_unstable();
        edges.dedup();
        let (mut sum, mut reached) = (tallyring::engine::aggregate::Aggregate::default(), whole.from);
        for pair in edges.windows(2) {
            let part = world.answer(&Query::between(Timestamp::from_secs(pair[0]), Timestamp::from_secs(pair[1])));
            prop_assert_eq!(part.from, reached, "no gap, no overlap");
            reached = part.to;
            sum.merge(&part.totals.sums);
        }
        prop_assert_eq!(reached, whole.to);
        prop_assert_eq!(sum, whole.totals.sums);
    }

    /// I2: groups + other = totals on every page, requests = successes + failures everywhere.
    #[test]
    fn groups_and_other_are_the_totals_on_every_page(
        (config, base) in random::world(),
        steps in random::life(),
        by in 0..7_usize,
        limit in 1..4_usize,
    ) {
        let mut world = World::new(&config, base);
        world.live(&steps);
        let mut query = Query::between(None, None).group_by(dimensions(&config)[by]).group_by(Dimension::Status);
        query.group_by.dedup();
        query.limit = limit;
        let (mut seen, mut all) = (BTreeSet::new(), tallyring::engine::aggregate::Aggregate::default());
        loop {
            let page = world.answer(&query);
            let mut sum = page.other.totals.clone();
            for group in &page.groups {
                prop_assert!(seen.insert(group.name.clone()), "{:?} twice", group.name);
                let sums = &group.totals.sums;
                prop_assert_eq!(sums.requests, sums.successes() + sums.failures);
                all.merge(sums);
                sum.sums.merge(sums);
                sum.latency.merge(&group.totals.latency);
                sum.ttft.merge(&group.totals.ttft);
            }
            prop_assert_eq!(&sum.sums, &page.totals.sums);
            prop_assert_eq!(sum.latency.bins().collect::<Vec<_>>(), page.totals.latency.bins().collect::<Vec<_>>());
            prop_assert_eq!(sum.ttft.bins().collect::<Vec<_>>(), page.totals.ttft.bins().collect::<Vec<_>>());
            prop_assert_eq!(page.groups.len() + page.other.groups, page.group_count);
            if page.groups.is_empty() {
                prop_assert_eq!(seen.len(), page.group_count);
                prop_assert_eq!(&all, &page.totals.sums);
                break;
            }
            query.offset += limit;
        }
    }

    /// Which rollups are kept changes how an answer is found, never the answer.
    #[test]
    fn rollups_and_scans_agree(
        (config, base) in random::world(),
        steps in random::life(),
        questions in prop::collection::vec(random::question(), 6),
    ) {
        let lives = [Vec::new(), config.rollups.clone(), dimensions(&config)].map(|rollups| {
            let mut world = World::new(&Config { rollups, ..config.clone() }, base);
            world.live(&steps);
            world
        });
        for question in &questions {
            let answers = lives.iter().map(|world| world.engine.query(&question.query(&config, world.now), world.now));
            let answers: Vec<_> = answers.map(|answer| answer.map(|usage| comparable(&usage))).collect();
            prop_assert_eq!(&answers[0], &answers[1]);
            prop_assert_eq!(&answers[1], &answers[2]);
        }
    }

    /// A filter and its complement split the totals.
    #[test]
    fn the_values_of_a_dimension_split_the_totals(
        (config, base) in random::world(),
        steps in random::life(),
        by in 0..7_usize,
    ) {
        let mut world = World::new(&config, base);
        world.live(&steps);
        let dimension = dimensions(&config)[by];
        let mut grouped = Query::between(None, None).group_by(dimension);
        grouped.limit = 10_000;
        let grouped = world.answer(&grouped);
        for group in &grouped.groups {
            let value = group.name[0].as_deref().unwrap_or("");
            let only = world.answer(&Query::between(None, None).only(dimension, value));
            prop_assert_eq!(&only.totals.sums, &group.totals.sums, "{}", value);
        }
        let every = Filter {
            dimension,
            values: grouped.groups.iter().map(|g| g.name[0].as_deref().unwrap_or("").to_owned()).collect(),
        };
        let all = world.answer(&Query { filters: vec![every], ..Query::between(None, None) });
        prop_assert_eq!(all.totals.sums, grouped.totals.sums);
    }

    /// Facets: every value with the number of series that carry it.
    #[test]
    fn values_are_those_of_the_calls(
        batches in prop::collection::vec(prop::collection::vec(random::draw(), 1..30), 1..3),
        part in prop::sample::select(vec!["", "m", "SK", "/", "\u{1f642}", "never"]),
        limit in 1..6_usize,
    ) {
        let config = random::config(4, 4);
        let mut world = World::new(&config, 1_795_324_556);
        for draws in &batches {
            let rows = draws.iter().map(|draw| draw.row(&config, world.now)).collect();
            world.arrive(rows, Path::Batch);
        }
        for dimension in dimensions(&config) {
            let told = world.engine.values(dimension, part, limit);
            let told: Vec<_> = told.into_iter().map(|value| (value.value.to_string(), value.series)).collect();
            prop_assert_eq!(told, values(&world.model.rows, dimension, part, limit));
        }
        prop_assert_eq!(world.engine.stats().series, series(&world.model.rows).len());
    }

    /// Call details: newest first, ties by arrival, page after page, and honest about what is gone.
    #[test]
    fn recent_calls_are_told_newest_first(
        batches in prop::collection::vec(prop::collection::vec(random::draw(), 1..30), 1..4),
        kept in prop::sample::select(vec![1_u32, 10, 1_000]),
        limit in 1..20_usize,
        failures_only in any::<bool>(),
        only in prop::sample::select(vec!["", "m1", "m2"]),
        grain in prop::sample::select(vec![1, 60 * SECOND, 86_400 * SECOND]),
    ) {
        let config = Config { recent_calls: kept, ..random::config(4, 4) };
        let mut world = World::new(&config, 1_795_324_556);
        for draws in &batches {
            let mut rows: Vec<Row> = draws.iter().map(|draw| draw.row(&config, world.now)).collect();
            rows.iter_mut().for_each(|row| row.at -= row.at % grain); // coarse times: pages end between ties
            world.arrive(rows, Path::Batch);
        }
        let filters = vec![Filter { dimension: Dimension::Model, values: vec![only.to_owned()] }];
        let query = CallQuery {
            from: Timestamp::MIN, to: Timestamp::MAX, filters: filters.clone(), failures_only, limit, after: None,
        };
        let (told, complete) = all_pages(&world.engine, query);
        let mut want: Vec<(usize, &Row)> = world.model.rows.iter().enumerate().collect();
        want.retain(|(_, row)| row.value(Dimension::Model) == only && (row.failed() || !failures_only));
        want.sort_by_key(|(arrival, row)| std::cmp::Reverse((row.at, *arrival)));
        let told: Vec<_> = told.iter().map(line_of_call).collect();
        let want: Vec<_> = want.into_iter().map(|(_, row)| line_of_row(row)).collect();
        prop_assert_eq!(complete, world.model.rows.len() <= kept as usize);
        prop_assert!(told.len() <= kept as usize);
        if complete {
            prop_assert_eq!(told, want);
        } else {
            let mut rest = want.iter();
            prop_assert!(told.iter().all(|call| rest.any(|row| row == call)), "{:?} of {:?}", told, want);
        }
    }
}

/// What two engines must agree on, whatever rollups they keep.
fn comparable(usage: &Usage) -> impl PartialEq + std::fmt::Debug + use<> {
    let totals = |totals: &tallyring::engine::query::Totals| {
        let quantiles = |d: &tallyring::engine::histogram::Distribution| {
            (d.count(), d.min_us(), d.max_us(), recount::QUANTILES.map(|q| d.quantile(q)))
        };
        (totals.sums.clone(), quantiles(&totals.latency), quantiles(&totals.ttft))
    };
    let points = |points: &[tallyring::engine::query::Point]| -> Vec<_> {
        points.iter().map(|point| (point.from, point.to, totals(&point.totals))).collect()
    };
    let groups = usage
        .groups
        .iter()
        .map(|g| (g.name.clone(), totals(&g.totals), g.previous.as_ref().map(totals), points(&g.series)));
    (
        (usage.from, usage.to, usage.resolution_secs, usage.group_count, usage.completeness),
        (totals(&usage.totals), usage.previous.as_ref().map(totals), points(&usage.series)),
        (groups.collect::<Vec<_>>(), usage.other.groups, totals(&usage.other.totals)),
    )
}

/// The different series of some calls.
fn series(rows: &[Row]) -> BTreeSet<Vec<String>> {
    let named = Dimension::FIXED.into_iter().chain([Dimension::Label(0)]);
    let named: Vec<_> = named.collect();
    rows.iter().map(|row| named.iter().map(|dimension| row.value(*dimension).to_owned()).collect()).collect()
}

fn values(rows: &[Row], dimension: Dimension, part: &str, limit: usize) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for series in series(rows) {
        *counts.entry(series[dimension.index()].clone()).or_default() += 1;
    }
    counts.remove("");
    let wanted = |value: &str| value.to_lowercase().contains(&part.to_lowercase());
    counts.into_iter().filter(|(value, _)| wanted(value)).take(limit).collect()
}

fn all_pages(engine: &Engine, mut query: CallQuery) -> (Vec<Call>, bool) {
    let (mut calls, mut complete) = (Vec::new(), true);
    loop {
        let page = engine.calls(&query);
        assert!(page.calls.len() <= query.limit, "a page is no longer than asked");
        calls.extend(page.calls);
        complete &= page.complete;
        match page.next {
            Some(next) => query.after = Some(next),
            None => return (calls, complete),
        }
    }
}

fn line_of_call(call: &Call) -> String {
    let values: Vec<&str> = call.dimensions.iter().map(|value| value.as_deref().unwrap_or("")).collect();
    format!("{} {:?} {:?}", call.timestamp, &values[..7], call.measures)
}

fn line_of_row(row: &Row) -> String {
    let dimensions = Dimension::FIXED.into_iter().chain([Dimension::Label(0)]);
    let values: Vec<&str> = dimensions.map(|dimension| row.value(dimension)).collect();
    format!("{} {:?} {:?}", row.timestamp(), values, row.measures)
}

#[test]
fn the_model_itself_counts_what_a_pencil_would() {
    let base = 1_795_324_556;
    let row = |ago: i64, status| Row::at_secs(base - ago, &[(Dimension::Model, "m"), (Dimension::Status, status)]);
    let mut model = Model::new(random::config(4, 1));
    for (ago, status) in [(0, "200"), (0, "ok"), (60, "429"), (61, "")] {
        let fate = Ok(Applied::Counted);
        assert_eq!(model.take(row(ago, status), Timestamp::from_secs(base), &fate), Ok(()));
    }
    let minute = model.select(Timestamp::from_secs(base - 60), Timestamp::from_secs(base + 1), &[]);
    assert_eq!(minute.len(), 3);
    assert_eq!(minute.iter().filter(|row| row.failed()).count(), 1);
    assert!(model.take(row(65, "200"), Timestamp::from_secs(base), &Ok(Applied::Counted)).is_err(), "that one is late");
    assert_eq!(recount::nearest_rank(&[1, 2, 3, 4], 0.5), Some(2));
    assert_eq!(recount::nearest_rank(&[], 0.5), None);
    assert!(recount::near(129, 128) && !recount::near(130, 128) && !recount::near(127, 128));
    assert!(same("two", &1, &2).is_err());
}

#[test]
fn groups_are_ranked_by_every_figure_with_ties_by_name() {
    let mut world = World::new(&random::config(4, 1), 1_795_324_556);
    let rows = ["b", "a", "c"].map(|model| Row::at_secs(1_795_324_550, &[(Dimension::Model, model)]));
    world.arrive(rows.to_vec(), Path::Batch);
    for descending in [true, false] {
        for by in [Rank::Requests, Rank::ErrorRate, Rank::LatencyMean, Rank::Latency(0.5), Rank::Unpriced] {
            let mut query = Query::window(60).group_by(Dimension::Model);
            query.order = tallyring::engine::query::Order { by, descending };
            let names = world.answer(&query).groups.into_iter().map(|group| group.name);
            let names: Vec<_> = names.map(|mut name| name.remove(0).expect("a model").to_string()).collect();
            assert_eq!(names, ["a", "b", "c"], "{by:?} {descending}");
        }
    }
}
