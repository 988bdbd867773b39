//! Which event ids came before, in bounded memory.
//!
//! ```text
//! queue   blocks of 65,536 entries in the order of arrival      oldest ─▶ youngest
//!         an entry: the id as 128 bits, its payload as 64
//! young   id ─▶ place in the queue, since the last turn         full at `horizon`: it becomes
//! old     id ─▶ place in the queue, before that                 the old one, which is emptied
//! ```
//!
//! Exactly the last `horizon` ids are known: what the old index tells of an id that has left the
//! queue is passed over. No single id is ever taken out of an index, because taking out leaves
//! marks behind, and clearing a million of them up means a pause of 60 ms under the lock.
//!
//! An id takes about 45 bytes. Where it stands in a block or an index makes no difference to what
//! is known, so a restart that restores the ids goes on as if nothing had been. Full blocks never
//! change and are shared with an image: a snapshot holds ingestion up for the copy of one block.
//!
//! This module keeps hashes only: neither texts nor whether an event was counted.

mod hashers;
mod payload;
mod queue;

pub use hashers::Hashers;
pub use hashers::IdHash;
pub use queue::Entry;
pub use queue::Image;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table;
use queue::Queue;
use std::hash::BuildHasher;
use std::mem;

/// How many ids are remembered, by default.
pub const DEFAULT_HORIZON: usize = 1_000_000;

/// An index has room for so many ids from its first one on: to grow means a pause.
const FIRST_ROOM: usize = 4 * DEFAULT_HORIZON;

/// What is known about an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Known {
    /// Nothing.
    New,
    /// It was remembered with this payload.
    Same,
    /// It was remembered with another payload.
    Other,
}

/// The ids remembered.
///
/// Invariant: each id in the queue is in one of the indexes at least; its youngest entry is the one
/// that the young index, or else the old one, leads to.
pub struct Dedupe {
    horizon: usize,
    queue: Queue,
    young: HashTable<u32>,
    old: HashTable<u32>,
    /// Ids are hashes already, but under a key that outlives the process. With one of its own,
    /// nobody who read the data folder can choose ids that crowd one place of the index.
    mixer: RandomState,
}

impl Dedupe {
    /// Remembers the last `horizon` ids; 1,000 million at most.
    #[must_use]
    pub fn new(horizon: usize) -> Self {
        let (queue, young, old) = (Queue::default(), HashTable::new(), HashTable::new());
        Self { horizon: horizon.clamp(1, queue::LONGEST), queue, young, old, mixer: RandomState::default() }
    }

    /// Whether an id came before.
    pub fn look_up(&self, id: IdHash, payload: u64) -> Known {
        let hash = self.mixer.hash_one(id);
        let same = |place: &u32| self.queue.get(*place).is_some_and(|entry| entry.id == id);
        let place = self.young.find(hash, same).or_else(|| self.old.find(hash, same));
        match place.and_then(|place| self.queue.get(*place)) {
            None => Known::New,
            Some(known) if known.payload == payload => Known::Same,
            Some(_) => Known::Other,
        }
    }

    /// Remembers an id that is new. Call it once its event is sure to be counted, never before: an
    /// id marked for an event that was then lost would swallow the retry.
    pub fn remember(&mut self, id: IdHash, payload: u64) {
        if self.young.len() >= self.horizon {
            self.turn();
        }
        if self.young.capacity() == 0 {
            self.young.reserve(self.horizon.min(FIRST_ROOM), |_| 0);
        }
        if self.queue.len() >= self.horizon {
            self.queue.pop();
        }
        let place = self.queue.push(Entry { id, payload });
        let (queue, mixer) = (&self.queue, &self.mixer);
        let same = |known: &u32| queue.get(*known).is_some_and(|entry| entry.id == id);
        let hash = |known: &u32| queue.get(*known).map_or(0, |entry| mixer.hash_one(entry.id));
        match self.young.entry(mixer.hash_one(id), same, hash) {
            hash_table::Entry::Occupied(mut known) => *known.get_mut() = place,
            hash_table::Entry::Vacant(room) => drop(room.insert(place)),
        }
    }

    /// Begins a new young index in the memory of the old one, which knows no id of the queue that
    /// the young one does not: that has had `horizon` ids since it was begun.
    fn turn(&mut self) {
        mem::swap(&mut self.young, &mut self.old);
        self.young.clear();
    }

    /// How many ids are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes on the heap.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.queue.bytes() + self.young.allocation_size() + self.old.allocation_size()
    }

    /// The ids as of now, to be written elsewhere; shares all but the youngest block.
    #[must_use]
    pub fn image(&self) -> Image {
        self.queue.image()
    }

    /// Remembers the entries of an image, and nothing else: the last `horizon` of them.
    pub fn restore(&mut self, entries: impl IntoIterator<Item = Entry>) {
        *self = Self::new(self.horizon);
        entries.into_iter().for_each(|entry| self.remember(entry.id, entry.payload));
    }
}

#[cfg(test)]
mod tests;
