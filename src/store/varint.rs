//! Integers and texts as the bytes of a record, and a reader that trusts none of them.
//!
//! An integer is LEB128: seven bits a byte, the lowest first, the high bit set on all bytes but the
//! last. Only the shortest form is read back, so that a record has one encoding. Up to eight bytes
//! are written and read as one word without a loop: the lengths of real columns are mixed, and a
//! branch for each byte would be mispredicted about once an integer.

const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
const NOT_MINIMAL: &str = "an integer is longer than needed";

/// Bytes that are no record, and where that shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed record, byte {at}: {what}")]
pub(crate) struct Malformed {
    /// What is wrong.
    pub(crate) what: &'static str,
    /// How many bytes had been read by then.
    pub(crate) at: usize,
}

/// Adds an integer.
#[inline]
pub(super) fn put(out: &mut Vec<u8>, value: u64) {
    if value >> 56 != 0 {
        return put_long(out, value);
    }
    let bits = 64 - (value | 1).leading_zeros() as usize;
    let len = bits.div_ceil(7);
    let more = HIGH_BITS & ((1 << (8 * (len - 1))) - 1);
    let end = out.len() + len;
    out.extend_from_slice(&(spread(value) | more).to_le_bytes());
    out.truncate(end);
}

#[cold]
fn put_long(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Adds a text, its length first.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// A difference as an integer that is small where the difference is.
pub(super) fn zigzag(difference: i64) -> u64 {
    ((difference << 1) ^ (difference >> 63)).cast_unsigned()
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

/// 56 bits, seven to each byte.
fn spread(value: u64) -> u64 {
    let value = (value & 0x0000_0000_0fff_ffff) | (value & 0x00ff_ffff_f000_0000) << 4;
    let value = (value & 0x0000_3fff_0000_3fff) | (value & 0x0fff_c000_0fff_c000) << 2;
    (value & 0x007f_007f_007f_007f) | (value & 0x3f80_3f80_3f80_3f80) << 1
}

/// The way back; the high bit of each byte is ignored.
fn gather(word: u64) -> u64 {
    let word = (word & 0x007f_007f_007f_007f) | (word & 0x7f00_7f00_7f00_7f00) >> 1;
    let word = (word & 0x0000_3fff_0000_3fff) | (word & 0x3fff_0000_3fff_0000) >> 2;
    (word & 0x0000_0000_0fff_ffff) | (word & 0x0fff_ffff_0000_0000) >> 4
}

/// Reads bytes from the front.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    len: usize,
}

impl<'a> Reader<'a> {
    /// At most 4 GiB, so that places and counts fit into 32 bits.
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let reader = Self { rest: bytes, len: bytes.len() };
        if u32::try_from(bytes.len()).is_err() { Err(reader.fail("longer than 4 GiB")) } else { Ok(reader) }
    }

    /// The error that it can't be read on from here.
    #[cold]
    pub(super) fn fail(&self, what: &'static str) -> Malformed {
        Malformed { what, at: self.len - self.rest.len() }
    }

    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn take(&mut self, bytes: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(bytes).ok_or_else(|| self.fail("it ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    pub(super) fn integer(&mut self) -> Result<u64, Malformed> {
        let Some(chunk) = self.rest.first_chunk::<8>() else { return self.integer_by_bytes() };
        let word = u64::from_le_bytes(*chunk);
        let ends = !word & HIGH_BITS;
        if ends == 0 {
            return self.integer_by_bytes();
        }
        let len = ends.trailing_zeros() as usize / 8 + 1;
        let own = word & (ends ^ (ends - 1));
        if own >> (8 * (len - 1)) == 0 && len > 1 {
            return Err(self.fail(NOT_MINIMAL));
        }
        self.rest = &self.rest[len..];
        Ok(gather(own))
    }

    /// Near the end of the bytes, and where an integer is longer than a word.
    fn integer_by_bytes(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for (place, byte) in self.rest.iter().take(10).enumerate() {
            if place == 9 && *byte > 1 {
                return Err(self.fail("an integer is above 64 bits"));
            }
            value |= u64::from(byte & 0x7f) << (7 * place);
            if *byte < 0x80 {
                if *byte == 0 && place > 0 {
                    return Err(self.fail(NOT_MINIMAL));
                }
                self.rest = &self.rest[place + 1..];
                return Ok(value);
            }
        }
        Err(self.fail("it ends within an integer"))
    }

    pub(super) fn difference(&mut self) -> Result<i64, Malformed> {
        self.integer().map(unzigzag)
    }

    /// How many things follow that take at least `least` bytes each. So nothing is reserved for
    /// more things than there can be.
    pub(super) fn count(&mut self, least: usize) -> Result<usize, Malformed> {
        let count = usize::try_from(self.integer()?).unwrap_or(usize::MAX);
        if count > self.rest.len() / least { Err(self.fail("a count beyond the bytes that follow")) } else { Ok(count) }
    }

    /// So many integers up to `most`.
    pub(super) fn integers(&mut self, count: usize, most: u64) -> Result<Vec<u64>, Malformed> {
        if count > self.rest.len() {
            return Err(self.fail("it ends within a column"));
        }
        let mut values = Vec::with_capacity(count);
        for _ in 0..count {
            let value = self.integer()?;
            if value > most {
                return Err(self.fail("a number beyond its limits"));
            }
            values.push(value);
        }
        Ok(values)
    }

    /// So many bytes that are UTF-8.
    pub(super) fn utf8(&mut self, bytes: usize) -> Result<&'a str, Malformed> {
        let taken = self.take(bytes)?;
        std::str::from_utf8(taken).map_err(|_| self.fail("a text is not UTF-8"))
    }

    /// A text after its length.
    pub(super) fn text(&mut self) -> Result<&'a str, Malformed> {
        let len = self.count(1)?;
        self.utf8(len)
    }

    pub(super) fn fixed(&mut self) -> Result<u64, Malformed> {
        let bytes = self.take(8)?;
        bytes.try_into().map(u64::from_le_bytes).map_err(|_| self.fail("it ends too early"))
    }

    /// Nothing may follow.
    pub(super) fn finish(self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.fail("bytes after the end")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Result<u64, Malformed> {
        let mut reader = Reader::new(bytes)?;
        let value = reader.integer()?;
        reader.finish().map(|()| value)
    }

    /// The textbook's loop.
    fn dull(mut value: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let low = u8::try_from(value % 128).unwrap();
            value /= 128;
            if value == 0 {
                bytes.push(low);
                return bytes;
            }
            bytes.push(low + 128);
        }
    }

    fn check(value: u64) {
        let mut bytes = Vec::new();
        put(&mut bytes, value);
        assert_eq!(bytes, dull(value), "{value}");
        assert_eq!(read(&bytes), Ok(value));
        bytes.extend([0; 8]);
        assert_eq!(Reader::new(&bytes).unwrap().integer(), Ok(value), "read as a word");
    }

    #[test]
    fn every_length_is_written_and_read() {
        for bits in 0..64 {
            let value = 1_u64 << bits;
            [value - 1, value, value + 1].into_iter().for_each(check);
        }
        check(u64::MAX);
    }

    #[test]
    fn only_the_shortest_form_is_read() {
        let long: [&[u8]; 4] = [&[0x80, 0], &[0x81, 0x80, 0], &[0x80, 0, 1, 1, 1, 1, 1, 1, 1], &[0x80; 10]];
        for bytes in long {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
        let above = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2];
        assert_eq!(read(&above).unwrap_err().what, "an integer is above 64 bits");
        assert_eq!(read(&[0x80]).unwrap_err().what, "it ends within an integer");
    }

    proptest! {
        #[test]
        fn integers_come_back(value: u64, shift in 0_u32..64) {
            check(value >> shift);
        }

        #[test]
        fn differences_come_back(difference: i64) {
            prop_assert_eq!(unzigzag(zigzag(difference)), difference);
        }

        #[test]
        fn what_is_read_is_written_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
            if let Ok(value) = read(&bytes) {
                prop_assert_eq!(dull(value), bytes);
            }
        }
    }
}
