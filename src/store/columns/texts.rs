//! A column of texts that are not empty, end to end in one arena.

#[cfg(feature = "server")]
use crate::engine::recent::cut;
use crate::store::varint::Malformed;
use crate::store::varint::Reader;
use crate::store::varint::put;
use std::slice::Iter;

/// Invariant: the lengths add up to the arena and end on its characters' borders.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Texts {
    lens: Vec<u16>,
    arena: String,
}

/// The texts in order.
#[derive(Clone)]
pub(super) struct TextCursor<'a> {
    lens: Iter<'a, u16>,
    rest: &'a str,
}

impl Texts {
    /// Adds a text and tells that it did; `""` is none. No text of an event is longer than 512 bytes.
    pub(super) fn push(&mut self, text: &str) -> bool {
        if text.is_empty() {
            return false;
        }
        self.lens.push(u16::try_from(text.len()).expect("the engine's check lets no such text pass"));
        self.arena.push_str(text);
        true
    }

    /// Texts that lie end to end, none of which is empty; a longer one than `longest` is cut.
    #[cfg(feature = "server")]
    pub(super) fn of(lens: &[u32], arena: &str, longest: usize) -> Self {
        if lens.iter().all(|len| *len as usize <= longest) {
            return Self { lens: lens.iter().map(|len| *len as u16).collect(), arena: arena.to_owned() };
        }
        let (mut texts, mut rest) = (Self::default(), arena);
        for len in lens {
            let (text, after) = rest.split_at(*len as usize);
            texts.push(cut(text, longest));
            rest = after;
        }
        texts
    }

    #[cfg(feature = "server")]
    pub(super) fn len(&self) -> usize {
        self.lens.len()
    }

    pub(super) fn clear(&mut self) {
        self.lens.clear();
        self.arena.clear();
    }

    pub(super) fn cursor(&self) -> TextCursor<'_> {
        TextCursor { lens: self.lens.iter(), rest: &self.arena }
    }

    pub(super) fn bytes(&self) -> usize {
        self.lens.capacity() * 2 + self.arena.capacity()
    }

    /// All lengths, then all texts.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        self.lens.iter().for_each(|len| put(out, u64::from(*len)));
        out.extend_from_slice(self.arena.as_bytes());
    }

    /// So many texts of at most so many bytes.
    pub(super) fn decode(reader: &mut Reader<'_>, count: usize, longest: usize) -> Result<Self, Malformed> {
        if count > reader.remaining() {
            return Err(reader.fail("it ends within a column"));
        }
        let mut lens = Vec::with_capacity(count);
        let mut all = 0;
        for _ in 0..count {
            let len = u16::try_from(reader.integer()?).ok();
            let len = len.filter(|len| (1..=longest).contains(&usize::from(*len)));
            let len = len.ok_or_else(|| reader.fail("a text that is empty or beyond its limit"))?;
            all += usize::from(len);
            lens.push(len);
        }
        let arena = reader.utf8(all)?.to_owned();
        let texts = Self { lens, arena };
        if texts.on_borders() { Ok(texts) } else { Err(reader.fail("a text ends within a character")) }
    }

    fn on_borders(&self) -> bool {
        let mut end = 0;
        self.lens.iter().all(|len| {
            end += usize::from(*len);
            self.arena.is_char_boundary(end)
        })
    }
}

impl<'a> TextCursor<'a> {
    /// The next text; `""` after the last.
    #[inline]
    pub(super) fn next(&mut self) -> &'a str {
        let len = self.lens.next().map_or(0, |len| usize::from(*len));
        let (text, rest) = self.rest.split_at(len);
        self.rest = rest;
        text
    }
}
