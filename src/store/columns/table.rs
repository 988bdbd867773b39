//! The series of a record: each name is kept once, each series is a row of names by number.

use super::texts::Texts;
use crate::engine::event::Dimension;
use crate::engine::event::Dimensions;
use crate::engine::event::MAX_DIMENSIONS;
use crate::engine::event::MAX_VALUE_BYTES;
use crate::store::varint::Malformed;
use crate::store::varint::Reader;
use crate::store::varint::put;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// A series has at least the six fixed dimensions.
const LEAST_WIDTH: usize = Dimension::FIXED.len();

const NOT_CANONICAL: &str = "series or names that are repeated, not used or out of order";

/// Invariant: names are different, not empty, and stand in the order in which the series, read one
/// after another, first use them; each is used. Series are different.
#[derive(Clone, Debug)]
pub(super) struct Table {
    width: usize,
    /// `width` names for each series; 0 is `""`, `n` the name `n - 1`.
    series: Vec<u32>,
    names: Names,
    index: HashTable<u32>,
    hasher: RandomState,
}

/// Texts end to end, each by its number.
#[derive(Clone, Debug, Default)]
struct Names {
    arena: String,
    ends: Vec<u32>,
    index: HashTable<u32>,
}

impl PartialEq for Table {
    /// The indexes follow from the rest.
    fn eq(&self, other: &Self) -> bool {
        let parts = |table: &Self| (table.width, table.names.ends.len());
        parts(self) == parts(other)
            && self.series == other.series
            && self.names.arena == other.names.arena
            && self.names.ends == other.names.ends
    }
}

impl Table {
    pub(super) fn new(width: usize) -> Self {
        debug_assert!((LEAST_WIDTH..=MAX_DIMENSIONS).contains(&width));
        let names = Names::default();
        Self { width, series: Vec::new(), names, index: HashTable::new(), hasher: RandomState::default() }
    }

    pub(super) fn with_room(width: usize, names: usize, series: usize) -> Self {
        let mut table = Self::new(width);
        table.make_room(names, series);
        table
    }

    /// Makes room for so many, while there are none.
    pub(super) fn make_room(&mut self, names: usize, series: usize) {
        debug_assert!(self.len() == 0 && self.names.ends.is_empty(), "nothing has to find a new place");
        self.series.reserve_exact(series * self.width);
        self.index.reserve(series, |_| 0);
        self.names.ends.reserve_exact(names);
        self.names.index.reserve(names, |_| 0);
    }

    /// Drops everything, and keeps the room.
    pub(super) fn clear(&mut self) {
        let Self { width: _, series, names: Names { arena, ends, index: names }, index, hasher: _ } = self;
        series.clear();
        arena.clear();
        ends.clear();
        names.clear();
        index.clear();
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn len(&self) -> usize {
        self.series.len() / self.width
    }

    pub(super) fn bytes(&self) -> usize {
        let numbers = self.series.capacity() + self.names.ends.capacity();
        let indexes = self.index.allocation_size() + self.names.index.allocation_size();
        self.names.arena.capacity() + numbers * 4 + indexes
    }

    /// The number of a series, a new one if it is new.
    pub(super) fn add<'s>(&mut self, told: impl Iterator<Item = &'s str>) -> u32 {
        let mut numbers = [0; MAX_DIMENSIONS];
        let own = &mut numbers[..self.width];
        // Of the dimensions with few names, many a series has the same as the one before.
        let before = self.series.len().checked_sub(self.width).map_or(&[][..], |last| &self.series[last..]);
        let before = before.iter().copied().chain(std::iter::repeat(0));
        for ((place, name), before) in own.iter_mut().zip(told).zip(before) {
            *place = self.names.add(name, before, &self.hasher);
        }
        let hash = self.hasher.hash_one(&*own);
        let known = |number: u32| numbers_at(&self.series, self.width, number);
        if let Some(number) = self.index.find(hash, |number| known(*number) == own) {
            return *number;
        }
        let number = u32::try_from(self.len()).expect("fewer series than bytes in a request");
        self.series.extend_from_slice(own);
        let known = |number: u32| numbers_at(&self.series, self.width, number);
        self.index.insert_unique(hash, number, |number| self.hasher.hash_one(known(*number)));
        number
    }

    /// The number of a series that is known to be new; from then on, only this adds any. A name is
    /// looked for only where its slot in `known` has no number yet.
    #[cfg(feature = "server")]
    pub(super) fn add_by_slots<'s>(&mut self, told: impl Iterator<Item = (&'s str, usize)>, known: &mut [u32]) -> u32 {
        let number = u32::try_from(self.len()).expect("fewer series than bytes in a request");
        let Self { width, series, names, hasher, .. } = self;
        series.extend(told.take(*width).map(|(name, slot)| match known[slot] {
            0 if slot == 0 => names.add(name, 0, hasher),
            0 => {
                known[slot] = names.add(name, 0, hasher);
                known[slot]
            }
            number => number,
        }));
        number
    }

    /// Makes room for so many names and series.
    #[cfg(feature = "server")]
    pub(super) fn reserve(&mut self, names: usize, series: usize) {
        let Self { hasher, names: Names { arena, ends, index }, .. } = self;
        ends.reserve(names);
        index.reserve(names, |number| hasher.hash_one(name_at(arena, ends, *number)));
        self.series.reserve(series * self.width);
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = Dimensions<'_>> {
        self.series.chunks_exact(self.width).map(|numbers| {
            let mut dimensions = Dimensions::default();
            let names = numbers.iter().map(|name| name_at(&self.names.arena, &self.names.ends, *name));
            dimensions.0.iter_mut().zip(names).for_each(|(place, name)| *place = name);
            dimensions
        })
    }

    /// The width, the names, the series.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put(out, self.width as u64);
        put(out, self.names.ends.len() as u64);
        let starts = [0].iter().chain(&self.names.ends);
        starts.zip(&self.names.ends).for_each(|(start, end)| put(out, u64::from(end - start)));
        out.extend_from_slice(self.names.arena.as_bytes());
        put(out, self.len() as u64);
        self.series.iter().for_each(|name| put(out, u64::from(*name)));
    }

    /// Builds the table anew by adding series after series: where that gives other numbers than
    /// were read, names or series were repeated, not used or in another order.
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let width = usize::from(reader.byte()?);
        if !(LEAST_WIDTH..=MAX_DIMENSIONS).contains(&width) {
            return Err(reader.fail("too few or too many dimensions"));
        }
        let count = reader.count(2)?;
        let names = Texts::decode(reader, count, MAX_VALUE_BYTES)?;
        let mut cursor = names.cursor();
        let names: Vec<&str> = [""].into_iter().chain((0..count).map(|_| cursor.next())).collect();
        let series = reader.count(width)?;
        let read = reader.integers(series * width, count as u64)?;
        let mut table = Self::with_room(width, count, series);
        for own in read.chunks_exact(width) {
            table.add(own.iter().map(|name| names[*name as usize]));
        }
        let same = table.series.iter().map(|name| u64::from(*name)).eq(read);
        if same && table.names.ends.len() == count { Ok(table) } else { Err(reader.fail(NOT_CANONICAL)) }
    }
}

impl Names {
    /// The number of a name from 1, a new one if it is new; 0 is `""`. It may well be `guess`.
    fn add(&mut self, name: &str, guess: u32, hasher: &RandomState) -> u32 {
        if name == name_at(&self.arena, &self.ends, guess) {
            return guess;
        }
        if name.is_empty() {
            return 0;
        }
        let hash = hasher.hash_one(name);
        let known = |number: u32| name_at(&self.arena, &self.ends, number);
        if let Some(number) = self.index.find(hash, |number| known(*number) == name) {
            return *number;
        }
        self.arena.push_str(name);
        self.ends.push(u32::try_from(self.arena.len()).expect("fewer bytes than in a request"));
        let number = u32::try_from(self.ends.len()).expect("fewer names than bytes");
        let known = |number: u32| name_at(&self.arena, &self.ends, number);
        self.index.insert_unique(hash, number, |number| hasher.hash_one(known(*number)));
        number
    }
}

/// A name by its number.
fn name_at<'t>(arena: &'t str, ends: &[u32], number: u32) -> &'t str {
    let Some(place) = (number as usize).checked_sub(1) else { return "" };
    let start = place.checked_sub(1).map_or(0, |before| ends[before]);
    &arena[start as usize..ends[place] as usize]
}

/// The names of a series by number.
fn numbers_at(series: &[u32], width: usize, number: u32) -> &[u32] {
    &series[number as usize * width..][..width]
}
