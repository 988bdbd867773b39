//! Ids: what makes two the same, how long they are known, and that neither a restart nor a snapshot
//! makes a difference to that.

use super::kit::at;
use super::kit::open_with;
use super::kit::settings;
use crate::sim::Loss;
use crate::sim::SimDisk;
use tallyring::engine::event::Dimension;
use tallyring::engine::event::Dimensions;
use tallyring::engine::event::Event;
use tallyring::engine::event::Measures;
use tallyring::engine::event::Reason;
use tallyring::store::Batch;
use tallyring::store::Receipt;
use tallyring::store::Settings;
use tallyring::store::Store;

const HORIZON: u64 = 50;

/// What happens between an event and its duplicate.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Between {
    Nothing,
    Kill,
    PowerCut,
    Snapshot,
    SnapshotAndKill,
    Close,
}

const ALL: [Between; 6] =
    [Between::Nothing, Between::Kill, Between::PowerCut, Between::Snapshot, Between::SnapshotAndKill, Between::Close];

struct World {
    disk: SimDisk,
    store: Store,
}

fn with_horizon() -> Settings {
    Settings { id_horizon: usize::try_from(HORIZON).unwrap(), ..settings() }
}

impl World {
    fn new() -> Self {
        let disk = SimDisk::new();
        let store = open_with(&disk, with_horizon(), at(0)).unwrap().0;
        Self { disk, store }
    }

    fn send(&self, writer: &str, id: &str, tokens: u64) -> Receipt {
        let mut batch = Batch::new(|pointer| pointer);
        let dimensions = Dimensions::default().with(Dimension::Model, "m");
        let measures = Measures { input_tokens: Some(tokens), ..Measures::default() };
        batch.push(0, Event { timestamp: at(0), dimensions, measures, id, ..Event::default() }, true);
        self.store.ingest(writer, batch, false, at(0)).unwrap()
    }

    fn between(self, what: Between) -> Self {
        let Self { disk, store } = self;
        match what {
            Between::Nothing => return Self { disk, store },
            Between::Snapshot => {
                let _ = store.snapshot(false, at(0)).unwrap();
                return Self { disk, store };
            }
            Between::SnapshotAndKill => drop(store.snapshot(false, at(0)).unwrap()),
            Between::Close => store.close(at(0)).unwrap(),
            Between::Kill | Between::PowerCut => {}
        }
        drop(store);
        let mut loss = if what == Between::PowerCut { Loss::all() } else { Loss::nothing() };
        let disk = SimDisk::boot(&disk.cut(&mut loss));
        let store = open_with(&disk, with_horizon(), at(0)).unwrap().0;
        Self { disk, store }
    }
}

/// (accepted, duplicates, conflicts)
fn fate(receipt: &Receipt) -> (u64, u64, usize) {
    let conflicts = receipt.errors.iter().filter(|error| error.reason == Reason::Conflict).count();
    (receipt.accepted, receipt.duplicates, conflicts)
}

const NEW: (u64, u64, usize) = (1, 0, 0);
const DUPLICATE: (u64, u64, usize) = (0, 1, 0);
const CONFLICT: (u64, u64, usize) = (0, 0, 1);

/// An id is known while fewer than the horizon came after it; what happens in between, and when,
/// makes no difference.
#[test]
fn the_horizon_is_exact_across_restarts() {
    for (what, when) in ALL.iter().flat_map(|what| [0, 1, 25, 49].map(|when| (*what, when))) {
        for (others, want) in [(HORIZON - 2, DUPLICATE), (HORIZON - 1, DUPLICATE), (HORIZON, NEW), (HORIZON + 1, NEW)] {
            let mut world = World::new();
            let before = [world.send("w", "before", 1), world.send("w", "x", 7)];
            assert!(before.iter().all(|receipt| fate(receipt) == NEW));
            for n in 0..others {
                if n == when {
                    world = world.between(what);
                }
                assert_eq!(fate(&world.send("w", &format!("other-{n}"), n)), NEW);
            }
            assert_eq!(fate(&world.send("w", "x", 7)), want, "{others} others, {what:?} after {when}");
        }
    }
}

/// A duplicate does not make its id young again, after a restart no more than before.
#[test]
fn a_restart_leaves_the_order_of_ids() {
    for what in ALL {
        let mut world = World::new();
        for n in 0..HORIZON {
            let _ = world.send("w", &format!("{n}"), n);
        }
        assert_eq!(fate(&world.send("w", "0", 0)), DUPLICATE);
        world = world.between(what);
        assert_eq!(fate(&world.send("w", "new", 0)), NEW);
        let mut known = 0;
        for n in (0..HORIZON).rev() {
            // Asked for with another payload, so that asking changes nothing.
            known += u64::from(fate(&world.send("w", &format!("{n}"), n + 1)) == CONFLICT);
            if known < HORIZON - n {
                break;
            }
        }
        assert_eq!(known, HORIZON - 1, "{what:?}: all but the oldest");
    }
}

#[test]
fn an_id_is_its_bytes_and_its_writer() {
    let (longest, too_long) = ("i".repeat(128), "i".repeat(129));
    let ids = ["a", " a", "a ", "A", "é", "e\u{301}", "\u{0}", "😀", "0", "00", longest.as_str()];
    for what in ALL {
        let mut world = World::new();
        for id in ids {
            assert_eq!(fate(&world.send("w", id, 1)), NEW, "{id:?}");
        }
        assert_eq!(fate(&world.send("v", "a", 2)), NEW, "another writer");
        assert_eq!(fate(&world.send("", "a", 3)), NEW, "no writer");
        assert_eq!([world.send("w", "", 1), world.send("w", "", 1)].map(|receipt| fate(&receipt)), [NEW, NEW], "none");
        let refused = world.send("w", &too_long, 1);
        assert_eq!((refused.accepted, refused.errors[0].reason), (0, Reason::Invalid));
        world = world.between(what);
        for id in ids {
            assert_eq!(fate(&world.send("w", id, 1)), DUPLICATE, "{id:?} after {what:?}");
            assert_eq!(fate(&world.send("w", id, 2)), CONFLICT, "{id:?} after {what:?}");
        }
        assert_eq!([world.send("v", "a", 2), world.send("", "a", 3)].map(|receipt| fate(&receipt)), [DUPLICATE; 2]);
        assert_eq!(fate(&world.send("v", "a", 1)), CONFLICT, "{what:?}");
        assert_eq!(fate(&world.send("w", "", 1)), NEW, "{what:?}");
    }
}

/// The key of a whole request counts as an id: sent again it is known, with another body it is a
/// conflict, whatever came between.
#[test]
fn a_key_names_a_whole_request() {
    for what in ALL {
        let world = World::new();
        assert_eq!(keyed(&world, "k", b"body"), Ok((3, 0)));
        let world = world.between(what);
        assert_eq!(keyed(&world, "k", b"body"), Ok((0, 3)), "{what:?}");
        assert!(keyed(&world, "k", b"another").is_err(), "{what:?}");
        assert_eq!(keyed(&world, "l", b"body"), Ok((3, 0)), "{what:?}");
    }
}

fn keyed(world: &World, key: &str, body: &[u8]) -> Result<(u64, u64), String> {
    let mut intake = world.store.intake("w", at(0));
    intake.idempotency_key(key, body);
    let mut batch = Batch::new(|pointer| pointer);
    for index in 0..3 {
        let dimensions = Dimensions::default().with(Dimension::Model, "m");
        batch.push(index, Event { timestamp: at(0), dimensions, ..Event::default() }, true);
    }
    intake.push(batch);
    let committed = intake.commit(false).map_err(|fault| fault.to_string())?;
    let receipt = committed.wait().map_err(|fault| fault.to_string())?;
    Ok((receipt.accepted, receipt.duplicates))
}
