//! Integers and texts as bytes, and a reader that trusts none of them.
//!
//! A column of integers is the width of each (1, 2, 4 or 8 bytes), then all of them, lowest byte
//! first: a loop without branches reads it, in any language.

/// Bytes that are no batch, and where that shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a batch, byte {at}: {what}")]
pub struct Malformed {
    /// What is wrong; never quotes a value.
    pub what: &'static str,
    /// How many bytes had been read by then.
    pub at: usize,
}

/// Adds a column of integers.
pub(super) fn put_integers(out: &mut Vec<u8>, values: &[u64]) {
    let most = values.iter().fold(0, |most, value| most | value);
    match most {
        0..=0xff => put_as::<1>(out, values),
        0x100..=0xffff => put_as::<2>(out, values),
        0x1_0000..=0xffff_ffff => put_as::<4>(out, values),
        _ => put_as::<8>(out, values),
    }
}

fn put_as<const WIDTH: usize>(out: &mut Vec<u8>, values: &[u64]) {
    out.push(WIDTH as u8);
    out.reserve(values.len() * WIDTH);
    for value in values {
        out.extend_from_slice(&value.to_le_bytes()[..WIDTH]);
    }
}

/// Reads bytes from the front.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    len: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, len: bytes.len() }
    }

    /// The error that it can't be read on from here.
    #[cold]
    pub(super) fn fail(&self, what: &'static str) -> Malformed {
        Malformed { what, at: self.len - self.rest.len() }
    }

    pub(super) fn take(&mut self, bytes: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(bytes).ok_or_else(|| self.fail("it ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| self.fail("it ends too early"))
    }

    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        self.fixed::<1>().map(|[byte]| byte)
    }

    /// A number of things, at most so many.
    pub(super) fn count(&mut self, most: usize) -> Result<usize, Malformed> {
        let count = u32::from_le_bytes(self.fixed()?) as usize;
        if count > most { Err(self.fail("a count beyond what can be")) } else { Ok(count) }
    }

    pub(super) fn signed(&mut self) -> Result<i64, Malformed> {
        self.fixed().map(i64::from_le_bytes)
    }

    /// The bytes of so many integers, and the width of each.
    fn column(&mut self, count: usize) -> Result<(u8, &'a [u8]), Malformed> {
        let width = self.byte()?;
        if !matches!(width, 1 | 2 | 4 | 8) {
            return Err(self.fail("integers have 1, 2, 4 or 8 bytes"));
        }
        let bytes = count.checked_mul(usize::from(width)).ok_or_else(|| self.fail("it ends too early"))?;
        Ok((width, self.take(bytes)?))
    }

    /// So many integers.
    pub(super) fn integers(&mut self, count: usize) -> Result<Vec<u64>, Malformed> {
        let (width, bytes) = self.column(count)?;
        Ok(match width {
            1 => bytes.iter().map(|byte| u64::from(*byte)).collect(),
            2 => bytes.as_chunks().0.iter().map(|bytes| u64::from(u16::from_le_bytes(*bytes))).collect(),
            4 => bytes.as_chunks().0.iter().map(|bytes| u64::from(u32::from_le_bytes(*bytes))).collect(),
            _ => bytes.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect(),
        })
    }

    /// So many integers up to `most`.
    pub(super) fn numbers(&mut self, count: usize, most: usize) -> Result<Vec<u32>, Malformed> {
        let (width, bytes) = self.column(count)?;
        let numbers: Vec<u32> = match width {
            1 => bytes.iter().map(|byte| u32::from(*byte)).collect(),
            2 => bytes.as_chunks().0.iter().map(|bytes| u32::from(u16::from_le_bytes(*bytes))).collect(),
            4 => bytes.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect(),
            _ => return Err(self.fail("a number beyond what can be")),
        };
        let greatest = numbers.iter().copied().max().unwrap_or(0);
        if greatest as usize > most { Err(self.fail("a number beyond what can be")) } else { Ok(numbers) }
    }

    /// So many bytes that are UTF-8.
    pub(super) fn utf8(&mut self, bytes: usize) -> Result<&'a str, Malformed> {
        let taken = self.take(bytes)?;
        std::str::from_utf8(taken).map_err(|_| self.fail("a text is not UTF-8"))
    }

    /// Nothing may follow.
    pub(super) fn finish(self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.fail("bytes after the end")) }
    }
}
