//! The most recent calls of one stripe, in blocks that are dropped whole.
//!
//! ```text
//! dropped   block  block  …  block  block
//!           256    256       256    17      calls; the next one goes to the last
//! ```
//!
//! Dropping a block does not look at its calls again: by then they have left the caches.

use super::entry::Entry;
use super::event::MAX_ERROR_BYTES;
use super::recent::cut;
use super::time::Timestamp;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

/// Calls of a block at most: 20 KB.
const BLOCK: usize = 256;
/// Blocks that a stripe's share is made of, at least, so that few more calls than asked for are kept.
const BLOCKS: usize = 32;

/// A call as the log keeps it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) timestamp: Timestamp,
    pub(super) sequence: u64,
    pub(super) entry: Entry,
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
    pub(super) fn of(id: &str, job_id: &str, error: &str) -> Option<Self> {
        if id.is_empty() && job_id.is_empty() && error.is_empty() {
            return None;
        }
        let some = |text: &str| (!text.is_empty()).then(|| Arc::from(text));
        Some(Self { id: some(id), job_id: some(job_id), error: some(cut(error, MAX_ERROR_BYTES)) })
    }

    fn text_bytes(&self) -> usize {
        let texts = [&self.id, &self.job_id, &self.error].into_iter().flatten();
        texts.map(|text| text.len() + 16).sum()
    }
}

/// Calls in the order of arrival, and the notes of those that have any.
#[derive(Debug)]
struct Block {
    rows: Vec<Row>,
    notes: Vec<(u32, Notes)>, // by place, upwards
    text_bytes: usize,
    newest: Timestamp,
}

impl Block {
    fn new(rows: Vec<Row>) -> Self {
        Self { rows, notes: Vec::new(), text_bytes: 0, newest: Timestamp::from_secs(0) }
    }

    /// Keeps the notes of the next call.
    fn note(&mut self, notes: Notes) {
        self.text_bytes += notes.text_bytes();
        self.notes.push((self.rows.len() as u32, notes));
    }

    /// An empty one in the same room.
    fn cleared(mut self) -> Self {
        self.rows.clear();
        Self::new(self.rows)
    }

    fn bytes(&self) -> usize {
        let notes = self.notes.capacity() * size_of::<(u32, Notes)>();
        self.rows.capacity() * size_of::<Row>() + notes + self.text_bytes
    }
}

/// A call that is still kept.
#[derive(Clone, Copy)]
pub(super) struct Kept<'a> {
    pub(super) row: &'a Row,
    block: &'a Block,
    at: usize,
}

impl<'a> Kept<'a> {
    /// What it carries besides.
    pub(super) fn notes(&self) -> Option<&'a Notes> {
        let notes = &self.block.notes;
        notes.binary_search_by_key(&self.at, |(at, _)| *at as usize).ok().map(|found| &notes[found].1)
    }
}

/// One stripe's share of the recent calls, in the order of arrival.
///
/// All stripes together keep about `limit` calls: once they hold that many, a stripe with more than
/// its fair share drops its own oldest, and one with less may still grow up to that share. So a
/// single writer has all the room, and many never hold more than twice the limit.
#[derive(Debug)]
pub(super) struct RecentLog {
    blocks: VecDeque<Block>, // full
    tail: Block,
    room: usize,            // calls that the tail still takes
    size: usize,            // calls of a block
    limit: usize,           // of all stripes
    share: usize,           // of this one
    held: Arc<AtomicUsize>, // calls that all blocks of all stripes have room for
    dropped: Option<Timestamp>,
    gone: u64, // calls dropped in all: the place of the first one kept
}

impl RecentLog {
    /// The log of one of `stripes`, which share `held`.
    pub(super) fn new(limit: usize, stripes: usize, held: Arc<AtomicUsize>) -> Self {
        let share = limit.div_ceil(stripes);
        let size = (share / BLOCKS).clamp(1, BLOCK);
        // The last block is not full: with this the others hold what was asked for.
        let [limit, share] = [limit, share].map(|calls| calls + size - 1);
        let tail = Block::new(Vec::new());
        Self { blocks: VecDeque::new(), tail, room: 0, size, limit, share, held, dropped: None, gone: 0 }
    }

    /// Adds a call.
    #[inline(always)]
    pub(super) fn push(&mut self, row: Row, notes: Option<Notes>) {
        if self.room == 0 {
            self.turn();
        }
        self.room -= 1;
        if let Some(notes) = notes {
            self.tail.note(notes);
        }
        self.tail.newest = self.tail.newest.max(row.timestamp);
        self.tail.rows.push(row);
    }

    /// Begins a block, in the room of the oldest one where there are enough.
    #[cold]
    fn turn(&mut self) {
        let full = std::mem::replace(&mut self.tail, Block::new(Vec::new()));
        if !full.rows.is_empty() {
            self.blocks.push_back(full);
        }
        let (held, mine) = (self.held.load(Ordering::Relaxed), self.blocks.len() * self.size);
        let oldest = if held < self.limit || mine < self.share { None } else { self.drop_oldest() };
        if oldest.is_none() {
            self.held.fetch_add(self.size, Ordering::Relaxed);
        } else if held >= self.limit + self.size && mine >= self.share + self.size && self.drop_oldest().is_some() {
            self.held.fetch_sub(self.size, Ordering::Relaxed);
        }
        self.tail = oldest.unwrap_or_else(|| Block::new(Vec::with_capacity(self.size)));
        self.room = self.size;
    }

    fn drop_oldest(&mut self) -> Option<Block> {
        let oldest = self.blocks.pop_front()?;
        self.dropped = self.dropped.max(Some(oldest.newest));
        self.gone += oldest.rows.len() as u64;
        Some(oldest.cleared())
    }

    /// The place of the first call still kept, and the one that the next call will have.
    pub(super) fn places(&self) -> (u64, u64) {
        let kept = self.blocks.len() * self.size + self.tail.rows.len();
        (self.gone, self.gone + kept as u64)
    }

    /// The calls from a place on, last one first, each with its place.
    pub(super) fn since(&self, place: u64) -> impl Iterator<Item = (u64, Kept<'_>)> {
        let (first, next) = self.places();
        (place.clamp(first, next)..next).rev().map(move |place| {
            let nth = (place - first) as usize;
            let (block, at) = (self.blocks.get(nth / self.size).unwrap_or(&self.tail), nth % self.size);
            (place, Kept { row: &block.rows[at], block, at })
        })
    }

    /// Notes that calls before an instant are not here.
    pub(super) fn begin_at(&mut self, from: Timestamp) {
        self.dropped = self.dropped.max(Some(from));
    }

    /// Visits the calls of `[from, to)`. `false` where some of them may be gone.
    pub(super) fn visit(&self, from: Timestamp, to: Timestamp, mut visit: impl FnMut(Kept<'_>)) -> bool {
        for block in self.all().filter(|block| block.newest >= from) {
            for (at, row) in block.rows.iter().enumerate() {
                if from <= row.timestamp && row.timestamp < to {
                    visit(Kept { row, block, at });
                }
            }
        }
        self.dropped.is_none_or(|dropped| dropped < from)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.all().map(Block::bytes).sum::<usize>() as u64
    }

    fn all(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().chain([&self.tail])
    }
}

#[cfg(test)]
mod tests {
    use super::super::aggregate::Kind;
    use super::super::event::Measures;
    use super::*;
    use proptest::prelude::*;

    fn logs(limit: usize, stripes: usize) -> Vec<RecentLog> {
        let held = Arc::new(AtomicUsize::new(0));
        (0..stripes).map(|_| RecentLog::new(limit, stripes, held.clone())).collect()
    }

    fn push(log: &mut RecentLog, sequence: u64) {
        let timestamp = Timestamp::from_secs(sequence.cast_signed());
        let id = if sequence.is_multiple_of(3) { sequence.to_string() } else { String::new() };
        let row = Row { timestamp, sequence, entry: Entry::new(7, 0, Kind::default(), &Measures::default()) };
        log.push(row, Notes::of(&id, "", ""));
    }

    fn visited(log: &RecentLog, from: u64) -> (Vec<(u64, Option<String>)>, bool) {
        let mut seen = Vec::new();
        let [from, to] = [Timestamp::from_secs(from.cast_signed()), Timestamp::MAX];
        let complete = log.visit(from, to, |kept| {
            let id = kept.notes().and_then(|notes| notes.id.as_deref().map(str::to_owned));
            seen.push((kept.row.sequence, id));
        });
        (seen, complete)
    }

    proptest! {
        /// A single writer keeps what was asked for and hardly more: the last calls, each with its own notes,
        /// found by place as by time; and it knows when some are gone.
        #[test]
        fn one_writer_keeps_the_last_calls(limit in 1..20_000_usize, calls in 0..40_000_u64, stripes in 1..9_usize) {
            let mut all = logs(limit, stripes);
            let log = &mut all[0];
            (0..calls).for_each(|sequence| push(log, sequence));
            let (first, next) = log.places();
            prop_assert_eq!(next, calls);
            let kept = (next - first) as usize;
            prop_assert!(kept >= limit.min(calls as usize), "{} of {}", kept, limit);
            prop_assert!(kept < limit + 2 * BLOCK, "{} of {}", kept, limit);
            let id = |sequence: u64| sequence.is_multiple_of(3).then(|| sequence.to_string());
            let expected: Vec<_> = (first..next).map(|sequence| (sequence, id(sequence))).collect();
            let (seen, complete) = visited(log, 0);
            prop_assert_eq!(&seen, &expected);
            prop_assert_eq!(complete, first == 0);
            prop_assert!(visited(log, first).1);
            let middle = first + kept as u64 / 2;
            let since: Vec<_> = log.since(middle).map(|(place, kept)| (place, kept.row.sequence)).collect();
            prop_assert_eq!(since, (middle..next).rev().map(|place| (place, place)).collect::<Vec<_>>());
            prop_assert_eq!(visited(log, middle).0.len() as u64, next - middle);
        }

        /// Several writers share the limit: none is left without its share, and together they never hold more than
        /// twice the limit, and a block each.
        #[test]
        fn several_writers_share(limit in 8..4_000_usize, turns in prop::collection::vec((0..4_usize, 1..3_000_u64), 1..20)) {
            let mut all = logs(limit, 4);
            let mut counts = [0_u64; 4];
            for (writer, calls) in turns {
                for sequence in counts[writer]..counts[writer] + calls {
                    push(&mut all[writer], sequence);
                }
                counts[writer] += calls;
            }
            let kept: Vec<u64> = all.iter().map(|log| log.places().1 - log.places().0).collect();
            for (kept, count) in kept.iter().zip(counts) {
                prop_assert!(*kept >= count.min(limit as u64 / 4), "{:?} of {:?}", kept, counts);
            }
            prop_assert!(kept.iter().sum::<u64>() as usize <= 2 * limit + 4 * BLOCK, "{:?} of {}", kept, limit);
        }
    }

    #[test]
    fn room_is_told_exactly_and_given_back_with_the_calls() {
        let mut log = logs(1_000, 1).remove(0);
        assert_eq!(log.bytes(), 0);
        (0..50_000).for_each(|sequence| push(&mut log, sequence));
        let bytes = log.bytes();
        (50_000..90_000).for_each(|sequence| push(&mut log, sequence));
        assert!(log.bytes().abs_diff(bytes) < bytes / 20, "{bytes} and {}", log.bytes());
        assert!(bytes < 1_100 * 150, "{bytes}");
    }
}
