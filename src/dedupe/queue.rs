//! Entries in the order of arrival, each found by its place.
//!
//! ```text
//! blocks   [ popped │ oldest … ] [ … ] [ … ]     full: shared, never changed
//! open                                     [ … youngest ]
//! ```

use super::hashers::IdHash;
use std::collections::VecDeque;
use std::sync::Arc;

/// Entries of a full block; tests have smaller ones, to see many.
const BLOCK: usize = if cfg!(test) { 8 } else { 65_536 };

/// The most entries there can be. Places wrap around at 2^32, and those of the last two times as
/// many entries must be told apart.
pub(super) const LONGEST: usize = 1_000_000_000;

/// What is remembered of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whose it is and which.
    pub id: IdHash,
    /// Everything else its sender told.
    pub payload: u64,
}

/// Invariant: the place of an entry is that of the one before plus one; `popped < BLOCK`.
#[derive(Default)]
pub(super) struct Queue {
    blocks: VecDeque<Arc<[Entry]>>,
    open: Vec<Entry>,
    /// The place of the first entry of the first block.
    first: u32,
    /// How many of these are gone already.
    popped: usize,
}

/// A [`Dedupe`](super::Dedupe) at one instant.
#[derive(Clone, Debug)]
pub struct Image {
    blocks: Vec<Arc<[Entry]>>,
    open: Vec<Entry>,
    popped: usize,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.blocks.len() * BLOCK + self.open.len() - self.popped
    }

    /// The entry that a push put at this place; none where it is gone.
    #[inline]
    pub(super) fn get(&self, place: u32) -> Option<&Entry> {
        let at = place.wrapping_sub(self.first) as usize;
        if at < self.popped {
            return None;
        }
        match self.blocks.get(at / BLOCK) {
            Some(block) => block.get(at % BLOCK),
            None => self.open.get(at - self.blocks.len() * BLOCK),
        }
    }

    /// Adds an entry and answers its place.
    pub(super) fn push(&mut self, entry: Entry) -> u32 {
        if self.open.len() == BLOCK {
            self.blocks.push_back(self.open.as_slice().into());
            self.open.clear();
        }
        self.open.push(entry);
        self.place(self.blocks.len() * BLOCK + self.open.len() - 1)
    }

    /// Takes the oldest entry away, and its block with the last of it.
    pub(super) fn pop(&mut self) {
        self.popped += 1;
        if self.popped < BLOCK {
            return;
        }
        self.popped = 0;
        self.first = self.place(BLOCK);
        if self.blocks.pop_front().is_none() {
            self.open.clear();
        }
    }

    /// The place of the `at`th entry, popped ones included.
    fn place(&self, at: usize) -> u32 {
        let at = u32::try_from(at).expect("never more than LONGEST and a block");
        self.first.wrapping_add(at)
    }

    pub(super) fn bytes(&self) -> usize {
        (self.blocks.len() * BLOCK + self.open.capacity()) * size_of::<Entry>()
    }

    /// One whose first place is this.
    #[cfg(test)]
    pub(super) fn starting_at(first: u32) -> Self {
        Self { first, ..Self::default() }
    }

    pub(super) fn image(&self) -> Image {
        let blocks = self.blocks.iter().map(Arc::clone).collect();
        Image { blocks, open: self.open.clone(), popped: self.popped }
    }
}

impl Image {
    /// What is remembered, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        self.blocks.iter().map(|block| &block[..]).chain([&self.open[..]]).flatten().skip(self.popped).copied()
    }

    /// How many entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.blocks.len() * BLOCK + self.open.len() - self.popped
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
