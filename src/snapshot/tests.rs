//! Framing, publishing, listing and removing, over sections of any bytes.

use super::memory::Memory;
use super::*;
use crate::storage::Storage;
use proptest::prelude::*;

fn head(events: u64) -> Head {
    Head { instance: [7; 16], place: Place { frames: events / 10, events, chain: [9; 32] }, taken_us: 1_000 }
}

/// Some that compress and some that do not.
fn bodies() -> Vec<Vec<u8>> {
    let noise = (0..900_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    vec![vec![], vec![1], vec![5; 3_000], noise]
}

fn write(memory: &Memory, events: u64, leans: &[Lean]) -> Published {
    let mut writer = Writer::begin(memory, head(events)).unwrap();
    for (place, body) in bodies().iter().enumerate() {
        assert_eq!(writer.section(place as u32 + 1, 1, body).unwrap() as usize, place);
    }
    writer.publish(leans).unwrap()
}

fn lean(published: &Published, events: u64) -> Lean {
    Lean { frames: events / 10, events, blake3: published.blake3 }
}

/// Whether everything in a file reads as it was written.
fn whole(memory: &Memory, name: &str) -> Result<(), SnapshotError> {
    let snapshot = verify(memory, name)?;
    for (place, body) in bodies().iter().enumerate() {
        assert!(snapshot.read(place)? == *body && snapshot.sections()[place].kind == place as u32 + 1);
    }
    assert_eq!(snapshot.head(), &head(snapshot.head().place.events));
    assert_eq!(snapshot.sections().len(), bodies().len());
    Ok(())
}

fn sole() -> (Memory, Published, String) {
    let memory = Memory::default();
    let published = write(&memory, 100, &[]);
    let path = format!("{FOLDER}/{}", published.name);
    (memory, published, path)
}

#[test]
fn what_was_written_is_read() {
    let (memory, published, path) = sole();
    whole(&memory, &published.name).unwrap();
    assert_eq!(memory.get(&path).len() as u64, published.bytes);
    assert_eq!(memory.names(), [path]);
    let again = sole();
    assert_eq!(again.1, published, "the bytes depend on what is written only");
}

#[test]
fn it_is_cut_anywhere_or_lengthened() {
    let (memory, published, path) = sole();
    let bytes = memory.get(&path);
    for len in 0..bytes.len() {
        memory.put(&path, bytes[..len].to_vec());
        assert!(matches!(whole(&memory, &published.name), Err(SnapshotError::Damaged { .. })), "cut to {len}");
    }
    for more in [&[0][..], &bytes, &bytes[bytes.len() - 20..]] {
        memory.put(&path, [&bytes, more].concat());
        assert!(matches!(whole(&memory, &published.name), Err(SnapshotError::Damaged { .. })));
    }
}

#[test]
fn every_flipped_bit_is_found() {
    let (memory, published, path) = sole();
    let mut bytes = memory.get(&path);
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        memory.put(&path, bytes.clone());
        assert!(matches!(whole(&memory, &published.name), Err(SnapshotError::Damaged { .. })), "bit {bit}");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    /// Runs of bytes zeroed, moved and doubled, as a disk does it.
    #[test]
    fn misplaced_blocks_are_found(from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(), len in 1_usize..600, kind in 0..3) {
        let (memory, published, path) = sole();
        let bytes = memory.get(&path);
        let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
        let len = len.min(bytes.len() - from.max(to));
        let mut changed = bytes.clone();
        match kind {
            0 => changed[from..from + len].fill(0),
            1 => changed[to..to + len].copy_from_slice(&bytes[from..from + len]),
            _ => drop(changed.splice(to..to, bytes[from..from + len].to_vec())),
        }
        memory.put(&path, changed.clone());
        prop_assert_eq!(whole(&memory, &published.name).is_ok(), changed == bytes);
    }
}

#[test]
fn nothing_has_its_name_before_it_is_synced() {
    let (memory, published, _) = sole();
    assert_eq!(memory.done(), ["create folder", "create", "write", "sync", "rename", "sync folder"]);
    find(&memory, [7; 16], &head(100).place).unwrap().unwrap();
    assert_eq!(memory.done().len(), 6, "the last was the syncing of the folder, and is again");
    write(&memory, 200, &[]);
    write(&memory, 300, &[]);
    assert_eq!(remove_old(&memory, 2).unwrap(), [published.name]);
    assert!(memory.done().ends_with(&["sync folder", "remove", "sync folder"]));
}

/// Each checksum is right, and yet these are not the bytes whose hash is told.
#[test]
fn a_file_of_another_hash_is_found() {
    let (memory, published, path) = sole();
    let other = Memory::default();
    let mut writer = Writer::begin(&other, head(100)).unwrap();
    writer.section(9, 9, b"other").unwrap();
    let hash = writer.publish(&[]).unwrap().blake3;
    let mut bytes = memory.get(&path);
    let tail = bytes.len() - 20;
    bytes[tail - 32..tail].copy_from_slice(&hash);
    let index = tail - 32 - bodies().len() * 36;
    let crc = crc32c::crc32c(&bytes[index..tail + 8]).to_le_bytes();
    bytes[tail + 8..tail + 12].copy_from_slice(&crc);
    memory.put(&path, bytes);
    Snapshot::open(&memory, &published.name).unwrap();
    let Err(fault) = verify(&memory, &published.name) else { panic!("taken") };
    assert!(fault.to_string().contains("BLAKE3"), "{fault}");
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let (memory, published, path) = sole();
    let mut bytes = memory.get(&path);
    bytes[8] = 2;
    let crc = crc32c::crc32c(&bytes[..84]).to_le_bytes();
    bytes[84..88].copy_from_slice(&crc);
    memory.put(&path, bytes.clone());
    let Err(fault) = Snapshot::open(&memory, &published.name) else { panic!("a newer format was read") };
    let text = fault.to_string();
    assert!(matches!(fault, SnapshotError::Foreign { .. }), "{text}");
    assert!(text.contains(&published.name) && text.contains("newer release in format 2"), "{text}");
    assert_eq!(memory.get(&path), bytes);
}

#[test]
fn a_renamed_file_is_found() {
    let (memory, _, path) = sole();
    let other = format!("{:020}-{:020}.snap", 10, 101);
    memory.rename(&path, &format!("{FOLDER}/{other}")).unwrap();
    assert!(matches!(Snapshot::open(&memory, &other), Err(SnapshotError::Damaged { .. })));
    assert!(matches!(Snapshot::open(&memory, "../secret"), Err(SnapshotError::Foreign { .. })), "never opened");
}

#[test]
fn a_snapshot_is_never_written_over() {
    let (memory, _, path) = sole();
    let before = memory.get(&path);
    let Err(SnapshotError::Io { fault, .. }) = Writer::begin(&memory, head(100)) else { panic!("begun again") };
    assert_eq!(fault.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(memory.get(&path), before);
}

#[test]
fn a_failing_disk_leaves_no_half_snapshot() {
    for changes in 0.. {
        let memory = Memory::default();
        memory.fail_after(Some(changes));
        let written = Writer::begin(&memory, head(1)).and_then(|mut writer| {
            writer.section(1, 1, &[1; 100])?;
            writer.publish(&[])
        });
        memory.fail_after(None);
        let listed = list(&memory).unwrap();
        assert!(listed.iter().all(|item| verify(&memory, &item.name).is_ok()));
        if written.is_ok() {
            assert!(changes > 5 && listed.len() == 1);
            break;
        }
        discard(&memory);
        assert_eq!(memory.names().len(), listed.len(), "nothing lies about after {changes} changes");
    }
}

#[test]
fn a_section_beyond_the_limit_is_refused() {
    let memory = Memory::default();
    let mut writer = Writer::begin(&memory, head(1)).unwrap();
    assert!(writer.section(1, 1, &vec![0; MAX_SECTION + 1]).is_err());
    let large = vec![0; layout::MAX_ZSTD + 1];
    writer.section(1, 1, &large).unwrap();
    let published = writer.publish(&[]).unwrap();
    let snapshot = verify(&memory, &published.name).unwrap();
    assert!(!snapshot.sections()[0].zstd, "what is large is stored as it is");
    assert_eq!(snapshot.read(0).unwrap(), large);
}

#[test]
fn lists_newest_first_and_nothing_else() {
    let memory = Memory::default();
    assert!(list(&memory).unwrap().is_empty());
    for events in [100, 2_000, 300] {
        write(&memory, events, &[]);
    }
    memory.put("snapshots/next.tmp", vec![]);
    memory.put("snapshots/notes.txt", vec![]);
    memory.put(&format!("snapshots/{:020}-{:020}.snap", 1, 15), b"short".to_vec());
    let listed = list(&memory).unwrap();
    let events: Vec<Option<u64>> =
        listed.iter().map(|item| item.head.as_ref().ok().map(|head| head.place.events)).collect();
    assert_eq!(events, [Some(2_000), Some(300), Some(100), None]);
}

#[test]
fn what_is_leaned_on_must_be_there_and_the_same() {
    let memory = Memory::default();
    let base = write(&memory, 100, &[]);
    let top = write(&memory, 200, &[lean(&base, 100)]);
    whole(&memory, &top.name).unwrap();

    let path = format!("{FOLDER}/{}", base.name);
    let bytes = memory.get(&path);
    memory.remove(&path).unwrap();
    assert!(matches!(verify(&memory, &top.name), Err(SnapshotError::Damaged { .. })), "gone");
    let mut writer = Writer::begin(&memory, head(100)).unwrap();
    writer.section(1, 1, b"another").unwrap();
    writer.publish(&[]).unwrap();
    assert!(matches!(verify(&memory, &top.name), Err(SnapshotError::Damaged { .. })), "whole, but another one");
    let mut flipped = bytes.clone();
    flipped[500] ^= 1;
    memory.put(&path, flipped);
    assert!(matches!(verify(&memory, &top.name), Err(SnapshotError::Damaged { .. })), "not whole");
    memory.put(&path, bytes);
    whole(&memory, &top.name).unwrap();

    let own = write(&memory, 300, &[lean(&base, 300)]);
    assert!(matches!(verify(&memory, &own.name), Err(SnapshotError::Damaged { .. })), "on itself");
}

fn left(memory: &Memory) -> Vec<u64> {
    let mut events: Vec<u64> = memory.list(FOLDER).unwrap().iter().map(|name| name::read(name).unwrap().1).collect();
    events.sort_unstable();
    events
}

#[test]
fn the_newest_two_and_what_they_lean_on_are_kept() {
    let memory = Memory::default();
    let base = write(&memory, 100, &[]);
    write(&memory, 200, &[lean(&base, 100)]);
    assert!(remove_old(&memory, 2).unwrap().is_empty());
    write(&memory, 300, &[lean(&base, 100)]);
    write(&memory, 400, &[]);
    let gone = remove_old(&memory, 2).unwrap();
    assert_eq!((gone.len(), left(&memory)), (1, vec![100, 300, 400]));
    write(&memory, 500, &[]);
    assert_eq!(remove_old(&memory, 2).unwrap().len(), 2);
    assert_eq!(left(&memory), [400, 500]);
}

#[test]
fn a_damaged_one_does_not_count_and_is_not_removed() {
    let memory = Memory::default();
    for events in [100, 200, 300, 400, 500] {
        write(&memory, events, &[]);
    }
    for events in [200_u64, 400, 500] {
        let path = format!("{FOLDER}/{}", name::of(&head(events).place));
        let mut bytes = memory.get(&path);
        let at = if events == 200 { 20 } else { 500 }; // in the head; in a section
        bytes[at] ^= 1;
        memory.put(&path, bytes);
    }
    assert!(remove_old(&memory, 2).unwrap().is_empty(), "100 and 300 are the newest whole ones");
    write(&memory, 600, &[]);
    remove_old(&memory, 2).unwrap();
    assert_eq!(left(&memory), [200, 300, 400, 500, 600]);
}
