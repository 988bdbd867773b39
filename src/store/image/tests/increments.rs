//! One snapshot after another.

use super::*;
use crate::snapshot::remove_old;

/// Counts some calls in a second, and takes a snapshot two seconds later.
fn step(engine: &Engine, freezer: &mut Freezer, memory: &Memory, second: i64, full: bool) -> Saved {
    count(engine, &[(second, second.cast_unsigned()), (second, 99)], after(second));
    let image = engine.image(after(second + 2), || ());
    freezer.write(memory, &image, head(second.cast_unsigned()), ids(5), full).unwrap()
}

/// Seconds from the first on, each a leaf.
fn leaves(second: i64) -> usize {
    usize::try_from(second).unwrap() + 1
}

fn same(memory: &Memory, info: &Saved, engine: &Engine) {
    assert_eq!(verify(memory, &info.name).unwrap(), *info);
    let copy = load(memory, &info.name, config()).unwrap();
    assert!(copy.canonical_bytes() == engine.canonical_bytes(), "{}", info.name);
}

#[test]
fn only_what_changed_is_written() {
    let engine = Engine::new(config()).unwrap();
    let (memory, mut freezer) = (Memory::default(), Freezer::default());
    for second in 0..200 {
        count(&engine, &[(second, 7), (second, 8)], after(second));
    }
    let first = step(&engine, &mut freezer, &memory, 200, false);
    assert!(first.full && first.leaves_written == 201);
    for second in 201..=211 {
        let info = step(&engine, &mut freezer, &memory, second, false);
        assert!(!info.full && info.leaves_written == 1 && info.leaves_total == leaves(second), "{info:?}");
        assert!(info.bytes < first.bytes);
        same(&memory, &info, &engine);
    }
    let info = step(&engine, &mut freezer, &memory, 212, false);
    assert!(info.full && info.leaves_written == 213, "after eleven that lean on others");
    same(&memory, &info, &engine);
    assert!(!step(&engine, &mut freezer, &memory, 213, false).full);
    assert!(step(&engine, &mut freezer, &memory, 214, true).full, "when it is asked for");
    assert!(step(&engine, &mut Freezer::default(), &memory, 215, false).full, "after a restart");
}

#[test]
fn a_late_call_changes_its_leaf() {
    let engine = Engine::new(config()).unwrap();
    let (memory, mut freezer) = (Memory::default(), Freezer::default());
    for second in 0..30 {
        count(&engine, &[(second, 7)], after(second));
    }
    step(&engine, &mut freezer, &memory, 30, false);
    count(&engine, &[(11, 5)], after(33));
    let info = step(&engine, &mut freezer, &memory, 35, false);
    assert_eq!((info.leaves_written, info.full), (2, false));
    same(&memory, &info, &engine);
}

#[test]
fn where_most_of_the_old_files_is_dead_a_full_one_is_written() {
    let engine = Engine::new(config()).unwrap();
    let (memory, mut freezer) = (Memory::default(), Freezer::default());
    for second in 0..500 {
        count(&engine, &[(second, 7)], after(second));
    }
    step(&engine, &mut freezer, &memory, 500, false);
    // Seconds leave the first tier as minutes take over.
    let some = step(&engine, &mut freezer, &memory, 1_000, false);
    assert!(!some.full && some.leaves_written < some.leaves_total / 2, "{some:?}");
    same(&memory, &some, &engine);
    let most = step(&engine, &mut freezer, &memory, 1_300, false);
    assert!(most.full, "{most:?}");
    same(&memory, &most, &engine);
}

#[test]
fn the_same_place_is_written_once() {
    let (engine, now) = grown(100);
    let (memory, mut freezer) = (Memory::default(), Freezer::default());
    let write = |freezer: &mut Freezer, instance: u8| {
        let head = Head { instance: [instance; 16], ..head(100) };
        freezer.write(&memory, &engine.image(now, || ()), head, ids(3), true)
    };
    let first = write(&mut freezer, 3).unwrap();
    let bytes = memory.get(&path(&first));
    assert_eq!(write(&mut freezer, 3).unwrap(), first);
    assert_eq!(write(&mut Freezer::default(), 3).unwrap(), first, "after a restart too");
    assert!(matches!(write(&mut freezer, 4), Err(SnapshotError::Foreign { .. })), "of another installation");
    assert!(memory.get(&path(&first)) == bytes);

    let mut damaged = bytes.clone();
    damaged[300] ^= 1;
    memory.put(&path(&first), damaged.clone());
    assert!(matches!(write(&mut freezer, 3), Err(SnapshotError::Damaged { .. })));
    assert!(memory.get(&path(&first)) == damaged, "damage is left to be looked at");
}

#[test]
fn a_failed_snapshot_changes_nothing() {
    let engine = Engine::new(config()).unwrap();
    let (memory, mut freezer) = (Memory::default(), Freezer::default());
    count(&engine, &(0..60).map(|second| (second, 7)).collect::<Vec<_>>(), after(60));
    step(&engine, &mut freezer, &memory, 60, false);
    let mut failures = 0;
    for second in 61..70 {
        count(&engine, &[(second, 5)], after(second));
        let image = engine.image(after(second + 2), || ());
        let place = second.cast_unsigned();
        memory.fail_after(Some(usize::try_from(second - 61).unwrap()));
        failures += u32::from(freezer.write(&memory, &image, head(place), ids(1), false).is_err());
        memory.fail_after(None);
        let info = freezer.write(&memory, &image, head(place), ids(1), false).unwrap();
        assert_eq!(info.leaves_total, leaves(second));
        same(&memory, &info, &engine);
    }
    assert!(failures >= 5);
}

#[test]
fn what_is_removed_is_not_needed() {
    let engine = Engine::new(config()).unwrap();
    let (memory, mut freezer) = (Memory::default(), Freezer::default());
    count(&engine, &(0..60).map(|second| (second, 7)).collect::<Vec<_>>(), after(60));
    let mut all = 0;
    for second in 60..100 {
        let info = step(&engine, &mut freezer, &memory, second, false);
        all += 1;
        let gone = remove_old(&memory, 2).unwrap();
        assert!(!gone.contains(&info.name));
        let left = crate::snapshot::list(&memory).unwrap();
        assert!(left.len() <= 14, "{} of {all}", left.len());
        left.iter().take(2).for_each(|item| drop(verify(&memory, &item.name).unwrap()));
        same(&memory, &info, &engine);
    }
}
