//! The most recent calls, for call details.

use super::event::Measures;
use super::query::Filter;
use super::time::Timestamp;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One finished call as it is told back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// When it ended.
    pub timestamp: Timestamp,
    /// Its place in the order of arrival; breaks ties between equal timestamps. Calls counted one by one by
    /// several threads are in the order of each thread.
    pub sequence: u64,
    /// The value of each dimension by [`index`](super::event::Dimension::index); `None` is "none".
    pub dimensions: Vec<Option<Arc<str>>>,
    /// Its numbers.
    pub measures: Measures,
    /// The sender's id; `None` is "none".
    pub id: Option<Arc<str>>,
    /// Its job; `None` is "none".
    pub job_id: Option<Arc<str>>,
    /// What went wrong; `None` is "nothing told".
    pub error: Option<Arc<str>>,
}

/// Which recent calls to tell: newest first, ties by arrival, latest first.
#[derive(Clone, Debug)]
pub struct CallQuery {
    /// At or after this instant.
    pub from: Timestamp,
    /// Before this instant.
    pub to: Timestamp,
    /// Filters, as in [`Query`](super::query::Query).
    pub filters: Vec<Filter>,
    /// Only calls that did not succeed.
    pub failures_only: bool,
    /// The most calls to tell, at most 10,000.
    pub limit: usize,
    /// Only calls after this one in the order told: the next page.
    pub after: Option<(Timestamp, u64)>,
}

/// One page of recent calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallPage {
    /// Newest first.
    pub calls: Vec<Call>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<(Timestamp, u64)>,
    /// Whether every call of the span is still kept; `false` when older ones had to go.
    pub complete: bool,
}

/// A text cut to so many bytes, on a character's border.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    let border = (0..=bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..border.unwrap_or(0)]
}

/// The newest rows seen, at most `limit` of them, and whether there were more.
pub(super) struct Newest<T> {
    limit: usize,
    after: Option<(Timestamp, u64)>,
    rows: BTreeMap<Reverse<(Timestamp, u64)>, T>,
    pub(super) more: bool,
}

impl<T> Newest<T> {
    pub(super) fn new(limit: usize, after: Option<(Timestamp, u64)>) -> Self {
        Self { limit, after, rows: BTreeMap::new(), more: false }
    }

    /// Offers a row; `make` is called only if it is new enough.
    pub(super) fn offer(&mut self, order: (Timestamp, u64), make: impl FnOnce() -> Option<T>) {
        let full = self.rows.len() >= self.limit;
        let too_old = full && self.rows.last_key_value().is_some_and(|(Reverse(oldest), _)| order < *oldest);
        if self.after.is_some_and(|after| order >= after) || (too_old && self.more) {
            return;
        }
        let Some(row) = make() else { return };
        self.rows.insert(Reverse(order), row);
        if full {
            self.rows.pop_last();
            self.more = true;
        }
    }

    /// The rows, newest first, and where the next page begins.
    pub(super) fn into_page(self) -> (Vec<T>, Option<(Timestamp, u64)>) {
        let next = self.rows.last_key_value().filter(|_| self.more).map(|(Reverse(order), _)| *order);
        (self.rows.into_values().collect(), next)
    }
}
