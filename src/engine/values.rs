//! The values of one dimension: text to a small number and back, and the series that carry each.

use super::postings::Postings;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;
use std::sync::Arc;

/// The number of "no value".
pub(super) const NONE: u32 = 0;
/// The number of `__other__`: what there was no room for.
pub(super) const OTHER: u32 = 1;
/// The text of [`OTHER`].
pub(super) const OTHER_TEXT: &str = "__other__";

/// One value.
#[derive(Debug)]
struct Entry {
    text: Arc<str>,
    series: Postings,
}

/// Numbers for texts, each given back when its last series is forgotten.
#[derive(Debug)]
pub(super) struct Values {
    index: HashTable<u32>,
    entries: Vec<Entry>,
    free: Vec<u32>,
    limit: usize,
    held: usize, // bytes of texts and of lists of series
    hasher: RandomState,
}

impl Values {
    /// An empty table for at most `limit` values, "none" and `__other__` not counted.
    pub(super) fn new(limit: usize) -> Self {
        let entry = |text: &str| Entry { text: text.into(), series: Postings::default() };
        let mut values = Self {
            index: HashTable::new(),
            entries: vec![entry(""), entry(OTHER_TEXT)],
            free: Vec::new(),
            limit,
            held: 0,
            hasher: RandomState::default(),
        };
        values.put(NONE);
        values.put(OTHER);
        values
    }

    fn put(&mut self, number: u32) {
        let Self { index, entries, hasher, .. } = self;
        let hash = |number: &u32| hasher.hash_one(&*entries[*number as usize].text);
        index.insert_unique(hash(&number), number, hash);
    }

    /// The number of a text.
    pub(super) fn find(&self, text: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(text);
        self.index.find(hash, |number| &*self.entries[*number as usize].text == text).copied()
    }

    /// The number of a text, a new one if there is room, else [`OTHER`]. `always` makes room.
    pub(super) fn admit(&mut self, text: &str, always: bool) -> u32 {
        if let Some(number) = self.find(text) {
            return number;
        }
        if self.len() >= self.limit && !always {
            return OTHER;
        }
        let entry = Entry { text: text.into(), series: Postings::default() };
        self.held += text_bytes(text);
        let number = match self.free.pop() {
            Some(number) => {
                self.entries[number as usize] = entry;
                number
            }
            None => {
                if self.entries.len() == self.entries.capacity() {
                    // Not by doubling: half of a large table would be room for nothing.
                    self.entries.reserve_exact(self.entries.len() / 8 + 16);
                }
                self.entries.push(entry);
                u32::try_from(self.entries.len() - 1).expect("the limits are 32 bits wide")
            }
        };
        self.put(number);
        number
    }

    /// The text of a number.
    pub(super) fn text(&self, number: u32) -> &Arc<str> {
        &self.entries[number as usize].text
    }

    /// The series that carry a value.
    pub(super) fn series(&self, number: u32) -> &Postings {
        &self.entries[number as usize].series
    }

    /// Notes that a series carries a value.
    pub(super) fn link(&mut self, number: u32, series: u32) {
        let Self { entries, held, .. } = self;
        let postings = &mut entries[number as usize].series;
        *held -= postings.bytes();
        postings.push(series);
        *held += postings.bytes();
    }

    /// Drops from a value the series that are gone; with the last one the value goes too, and its
    /// number is told so that nothing is left under it.
    pub(super) fn unlink(&mut self, number: u32, gone: impl Fn(u32) -> bool) -> bool {
        let entry = &mut self.entries[number as usize];
        self.held -= entry.series.bytes();
        entry.series.retain(|series| !gone(series));
        self.held += entry.series.bytes();
        if !entry.series.is_empty() || number <= OTHER || entry.text.is_empty() {
            return false;
        }
        let hash = self.hasher.hash_one(&*entry.text);
        if let Ok(found) = self.index.find_entry(hash, |other| *other == number) {
            found.remove();
        }
        self.held -= text_bytes(&entry.text);
        entry.text = "".into();
        self.free.push(number);
        true
    }

    /// The values that some series carry, "none" left out.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Arc<str>, usize)> {
        let carried = self.entries.iter().skip(OTHER as usize).filter(|entry| !entry.series.is_empty());
        carried.map(|entry| (&entry.text, entry.series.len()))
    }

    /// The numbers in use, "none" and `__other__` included.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        let used = |number: &u32| !self.entries[*number as usize].series.is_empty();
        (0..self.entries.len() as u32).filter(used)
    }

    /// How many values there are, "none" and `__other__` not counted.
    pub(super) fn len(&self) -> usize {
        self.entries.len() - 2 - self.free.len()
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
            + self.index.allocation_size()
            + self.free.capacity() * 4
            + self.held
    }
}

/// Bytes of a shared text: two counts in front, and blocks are multiples of 16.
fn text_bytes(text: &str) -> usize {
    (text.len() + 16).next_multiple_of(16)
}
