//! What the engine says besides answers: the fate of an event, a value, its own state.

use std::sync::Arc;

/// What became of an event that was counted. Lateness is an answer, not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Applied {
    /// Counted in time.
    Counted,
    /// Counted, though its second lay further back than `open_secs`.
    CountedLate,
}

/// One value of a dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The value itself.
    pub value: Arc<str>,
    /// How many series carry it.
    pub series: usize,
}

/// How many names some calls have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Values, by dimension in the order of [`Config::dimensions`](super::config::Config::dimensions).
    pub values: Vec<usize>,
    /// Series.
    pub series: usize,
}

/// What the engine holds, and how near its limits it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Events counted since the start.
    pub accepted: u64,
    /// Of these, late ones.
    pub late: u64,
    /// Events refused since the start, by reason in the order of [`Reason::ALL`](super::event::Reason::ALL).
    pub rejected: [u64; 4],
    /// Events since the start that had come before.
    pub duplicates: u64,
    /// Series held.
    pub series: usize,
    /// The most series there can be.
    pub max_series: usize,
    /// Values held, by dimension in the order of [`Config::dimensions`](super::config::Config::dimensions).
    pub values: Vec<usize>,
    /// Bytes held, by the engine's own account.
    pub memory_bytes: u64,
    /// The budget.
    pub max_memory_bytes: u64,
}
