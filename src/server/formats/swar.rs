//! Eight bytes of a text as one word, the first one lowest, looked at all at once.
//!
//! In each test below a byte that is looked for gets its highest bit set, and all others are
//! cleared. A carry may set it in bytes above the first that is found, never below: so the first
//! is exact, and only the first is asked for.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x80 * ONES;
const ZEROS: u64 = 0x30 * ONES; // the digit 0

/// Powers of ten.
pub(super) const POWERS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// How many bytes stand before the first that ends an ordinary string: a quote, a backslash or a
/// control character; 8 where there is none.
#[inline]
pub(super) fn string_end(word: u64) -> usize {
    // With this bit turned over the quote lies right above the control characters.
    let turned = word ^ (ONES * 2);
    let low = turned.wrapping_sub(ONES * 0x21) & !turned;
    let escapes = word ^ (ONES * u64::from(b'\\'));
    place((low | (escapes.wrapping_sub(ONES) & !escapes)) & HIGH)
}

/// The number that the first bytes spell, and how many of them are digits.
#[inline]
pub(super) fn digits(word: u64) -> (u64, usize) {
    let (values, count) = values(word);
    (eight(values.unbounded_shl(64 - 8 * count as u32)), count)
}

/// The same of digits after a point, in 10^-8.
#[inline]
pub(super) fn fraction(word: u64) -> (u64, usize) {
    let (values, count) = values(word);
    (eight(values & !u64::MAX.unbounded_shl(8 * count as u32)), count)
}

/// The values of the digits, and how many there are before another byte.
#[inline]
fn values(word: u64) -> (u64, usize) {
    let values = word ^ ZEROS;
    (values, place((values.wrapping_add(ONES * 0x76) | values) & HIGH))
}

/// The number of eight digits by their values.
#[inline]
fn eight(values: u64) -> u64 {
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff
}

#[inline]
fn place(marks: u64) -> usize {
    marks.trailing_zeros() as usize / 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dull_end(bytes: [u8; 8]) -> usize {
        bytes.iter().position(|b| *b == b'"' || *b == b'\\' || *b < b' ').unwrap_or(8)
    }

    fn check(bytes: [u8; 8]) {
        let word = u64::from_le_bytes(bytes);
        assert_eq!(string_end(word), dull_end(bytes), "{bytes:?}");
        let count = bytes.iter().position(|b| !b.is_ascii_digit()).unwrap_or(8);
        let text = str::from_utf8(&bytes[..count]).unwrap();
        let number: u64 = if count == 0 { 0 } else { text.parse().unwrap() };
        assert_eq!(digits(word), (number, count), "{bytes:?}");
        assert_eq!(fraction(word), (number * POWERS[8 - count], count), "{bytes:?}");
    }

    /// Each byte in each place, beside bytes on both sides of every border.
    #[test]
    fn every_byte_is_told_in_every_place() {
        for beside in [0, 0x1f, b' ', b'!', b'"', b'#', b'/', b'0', b'9', b':', b'[', b'\\', b']', 0x7f, 0x80, 0xff] {
            for byte in 0..=255 {
                for place in 0..8 {
                    let mut bytes = [beside; 8];
                    bytes[place] = byte;
                    check(bytes);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_word_is_read_as_byte_by_byte(bytes: [u8; 8]) {
            check(bytes);
        }

        #[test]
        fn digits_and_what_follows(number in "[0-9]{0,8}", rest in "[ -~]{8}") {
            check((number + &rest).as_bytes()[..8].try_into().unwrap());
        }
    }
}
