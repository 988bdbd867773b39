//! Up to where everything is counted, when several threads count at the same time.

use parking_lot::Mutex;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// Invariant: every event up to `position` is counted.
#[derive(Debug, Default)]
pub(super) struct Applied {
    next: AtomicU64, // places given out, where no journal does
    position: AtomicU64,
    beyond: Mutex<BinaryHeap<Reverse<(u64, u64)>>>, // counted spans that do not yet begin at `position`
}

impl Applied {
    pub(super) fn at(position: u64) -> Self {
        Self { next: AtomicU64::new(position), position: AtomicU64::new(position), beyond: Mutex::default() }
    }

    /// Gives out the places of some events.
    pub(super) fn give_out(&self, events: u64) -> u64 {
        self.next.fetch_add(events, Ordering::Relaxed)
    }

    /// Notes that `events` events after `base` are counted.
    pub(super) fn finish(&self, base: u64, events: u64) {
        let mut beyond = self.beyond.lock();
        beyond.push(Reverse((base, base + events)));
        let mut position = self.position.load(Ordering::Relaxed);
        while let Some(Reverse((begin, end))) = beyond.peek().copied() {
            if begin > position {
                break;
            }
            position = position.max(end);
            beyond.pop();
        }
        self.position.store(position, Ordering::Release);
    }

    pub(super) fn position(&self) -> u64 {
        self.position.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_waits_for_those_before() {
        let applied = Applied::at(10);
        applied.finish(15, 5);
        assert_eq!(applied.position(), 10);
        applied.finish(20, 0);
        applied.finish(10, 5);
        assert_eq!(applied.position(), 20);
    }
}
