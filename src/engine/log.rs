//! Calls one after another, in chunks that readers share.
//!
//! Questions for quantiles while a second is open read the times of every call in it. What they need
//! of a call is an eighth of it, so the first to come leaves that behind, chunk by chunk.

use super::column::Time;
use super::entry::Entry;
use super::histogram::bin_of;
use std::sync::Arc;
use std::sync::OnceLock;

/// Calls of a chunk: 32 KB, which a reader copies in a few µs while the writer waits.
const CHUNK: usize = 512;

/// What the times of a call count for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Binned {
    /// The place of its series' combination of rollup groups.
    pub(super) combination: u32,
    bins: [u16; 2], // by `Time`
}

/// In place of a bin: the call has no such time.
const UNTIMED: u16 = u16::MAX;

impl Binned {
    fn of(call: &Entry) -> Self {
        let bins = Time::BOTH.map(|time| call.time(time).map_or(UNTIMED, bin_of));
        Self { combination: call.combination, bins }
    }

    /// The bin that a time falls into; beyond every table where the call has no such time.
    #[inline]
    pub(super) fn bin(&self, time: Time) -> usize {
        usize::from(self.bins[time as usize])
    }
}

/// Calls that nothing is added to any more.
#[derive(Debug)]
struct Chunk {
    calls: Vec<Entry>,
    binned: OnceLock<Box<[Binned]>>, // since somebody asked
}

impl Chunk {
    fn binned(&self) -> &[Binned] {
        self.binned.get_or_init(|| self.calls.iter().map(Binned::of).collect())
    }
}

/// Calls in the order of arrival. A copy shares the chunks.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    chunks: Vec<Arc<Chunk>>,
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
            let calls = std::mem::replace(&mut self.tail, Vec::with_capacity(CHUNK));
            self.chunks.push(Arc::new(Chunk { calls, binned: OnceLock::new() }));
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
            Some(chunk) => &chunk.calls[place % CHUNK],
            None => &self.tail[place % CHUNK],
        }
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> + Clone {
        self.chunks.iter().flat_map(|chunk| chunk.calls.iter()).chain(&self.tail)
    }

    /// What the times of all of them count for, in order.
    pub(super) fn binned(&self) -> impl Iterator<Item = Binned> {
        self.chunks.iter().flat_map(|chunk| chunk.binned()).copied().chain(self.tail.iter().map(Binned::of))
    }

    /// Bytes of the calls, the same for as long as none is added; what questions left behind is gone with the
    /// second, and left out.
    pub(super) fn bytes(&self) -> usize {
        (self.chunks.len() * CHUNK + self.tail.capacity()) * size_of::<Entry>()
    }
}

#[cfg(test)]
mod tests {
    use super::super::aggregate::Kind;
    use super::super::event::MAX_LATENCY_US;
    use super::super::event::Measures;
    use super::*;

    #[test]
    fn what_the_times_count_for_is_the_same_in_chunks_and_in_the_tail() {
        let mut log = Log::default();
        let call = |place: u32| {
            let us = (!place.is_multiple_of(3)).then_some(u64::from(place) * 1_000);
            let measures = Measures { latency_us: us, ttft_us: us.filter(|us| us % 2 == 0), ..Measures::default() };
            Entry::new(place, place % 7, Kind::default(), &measures)
        };
        for place in 0..CHUNK as u32 * 3 {
            log.push(call(place));
            if place % 100 == 0 {
                let bytes = log.bytes();
                let _ = log.binned().count(); // questions change nothing, not even
                assert_eq!(log.bytes(), bytes);
            }
        }
        let expected: Vec<Binned> = log.iter().map(Binned::of).collect();
        assert_eq!(log.binned().collect::<Vec<_>>(), expected);
        let untimed = usize::from(bin_of(MAX_LATENCY_US)) + 1;
        assert_eq!(log.binned().filter(|call| call.bin(Time::Latency) < untimed).count(), CHUNK * 2);
        assert_eq!(expected[5].bin(Time::Latency), usize::from(bin_of(5_000)));
        assert_eq!(expected[5].combination, 5);
    }
}
