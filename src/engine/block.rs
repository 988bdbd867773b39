//! A whole block of 64 packed values at once.
//!
//! To find one value takes a division of its place into words, a shift by what the processor does not
//! know beforehand, and a look whether it reaches into the next word. Of a whole block all that is
//! known to the compiler, once for each width: what is left are shifts by constants.

/// Values in a block.
pub(super) const BLOCK: usize = 64;
/// Of so many values and more, it pays to read the whole block.
pub(super) const SEVERAL: usize = 12;

/// Calls `$of::<WIDTH>` for a width known only now.
macro_rules! of_width {
    ($width:expr, $of:ident, $($argument:expr),*) => {
        of_width!(@ $width, $of, ($($argument),*),
            1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40
            41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64)
    };
    (@ $width:expr, $of:ident, $arguments:tt, $($literal:literal)*) => {
        match $width {
            $($literal => $of::<$literal> $arguments,)*
            _ => unreachable!("no value has more than 64 bits"),
        }
    };
}

/// Runs a statement for every place of a block, each a constant: the compiler does not unroll a loop of this
/// length by itself.
macro_rules! each_place {
    ($place:ident, $body:block) => {
        each_place!(@ $place, $body,
            0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
            32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63)
    };
    (@ $place:ident, $body:block, $($literal:literal)*) => {
        $({
            const $place: usize = $literal;
            $body
        })*
    };
}

/// Reads the 64 values of `width` bits, 1 to 64, that the first `width` words hold.
pub(super) fn unpack(words: &[u64], width: u32, values: &mut [u64; BLOCK]) {
    of_width!(width, unpack_of, words.first_chunk().expect("a whole block"), values);
}

fn unpack_of<const WIDTH: usize>(words: &[u64; WIDTH], values: &mut [u64; BLOCK]) {
    each_place!(PLACE, {
        let (at, shift) = (PLACE * WIDTH / 64, PLACE * WIDTH % 64);
        let low = words[at] >> shift;
        let all = if shift + WIDTH > 64 { low | words[at + 1] << (64 - shift) } else { low };
        values[PLACE] = all & (u64::MAX >> (64 - WIDTH));
    });
}

/// Appends 64 values of `width` bits, 1 to 64: as many words.
pub(super) fn pack(values: &[u64; BLOCK], width: u32, words: &mut Vec<u64>) {
    of_width!(width, pack_of, values, words);
}

fn pack_of<const WIDTH: usize>(values: &[u64; BLOCK], words: &mut Vec<u64>) {
    let mut packed = [0; WIDTH];
    each_place!(PLACE, {
        let (at, shift) = (PLACE * WIDTH / 64, PLACE * WIDTH % 64);
        packed[at] |= values[PLACE] << shift;
        if shift + WIDTH > 64 {
            packed[at + 1] = values[PLACE] >> (64 - shift);
        }
    });
    words.extend_from_slice(&packed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_width_is_read_as_bit_by_bit(words in proptest::collection::vec(any::<u64>(), BLOCK), width in 1_u32..65) {
            let mut values = [0; BLOCK];
            unpack(&words, width, &mut values);
            for (place, value) in values.iter().enumerate() {
                let bit = |bit: usize| words[bit / 64] >> (bit % 64) & 1;
                let expected = (0..width as usize).map(|at| bit(place * width as usize + at) << at).sum::<u64>();
                prop_assert_eq!(*value, expected, "value {} of {} bits", place, width);
            }
            let mut packed = Vec::new();
            pack(&values, width, &mut packed);
            prop_assert_eq!(&packed, &words[..width as usize]);
        }
    }
}
