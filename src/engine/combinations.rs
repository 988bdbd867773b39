//! Sums by combination of rollup groups, kept while a bucket is open.
//!
//! A call belongs to several rollup groups: the total, its model, its provider, and so on. Few of
//! the possible combinations occur, so a call is added to one of them, and the groups are made of
//! the combinations when somebody asks or the bucket is sealed.

use super::cell::Cell;
use super::cell::Delta;
use super::series::TOTAL;
use foldhash::fast::FixedState;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use hashbrown::HashTable;
use std::hash::BuildHasher;
use std::hash::Hasher;

/// Cells by combination. A combination is as many groups as there are rollups, one of each.
#[derive(Debug)]
pub(super) struct Combinations {
    rollups: usize,
    index: HashTable<u32>, // place in `cells`
    groups: Vec<u32>,      // `rollups` of each
    cells: Vec<Cell>,
    total: Cell,
    hasher: RandomState,
}

impl Combinations {
    pub(super) fn new(rollups: usize) -> Self {
        Self {
            rollups,
            index: HashTable::new(),
            groups: Vec::new(),
            cells: Vec::new(),
            total: Cell::default(),
            hasher: RandomState::default(),
        }
    }

    /// The place of a combination.
    #[inline]
    pub(super) fn place(&mut self, groups: &[u32]) -> u32 {
        let hash = hash(&self.hasher, groups);
        let same = |place: &u32| self.groups(*place as usize).iter().zip(groups).all(|(a, b)| a == b);
        self.index.find(hash, same).copied().unwrap_or_else(|| self.begin(hash, groups))
    }

    #[cold]
    fn begin(&mut self, hash: u64, groups: &[u32]) -> u32 {
        let place = u32::try_from(self.cells.len()).expect("a bucket is sealed long before");
        self.cells.push(Cell::default());
        self.groups.extend_from_slice(groups);
        let Self { index, groups, rollups, hasher, .. } = self;
        let of = |place: &u32| &groups[*place as usize * *rollups..][..*rollups];
        index.insert_unique(hash, place, |place| self::hash(hasher, of(place)));
        place
    }

    /// Counts a call.
    #[inline(always)]
    pub(super) fn add(&mut self, place: u32, call: &Delta) {
        self.total.add(call);
        self.cells[place as usize].add(call);
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// The groups of the combination at a place, the total left out.
    pub(super) fn groups(&self, place: usize) -> &[u32] {
        &self.groups[place * self.rollups..][..self.rollups]
    }

    /// The combinations in the order of their places.
    pub(super) fn all(&self) -> impl Iterator<Item = (&[u32], &Cell)> {
        self.cells.iter().enumerate().map(|(place, cell)| (self.groups(place), cell))
    }

    /// All calls together.
    pub(super) fn total(&self) -> &Cell {
        &self.total
    }

    /// The sums of each group that was seen, and for each combination where its groups are among them.
    pub(super) fn by_group(&self) -> Groups {
        let stride = self.rollups + 1;
        let mut by_group = Groups { stride, ids: vec![TOTAL], cells: vec![self.total.clone()], slots: Vec::new() };
        by_group.slots.reserve_exact(self.len() * stride);
        let mut known: HashMap<u32, u32, FixedState> = HashMap::default();
        for (groups, cell) in self.all() {
            by_group.slots.push(0);
            for group in groups {
                let slot = *known.entry(*group).or_insert_with(|| {
                    by_group.ids.push(*group);
                    by_group.cells.push(Cell::default());
                    by_group.ids.len() as u32 - 1
                });
                by_group.cells[slot as usize].merge(cell);
                by_group.slots.push(slot);
            }
        }
        by_group
    }

    /// Bytes on the heap, about.
    pub(super) fn bytes(&self) -> usize {
        self.cells.capacity() * size_of::<Cell>() + self.groups.capacity() * 4 + self.index.capacity() * 5
    }
}

/// Two groups at a time: there are few of them, all of one length.
#[inline]
fn hash(hasher: &RandomState, groups: &[u32]) -> u64 {
    let mut state = hasher.build_hasher();
    for pair in groups.chunks(2) {
        state.write_u64(pair.iter().fold(0, |pair, group| pair << 32 | u64::from(*group)));
    }
    state.finish()
}

/// The rollup groups of an open bucket.
#[derive(Debug)]
pub(super) struct Groups {
    stride: usize,
    /// By slot, in no order.
    pub(super) ids: Vec<u32>,
    /// By slot.
    pub(super) cells: Vec<Cell>,
    slots: Vec<u32>, // `stride` of each combination
}

impl Groups {
    /// The slots of a combination's groups.
    pub(super) fn slots(&self, combination: usize) -> &[u32] {
        &self.slots[combination * self.stride..][..self.stride]
    }
}
