//! Calls one after another, in chunks that readers share.

use super::entry::Entry;
use std::sync::Arc;

/// Calls of a chunk: 32 KB, which a reader copies in a few µs while the writer waits.
const CHUNK: usize = 512;

/// Calls in the order of arrival. A copy shares the chunks.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    chunks: Vec<Arc<Vec<Entry>>>,
    tail: Vec<Entry>,
}

impl Log {
    #[inline]
    pub(super) fn push(&mut self, call: Entry) {
        if self.tail.len() == self.tail.capacity() {
            self.turn();
        }
        self.tail.push(call);
    }

    /// Makes room in the tail: a small bucket grows by doubling, a large one by chunks.
    #[cold]
    fn turn(&mut self) {
        if self.tail.len() < CHUNK {
            self.tail.reserve_exact((self.tail.len() * 2).clamp(4, CHUNK) - self.tail.len());
        } else {
            self.chunks.push(Arc::new(std::mem::replace(&mut self.tail, Vec::with_capacity(CHUNK))));
        }
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.chunks.len() * CHUNK + self.tail.len()
    }

    /// The call at a place.
    #[inline]
    pub(super) fn at(&self, place: usize) -> &Entry {
        match self.chunks.get(place / CHUNK) {
            Some(chunk) => &chunk[place % CHUNK],
            None => &self.tail[place % CHUNK],
        }
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> + Clone {
        self.chunks.iter().flat_map(|chunk| chunk.iter()).chain(&self.tail)
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        (self.chunks.len() * CHUNK + self.tail.capacity()) * size_of::<Entry>()
    }
}
