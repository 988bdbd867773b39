//! A stranger's 100,000 events through the real binary, and the same rows counted by SQLite.
//!
//! The events are what senders really send: times in four notations, numbers and decimals in
//! strings or bare, four currencies, ids sent again, lines that are no events. What is expected is
//! written down while a line is made, so that nothing of this crate takes part in the expectation.
//! Counts, tokens and money must be equal to the last nano-unit; quantiles within 1 %.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "model/chance.rs"]
mod chance;
#[path = "support/mod.rs"]
mod support;

use chance::Chance;
use rusqlite::Connection;
use rusqlite::params;
use serde_json::Value;
use std::collections::BTreeMap;
use support::Server;

const EVENTS: usize = 100_000;
/// Lines of one request.
const BATCH: usize = 5_000;
/// A server names so many faults of a request.
const NAMED: usize = 100;
/// Ids that come again were last seen at most so many lines ago.
const MEMORY: usize = 20_000;

const MODELS: [&str; 6] = ["gpt-4o", "claude", "qwen/qwen-2.5", "gémini", "<b>m</b>", "m \\\"x\\\""];
const USERS: i64 = 500;
const CURRENCIES: [&str; 4] = ["USD", "EUR", "CNY", "JPY"];
/// What senders say of the outcome, and whether it is a success.
const OUTCOMES: [(&str, bool); 8] = [
    ("200", true),
    ("\"200\"", true),
    ("\"success\"", true),
    ("204", true),
    ("429", false),
    ("\"500\"", false),
    ("\"timeout\"", false),
    ("null", false),
];
/// Lines that are no events.
const JUNK: [&str; 12] = [
    "{\"model\":\"x\"",
    "no json",
    "[1]",
    "{}",
    "{\"model\":\"m\",\"input_tokens\":-1}",
    "{\"model\":\"m\",\"input_tokens\":1e99}",
    "{\"model\":\"m\",\"cost\":\"nan\"}",
    "{\"model\":\"m\",\"cost\":\"-0.1\"}",
    "{\"model\":\"m\",\"cost\":\"1\",\"currency\":\"QQQ\"}",
    "{\"model\":\"m\",\"timestamp\":1000000000}",
    "{\"model\":\"m\",\"timestamp\":\"yesterday\"}",
    "{\"model\":\"m\",\"model\":\"n\"}",
];

/// What must become of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Accepted,
    Duplicate,
    Rejected,
}

/// The stranger: lines to send, and the table of what they mean.
struct Stranger {
    chance: Chance,
    now: i64,
    lines: Vec<(String, Fate)>,
    /// Where the accepted lines are.
    accepted: Vec<usize>,
    table: Connection,
}

impl Stranger {
    fn new(seed: u64, now: i64) -> Self {
        let table = Connection::open_in_memory().unwrap();
        let columns = "model, user, at INTEGER, success INTEGER, input INTEGER, output INTEGER, \
                       cost INTEGER, currency, latency_us INTEGER";
        table.execute_batch(&format!("CREATE TABLE calls ({columns}); BEGIN")).unwrap();
        Self { chance: Chance(seed), now, lines: Vec::new(), accepted: Vec::new(), table }
    }

    fn write(&mut self) {
        match self.chance.below(100) {
            0 | 1 => self.lines.push(((*self.chance.pick(&JUNK)).to_owned(), Fate::Rejected)),
            2..=4 if !self.accepted.is_empty() => {
                let recent = self.accepted.len().saturating_sub(MEMORY);
                let place = *self.chance.pick(&self.accepted[recent..]);
                self.lines.push((self.lines[place].0.clone(), Fate::Duplicate));
            }
            _ => self.write_event(),
        }
    }

    fn write_event(&mut self) {
        let (model, user) = (*self.chance.pick(&MODELS), format!("user-{}", self.chance.below(USERS)));
        let at = self.now - 30 - self.chance.below(20 * 3_600);
        let (word, success) = *self.chance.pick(&OUTCOMES);
        let [input, output] = [100_000, 5_000].map(|most| self.told(most));
        let nanos = 10_i64.pow(u32::try_from(3 * self.chance.below(4) + 3).unwrap());
        let (cost, latency_us) = (self.told(nanos), self.told(90_000_000));
        let currency = *self.chance.pick(&CURRENCIES);
        let mut line = format!("{{\"id\":\"e-{}\",\"model\":\"{model}\",\"user\":\"{user}\"", self.lines.len());
        line += &format!(",\"timestamp\":{},\"status\":{word}", self.time(at));
        let numbers = [("input_tokens", input), ("output_tokens", output)];
        for (name, number) in numbers.iter().filter_map(|(name, number)| Some((name, (*number)?))) {
            line += &format!(",\"{name}\":{}", self.quoted_or_bare(number.to_string()));
        }
        if let Some(nanos) = cost {
            let decimal = format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
            line += &format!(",\"currency\":\"{currency}\",\"cost\":{}", self.quoted_or_bare(decimal));
        }
        if let Some(us) = latency_us {
            line += &format!(",\"latency_ms\":{}", self.quoted_or_bare(format!("{}.{:03}", us / 1_000, us % 1_000)));
        }
        line.push('}');
        let model: String = serde_json::from_str(&format!("\"{model}\"")).unwrap();
        let insert = "INSERT INTO calls VALUES (?,?,?,?,?,?,?,?,?)";
        let row = params![model, user, at, success, input, output, cost, currency, latency_us];
        self.table.prepare_cached(insert).unwrap().execute(row).unwrap();
        self.accepted.push(self.lines.len());
        self.lines.push((line, Fate::Accepted));
    }

    /// A number, or nothing one time in ten.
    fn told(&mut self, below: i64) -> Option<i64> {
        (!self.chance.one_in(10)).then(|| self.chance.below(below))
    }

    fn quoted_or_bare(&mut self, number: String) -> String {
        if self.chance.one_in(2) { format!("\"{number}\"") } else { number }
    }

    /// Seconds, milliseconds, seconds in a string, or RFC 3339.
    fn time(&mut self, at: i64) -> String {
        match self.chance.below(4) {
            0 => at.to_string(),
            1 => (at * 1_000 + self.chance.below(1_000)).to_string(),
            2 => format!("\"{at}\""),
            _ => {
                let sql = "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', ?, 'unixepoch')";
                let told: String = self.table.prepare_cached(sql).unwrap().query_row([at], |row| row.get(0)).unwrap();
                format!("\"{told}\"")
            }
        }
    }

    /// The figures that `/v1/usage` must tell of the calls that a condition lets through.
    fn figures(&self, condition: &str) -> Figures {
        let sql = format!(
            "SELECT count(*), coalesce(sum(success), 0), coalesce(sum(input), 0), coalesce(sum(output), 0),
                    count(*) - count(cost) FROM calls WHERE {condition}"
        );
        let count = |row: &rusqlite::Row<'_>, column| row.get::<_, i64>(column);
        let counts = |row: &rusqlite::Row<'_>| {
            Ok([count(row, 0)?, count(row, 1)?, count(row, 2)?, count(row, 3)?, count(row, 4)?])
        };
        let counts = self.table.prepare_cached(&sql).unwrap().query_row([], counts).unwrap();
        let sql = format!(
            "SELECT currency, printf('%d.%09d', sum(cost) / 1000000000, sum(cost) % 1000000000)
             FROM calls WHERE cost IS NOT NULL AND {condition} GROUP BY 1"
        );
        let mut statement = self.table.prepare_cached(&sql).unwrap();
        let cost = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
        let sql = format!("SELECT latency_us FROM calls WHERE latency_us IS NOT NULL AND {condition} ORDER BY 1");
        let mut statement = self.table.prepare_cached(&sql).unwrap();
        let latencies = statement.query_map([], |row| count(row, 0)).unwrap().map(Result::unwrap).collect();
        Figures { counts, cost, latencies }
    }
}

struct Figures {
    /// Requests, successes, input tokens, output tokens, unpriced.
    counts: [i64; 5],
    cost: BTreeMap<String, String>,
    /// In µs, upwards.
    latencies: Vec<i64>,
}

impl Figures {
    /// That an answer tells the same.
    #[track_caller]
    fn are(&self, what: &str, told: &Value) {
        let [requests, successes, input, output, unpriced] = self.counts;
        let expected = [
            ("requests", requests),
            ("successes", successes),
            ("failures", requests - successes),
            ("input_tokens", input),
            ("output_tokens", output),
            ("total_tokens", input + output),
            ("unpriced", unpriced),
        ];
        for (name, number) in expected {
            assert_eq!(told[name], number, "{what}: {name}");
        }
        assert_eq!(told["cost"], serde_json::to_value(&self.cost).unwrap(), "{what}");
        let latency = &told["latency_ms"];
        assert_eq!(latency["count"], self.latencies.len(), "{what}");
        for (name, quantile) in [("p50", 50), ("p95", 95), ("p99", 99)] {
            let rank = (self.latencies.len() * quantile).div_ceil(100);
            let Some(exact) = rank.checked_sub(1).map(|place| self.latencies[place] as f64 / 1_000.0) else { continue };
            let told = latency[name].as_f64().unwrap_or_else(|| panic!("{what}: {latency}"));
            assert!((told - exact).abs() <= exact / 100.0, "{what}: {name} is {told}, exactly {exact}");
        }
    }
}

#[test]
fn a_hundred_thousand_events_of_a_stranger_are_counted_as_sqlite_counts_them() {
    let server = Server::start();
    let mut stranger = Stranger::new(22, i64::try_from(support::now()).unwrap());
    (0..EVENTS).for_each(|_| stranger.write());
    stranger.table.execute_batch("COMMIT; CREATE INDEX calls_by_user ON calls (user)").unwrap();
    stranger.lines.chunks(BATCH).for_each(|lines| send(&server, lines));

    let usage = |more: &str| {
        let answer = server.get(&format!("/v1/usage?window=24h{more}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    };
    stranger.figures("true").are("all", &usage("")["totals"]);
    for dimension in ["model", "user"] {
        let answer = usage(&format!("&group_by={dimension}&limit=1000"));
        let groups = answer["data"].as_array().unwrap();
        assert_eq!(groups.len(), if dimension == "model" { MODELS.len() } else { 500 });
        for group in groups {
            let name = group["group"][dimension].as_str().unwrap();
            stranger.figures(&format!("{dimension} = '{name}'")).are(name, group);
        }
    }
    let both = usage("&user=user-7&user=user-8&model=gpt-4o&model=claude")["totals"].clone();
    stranger.figures("user IN ('user-7', 'user-8') AND model IN ('gpt-4o', 'claude')").are("filters", &both);
}

/// Posts lines, and checks what became of each.
fn send(server: &Server, lines: &[(String, Fate)]) {
    let body: String = lines.iter().map(|(line, _)| format!("{line}\n")).collect();
    let answer = server.post("/v1/events", body);
    let count = |fate| lines.iter().filter(|(_, of)| *of == fate).count() as u64;
    let expected = (count(Fate::Accepted), count(Fate::Duplicate), count(Fate::Rejected));
    assert_eq!(answer.counts(200), expected);
    let named: Vec<_> =
        answer.json()["errors"].as_array().unwrap().iter().map(|error| error["index"].clone()).collect();
    let rejected = lines.iter().enumerate().filter(|(_, (_, fate))| *fate == Fate::Rejected);
    let rejected: Vec<_> = rejected.map(|(place, _)| Value::from(place)).take(NAMED).collect();
    assert_eq!(named, rejected);
}
