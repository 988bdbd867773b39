//! What is asked of the server, and what comes from it.

use super::figures::Row;
use super::figures::Second;

/// What to ask for the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) number: u64,
    pub(super) by: &'static str,
    pub(super) window: &'static str,
    pub(super) order: String,
    pub(super) filters: Vec<(String, String)>,
}

/// The table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    /// That of its question.
    pub(super) number: u64,
    pub(super) rows: Vec<Row>,
    pub(super) total: Row,
    /// How many rows there are in all.
    pub(super) groups: u64,
}

/// What came.
#[derive(Debug)]
pub(super) enum News {
    Second(Second),
    Answer(Answer),
    /// Something is not reached, or refuses.
    Trouble(String),
}
