//! What a sender wrote between two values last time: most write every event alike.
//!
//! ```text
//! ,"user":"ann","model":"gpt-4o","status":200
//!               └───────┘ after `user`, before the value of `model`
//! ```
//!
//! So a name, its quotes, the comma, the colon and blanks are told by comparing three words. Where
//! they differ the name is looked up, and what is there now is remembered.

use super::TABLE;
use crate::server::formats::scan::Scan;

/// A field that nobody knows.
pub(super) const UNKNOWN: usize = TABLE.names.len();
/// Before the first field.
pub(super) const START: usize = UNKNOWN + 1;

/// The longest gap that is remembered.
const BYTES: usize = 24;

/// For each field what follows its value. Works for any events, best for those of one sender.
#[derive(Clone)]
pub(in crate::server::formats) struct Shape([Gap; START + 1]);

/// The bytes between two values, and the field they lead to.
#[derive(Clone, Copy)]
struct Gap {
    words: [u64; 3],
    masks: [u64; 3],
    bytes: usize,
    place: usize,
}

impl Default for Shape {
    /// No text holds these words, which are not UTF-8.
    fn default() -> Self {
        Self([Gap { words: [u64::MAX; 3], masks: [u64::MAX; 3], bytes: BYTES, place: UNKNOWN }; START + 1])
    }
}

impl Shape {
    /// Goes to the value of the next field if what is between is as it was the last time.
    #[inline]
    pub(super) fn follow(&self, before: usize, scan: &mut Scan<'_>) -> Option<usize> {
        let (gap, here) = (&self.0[before], words(scan));
        let differs = |word: usize| (here[word] ^ gap.words[word]) & gap.masks[word];
        if differs(0) | differs(1) | differs(2) != 0 {
            return None;
        }
        scan.forward(gap.bytes);
        scan.space(); // what was the whole of it then may be its beginning now
        Some(gap.place)
    }

    /// Remembers what is between a place and the cursor, and that it leads to a field.
    pub(super) fn learn(&mut self, before: usize, from: usize, scan: &mut Scan<'_>, place: usize) {
        let to = scan.place();
        let bytes = to - from;
        if bytes > BYTES {
            return;
        }
        scan.back(from);
        let words = words(scan);
        scan.back(to);
        let mask = |word: usize| !u64::MAX.unbounded_shl(8 * bytes.saturating_sub(8 * word) as u32);
        let masks = [mask(0), mask(1), mask(2)];
        let words = [words[0] & masks[0], words[1] & masks[1], words[2] & masks[2]];
        self.0[before] = Gap { words, masks, bytes, place };
    }
}

/// The bytes from here on.
#[inline]
fn words(scan: &Scan<'_>) -> [u64; 3] {
    let bytes: [u8; BYTES] = scan.block();
    let ([first, second, third], _) = bytes.as_chunks() else { return [0; 3] };
    [u64::from_le_bytes(*first), u64::from_le_bytes(*second), u64::from_le_bytes(*third)]
}
