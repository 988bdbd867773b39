//! What a handle knows of its series, read by any thread without a lock and without a write.
//!
//! A sequence lock of atomic words: the version is odd while somebody writes, and a reader who finds
//! it changed has read nothing. (H.-J. Boehm, "Can seqlocks get along with programming language
//! memory models?", 2012, which says why the fences are where they are.) A mutex cost two locked
//! instructions a call, and threads that share a handle passed its line to and fro.

use super::series::Resolved;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::sync::atomic::fence;

/// A series as it was resolved, and when that was.
#[derive(Debug, Default)]
pub(super) struct Known {
    version: AtomicU64,    // 0 while nothing is known
    words: [AtomicU64; 3], // when, and what
}

/// When a series was resolved: how often numbers had been given back by then, and the day.
pub(super) type At = (u64, u32);

impl Known {
    /// The series, if it was resolved at this very time.
    #[inline]
    pub(super) fn get(&self, at: At) -> Option<Resolved> {
        let (known, resolved) = self.read()?;
        (known == at).then_some(resolved)
    }

    #[inline]
    fn read(&self) -> Option<(At, Resolved)> {
        let version = self.version.load(Ordering::Acquire);
        if version == 0 || version & 1 == 1 {
            return None;
        }
        let [forgets, day, series] = [0, 1, 2].map(|place: usize| self.words[place].load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        let same = self.version.load(Ordering::Relaxed) == version;
        same.then(|| ((forgets, day as u32), Resolved::from_word(series)))
    }

    /// Remembers a series. Where two threads do so at once, one of them is enough.
    pub(super) fn set(&self, at: At, resolved: &Resolved) {
        let version = self.version.load(Ordering::Relaxed);
        // Acquire: what another one has written comes before.
        let begin = || self.version.compare_exchange(version, version + 1, Ordering::Acquire, Ordering::Relaxed);
        if version & 1 == 1 || begin().is_err() {
            return;
        }
        fence(Ordering::Release);
        let words = [at.0, at.1.into(), resolved.word()];
        self.words.iter().zip(words).for_each(|(word, value)| word.store(value, Ordering::Relaxed));
        self.version.store(version + 2, Ordering::Release);
    }
}

impl Clone for Known {
    fn clone(&self) -> Self {
        let clone = Self::default();
        if let Some((at, resolved)) = self.read() {
            clone.set(at, &resolved);
        }
        clone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn readers_never_see_half_of_a_series() {
        let known = Known::default();
        assert!(known.get((0, 0)).is_none(), "nothing is known yet");
        thread::scope(|scope| {
            for writer in 0..2 {
                let known = &known;
                scope.spawn(move || {
                    for number in 0..20_000_u32 {
                        known.set((number.into(), writer), &Resolved::from_word(number.into()));
                    }
                });
            }
            let mut last = 0;
            while last < 19_999 {
                let Some(((forgets, _), resolved)) = known.read() else { continue };
                assert_eq!(resolved.word(), forgets);
                last = forgets;
            }
        });
        let copy = known.clone();
        let (at, resolved) = copy.read().unwrap();
        assert_eq!(copy.get(at).unwrap().word(), resolved.word());
        assert!(copy.get((at.0 + 1, at.1)).is_none(), "resolved at another time");
    }
}
