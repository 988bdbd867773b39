//! Which event ids came before, in bounded memory.
//!
//! ```text
//! young   ids remembered since the last turn      full at `horizon`: it becomes the old one
//! old     the `horizon` ids before them           and what was old is forgotten
//! ```
//!
//! So at least the last `horizon` ids are known and at most twice as many are held, about 50 bytes
//! each. An id is held as 128 bits under a random key, its payload as 64: neither text is kept,
//! and nobody can choose ids that collide with another writer's.
//!
//! This module knows hashes only: neither events nor whether one was counted.

use foldhash::quality::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;
use std::hash::Hash;
use std::mem;

/// How many ids are remembered at least, by default.
pub const DEFAULT_HORIZON: usize = 1_000_000;

/// A writer's id as 128 keyed bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IdHash([u64; 2]);

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

/// The ids remembered, and the keys they are hashed under.
pub struct Dedupe {
    hashers: Hashers,
    horizon: usize,
    young: HashTable<Entry>,
    old: HashTable<Entry>,
}

/// The keys of one [`Dedupe`]; hashing needs no lock.
#[derive(Clone)]
pub struct Hashers([RandomState; 3]);

#[derive(Clone, Copy)]
struct Entry {
    id: [u64; 2],
    payload: u64,
}

impl Hashers {
    fn new() -> Self {
        Self([RandomState::default(), RandomState::default(), RandomState::default()])
    }

    /// An id in the scope of its writer.
    #[must_use]
    pub fn id(&self, writer: &str, id: &str) -> IdHash {
        IdHash([self.0[0].hash_one((writer, id)), self.0[1].hash_one((writer, id))])
    }

    /// Everything else about the event.
    #[must_use]
    pub fn payload(&self, payload: impl Hash) -> u64 {
        self.0[2].hash_one(payload)
    }
}

impl Dedupe {
    /// Remembers at least the last `horizon` ids.
    #[must_use]
    pub fn new(horizon: usize) -> Self {
        Self { hashers: Hashers::new(), horizon: horizon.max(1), young: HashTable::new(), old: HashTable::new() }
    }

    /// The keys to hash under.
    #[must_use]
    pub fn hashers(&self) -> Hashers {
        self.hashers.clone()
    }

    /// Whether an id came before.
    pub fn look_up(&self, id: IdHash, payload: u64) -> Known {
        let find = |table: &HashTable<Entry>| table.find(id.0[0], |entry| entry.id == id.0).map(|entry| entry.payload);
        match find(&self.young).or_else(|| find(&self.old)) {
            None => Known::New,
            Some(known) if known == payload => Known::Same,
            Some(_) => Known::Other,
        }
    }

    /// Remembers an id that is new. Call it once its event was counted, never before: an id
    /// marked for an event that was then lost would swallow the retry.
    pub fn remember(&mut self, id: IdHash, payload: u64) {
        if self.young.len() >= self.horizon {
            // The old table's memory is used again: a turn allocates nothing.
            mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert_unique(id.0[0], Entry { id: id.0, payload }, |entry| entry.id[0]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_known_with_its_payload_and_within_its_writer() {
        let mut dedupe = Dedupe::new(10);
        let hashers = dedupe.hashers();
        dedupe.remember(hashers.id("w", "a"), 1);
        assert_eq!(dedupe.look_up(hashers.id("w", "a"), 1), Known::Same);
        assert_eq!(dedupe.look_up(hashers.id("w", "a"), 2), Known::Other);
        assert_eq!(dedupe.look_up(hashers.id("v", "a"), 1), Known::New);
        assert_eq!(dedupe.look_up(hashers.id("wa", ""), 1), Known::New, "the border between the two counts");
    }

    #[test]
    fn ids_that_look_alike_are_different() {
        let mut dedupe = Dedupe::new(10);
        let hashers = dedupe.hashers();
        dedupe.remember(hashers.id("", "é"), 1);
        for id in ["e\u{301}", " é", "é ", "É", "é\0"] {
            assert_eq!(dedupe.look_up(hashers.id("", id), 1), Known::New, "{id:?}");
        }
    }

    #[test]
    fn the_last_horizon_ids_are_known_and_twice_as_many_held() {
        let horizon = 100;
        let mut dedupe = Dedupe::new(horizon);
        let hashers = dedupe.hashers();
        let id = |n: usize| hashers.id("", &n.to_string());
        for n in 0..1_000 {
            dedupe.remember(id(n), 0);
            for known in (n + 1).saturating_sub(horizon)..=n {
                assert_eq!(dedupe.look_up(id(known), 0), Known::Same, "{known} of {n}");
            }
            assert!(dedupe.young.len() + dedupe.old.len() <= 2 * horizon);
        }
        assert_eq!(dedupe.look_up(id(0), 0), Known::New, "forgotten in the end");
    }
}
