//! Both systems over the same 6,000 calls, and the calls.

use crate::model::Row;
use crate::model::SECOND;
use crate::model::chance::Chance;
use crate::model::random::money;
use crate::oracle::Logged;
use crate::oracle::Oracle;
use std::sync::OnceLock;
use tallyring::engine::Engine;
use tallyring::engine::config::Config;
use tallyring::engine::event::Dimension;
use tallyring::engine::event::Event;
use tallyring::engine::event::Measures;
use tallyring::engine::reports::Reports;
use tallyring::engine::time::Timestamp;
use tallyring::engine::time::Zone;

/// 2026-11-22T05:15:00Z: on a quarter hour, so that no window is rounded.
pub(crate) const NOW: i64 = 1_795_324_500;
pub(crate) const HOUR: i64 = 3_600;
pub(crate) const DAY: i64 = 86_400;
/// After the current second nothing counts.
pub(crate) const END: i64 = (NOW + 1) * SECOND;

/// Hostile and plain keys.
pub(crate) const KEYS: [&str; 8] = [
    "sk-plain",
    "",
    "team/a key",
    "\u{1f511} emoji",
    "<script>alert(1)</script>",
    "' OR 1=1--",
    "=HYPERLINK(\"http://x/\"&A1,\"c\")",
    "%2e%2e%2f",
];
/// A status as sent, and whether the old system stored a success.
const STATUSES: [(&str, bool); 12] = [
    ("200", true),
    ("200", true),
    ("201", true),
    ("success", true),
    ("OK", true),
    ("429", false),
    ("429", false),
    ("403", false),
    ("500", false),
    ("", false),
    ("failed", false),
    ("__proto__", false),
];
pub(crate) const MODELS: [&str; 6] = ["gpt-x", "gemini/pro", "", "m 3", "\u{202e}abc", "GPT-X"];
pub(crate) const USERS: [&str; 7] = ["ann", "bob", "", "\u{738b}\u{4f1f}", "a\nb", "carol", "dave"];
const ENDPOINTS: [&str; 5] = ["/v1/chat", "/v1/embed", "", "/v1/../x", "translate text"];

/// Both systems, filled once with the same calls.
pub(crate) struct Both {
    pub(crate) engine: Engine,
    pub(crate) oracle: Oracle,
}

impl Both {
    pub(crate) fn reports(&self) -> Reports<'_> {
        self.engine.reports(now())
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_secs(NOW)
}

pub(crate) fn both() -> &'static Both {
    static BOTH: OnceLock<Both> = OnceLock::new();
    BOTH.get_or_init(|| {
        let mut chance = Chance(20);
        let mut calls: Vec<Logged> = (0..6_000).map(|_| call(&mut chance)).collect();
        calls.extend(edges().into_iter().map(|at| Logged { row: Row { at, ..call(&mut chance).row }, success: false }));
        for edge in calls.iter_mut().skip(6_000) {
            edge.row.values[Dimension::Status.index()] = "429".to_owned();
        }
        let engine = Engine::new(Config::default()).expect("the defaults");
        for batch in calls.chunks(500) {
            let events: Vec<Event<'_>> = batch.iter().map(|call| call.row.event()).collect();
            assert!(engine.apply(&events, now()).iter().all(Result::is_ok));
        }
        Both { engine, oracle: Oracle::new(&calls) }
    })
}

/// A call of the last 45 days, most of them recent, a few up to five minutes ahead.
fn call(chance: &mut Chance) -> Logged {
    let reach = *chance.pick(&[60, HOUR, 8 * HOUR, DAY, 40 * DAY, 45 * DAY]);
    let at = if chance.one_in(50) { NOW + 1 + chance.below(299) } else { NOW - 1 - chance.below(reach) };
    let (status, success) = *chance.pick(&STATUSES);
    let named = [
        (Dimension::Key, *chance.pick(&KEYS)),
        (Dimension::Model, *chance.pick(&MODELS)),
        (Dimension::User, *chance.pick(&USERS)),
        (Dimension::Provider, *chance.pick(&["p1", "p2"])),
        (Dimension::Endpoint, *chance.pick(&ENDPOINTS)),
        (Dimension::Status, status),
    ];
    let mut row = Row::at_secs(at, &named);
    if !chance.one_in(3) {
        row.at += chance.below(SECOND); // the others tell whole seconds, so that some are told twice
    }
    row.measures = measures(chance);
    Logged { row, success }
}

pub(crate) fn measures(chance: &mut Chance) -> Measures {
    let some = |told: bool, n: i64| told.then(|| u64::try_from(n).expect("positive"));
    let cost = (!chance.one_in(6)).then(|| {
        let nanos = *chance.pick(&[0, 1, 40_000, 1_289_000, 2_500_000_000]);
        money(nanos + chance.below(7), chance.pick::<&str>(&["USD", "USD", "CNY", "EUR"]))
    });
    Measures {
        latency_us: some(!chance.one_in(10), chance.below(90 * SECOND)),
        input_tokens: some(!chance.one_in(4), chance.below(3_000)),
        output_tokens: some(!chance.one_in(4), chance.below(2) * chance.below(900)),
        total_tokens: some(chance.one_in(3), chance.below(5_000)),
        cost,
        ..Measures::default()
    }
}

/// Calls exactly on, just before and just after the borders of every window and of the month.
fn edges() -> Vec<i64> {
    let months = ["UTC", "Asia/Shanghai", "Asia/Kathmandu"].map(|name| month(name).secs());
    let windows = [0, 60, 61, HOUR, 8 * HOUR, DAY].map(|secs| NOW - secs);
    let borders = windows.into_iter().chain(months).map(|secs| secs * SECOND);
    borders.flat_map(|at| [at - 1, at, at + 1]).filter(|at| *at <= NOW * SECOND).collect()
}

pub(crate) fn zone(name: &str) -> Zone {
    Zone::parse(name).expect("a zone")
}

/// Midnight of the first of November 2026.
pub(crate) fn month(name: &str) -> Timestamp {
    zone(name).start_of(jiff::civil::date(2026, 11, 1))
}
