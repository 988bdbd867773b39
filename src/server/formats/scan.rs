//! A cursor over the text of an ordinary JSON value: strings without escapes, numbers without
//! exponents.
//!
//! It never decides that something is malformed: on anything unusual it answers `None`, and the
//! general parser starts over. What it does accept, the general parser accepts too, and reads
//! alike; tests hold that.
//!
//! Bytes are looked at eight at a time, as one word: a loop over the bytes of short strings and
//! numbers would be mispredicted about once for each of them.

use super::swar;

/// How deep the values may be nested that are passed over; the general parser allows more.
const MAX_DEPTH: usize = 16;

/// A place in a text.
pub(super) struct Scan<'a> {
    text: &'a str,
    at: usize,
}

/// A number without sign and exponent, below 10^9 and of nine decimals at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    pub(super) whole: u64,
    /// What follows the point, in 10^-9.
    pub(super) nanos: u64,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Eight bytes from here on, the first one lowest; zeros after the end.
    #[inline]
    pub(super) fn word(&self) -> u64 {
        self.word_at(self.at)
    }

    /// The same, so many bytes ahead.
    #[inline]
    pub(super) fn word_ahead(&self, bytes: usize) -> u64 {
        self.word_at(self.at + bytes)
    }

    #[inline]
    fn word_at(&self, at: usize) -> u64 {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        u64::from_le_bytes(rest.first_chunk().map_or_else(|| short(rest), |word| *word))
    }

    /// So many bytes from here on; zeros after the end.
    #[inline]
    pub(super) fn block<const N: usize>(&self) -> [u8; N] {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        rest.first_chunk().map_or_else(|| short(rest), |block| *block)
    }

    /// Goes behind these bytes, if they are here.
    #[inline]
    pub(super) fn skip(&mut self, bytes: &[u8]) -> Option<()> {
        let here = self.text.as_bytes().get(self.at..)?.starts_with(bytes);
        here.then(|| self.at += bytes.len())
    }

    /// Goes behind blanks.
    #[inline]
    pub(super) fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// Goes behind blanks and this byte.
    #[inline]
    pub(super) fn expect(&mut self, byte: u8) -> Option<()> {
        if self.peek() != Some(byte) {
            self.space();
        }
        self.eat(byte)
    }

    #[inline]
    fn eat(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// After a member or an element: whether another one follows.
    #[inline]
    pub(super) fn more(&mut self, close: u8) -> Option<bool> {
        if self.peek() == Some(b',') {
            self.at += 1;
            return Some(true);
        }
        self.space();
        let byte = self.peek()?;
        self.at += 1;
        (byte == b',' || byte == close).then_some(byte == b',')
    }

    /// Whether nothing but blanks follows.
    #[inline]
    pub(super) fn is_done(&mut self) -> bool {
        self.space();
        self.at == self.text.len()
    }

    /// A string behind its opening quote, up to the closing one.
    #[inline]
    pub(super) fn rest_of_string(&mut self) -> Option<&'a str> {
        let from = self.at;
        let end = from + string_end(self.text.as_bytes().get(from..)?)?;
        self.at = end + 1;
        self.text.get(from..end)
    }

    /// A string.
    #[inline]
    pub(super) fn string(&mut self) -> Option<&'a str> {
        self.eat(b'"')?;
        self.rest_of_string()
    }

    /// A whole number of at most 15 digits.
    #[inline]
    pub(super) fn integer(&mut self) -> Option<u64> {
        let (high, count) = swar::digits(self.word());
        if count == 0 || (count > 1 && self.peek() == Some(b'0')) {
            return None;
        }
        self.at += count;
        if count < 8 {
            return Some(high);
        }
        let (low, count) = swar::digits(self.word());
        self.at += count;
        (count < 8).then(|| high * swar::POWERS[count] + low)
    }

    /// A whole number or one with a point.
    #[inline]
    pub(super) fn decimal(&mut self) -> Option<Decimal> {
        let whole = self.integer().filter(|whole| *whole < 1_000_000_000)?;
        if self.peek() != Some(b'.') {
            return Some(Decimal { whole, nanos: 0 });
        }
        self.at += 1;
        let (most, count) = swar::fraction(self.word());
        self.at += count;
        let last = match self.peek() {
            Some(digit @ b'0'..=b'9') => {
                self.at += 1;
                u64::from(digit - b'0')
            }
            _ => 0,
        };
        let ended = !matches!(self.peek(), Some(b'0'..=b'9'));
        (count > 0 && ended).then_some(Decimal { whole, nanos: most * 10 + last })
    }

    /// The text of any value.
    #[inline]
    pub(super) fn raw(&mut self) -> Option<&'a str> {
        let from = self.at;
        self.pass(0)?;
        self.since(from)
    }

    /// The members of an object: each name, and then the cursor before its value, which `member`
    /// has to go behind.
    pub(super) fn object(&mut self, mut member: impl FnMut(&mut Self, &'a str) -> Option<()>) -> Option<()> {
        self.expect(b'{')?;
        self.space();
        if self.eat(b'}').is_some() {
            return Some(());
        }
        loop {
            self.expect(b'"')?;
            let name = self.rest_of_string()?;
            self.expect(b':')?;
            self.space();
            member(self, name)?;
            if !self.more(b'}')? {
                return Some(());
            }
        }
    }

    /// Goes behind any value.
    fn pass(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(|_| ()),
            b'0'..=b'9' => self.pass_number(),
            b'n' => self.skip(b"null"),
            b't' => self.skip(b"true"),
            b'f' => self.skip(b"false"),
            b'{' if depth < MAX_DEPTH => self.object(|scan, _| scan.pass(depth + 1)),
            b'[' if depth < MAX_DEPTH => self.pass_array(depth),
            _ => None,
        }
    }

    fn pass_array(&mut self, depth: usize) -> Option<()> {
        self.expect(b'[')?;
        self.space();
        if self.eat(b']').is_some() {
            return Some(());
        }
        loop {
            self.space();
            self.pass(depth + 1)?;
            if !self.more(b']')? {
                return Some(());
            }
        }
    }

    /// Goes behind `12` or `12.5`; what follows shows whether the number ends there.
    fn pass_number(&mut self) -> Option<()> {
        let from = self.at;
        self.pass_digits();
        if self.text.as_bytes()[from] == b'0' && self.at > from + 1 {
            return None;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            let point = self.at;
            self.pass_digits();
            return (self.at > point).then_some(());
        }
        Some(())
    }

    fn pass_digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    /// Where the cursor is, to come back to.
    pub(super) fn place(&self) -> usize {
        self.at
    }

    /// The text between a place and the cursor.
    #[inline]
    pub(super) fn since(&self, place: usize) -> Option<&'a str> {
        self.text.get(place..self.at)
    }

    /// Goes over bytes that were looked at.
    #[inline]
    pub(super) fn forward(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Goes back to a place.
    pub(super) fn back(&mut self, place: usize) {
        self.at = place;
    }
}

/// How many bytes stand before the closing quote of an ordinary string.
#[inline]
fn string_end(rest: &[u8]) -> Option<usize> {
    let (words, last) = rest.as_chunks();
    for (place, word) in words.iter().enumerate() {
        let end = swar::string_end(u64::from_le_bytes(*word));
        if end < 8 {
            return (word[end] == b'"').then_some(8 * place + end);
        }
    }
    let end = swar::string_end(u64::from_le_bytes(short(last)));
    (last.get(end) == Some(&b'"')).then_some(8 * words.len() + end)
}

#[cold]
#[inline(never)]
fn short<const N: usize>(rest: &[u8]) -> [u8; N] {
    let mut block = [0; N];
    block.iter_mut().zip(rest).for_each(|(byte, told)| *byte = *told);
    block
}
