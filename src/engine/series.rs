//! Interning: six texts and up to four labels become one small number, hashed once and probed
//! once. Here the cardinality limits hold.
//!
//! Beyond a limit a call is still counted, under series whose names say so:
//!
//! ```text
//! a dimension is full          that value becomes __other__
//! the series are nearly full   key, user and labels become __other__, the rest stays
//! the series are full          everything does; two last series tell success from failure
//! ```

use super::aggregate::Kind;
use super::combination::Combination;
use super::combination::CombinationTable;
use super::config::Config;
use super::event::Dimension;
use super::event::Dimensions;
use super::event::MAX_DIMENSIONS;
use super::event::status;
use super::numbers::NumberTable;
use super::numbers::Numbers;
use super::values::NONE;
use super::values::OTHER;
use super::values::OTHER_TEXT;
use super::values::Values;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;
use std::hash::Hasher;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

/// The rollup group that every call belongs to.
pub(super) const TOTAL: u32 = 0;

/// The rollup group of one value of a dimension. Ten dimensions leave 28 bits for the value.
pub(super) fn group_of(dimension: Dimension, value: u32) -> u32 {
    ((dimension.index() as u32 + 1) << 28) | value
}

/// What recording needs to know of a series.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resolved {
    pub(crate) id: u32,
    traits: Traits,
}

/// What calls of a series have in common: the number of a combination of rollup groups, and two bits
/// for their kind.
#[derive(Clone, Copy, Debug)]
struct Traits(u32);

impl Traits {
    fn new(combination: u32, kind: Kind) -> Self {
        Self(combination << 2 | u32::from(kind.overflowed) << 1 | u32::from(kind.failure))
    }

    fn with_combination(self, combination: u32) -> Self {
        Self(combination << 2 | self.0 & 3)
    }
}

impl Resolved {
    /// The number of its combination of rollup groups.
    #[inline]
    pub(super) fn combination(&self) -> u32 {
        self.traits.0 >> 2
    }

    #[inline]
    pub(super) fn kind(&self) -> Kind {
        Kind { failure: self.traits.0 & 1 != 0, overflowed: self.traits.0 & 2 != 0 }
    }

    /// As a word, for [`from_word`](Self::from_word).
    pub(super) fn word(&self) -> u64 {
        u64::from(self.id) << 32 | u64::from(self.traits.0)
    }

    #[inline]
    pub(super) fn from_word(word: u64) -> Self {
        Self { id: (word >> 32) as u32, traits: Traits(word as u32) }
    }
}

/// All series. Numbers of forgotten series are used again.
#[derive(Debug)]
pub(super) struct SeriesTable {
    width: usize, // dimensions counted
    limit: usize,
    rollups: Vec<Dimension>,
    index: HashTable<u32>,
    values: Vec<Values>,  // by dimension
    numbers: NumberTable, // the values of each series
    traits: Vec<Traits>,  // of each series
    combinations: CombinationTable,
    last_day: Vec<AtomicU32>, // the newest day each series was seen on; DEAD when forgotten
    free: Vec<u32>,
    hasher: RandomState,
    budget: usize, // bytes for names; see `is_full`
    groups: usize, // values of dimensions rolled up
    full: bool,
}

/// Bytes of a rollup group seen once.
const GROUP_BYTES: usize = 1_536;

/// `last_day` of a number not in use.
const DEAD: u32 = u32::MAX;

impl SeriesTable {
    pub(super) fn new(config: &Config) -> Self {
        let limit = |dimension| match dimension {
            Dimension::Key | Dimension::User => config.max_identities,
            _ => config.max_values,
        };
        let values = config.dimensions().map(|dimension| Values::new(limit(dimension) as usize)).collect();
        Self {
            width: config.dimensions().count(),
            numbers: NumberTable::new(config.dimensions().count()),
            limit: config.max_series as usize,
            rollups: config.rollups.clone(),
            index: HashTable::new(),
            values,
            traits: Vec::new(),
            combinations: CombinationTable::default(),
            last_day: Vec::new(),
            free: Vec::new(),
            hasher: RandomState::default(),
            budget: usize::try_from(config.memory_bytes / 3).unwrap_or(usize::MAX),
            groups: 0,
            full: false,
        }
    }

    /// The series of these values, if it is known.
    #[inline]
    pub(super) fn find(&self, dimensions: &Dimensions<'_>, day: u32) -> Option<Resolved> {
        let same = |id: &u32| {
            let mut texts = self.values.iter().zip(&dimensions.0).enumerate();
            texts.all(|(place, (values, text))| &**values.text(self.numbers.number(*id, place)) == *text)
        };
        let id = *self.index.find(self.hash_texts(dimensions.0[..self.width].iter().copied()), same)?;
        self.see(id, day);
        Some(self.resolved(id))
    }

    /// The series of these values, made if there is room, else the nearest `__other__`.
    pub(super) fn admit(&mut self, dimensions: &Dimensions<'_>, day: u32) -> Resolved {
        let full = self.is_full(); // judged once, so that a value let in has a series too
        let mut numbers = [NONE; MAX_DIMENSIONS];
        for (place, text) in dimensions.0[..self.width].iter().enumerate() {
            // Successes stay successes however many statuses there are: 101 values at most.
            let always = place == Dimension::Status.index() && status::is_success(text);
            numbers[place] = match self.values[place].find(text) {
                Some(number) => number,
                None if full && !always => OTHER,
                None => self.new_value(place, text, always),
            };
        }
        let id = self.place(&mut numbers, full);
        self.see(id, day);
        self.resolved(id)
    }

    /// The series of these values as they were decided on before, whatever the limits are now.
    pub(super) fn recall(&mut self, dimensions: &Dimensions<'_>, day: u32) -> Resolved {
        let mut numbers = [NONE; MAX_DIMENSIONS];
        for (place, text) in dimensions.0[..self.width].iter().enumerate() {
            numbers[place] = self.values[place].find(text).unwrap_or_else(|| self.new_value(place, text, true));
        }
        let id = self.find_numbers(&numbers).unwrap_or_else(|| self.insert(&numbers));
        self.see(id, day);
        self.resolved(id)
    }

    /// Written at most once a day, so that threads recording the same series share the line.
    #[inline]
    pub(super) fn see(&self, id: u32, day: u32) {
        let last = &self.last_day[id as usize];
        if last.load(Ordering::Relaxed) < day {
            last.fetch_max(day, Ordering::Relaxed);
        }
    }

    /// The series of these numbers, or of fewer distinctions where there is no room for it.
    fn place(&mut self, numbers: &mut [u32; MAX_DIMENSIONS], full: bool) -> u32 {
        let reserve = (self.limit / 8).clamp(4, 4_096);
        if let Some(id) = self.find_numbers(numbers) {
            return id;
        }
        if !full && self.len() + reserve < self.limit {
            return self.insert(numbers);
        }
        for place in (0..self.width).filter(|place| *place < 2 || *place > Dimension::Status.index()) {
            numbers[place] = OTHER;
        }
        if let Some(id) = self.find_numbers(numbers) {
            return id;
        }
        // Two series stay free for the last resort.
        if self.len() + 2 < self.limit {
            return self.insert(numbers);
        }
        let place = Dimension::Status.index();
        let success = status::is_success(self.values[place].text(numbers[place]));
        numbers[..self.width].fill(OTHER);
        if success {
            numbers[place] = self.values[place].admit(status::SUCCESS, true);
        }
        self.find_numbers(numbers).unwrap_or_else(|| self.insert(numbers))
    }

    fn find_numbers(&self, numbers: &[u32; MAX_DIMENSIONS]) -> Option<u32> {
        self.index.find(self.hash_numbers(numbers), |id| self.numbers.row(*id) == *numbers).copied()
    }

    fn insert(&mut self, numbers: &[u32; MAX_DIMENSIONS]) -> u32 {
        let hash = self.hash_numbers(numbers);
        let traits = self.traits_of(numbers);
        let id = if let Some(id) = self.free.pop() {
            self.numbers.set(id, numbers);
            self.traits[id as usize] = traits;
            self.last_day[id as usize] = AtomicU32::new(0);
            id
        } else {
            self.numbers.push(numbers);
            push(&mut self.traits, traits);
            push(&mut self.last_day, AtomicU32::new(0));
            u32::try_from(self.last_day.len() - 1).expect("the limit is 32 bits wide")
        };
        for (values, number) in self.values.iter_mut().zip(numbers) {
            values.link(*number, id);
        }
        let Self { index, numbers, values, hasher, .. } = self;
        index.insert_unique(hash, id, |id| {
            let row = numbers.row(*id);
            hash_texts(hasher, row.iter().zip(&*values).map(|(number, values)| &**values.text(*number)))
        });
        id
    }

    /// Forgets the series not seen on `day` or later. Answers the rollup groups that are gone.
    pub(super) fn forget_before(&mut self, day: u32) -> Vec<u32> {
        let seen = |id: u32| self.last_day[id as usize].load(Ordering::Relaxed);
        let dead: Vec<u32> = (0..self.last_day.len() as u32).filter(|id| seen(*id) < day).collect();
        if dead.is_empty() {
            return Vec::new();
        }
        for id in &dead {
            let hash = self.hash_numbers(&self.numbers(*id));
            if let Ok(entry) = self.index.find_entry(hash, |other| other == id) {
                entry.remove();
            }
            self.last_day[*id as usize] = AtomicU32::new(DEAD);
        }
        let mut gone = Vec::new();
        for place in 0..self.width {
            let mut touched: Vec<u32> = dead.iter().map(|id| self.numbers(*id)[place]).collect();
            touched.sort_unstable();
            touched.dedup();
            let last_day = &self.last_day;
            for number in touched {
                if self.values[place].unlink(number, |id| last_day[id as usize].load(Ordering::Relaxed) == DEAD) {
                    gone.push((place, number));
                }
            }
        }
        self.free.extend(dead);
        self.combinations.clear();
        for id in self.ids().collect::<Vec<u32>>() {
            let combination = self.combination(id);
            let traits = &mut self.traits[id as usize];
            *traits = traits.with_combination(self.combinations.number(&combination));
        }
        let group = |&(place, number): &(usize, u32)| {
            let dimension = self.rollups.iter().find(|dimension| dimension.index() == place)?;
            Some(group_of(*dimension, number))
        };
        let groups: Vec<u32> = gone.iter().filter_map(group).collect();
        self.groups = self.groups.saturating_sub(groups.len());
        groups
    }

    /// Whether names have taken their share of memory: a third of the budget, the tracks of
    /// rollup groups included. Judged at each new name and not only when time passes, so that a
    /// burst of junk within one second finds the door shut too.
    fn is_full(&self) -> bool {
        self.full || self.bytes() + self.groups * GROUP_BYTES > self.budget
    }

    fn new_value(&mut self, place: usize, text: &str, always: bool) -> u32 {
        let number = self.values[place].admit(text, always);
        let rolled_up = self.rollups.iter().any(|dimension| dimension.index() == place);
        self.groups += usize::from(rolled_up && number != OTHER);
        number
    }

    /// From now on no new names: memory is short.
    pub(super) fn set_full(&mut self, full: bool) {
        self.full = full;
    }

    /// What recording needs to know of a series.
    #[inline]
    fn resolved(&self, id: u32) -> Resolved {
        Resolved { id, traits: self.traits[id as usize] }
    }

    fn traits_of(&mut self, numbers: &Numbers) -> Traits {
        let status = Dimension::Status.index();
        let failure = !status::is_success(self.values[status].text(numbers[status]));
        let kind = Kind { failure, overflowed: numbers.contains(&OTHER) };
        let combination = self.combination_of(numbers);
        Traits::new(self.combinations.number(&combination), kind)
    }

    fn combination_of(&self, numbers: &Numbers) -> Combination {
        let mut combination = [TOTAL; MAX_DIMENSIONS];
        for (group, dimension) in combination.iter_mut().zip(&self.rollups) {
            *group = group_of(*dimension, numbers[dimension.index()]);
        }
        combination
    }

    /// The rollup groups of a series besides the total; the rest is 0.
    pub(super) fn combination(&self, id: u32) -> Combination {
        self.combination_of(&self.numbers(id))
    }

    fn hash_numbers(&self, numbers: &Numbers) -> u64 {
        let texts = numbers.iter().zip(&self.values).map(|(number, values)| &**values.text(*number));
        self.hash_texts(texts)
    }

    #[inline]
    fn hash_texts<'a>(&self, texts: impl Iterator<Item = &'a str>) -> u64 {
        hash_texts(&self.hasher, texts)
    }

    /// The values of a series, by number.
    #[inline]
    pub(super) fn numbers(&self, id: u32) -> Numbers {
        self.numbers.row(id)
    }

    /// The value of a series in one dimension.
    pub(super) fn text(&self, id: u32, dimension: Dimension) -> &Arc<str> {
        let place = dimension.index();
        self.values[place].text(self.numbers.number(id, place))
    }

    /// The values of a series, in the order of the dimensions.
    pub(super) fn texts(&self, id: u32) -> impl Iterator<Item = &Arc<str>> {
        self.values.iter().enumerate().map(move |(place, values)| values.text(self.numbers.number(id, place)))
    }

    /// The values of a dimension.
    pub(super) fn values(&self, dimension: Dimension) -> &Values {
        &self.values[dimension.index()]
    }

    /// All series, by number.
    pub(super) fn ids(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.last_day.len() as u32).filter(|id| self.last_day[*id as usize].load(Ordering::Relaxed) != DEAD)
    }

    /// One more than the highest number in use.
    pub(super) fn bound(&self) -> usize {
        self.last_day.len()
    }

    /// How many series there are.
    pub(super) fn len(&self) -> usize {
        self.last_day.len() - self.free.len()
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        let values: usize = self.values.iter().map(Values::bytes).sum();
        let lists = (self.last_day.capacity() + self.free.capacity() + self.traits.capacity()) * 4;
        self.numbers.bytes() + lists + self.combinations.bytes() + self.index.allocation_size() + values
    }
}

/// Appends to a list of many: doubling would leave half of it empty.
fn push<T>(list: &mut Vec<T>, value: T) {
    if list.len() == list.capacity() {
        list.reserve_exact(list.len() / 8 + 64);
    }
    list.push(value);
}

fn hash_texts<'a>(hasher: &RandomState, texts: impl Iterator<Item = &'a str>) -> u64 {
    let mut state = hasher.build_hasher();
    for text in texts {
        state.write(text.as_bytes());
        state.write_u8(0xff); // no text holds this byte, so ("ab", "c") and ("a", "bc") differ
    }
    state.finish()
}

/// Whether an outsider's value would pass for the engine's own.
pub(super) fn is_reserved(dimensions: &Dimensions<'_>) -> bool {
    dimensions.0.contains(&OTHER_TEXT)
}
