//! Sums by combination of rollup groups, kept while a bucket is open.
//!
//! A call belongs to several rollup groups: the total, its model, its provider, and so on. Few of
//! the possible combinations occur, so a call is added to one of them, and the groups are made of
//! the combinations when somebody asks or the bucket is sealed.

use super::cell::Cell;
use super::combination::Combination;
use super::entry::Entry;
use super::series::TOTAL;
use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// Cells by combination.
#[derive(Debug)]
pub(super) struct Combinations {
    rollups: usize,
    places: HashMap<u32, u32, FixedState>, // by number, in the two below
    known: Vec<Combination>,
    cells: Vec<Cell>,
    total: Cell,
}

impl Combinations {
    /// None yet, of so many groups each.
    pub(super) fn new(rollups: usize) -> Self {
        Self { rollups, places: HashMap::default(), known: Vec::new(), cells: Vec::new(), total: Cell::default() }
    }

    /// The place of the combination of a number.
    #[inline]
    pub(super) fn place(&mut self, number: u32, told: impl FnOnce() -> Combination) -> u32 {
        self.places.get(&number).copied().unwrap_or_else(|| self.begin(number, told()))
    }

    #[cold]
    fn begin(&mut self, number: u32, combination: Combination) -> u32 {
        let place = u32::try_from(self.cells.len()).expect("a bucket is sealed long before");
        self.cells.push(Cell::default());
        self.known.push(combination);
        self.places.insert(number, place);
        place
    }

    /// Counts a call.
    #[inline(always)]
    pub(super) fn add(&mut self, call: &Entry) {
        self.total.add(call);
        self.cells[call.combination as usize].add(call);
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// The groups of the combination at a place, the total left out.
    pub(super) fn groups(&self, place: usize) -> &[u32] {
        &self.known[place][..self.rollups]
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
        self.cells.capacity() * size_of::<Cell>()
            + self.known.capacity() * size_of::<Combination>()
            + self.places.allocation_size()
    }
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
