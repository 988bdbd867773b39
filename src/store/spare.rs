//! Room that small requests leave behind for the next ones: making it took longer than filling it.

use super::columns::Columns;
use crate::engine::Resolved;
use hashbrown::HashMap;
use parking_lot::Mutex;

/// Rooms kept, and bytes of the largest: a quarter of a megabyte in all.
const MOST: usize = 16;
const SMALL: usize = 16 << 10;

/// What a request is taken in.
pub(super) struct Room {
    pub(super) columns: Columns,
    pub(super) known: HashMap<u32, u32, foldhash::fast::RandomState>, // the engine's number of a series, and the record's
    pub(super) resolved: Vec<Resolved>,                               // by the record's number
}

/// Rooms that nobody is in.
#[derive(Default)]
pub(super) struct Spare(Mutex<Vec<Room>>);

impl Spare {
    /// An empty room, for series of so many dimensions: always as many.
    pub(super) fn take(&self, width: usize) -> Room {
        let made = || Room { columns: Columns::new(width), known: HashMap::default(), resolved: Vec::new() };
        self.0.lock().pop().unwrap_or_else(made)
    }

    /// Takes a room back, if it is small.
    pub(super) fn give(&self, mut room: Room) {
        if room.columns.bytes() > SMALL {
            return;
        }
        room.columns.clear();
        room.known.clear();
        room.resolved.clear();
        let mut rooms = self.0.lock();
        if rooms.len() < MOST {
            rooms.push(room);
        }
    }
}
