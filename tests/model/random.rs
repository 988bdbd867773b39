//! Random configurations, calls and questions, chosen to meet at edges: few values, times snapped
//! to bucket borders, ages spread over every tier.

use super::Row;
use super::SECOND;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use tallyring::engine::config::Config;
use tallyring::engine::config::TierConfig;
use tallyring::engine::event::Dimension;
use tallyring::engine::event::Measures;
use tallyring::engine::money::Currency;
use tallyring::engine::money::Money;
use tallyring::engine::query::Filter;
use tallyring::engine::query::Order;
use tallyring::engine::query::Query;
use tallyring::engine::query::Rank;
use tallyring::engine::query::Span;
use tallyring::engine::time::Interval;
use tallyring::engine::time::Timestamp;
use tallyring::engine::time::Zone;

/// Few values per dimension, so that calls meet; by [`Dimension::index`].
const VALUES: [&[&str]; 7] = [
    &["", "sk-1", "sk-2", "a/b c"],
    &["", "ann", "bob", "<script>", "\u{1f642}"],
    &["", "m1", "m2", "M1"],
    &["", "p1", "p2"],
    &["", "/v1/chat", "/v1/embed"],
    &["200", "429", "500", "", "success", "OK", "Succeeded", "201", "failed", "2000"],
    &["", "red", "blue"],
];

const ZONES: [&str; 5] = ["UTC", "Asia/Kathmandu", "America/New_York", "Asia/Shanghai", "Pacific/Apia"];

/// Instants near something: a spring and an autumn clock change in New York, a new year, 2038, the
/// epoch, and a plain afternoon.
const BASES: [i64; 6] = [1_772_965_800, 1_793_512_800, 1_798_761_590, 2_147_483_640, 700, 1_795_324_556];

/// A configuration by number: small tiers, deep tiers, a single one, the default.
pub(crate) fn config(kind: usize, stripes: u32) -> Config {
    let tiers: &[(u32, u32)] = match kind {
        0 => &[(1, 30), (10, 24), (60, 90), (1_800, 100)],
        1 => &[(1, 100)],
        2 => &[(1, 130), (60, 70), (900, 400)],
        3 => &[(1, 200), (60, 3_000), (900, 3_000), (86_400, 50)],
        _ => &[(1, 3_600), (60, 2_880), (900, 5_952), (86_400, 400)],
    };
    let (open_secs, ahead_secs) = [(2, 5), (1, 3), (5, 5), (64, 5), (64, 300)][kind.min(4)];
    Config {
        tiers: tiers.iter().map(|(step_secs, len)| TierConfig { step_secs: *step_secs, len: *len }).collect(),
        open_secs,
        ahead_secs,
        labels: vec!["team".to_owned()],
        stripes,
        ..Config::default()
    }
}

/// Any of the configurations, and where time begins.
pub(crate) fn world() -> impl Strategy<Value = (Config, i64)> {
    let kinds = prop_oneof![Just(0_usize), Just(1), Just(2), Just(3), Just(4)];
    (kinds, select(vec![1_u32, 4]), select(BASES.to_vec()))
        .prop_map(|(kind, stripes, base)| (config(kind, stripes), base))
}

/// An age that reaches about as far back as one of the tiers, snapped to its bucket or not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Age {
    tier: usize,
    part: f64,
    snap: Option<i64>,
}

impl Age {
    /// µs since the epoch, this old at `now`; a little beyond retention at most.
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "random anyway")]
    fn instant(self, config: &Config, now: Timestamp) -> i64 {
        let tier = config.tiers[self.tier % config.tiers.len()];
        let age = (tier.retention_secs() as f64 * self.part * SECOND as f64) as i64;
        let at = (now.micros() - age).max(0);
        let Some(shift) = self.snap else { return at };
        let step = i64::from(tier.step_secs) * SECOND;
        (at / step * step + shift).max(0)
    }
}

fn age() -> impl Strategy<Value = Age> {
    let part = prop_oneof![
        4 => 0.0..0.02_f64,
        4 => 0.0..1.0_f64,
        1 => Just(0.0),
        1 => Just(1.0),
        1 => 0.98..1.05_f64,
        1 => -0.05..0.0_f64,
    ];
    let snap = option::weighted(0.3, select(vec![0, -1, 1, -SECOND, SECOND]));
    (0..4_usize, part, snap).prop_map(|(tier, part, snap)| Age { tier, part, snap })
}

/// A call that has no time yet.
#[derive(Clone, Debug)]
pub(crate) struct Draw {
    age: Age,
    places: [usize; 7],
    measures: Measures,
}

impl Draw {
    pub(crate) fn row(&self, config: &Config, now: Timestamp) -> Row {
        let values = std::array::from_fn(|index| {
            let known: &[&str] = VALUES.get(index).copied().unwrap_or(&[""]);
            let place = self.places.get(index).copied().unwrap_or(0);
            known[place % known.len()].to_owned()
        });
        Row { at: self.age.instant(config, now), values, measures: self.measures }
    }
}

/// Any call.
pub(crate) fn draw() -> impl Strategy<Value = Draw> {
    (age(), prop::array::uniform7(0..20_usize), measures()).prop_map(|(age, places, measures)| Draw {
        age,
        places,
        measures,
    })
}

fn measures() -> impl Strategy<Value = Measures> {
    let tokens = || option::of(prop_oneof![Just(0_u64), 1..2_000_u64, Just(100_000_000)]);
    let micros = || {
        option::weighted(
            0.8,
            prop_oneof![Just(0_u64), 1..300_u64, 1_000..5_000_000_u64, 0..86_400_000_000_u64, Just(86_400_000_000)],
        )
    };
    let nanos = prop_oneof![Just(0_i64), 1..1_000_000_i64, Just(i64::MAX)];
    let money = (nanos, select(vec!["USD", "EUR", "CNY", "JPY"])).prop_map(|(nanos, code)| money(nanos, code));
    (micros(), micros(), [tokens(), tokens(), tokens(), tokens(), tokens(), tokens()], option::weighted(0.7, money))
        .prop_map(|(latency_us, ttft_us, tokens, cost)| Measures {
            latency_us,
            ttft_us,
            input_tokens: tokens[0],
            output_tokens: tokens[1],
            cache_read_tokens: tokens[2],
            cache_write_tokens: tokens[3],
            reasoning_tokens: tokens[4],
            total_tokens: tokens[5],
            cost,
        })
}

/// An amount.
pub(crate) fn money(nanos: i64, code: &str) -> Money {
    Money { nanos, currency: Currency::parse(code).expect("a currency") }
}

/// A question that has no time yet.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    span: Stretch,
    group_by: Vec<Dimension>,
    filters: Vec<Filter>,
    interval: Option<Interval>,
    zone: &'static str,
    distributions: bool,
    order: Order,
    limit: usize,
    offset: usize,
    compare: bool,
}

#[derive(Clone, Copy, Debug)]
enum Stretch {
    Window(Age),
    Between(Option<Age>, Option<Age>),
}

impl Question {
    pub(crate) fn query(&self, config: &Config, now: Timestamp) -> Query {
        Query {
            span: self.span(config, now),
            group_by: self.group_by.clone(),
            filters: self.filters.clone(),
            interval: self.interval,
            zone: Zone::parse(self.zone).expect("a zone"),
            distributions: self.distributions,
            order: self.order,
            limit: self.limit,
            offset: self.offset,
            compare: self.compare,
        }
    }

    fn span(&self, config: &Config, now: Timestamp) -> Span {
        let instant = |age: Age| Timestamp::from_micros(age.instant(config, now)).unwrap_or(now);
        match self.span {
            Stretch::Window(age) => {
                let secs = now.secs() - instant(age).secs();
                Span::Window(u32::try_from(secs.max(1)).expect("a window of some years at most"))
            }
            Stretch::Between(one, other) => {
                let (one, other) = (one.map(instant), other.map(instant));
                match (one, other) {
                    (Some(a), Some(b)) if a > b => Span::Between { from: other, to: one },
                    _ => Span::Between { from: one, to: other },
                }
            }
        }
    }
}

/// Any question.
pub(crate) fn question() -> impl Strategy<Value = Question> {
    let dimensions: Vec<Dimension> = Dimension::FIXED.into_iter().chain([Dimension::Label(0)]).collect();
    let span = prop_oneof![
        age().prop_map(Stretch::Window),
        (option::weighted(0.9, age()), option::weighted(0.7, age())).prop_map(|(a, b)| Stretch::Between(a, b)),
    ];
    let group_by = prop::sample::subsequence(dimensions.clone(), 0..=3).prop_shuffle();
    let filters = prop::sample::subsequence(dimensions, 0..=2)
        .prop_flat_map(|picked| picked.into_iter().map(filter).collect::<Vec<_>>());
    let interval = option::weighted(
        0.3,
        prop_oneof![
            select(vec![1, 7, 10, 60, 300, 900, 3_600, 86_400]).prop_map(Interval::Fixed),
            Just(Interval::Day),
            Just(Interval::Month),
        ],
    );
    let flags = (any::<bool>(), prop::bool::weighted(0.2));
    let page = (prop_oneof![1..4_usize, Just(100)], prop_oneof![3 => Just(0_usize), 1 => 0..6_usize]);
    (span, group_by, filters, interval, select(ZONES.to_vec()), flags, order(), page).prop_map(
        |(span, group_by, filters, interval, zone, (distributions, compare), order, (limit, offset))| Question {
            span,
            group_by,
            filters,
            interval,
            zone,
            distributions,
            order,
            limit,
            offset,
            compare,
        },
    )
}

/// One to three values of a dimension, as they are counted; or one that never comes.
fn filter(dimension: Dimension) -> impl Strategy<Value = Filter> {
    let known = VALUES[dimension.index()].iter().filter(|value| !matches!(**value, "OK" | "Succeeded"));
    let known: Vec<&str> = known.copied().chain(["never"]).collect();
    prop::sample::subsequence(known, 1..=3)
        .prop_map(move |values| Filter { dimension, values: values.into_iter().map(str::to_owned).collect() })
}

fn order() -> impl Strategy<Value = Order> {
    let code = |code| Rank::Cost(Currency::parse(code).expect("a currency"));
    let ranks = vec![
        Rank::Name,
        Rank::Requests,
        Rank::Successes,
        Rank::Failures,
        Rank::ErrorRate,
        Rank::InputTokens,
        Rank::OutputTokens,
        Rank::CacheReadTokens,
        Rank::CacheWriteTokens,
        Rank::ReasoningTokens,
        Rank::TotalTokens,
        Rank::Unpriced,
        code("USD"),
        code("EUR"),
        Rank::LatencyMean,
        Rank::TtftMean,
        Rank::Latency(0.5),
        Rank::Latency(1.0),
        Rank::Ttft(0.95),
    ];
    (select(ranks), any::<bool>()).prop_map(|(by, descending)| Order { by, descending })
}

/// How calls reach the engine.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Path {
    /// As one batch.
    Batch,
    /// One by one.
    Single,
    /// One by one through a series handle.
    Handle,
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Arrive(Vec<Draw>, Path),
    /// So many µs pass.
    Wait(i64),
    Advance,
    Ask(Box<Question>),
}

/// A life: calls in any order, time passing by steps from nothing to weeks, questions.
pub(crate) fn life() -> impl Strategy<Value = Vec<Step>> {
    let path = select(vec![Path::Batch, Path::Batch, Path::Single, Path::Handle]);
    let wait = prop_oneof![
        4 => 0..3 * SECOND,
        3 => 0..120 * SECOND,
        2 => 0..7_200 * SECOND,
        1 => 0..3 * 86_400 * SECOND,
        1 => 0..30 * 86_400 * SECOND,
    ];
    let step = prop_oneof![
        4 => (prop::collection::vec(draw(), 1..16), path).prop_map(|(draws, path)| Step::Arrive(draws, path)),
        3 => wait.prop_map(Step::Wait),
        1 => Just(Step::Advance),
        5 => question().prop_map(|question| Step::Ask(Box::new(question))),
    ];
    prop::collection::vec(step, 1..30)
}
