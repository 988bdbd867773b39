//! Integers in blocks of 64, each block in the fewest bits that hold its values.
//!
//! 64 values of a width of `w` bits are exactly `w` words, so where the next block begins tells the
//! width of this one; and a value is found without reading those before it:
//!
//! ```text
//! starts  0   3   3   8            two of them in a word; none where there is one block only
//! words   ███ │ │ █████ │ …        3 bits a value │ all of them the least │ 5 bits │ the last block
//! ```
//!
//! Few rows of a bucket are busy; a single width for all would be that of the busiest.

use super::block::BLOCK;
use super::block::SEVERAL;
use super::block::pack;
use super::block::unpack;
use std::ops::Range;

/// Integers, immutable.
///
/// Invariant: the first words are the starts, and every block but the last, whose width is `tail`, has as many words as
/// its values have bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bits {
    words: Box<[u64]>,
    base: u64, // the least value; what is packed is what each has more
    len: u32,  // at least one
    tail: u8,
}

impl Bits {
    /// Packs values of which `base` is the least; there must be one at least.
    pub(super) fn pack(values: &[u64], base: u64) -> Self {
        let blocks = values.len().div_ceil(BLOCK);
        let head = starts_len(blocks);
        let mut words = vec![0; head];
        let mut tail = 0;
        for (block, held) in values.chunks(BLOCK).enumerate() {
            if head > 0 {
                let start = u32::try_from(words.len() - head).expect("2^32 words are 32 GiB");
                words[block / 2] |= u64::from(start) << (block % 2 * 32);
            }
            let mut more = [0; BLOCK]; // than the base
            more.iter_mut().zip(held).for_each(|(more, value)| *more = value - base);
            let width = width_of(more.iter().fold(0, |ones, more| ones | more));
            if width > 0 {
                let begin = words.len();
                pack(&more, u32::from(width), &mut words);
                words.truncate(begin + (held.len() * usize::from(width)).div_ceil(BLOCK));
            }
            tail = width;
        }
        Self {
            words: words.into(),
            base,
            len: u32::try_from(values.len()).expect("rows are numbered by 32 bits"),
            tail,
        }
    }

    /// How many values.
    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    /// The value at a place.
    #[inline]
    pub(super) fn get(&self, place: usize) -> u64 {
        let (words, width) = self.block(place / BLOCK);
        self.base.wrapping_add(read(words, width, place % BLOCK))
    }

    /// Visits the values at some neighbouring places.
    #[inline]
    pub(super) fn visit(&self, places: Range<usize>, mut visit: impl FnMut(u64)) {
        let mut values = [0; BLOCK];
        let mut at = places.start;
        while at < places.end {
            let block = at / BLOCK;
            let end = places.end.min((block + 1) * BLOCK);
            if end - at < SEVERAL {
                let (words, width) = self.block(block);
                (at..end).for_each(|place| visit(self.base.wrapping_add(read(words, width, place % BLOCK))));
            } else {
                self.unpack(block, &mut values);
                values[at % BLOCK..][..end - at].iter().for_each(|value| visit(*value));
            }
            at = end;
        }
    }

    /// Copies the values from a place on.
    pub(super) fn copy(&self, from: usize, to: &mut [u64]) {
        let mut values = [0; BLOCK];
        let (mut at, mut rest) = (from, to);
        while !rest.is_empty() {
            let held = (BLOCK - at % BLOCK).min(rest.len());
            let (now, later) = rest.split_at_mut(held);
            self.unpack(at / BLOCK, &mut values);
            now.copy_from_slice(&values[at % BLOCK..][..held]);
            (at, rest) = (at + held, later);
        }
    }

    /// Visits the places whose value is not zero, with it.
    #[inline]
    pub(super) fn for_each(&self, mut visit: impl FnMut(usize, u64)) {
        let mut values = [0; BLOCK];
        for block in 0..self.len().div_ceil(BLOCK) {
            self.unpack(block, &mut values);
            let held = (self.len() - block * BLOCK).min(BLOCK);
            for (place, value) in (block * BLOCK..).zip(&values[..held]) {
                if *value != 0 {
                    visit(place, *value);
                }
            }
        }
    }

    /// The values of a block; beyond the last one anything.
    pub(super) fn unpack(&self, block: usize, values: &mut [u64; BLOCK]) {
        let (words, width) = self.block(block);
        match words.len() {
            _ if width == 0 => return values.fill(self.base),
            held if held < width as usize => {
                let mut whole = [0; BLOCK];
                whole[..held].copy_from_slice(words);
                unpack(&whole, width, values);
            }
            _ => unpack(words, width, values),
        }
        if self.base > 0 {
            values.iter_mut().for_each(|value| *value = value.wrapping_add(self.base));
        }
    }

    /// The words of a block (those of the next ones follow) and its width.
    #[inline]
    fn block(&self, block: usize) -> (&[u64], u32) {
        let last = (self.len() - 1) / BLOCK;
        if last == 0 {
            return (&self.words, u32::from(self.tail));
        }
        let start = self.start(block);
        let width = if block == last { u32::from(self.tail) } else { (self.start(block + 1) - start) as u32 };
        (&self.words[starts_len(last + 1) + start..], width)
    }

    #[inline]
    fn start(&self, block: usize) -> usize {
        (self.words[block / 2] >> (block % 2 * 32)) as u32 as usize
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        self.words.len() * 8
    }
}

/// Words that hold the starts of so many blocks.
fn starts_len(blocks: usize) -> usize {
    if blocks < 2 { 0 } else { blocks.div_ceil(2) }
}

fn width_of(ones: u64) -> u8 {
    (64 - ones.leading_zeros()) as u8
}

/// The value at a place of a block.
#[inline]
fn read(words: &[u64], width: u32, place: usize) -> u64 {
    if width == 0 {
        return 0;
    }
    let bit = place * width as usize;
    let (at, shift) = (bit / 64, bit % 64);
    let next = words.get(at + 1).copied().unwrap_or(0);
    let both = u128::from(next) << 64 | u128::from(words[at]);
    (both >> shift) as u64 & (u64::MAX >> (64 - width))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_packed_is_read(
            values in proptest::collection::vec((any::<u64>(), 0_u32..65), 1..300),
            base in 0_u64..1_000,
            from in 0_usize..300,
        ) {
            let values: Vec<u64> =
                values.into_iter().map(|(value, shift)| value.checked_shr(shift).unwrap_or(0).max(base)).collect();
            let bits = Bits::pack(&values, base);
            prop_assert_eq!(bits.len(), values.len());
            let read: Vec<u64> = (0..values.len()).map(|place| bits.get(place)).collect();
            prop_assert_eq!(&read, &values);
            let mut told = vec![0; values.len()];
            bits.for_each(|place, value| told[place] = value);
            prop_assert_eq!(&told, &values);
            let from = from.min(values.len());
            let mut visited = Vec::new();
            bits.visit(from..values.len(), |value| visited.push(value));
            prop_assert_eq!(&visited[..], &values[from..]);
            let mut copied = vec![0; values.len() - from];
            bits.copy(from, &mut copied);
            prop_assert_eq!(&copied[..], &values[from..]);
        }
    }

    #[test]
    fn a_busy_row_widens_its_own_block_only() {
        let mut values = [3_u64; 640];
        let narrow = Bits::pack(&values, 0).bytes();
        assert_eq!(narrow, 640 * 2 / 8 + 10 * 4, "two bits a value and four bytes a block");
        values[100] = 1 << 40;
        assert_eq!(Bits::pack(&values, 0).bytes(), narrow + 64 * 39 / 8);
    }
}
