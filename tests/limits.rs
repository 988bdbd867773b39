//! Whatever comes in, memory stays under its budget, totals stay exact, and what was folded away
//! is visible under `__other__`.

mod model;

use model::Row;
use model::cases;
use model::chance::Chance;
use model::random;
use model::random::money;
use model::recount;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use std::collections::BTreeMap;
use std::sync::Arc;
use tallyring::engine::Engine;
use tallyring::engine::config::Config;
use tallyring::engine::event::Dimension;
use tallyring::engine::event::Event;
use tallyring::engine::event::MAX_LATENCY_US;
use tallyring::engine::event::MAX_TOKENS;
use tallyring::engine::event::Measures;
use tallyring::engine::event::Reason;
use tallyring::engine::money::Currency;
use tallyring::engine::query::Query;
use tallyring::engine::query::Usage;
use tallyring::engine::time::Timestamp;

const NOW: i64 = 1_795_324_556;
const OTHER: &str = "__other__";
const MILLION: i64 = 1_000_000;

fn engine(config: Config) -> Engine {
    Engine::new(config).expect("a valid configuration")
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

fn ask(engine: &Engine, query: &Query, now: i64) -> Usage {
    engine.query(query, at(now)).expect("an answer")
}

fn everything() -> Query {
    Query::between(None, None)
}

/// The account never passes the budget.
fn within_budget(engine: &Engine) {
    let stats = engine.stats();
    assert!(stats.memory_bytes <= stats.max_memory_bytes, "{} of {}", stats.memory_bytes, stats.max_memory_bytes);
}

/// How a bomb of junk is sent and what it must leave.
struct Bomb {
    config: Config,
    /// Which dimensions carry junk.
    junk: &'static [Dimension],
    calls: i64,
}

impl Bomb {
    /// Junk, and after every 1,000 of it one call of a tenant that was there before.
    fn drop_on(&self) -> Engine {
        let engine = engine(self.config.clone());
        assert!(engine.record(&calm(NOW).event(), at(NOW)).is_ok());
        for start in (0..self.calls).step_by(1_000) {
            let now = NOW + start / 20_000;
            let values: Vec<String> = (start..start + 1_000).map(|n| format!("junk-{n}")).collect();
            let mut rows: Vec<Row> = (start..).zip(&values).map(|(n, value)| self.junk_row(n, value, now)).collect();
            rows.push(calm(now));
            let events: Vec<Event<'_>> = rows.iter().map(Row::event).collect();
            assert!(engine.apply(&events, at(now)).iter().all(Result::is_ok));
            if start % 50_000 == 0 {
                engine.advance(at(now));
                within_budget(&engine);
            }
        }
        engine
    }

    fn junk_row(&self, n: i64, value: &str, now: i64) -> Row {
        let status = if n % 3 == 0 { "500" } else { "200" };
        let mut row = Row::at_secs(now, &[(Dimension::Key, "bomber"), (Dimension::Status, status)]);
        for dimension in self.junk {
            row.values[dimension.index()] = value.to_owned();
        }
        row.measures.cost = Some(money(n, "USD"));
        row.measures.input_tokens = Some(3);
        row
    }

    fn now(&self) -> i64 {
        NOW + (self.calls - 1_000) / 20_000
    }

    /// Totals, outcomes and money to the last unit; the calm tenant untouched.
    fn check(&self, engine: &Engine) {
        engine.advance(at(self.now() + 1));
        within_budget(engine);
        assert!(engine.stats().memory_bytes > 1 << 20, "so many names take room");
        let calm_calls = self.calls / 1_000 + 1;
        let sums = ask(engine, &everything(), self.now()).totals.sums;
        let failures = (0..self.calls).filter(|n| n % 3 == 0).count() as u64;
        assert_eq!(sums.requests, unsigned(self.calls + calm_calls));
        assert_eq!((sums.failures, sums.successes()), (failures, sums.requests - failures));
        let cost = i128::from(self.calls) * i128::from(self.calls - 1) / 2 + i128::from(calm_calls);
        assert_eq!(sums.cost.get(Currency::USD), Some(cost));
        assert_eq!(sums.input_tokens, u128::from(unsigned(self.calls)) * 3);
        let calm = ask(engine, &everything().only(Dimension::Key, "calm"), self.now()).totals.sums;
        assert_eq!((calm.requests, calm.overflowed), (unsigned(calm_calls), 0), "the calm tenant");
    }

    /// The `__other__` of a dimension holds exactly what its named values don't.
    fn check_other(&self, engine: &Engine, dimension: Dimension) -> u64 {
        let mut query = everything().group_by(dimension);
        query.limit = 1;
        let usage = ask(engine, &query, self.now());
        assert_eq!(usage.groups[0].name, [Some(Arc::from(OTHER))], "it is the largest, and visible");
        let other = &usage.groups[0].totals.sums;
        assert_eq!(other.overflowed, other.requests);
        let only = ask(engine, &everything().only(dimension, OTHER), self.now()).totals.sums;
        assert_eq!(&only, other);
        let named = usage.group_count as u64 - 1;
        let calm_calls = unsigned(self.calls / 1_000 + 1);
        assert_eq!(other.requests, unsigned(self.calls) - (named - 1), "each named junk value has one call");
        assert_eq!(usage.other.totals.sums.requests, named - 1 + calm_calls);
        assert_eq!(usage.totals.sums.overflowed, other.requests);
        assert_eq!(usage.completeness.overflowed, other.requests);
        named
    }
}

fn unsigned(n: i64) -> u64 {
    u64::try_from(n).expect("not negative")
}

/// A tenant with names of its own in every dimension that junk can fill.
fn calm(now: i64) -> Row {
    let named =
        Dimension::FIXED.map(|dimension| (dimension, if dimension == Dimension::Status { "200" } else { "calm" }));
    let mut row = Row::at_secs(now, &named);
    row.measures.cost = Some(money(1, "USD"));
    row
}

#[test]
fn a_million_junk_models_fill_the_cap_and_no_more() {
    let bomb = Bomb { config: Config::default(), junk: &[Dimension::Model], calls: MILLION };
    let engine = bomb.drop_on();
    bomb.check(&engine);
    let named = bomb.check_other(&engine, Dimension::Model);
    assert!((9_999..=10_000).contains(&named), "the cap is 10,000 values: {named}");
    let first = ask(&engine, &everything().only(Dimension::Model, "junk-7"), bomb.now()).totals.sums;
    assert_eq!((first.requests, first.overflowed), (1, 0), "first come, first named");
}

#[test]
fn a_million_junk_models_in_64_mib() {
    let config = Config {
        memory_bytes: 64 << 20,
        max_values: 4_000_000,
        max_identities: 4_000_000,
        max_series: 4_000_000,
        ..Config::default()
    };
    let bomb = Bomb { config, junk: &[Dimension::Model], calls: MILLION };
    let engine = bomb.drop_on();
    bomb.check(&engine);
    let named = bomb.check_other(&engine, Dimension::Model);
    assert!(named > 10_000, "64 MiB hold more than {named} names");
    for later in [100, 4_000, 3 * 86_400, 70 * 86_400] {
        engine.advance(at(bomb.now() + later));
        within_budget(&engine);
        let sums = ask(&engine, &everything(), bomb.now() + later).totals.sums;
        assert_eq!(sums.requests, unsigned(MILLION + MILLION / 1_000 + 1), "{later} s later");
    }
}

#[test]
fn junk_in_every_dimension_at_once() {
    let config = Config { memory_bytes: 64 << 20, ..Config::default() };
    let junk = &[Dimension::User, Dimension::Model, Dimension::Provider, Dimension::Endpoint];
    let bomb = Bomb { config, junk, calls: 300_000 };
    let engine = bomb.drop_on();
    bomb.check(&engine);
    let usage = ask(&engine, &everything().group_by(Dimension::Endpoint), bomb.now());
    assert!(usage.groups.iter().any(|group| group.name == [Some(Arc::from(OTHER))]));
}

#[test]
fn junk_statuses_stay_failures() {
    let engine = engine(Config { max_values: 4, ..Config::default() });
    for n in 0..1_000 {
        let status = match n % 4 {
            0 => "200".to_owned(),
            1 => format!("2{:02}", n % 100),
            2 => "succeeded".to_owned(),
            _ => format!("odd-{n}"),
        };
        let row = Row::at_secs(NOW, &[(Dimension::User, "ann"), (Dimension::Status, &status)]);
        assert!(engine.record(&row.event(), at(NOW)).is_ok());
    }
    let sums = ask(&engine, &everything(), NOW).totals.sums;
    assert_eq!((sums.requests, sums.successes(), sums.failures), (1_000, 750, 250));
}

#[test]
fn few_series_hold_every_total() {
    let config = Config { max_series: 16, ..Config::default() };
    let engine = engine(config);
    for n in 0..10_000 {
        let (user, model) = (format!("u{}", n % 100), format!("m{}", n % 7));
        let status = if n % 5 == 0 { "429" } else { "200" };
        let named = [(Dimension::User, user.as_str()), (Dimension::Model, &model), (Dimension::Status, status)];
        assert!(engine.record(&Row::at_secs(NOW - n % 50, &named).event(), at(NOW)).is_ok());
    }
    let stats = engine.stats();
    assert!(stats.series <= 16 && stats.max_series == 16, "{} series", stats.series);
    let usage = ask(&engine, &everything(), NOW);
    let sums = &usage.totals.sums;
    assert_eq!((sums.requests, sums.failures), (10_000, 2_000));
    assert!(usage.completeness.overflowed > 0 && usage.completeness.overflowed < 10_000);
    for dimension in [Dimension::User, Dimension::Model, Dimension::Status] {
        let usage = ask(&engine, &everything().group_by(dimension), NOW);
        let groups: u64 = usage.groups.iter().map(|group| group.totals.sums.requests).sum();
        assert_eq!(groups, 10_000, "{dimension:?}");
    }
}

/// A handle resolved before or after the limit was met counts like the event would.
#[test]
fn a_handle_beyond_the_limit_counts_under_other() {
    let config = Config { max_identities: 4, ..Config::default() };
    let engine = engine(config);
    for n in 0..50 {
        let user = format!("u{n}");
        let row = Row::at_secs(NOW, &[(Dimension::User, &user)]);
        let series = engine.series(&row.dimensions()).expect("a handle");
        assert!(series.record(&row.measures, at(NOW), at(NOW)).is_ok());
        assert!(series.record(&row.measures, at(NOW), at(NOW)).is_ok());
    }
    let usage = ask(&engine, &everything().group_by(Dimension::User), NOW);
    assert_eq!(usage.totals.sums.requests, 100);
    assert!(usage.group_count <= 5, "{} users", usage.group_count);
    let other = usage.groups.iter().find(|group| group.name == [Some(Arc::from(OTHER))]).expect("visible");
    assert_eq!(usage.totals.sums.overflowed, other.totals.sums.requests);
    assert!(other.totals.sums.requests >= 90);
}

/// Old seconds go first: the answer says so by its resolution, and counts exactly what it says.
#[test]
fn under_pressure_fine_resolution_goes_before_any_total() {
    let engine = engine(Config { memory_bytes: 16 << 20, ..Config::default() });
    let (series, seconds) = (1_000_i64, 1_800_i64);
    let rows: Vec<Row> = (0..series).map(busy).collect();
    for second in 0..seconds {
        let now = NOW + second;
        let events: Vec<Event<'_>> = rows.iter().map(|row| Event { timestamp: at(now), ..row.event() }).collect();
        assert!(engine.apply(&events, at(now)).iter().all(Result::is_ok));
        if second % 60 == 0 {
            engine.advance(at(now));
            within_budget(&engine);
        }
    }
    let end = NOW + seconds - 1;
    engine.advance(at(end));
    within_budget(&engine);
    let mut coarsest = 0;
    for n in [60, 600, 1_200, 1_700, 3_600, 86_400] {
        let usage = ask(&engine, &Query::window(n), end);
        let (from, to) = (usage.from.secs(), usage.to.secs());
        assert!(from <= end - i64::from(n) && to == end + 1, "window {n}: {from} to {to}");
        let active = to.min(NOW + seconds) - from.max(NOW);
        assert_eq!(usage.totals.sums.requests, unsigned(active * series), "window {n} from {from}");
        assert_eq!(usage.totals.latency.count(), unsigned(active * series), "window {n} from {from}");
        coarsest = coarsest.max(if n < 3_600 { usage.resolution_secs } else { 0 });
    }
    assert!(coarsest > 1, "16 MiB can't hold 1.8 million cells: seconds were given up, and it is said");
    let all = ask(&engine, &everything(), end).totals.sums;
    assert_eq!(all.requests, unsigned(series * seconds));
    assert_eq!(all.cost.get(Currency::USD), Some(i128::from(seconds) * i128::from(series * (series - 1) / 2)));
}

fn busy(n: i64) -> Row {
    let (user, model) = (format!("user-{n}"), format!("m{}", n % 20));
    let mut row =
        Row::at_secs(NOW, &[(Dimension::User, &user), (Dimension::Model, &model), (Dimension::Status, "200")]);
    row.measures.latency_us = Some(unsigned(n) * 1_000);
    row.measures.cost = Some(money(n, "USD"));
    row
}

#[test]
fn a_value_of_256_bytes_is_taken_and_one_of_257_refused() {
    let engine = engine(Config { labels: vec!["team".to_owned()], ..Config::default() });
    let dimensions = Dimension::FIXED.into_iter().chain([Dimension::Label(0)]);
    let pointers = ["/key", "/user", "/model", "/provider", "/endpoint", "/status", "/labels"];
    for (dimension, pointer) in dimensions.zip(pointers) {
        for (value, taken) in [
            ("x".repeat(256), true),
            ("x".repeat(257), false),
            ("\u{e9}".repeat(128), true),
            ("\u{e9}".repeat(129), false),
        ] {
            let outcome = engine.record(&Row::at_secs(NOW, &[(dimension, &value)]).event(), at(NOW));
            let refused = outcome.err().map(|reject| (reject.reason, reject.pointer));
            assert_eq!(refused, (!taken).then_some((Reason::Invalid, pointer)), "{} bytes", value.len());
        }
    }
    let row = Row::at_secs(NOW, &[(Dimension::User, "ann")]);
    for (bytes, taken) in [(128, true), (129, false)] {
        let long = "i".repeat(bytes);
        for (event, pointer) in
            [(Event { id: &long, ..row.event() }, "/id"), (Event { job_id: &long, ..row.event() }, "/job_id")]
        {
            let refused = engine.record(&event, at(NOW)).err().map(|reject| reject.pointer);
            assert_eq!(refused, (!taken).then_some(pointer), "{bytes} bytes");
        }
    }
    assert_eq!(engine.stats().rejected, [7 * 2 + 2, 0, 0, 0]);
    let usage = ask(&engine, &everything(), NOW);
    assert_eq!(usage.totals.sums.requests, 7 * 2 + 2);
}

#[test]
fn a_handle_without_values_or_with_long_ones_is_refused() {
    let engine = engine(Config::default());
    let long = "x".repeat(257);
    for row in [Row::at_secs(NOW, &[]), Row::at_secs(NOW, &[(Dimension::Model, &long)])] {
        let refused = engine.series(&row.dimensions()).err().map(|reject| reject.reason);
        assert_eq!(refused, Some(Reason::Invalid));
    }
    let series = engine.series(&Row::at_secs(NOW, &[(Dimension::User, "ann")]).dimensions()).expect("a handle");
    let measures = Measures { latency_us: Some(MAX_LATENCY_US + 1), ..Measures::default() };
    let refused = series.record(&measures, at(NOW), at(NOW)).err().map(|reject| reject.pointer);
    assert_eq!(refused, Some("/latency_ms"), "a handle judges like the engine");
    let refused = series.record(&Measures::default(), at(NOW + 301), at(NOW)).err().map(|reject| reject.reason);
    assert_eq!(refused, Some(Reason::Ahead));
    assert_eq!(ask(&engine, &everything(), NOW).totals.sums.requests, 0);
}

/// The largest numbers one call may tell, ten thousand times, through every tier.
#[test]
fn the_largest_numbers_add_up_exactly() {
    let engine = engine(Config::default());
    let calls = 10_000_u64;
    let mut row = Row::at_secs(NOW, &[(Dimension::User, "ann"), (Dimension::Status, "200")]);
    row.measures.cost = Some(money(i64::MAX, "USD"));
    for (place, tokens) in [
        &mut row.measures.input_tokens,
        &mut row.measures.output_tokens,
        &mut row.measures.cache_read_tokens,
        &mut row.measures.cache_write_tokens,
        &mut row.measures.reasoning_tokens,
        &mut row.measures.total_tokens,
    ]
    .into_iter()
    .enumerate()
    {
        *tokens = Some(MAX_TOKENS - place as u64);
    }
    row.measures.latency_us = Some(MAX_LATENCY_US);
    row.measures.ttft_us = Some(MAX_LATENCY_US);
    let events: Vec<Event<'_>> = (0..calls).map(|_| row.event()).collect();
    assert!(engine.apply(&events, at(NOW)).iter().all(Result::is_ok));
    for later in [0, 100, 4_000, 3 * 86_400, 70 * 86_400] {
        engine.advance(at(NOW + later));
        for query in [everything(), everything().only(Dimension::User, "ann")] {
            let totals = ask(&engine, &query, NOW + later).totals;
            let rows: Vec<&Row> = std::iter::repeat_n(&row, calls as usize).collect();
            recount::check(&rows, &totals, true).unwrap_or_else(|why| panic!("{later} s later: {why}"));
            assert_eq!(totals.sums.cost.get(Currency::USD), Some(i128::from(i64::MAX) * i128::from(calls)));
        }
    }
}

fn settings(default: u32) -> ProptestConfig {
    ProptestConfig {
        cases: cases(default),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/regressions/limits.txt"))),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(settings(300))]

    /// With room for next to nothing every total is still exact, over every dimension.
    #[test]
    fn totals_are_exact_at_every_limit(
        batches in prop::collection::vec(prop::collection::vec(random::draw(), 1..40), 1..5),
        max_series in 16..20_u32,
        max_values in 4..6_u32,
        kind in 0..5_usize,
    ) {
        let config = Config { max_series, max_values, max_identities: 4, ..random::config(kind, 4) };
        let engine = engine(config.clone());
        let mut rows = Vec::new();
        for (n, draws) in (0..).zip(&batches) {
            let now = at(NOW + n * 13);
            for draw in draws {
                let row = draw.row(&config, now);
                if engine.record(&row.event(), now).is_ok() {
                    rows.push(row);
                }
            }
        }
        let now = NOW + 13 * 5;
        let mut usage = ask(&engine, &everything(), now);
        let kept: Vec<&Row> = rows.iter().filter(|row| row.timestamp() >= usage.from && row.timestamp() < usage.to).collect();
        let overflowed = std::mem::take(&mut usage.totals.sums.overflowed);
        prop_assert_eq!(recount::check(&kept, &usage.totals, true), Ok(()));
        prop_assert!(engine.stats().series <= max_series as usize);
        for (dimension, values) in config.dimensions().zip(&engine.stats().values) {
            let grouped = ask(&engine, &everything().group_by(dimension), now);
            let mut sums = grouped.other.totals.sums.clone();
            grouped.groups.iter().for_each(|group| sums.merge(&group.totals.sums));
            prop_assert_eq!(&sums, &grouped.totals.sums);
            prop_assert_eq!(sums.overflowed, overflowed);
            let other = grouped.groups.iter().find(|group| group.name == [Some(Arc::from(OTHER))]);
            prop_assert!(other.is_none_or(|group| group.totals.sums.overflowed == group.totals.sums.requests));
            // Statuses that succeed keep their names, so that successes can be told from failures.
            let spare = if dimension == Dimension::Status { 101 } else { 1 };
            prop_assert!(*values <= max_values as usize + spare, "{} values of {:?}", values, dimension);
        }
    }
}

/// Names that share length and prefix, as an attacker of hash tables would choose them.
#[test]
fn names_alike_in_length_and_prefix_are_kept_apart() {
    let engine = engine(Config::default());
    let mut chance = Chance(38);
    let prefix = "p".repeat(200);
    let names: Vec<String> = (0..5_000).map(|n| format!("{prefix}{n:08}")).collect();
    let mut want: BTreeMap<&str, u64> = BTreeMap::new();
    for _ in 0..20_000 {
        let name = chance.pick(&names).as_str();
        *want.entry(name).or_default() += 1;
        assert!(engine.record(&Row::at_secs(NOW, &[(Dimension::Model, name)]).event(), at(NOW)).is_ok());
    }
    let mut query = everything().group_by(Dimension::Model);
    query.limit = 10_000;
    let usage = ask(&engine, &query, NOW);
    let told =
        usage.groups.iter().map(|group| (group.name[0].as_deref().expect("a model"), group.totals.sums.requests));
    assert_eq!(told.collect::<BTreeMap<_, _>>(), want);
    assert_eq!((usage.totals.sums.requests, usage.totals.sums.overflowed), (20_000, 0));
    assert_eq!(engine.stats().values[Dimension::Model.index()], usage.group_count);
}
