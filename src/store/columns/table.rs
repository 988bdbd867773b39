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
use std::hash::Hasher;

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

    fn with_room(width: usize, names: usize, series: usize) -> Self {
        let mut table = Self::new(width);
        table.series.reserve_exact(series * width);
        table.index.reserve(series, |_| 0);
        table.names.ends.reserve_exact(names);
        table.names.index.reserve(names, |_| 0);
        table
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
        let mut told_names = [""; MAX_DIMENSIONS];
        let own = &mut told_names[..self.width];
        own.iter_mut().zip(told).for_each(|(place, name)| *place = name);
        let hash = hash(&self.hasher, own.iter().copied());
        let known = |number: u32| series_at(&self.series, &self.names, self.width, number as usize);
        if let Some(number) = self.index.find(hash, |number| known(*number).eq(own.iter().copied())) {
            return *number;
        }
        let number = u32::try_from(self.len()).expect("fewer series than bytes in a request");
        self.series.extend(own.iter().map(|name| self.names.add(name, &self.hasher)));
        let known = |number: u32| series_at(&self.series, &self.names, self.width, number as usize);
        self.index.insert_unique(hash, number, |number| self::hash(&self.hasher, known(*number)));
        number
    }

    /// The number of a series that is known to be new; from then on, only this adds any. A name is
    /// looked for only where its slot in `known` has no number yet.
    pub(super) fn add_by_slots<'s>(&mut self, told: impl Iterator<Item = (&'s str, usize)>, known: &mut [u32]) -> u32 {
        let number = u32::try_from(self.len()).expect("fewer series than bytes in a request");
        let Self { width, series, names, hasher, .. } = self;
        series.extend(told.take(*width).map(|(name, slot)| match known[slot] {
            0 if slot == 0 => names.add(name, hasher),
            0 => {
                known[slot] = names.add(name, hasher);
                known[slot]
            }
            number => number,
        }));
        number
    }

    /// Makes room for so many names and series.
    pub(super) fn reserve(&mut self, names: usize, series: usize) {
        let Self { hasher, names: Names { arena, ends, index }, .. } = self;
        ends.reserve(names);
        index.reserve(names, |number| hasher.hash_one(name_at(arena, ends, *number)));
        self.series.reserve(series * self.width);
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = Dimensions<'_>> {
        (0..self.len()).map(|number| {
            let mut dimensions = Dimensions::default();
            let names = series_at(&self.series, &self.names, self.width, number);
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
    /// The number of a name from 1, a new one if it is new; 0 is `""`.
    fn add(&mut self, name: &str, hasher: &RandomState) -> u32 {
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

/// The names of a series by its number.
fn series_at<'t>(series: &'t [u32], names: &'t Names, width: usize, number: usize) -> impl Iterator<Item = &'t str> {
    series[number * width..][..width].iter().map(|name| name_at(&names.arena, &names.ends, *name))
}

/// A length beside each name keeps `ab, c` and `a, bc` apart.
fn hash<'t>(hasher: &RandomState, names: impl Iterator<Item = &'t str>) -> u64 {
    let mut state = hasher.build_hasher();
    for name in names {
        state.write_usize(name.len());
        state.write(name.as_bytes());
    }
    state.finish()
}
