//! The dullest thing that could be right: a list of calls, counted again for every question.
//!
//! It knows the promises of the engine's documentation and nothing of its structures. Where the
//! documentation leaves an edge open, it allows every reading; everywhere else exactly one.

#![allow(dead_code, reason = "every test takes the part it needs")]

pub(crate) mod answer;
pub(crate) mod chance;
pub(crate) mod random;
pub(crate) mod ranking;
pub(crate) mod recount;
pub(crate) mod spans;

use std::fmt::Debug;
use tallyring::engine::Applied;
use tallyring::engine::config::Config;
use tallyring::engine::event::Dimension;
use tallyring::engine::event::Dimensions;
use tallyring::engine::event::Event;
use tallyring::engine::event::MAX_DIMENSIONS;
use tallyring::engine::event::Measures;
use tallyring::engine::event::Reason;
use tallyring::engine::event::Reject;
use tallyring::engine::query::Filter;
use tallyring::engine::time::Timestamp;

/// Microseconds in a second.
pub(crate) const SECOND: i64 = 1_000_000;

/// What a check found wrong.
pub(crate) type Verdict = Result<(), String>;

/// That two things are the same, or what they are.
pub(crate) fn same<T: PartialEq + Debug>(what: &str, got: &T, want: &T) -> Verdict {
    if got == want { Ok(()) } else { Err(format!("{what}: got {got:?}, want {want:?}")) }
}

/// How many cases a property test runs: `TALLYRING_CASES` for deeper runs.
pub(crate) fn cases(default: u32) -> u32 {
    std::env::var("TALLYRING_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// One call as it was sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// µs since the epoch.
    pub(crate) at: i64,
    /// By [`Dimension::index`].
    pub(crate) values: [String; MAX_DIMENSIONS],
    pub(crate) measures: Measures,
}

impl Row {
    /// A call at a second, with one value for each dimension named.
    pub(crate) fn at_secs(secs: i64, values: &[(Dimension, &str)]) -> Self {
        let mut row = Self { at: secs * SECOND, values: Default::default(), measures: Measures::default() };
        for (dimension, value) in values {
            row.values[dimension.index()] = (*value).to_owned();
        }
        row
    }

    pub(crate) fn event(&self) -> Event<'_> {
        Event {
            timestamp: self.timestamp(),
            dimensions: self.dimensions(),
            measures: self.measures,
            ..Event::default()
        }
    }

    pub(crate) fn timestamp(&self) -> Timestamp {
        Timestamp::from_micros(self.at).expect("a row lies within 1970..=9999")
    }

    pub(crate) fn dimensions(&self) -> Dimensions<'_> {
        Dimensions(std::array::from_fn(|index| self.values[index].as_str()))
    }

    /// The value it is counted under.
    pub(crate) fn value(&self, dimension: Dimension) -> &str {
        let value = self.values[dimension.index()].as_str();
        if dimension == Dimension::Status { canonical(value) } else { value }
    }

    pub(crate) fn failed(&self) -> bool {
        let status = self.value(Dimension::Status);
        let http = status.len() == 3 && status.starts_with('2') && status.chars().all(|c| c.is_ascii_digit());
        !http && status != "success"
    }

    fn passes(&self, filters: &[Filter]) -> bool {
        filters.iter().all(|filter| filter.values.iter().any(|value| value == self.value(filter.dimension)))
    }

    fn secs(&self) -> i64 {
        self.at / SECOND
    }
}

fn canonical(status: &str) -> &str {
    match status.to_ascii_lowercase().as_str() {
        "success" | "succeeded" | "succeed" | "ok" => "success",
        _ => status,
    }
}

/// What should become of a call; `None` where the documentation leaves it open.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fate {
    Counted,
    Late,
    Rejected(Reason),
}

/// The calls counted so far.
pub(crate) struct Model {
    pub(crate) config: Config,
    pub(crate) rows: Vec<Row>,
    /// The highest `now` seen, in seconds.
    pub(crate) newest: i64,
    /// The highest `now` at which something was counted or the engine was advanced.
    pub(crate) settled: i64,
    pub(crate) late: u64,
    pub(crate) rejected: [u64; 4],
}

impl Model {
    pub(crate) fn new(config: Config) -> Self {
        Self { config, rows: Vec::new(), newest: 0, settled: 0, late: 0, rejected: [0; 4] }
    }

    /// The engine was advanced to `now`.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        self.newest = self.newest.max(now.secs());
        self.settled = self.settled.max(now.secs());
    }

    /// What must become of a call that arrives at `now`.
    pub(crate) fn fate(&self, row: &Row, now: Timestamp) -> Option<Fate> {
        if row.values.iter().all(String::is_empty) {
            return Some(Fate::Rejected(Reason::Invalid));
        }
        let ahead = i64::from(self.config.ahead_secs);
        if row.secs() > now.secs() + ahead {
            return Some(Fate::Rejected(Reason::Ahead));
        }
        if row.at > now.micros() + ahead * SECOND {
            return None; // ahead by a fraction of the last second allowed
        }
        let coarsest = self.config.tiers.last().expect("at least one tier");
        let step = i64::from(coarsest.step_secs);
        let buckets_back = self.newest / step - row.secs() / step;
        match buckets_back - i64::from(coarsest.len) {
            1.. => return Some(Fate::Rejected(Reason::TooOld)),
            0 => return None, // the last bucket leaves as the newest comes in
            _ => {}
        }
        let late = now.secs() - row.secs() > i64::from(self.config.open_secs);
        Some(if late { Fate::Late } else { Fate::Counted })
    }

    /// Holds the engine's answer against the promise, and counts the call as the engine did.
    pub(crate) fn take(&mut self, row: Row, now: Timestamp, outcome: &Result<Applied, Reject>) -> Verdict {
        self.newest = self.newest.max(now.secs());
        let got = match outcome {
            Ok(Applied::Counted) => Fate::Counted,
            Ok(Applied::CountedLate) => Fate::Late,
            Err(reject) => Fate::Rejected(reject.reason),
        };
        if let Some(want) = self.fate(&row, now) {
            same(&format!("fate of {row:?} at {now}"), &got, &want)?;
        }
        match got {
            Fate::Rejected(reason) => {
                let place = Reason::ALL.iter().position(|r| *r == reason).expect("every reason is listed");
                self.rejected[place] += 1;
            }
            Fate::Counted => self.count(row, now),
            Fate::Late => {
                self.late += 1;
                self.count(row, now);
            }
        }
        Ok(())
    }

    fn count(&mut self, row: Row, now: Timestamp) {
        self.rows.push(row);
        self.settle(now);
    }

    /// The calls in `[from, to)` that pass the filters.
    pub(crate) fn select(&self, from: Timestamp, to: Timestamp, filters: &[Filter]) -> Vec<&Row> {
        let within = |row: &&Row| row.at >= from.micros() && row.at < to.micros();
        self.rows.iter().filter(within).filter(|row| row.passes(filters)).collect()
    }
}
