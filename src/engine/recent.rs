//! The most recent calls, for call details.

use super::entry::Entry;
use super::event::MAX_ERROR_BYTES;
use super::event::Measures;
use super::query::Filter;
use super::time::Timestamp;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

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

/// A call as the log keeps it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) timestamp: Timestamp,
    pub(super) sequence: u64,
    pub(super) entry: Entry,
    pub(super) notes: Option<Box<Notes>>,
}

/// What few calls carry.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) id: Option<Arc<str>>,
    pub(super) job_id: Option<Arc<str>>,
    pub(super) error: Option<Arc<str>>,
}

impl Notes {
    /// The notes of an event, if it has any.
    pub(super) fn of(id: &str, job_id: &str, error: &str) -> Option<Box<Self>> {
        if id.is_empty() && job_id.is_empty() && error.is_empty() {
            return None;
        }
        let some = |text: &str| (!text.is_empty()).then(|| Arc::from(text));
        let error = cut(error, MAX_ERROR_BYTES);
        Some(Box::new(Self { id: some(id), job_id: some(job_id), error: some(error) }))
    }

    fn bytes(&self) -> usize {
        let texts = [&self.id, &self.job_id, &self.error].into_iter().flatten();
        size_of::<Self>() + texts.map(|text| text.len() + 16).sum::<usize>()
    }
}

/// A text cut to so many bytes, on a character's border.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    let border = (0..=bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    &text[..border.unwrap_or(0)]
}

/// One stripe's share of the recent calls, in the order of arrival.
///
/// All stripes together keep about `limit` rows: once they hold that many, a stripe with more than
/// its fair share drops its own oldest, and one with less may still grow up to that share. So a
/// single writer has all the room, and many never hold more than twice the limit.
#[derive(Debug)]
pub(super) struct RecentLog {
    rows: VecDeque<Row>,
    note_bytes: usize,
    limit: usize,
    share: usize,
    held: Arc<AtomicUsize>, // rows of all stripes
    dropped: Option<Timestamp>,
    gone: u64, // rows dropped in all: the place of the first one kept
}

impl RecentLog {
    /// The log of one of `stripes`, which share `held`.
    pub(super) fn new(limit: usize, stripes: usize, held: Arc<AtomicUsize>) -> Self {
        Self {
            rows: VecDeque::new(),
            note_bytes: 0,
            limit,
            share: limit.div_ceil(stripes),
            held,
            dropped: None,
            gone: 0,
        }
    }

    #[inline(always)]
    pub(super) fn push(&mut self, row: Row) {
        // A full log that drops one for one leaves the shared count alone.
        let held = self.held.load(Ordering::Relaxed);
        if held < self.limit || self.rows.len() < self.share {
            self.held.fetch_add(1, Ordering::Relaxed);
        } else {
            self.drop_oldest();
            if held > self.limit && self.rows.len() >= self.share {
                self.drop_oldest();
                self.held.fetch_sub(1, Ordering::Relaxed);
            }
        }
        if let Some(notes) = &row.notes {
            self.note_bytes += notes.bytes();
        }
        self.rows.push_back(row);
    }

    #[inline]
    fn drop_oldest(&mut self) {
        if let Some(old) = self.rows.pop_front() {
            if let Some(notes) = &old.notes {
                self.note_bytes -= notes.bytes();
            }
            self.dropped = self.dropped.max(Some(old.timestamp));
            self.gone += 1;
        }
    }

    /// The place of the first row still kept, and the one that the next row will have.
    pub(super) fn places(&self) -> (u64, u64) {
        (self.gone, self.gone + self.rows.len() as u64)
    }

    /// The rows from a place on, last one first, each with its place.
    pub(super) fn since(&self, place: u64) -> impl Iterator<Item = (u64, &Row)> {
        let skipped = usize::try_from(place.saturating_sub(self.gone)).unwrap_or(usize::MAX).min(self.rows.len());
        let rows = self.rows.range(skipped..).rev();
        let (_, next) = self.places();
        rows.zip(1..).map(move |(row, back)| (next - back, row))
    }

    /// Notes that calls before an instant are not here.
    pub(super) fn begin_at(&mut self, from: Timestamp) {
        self.dropped = self.dropped.max(Some(from));
    }

    /// Visits the rows of `[from, to)`. `false` where some of them may be gone.
    pub(super) fn visit(&self, from: Timestamp, to: Timestamp, mut visit: impl FnMut(&Row)) -> bool {
        let within = self.rows.iter().filter(|row| from <= row.timestamp && row.timestamp < to);
        within.for_each(&mut visit);
        self.dropped.is_none_or(|dropped| dropped < from)
    }

    pub(super) fn bytes(&self) -> u64 {
        (self.rows.capacity() * size_of::<Row>() + self.note_bytes) as u64
    }
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
