//! Files that anything happened to: by accident, which checksums tell, and by intent, which they
//! don't.

use super::*;
use crate::codec;
use crate::codec::Manifest;
use crate::codec::Piece;
use crate::snapshot::Snapshot;
use crate::snapshot::Writer;

/// A snapshot of about 16 KiB.
fn sample() -> (Memory, Saved) {
    let (engine, now) = grown(400);
    let memory = Memory::default();
    let info = save(&memory, &engine, now, head(190), ids(60)).unwrap();
    assert!((12_000..24_000).contains(&info.bytes), "{}", info.bytes);
    (memory, info)
}

fn read(memory: &Memory, info: &Saved) -> Result<(), SnapshotError> {
    let thawed = Thawed::open(memory, &info.name)?;
    thawed.check()?;
    for id in thawed.ids() {
        id?;
    }
    use_it(&thawed.restore(config())?, thawed.facts().now);
    Ok(())
}

/// Whatever was read, everything can be asked of it and calls can be counted into it.
fn use_it(engine: &Engine, now: i64) {
    let now = Timestamp::from_secs(now);
    for window in [1, 4_000, 90_000] {
        let _ = engine.query(&Query::window(window).group_by(Dimension::Model), now);
        let _ = engine.query(&Query::window(window).group_by(Dimension::Key), now);
    }
    count(engine, &[(100_000, 1)], now);
    engine.advance(now.plus_secs(4_000));
    let _ = engine.canonical_bytes();
    engine.image(now.plus_secs(4_001), || ());
}

#[test]
fn every_truncation_is_found() {
    let (memory, info) = sample();
    let bytes = memory.get(&path(&info));
    for len in 0..bytes.len() {
        memory.put(&path(&info), bytes[..len].to_vec());
        assert!(matches!(read(&memory, &info), Err(SnapshotError::Damaged { .. })), "cut to {len}");
    }
    memory.put(&path(&info), bytes);
    read(&memory, &info).unwrap();
}

#[test]
fn every_flipped_bit_is_found() {
    let (memory, info) = sample();
    let mut bytes = memory.get(&path(&info));
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        memory.put(&path(&info), bytes.clone());
        assert!(matches!(read(&memory, &info), Err(SnapshotError::Damaged { .. })), "bit {bit}");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

/// The sections of a file.
fn sections(memory: &Memory, info: &Saved) -> Vec<(u32, Vec<u8>)> {
    let snapshot = Snapshot::open(memory, &info.name).unwrap();
    let sections = snapshot.sections().iter().enumerate();
    sections.map(|(place, section)| (section.kind, snapshot.read(place).unwrap())).collect()
}

/// The same file of other sections, with every checksum right.
fn forge(sections: &[(u32, Vec<u8>)]) -> (Memory, Saved) {
    let memory = Memory::default();
    let mut writer = Writer::begin(&memory, head(190)).unwrap();
    for (kind, raw) in sections {
        writer.section(*kind, VERSION, raw).unwrap();
    }
    let published = writer.publish(&[]).unwrap();
    let info = Saved {
        name: published.name,
        place: head(190).place,
        taken_us: 0,
        bytes: published.bytes,
        blake3: published.blake3,
        full: true,
        leaves_written: 0,
        leaves_total: 0,
    };
    (memory, info)
}

/// How many to try: more of them by an environment variable.
fn forgeries() -> u32 {
    std::env::var("TALLYRING_CASES").map_or(1_000, |count| count.parse().unwrap())
}

/// Whoever can write the file can make its checksums right: it may be read as something else, but
/// never with a panic.
#[test]
fn forged_values_never_panic() {
    let (memory, info) = sample();
    let whole = sections(&memory, &info);
    let mut rng = Rng(1);
    let (mut refused, mut taken) = (0, 0);
    for _ in 0..forgeries() {
        let mut sections = whole.clone();
        for _ in 0..=rng.below(3) {
            let at = rng.below(sections.len() as u64) as usize;
            let raw = &mut sections[at].1;
            if raw.is_empty() {
                continue;
            }
            let byte = rng.below(raw.len() as u64) as usize;
            match rng.below(4) {
                0 => raw[byte] ^= 1 << rng.below(8),
                1 => raw[byte] = [0, 1, 0x7f, 0x80, 0xff][rng.below(5) as usize],
                2 => raw[byte..].iter_mut().take(8).for_each(|byte| *byte = 0xff),
                _ => raw.truncate(byte),
            }
        }
        let (memory, info) = forge(&sections);
        match read(&memory, &info) {
            Ok(()) => taken += 1,
            Err(SnapshotError::Io { .. }) => panic!("no disk failed"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > forgeries() / 4 && taken > forgeries() / 200, "{refused} refused, {taken} taken");
}

#[test]
fn forged_orders_of_sections_never_panic() {
    let (memory, info) = sample();
    let whole = sections(&memory, &info);
    let mut rng = Rng(2);
    for _ in 0..1_000 {
        let mut sections = whole.clone();
        let (a, b) = (rng.below(whole.len() as u64) as usize, rng.below(whole.len() as u64) as usize);
        match rng.below(5) {
            0 => sections.swap(a, b),
            1 => drop(sections.remove(a)),
            2 => sections.insert(a, whole[b].clone()),
            3 => sections[a].0 = rng.below(6) as u32,
            _ => sections[a].1 = Vec::new(),
        }
        let (memory, info) = forge(&sections);
        let _ = read(&memory, &info);
    }
    assert!(read(&forge(&whole).0, &info).is_ok());
}

/// Changes a manifest and tells what is said of the file.
fn with_manifest(change: impl FnOnce(&mut Manifest)) -> String {
    let (memory, info) = sample();
    let mut sections = sections(&memory, &info);
    let place = sections.iter().position(|(kind, _)| *kind == MANIFEST).unwrap();
    let mut manifest: Manifest = codec::decode(&sections[place].1).unwrap();
    change(&mut manifest);
    sections[place].1 = codec::encode(&manifest);
    let (memory, info) = forge(&sections);
    read(&memory, &info).map_or_else(|fault| fault.to_string(), |()| "taken".to_owned())
}

#[test]
fn a_manifest_that_can_not_be_is_told() {
    assert_eq!(with_manifest(|_| ()), "taken");
    let told = |text: &str, change: fn(&mut Manifest)| {
        let said = with_manifest(change);
        assert!(said.contains(text), "{said} does not tell: {text}");
    };
    told("more ids than", |manifest| manifest.ids -= 1);
    told("fewer ids than", |manifest| manifest.ids += 1);
    told("number of series", |manifest| manifest.series += 1);
    told("more events", |manifest| manifest.facts.accepted = u64::MAX);
    told("a time that", |manifest| manifest.facts.now = i64::MAX);
    told("a time that", |manifest| manifest.facts.covered.truncate(1));
    told("tiers or labels", |manifest| manifest.facts.tiers[1].0 = 0);
    told("tiers or labels", |manifest| manifest.facts.tiers.clear());
    told("leaves that", |manifest| manifest.leaves[0].file = 1);
    told("leaves that", |manifest| manifest.leaves[0].tier = 9);
    told("leaves that", |manifest| manifest.leaves[0].number = i64::MAX);
    told("leaves that", |manifest| manifest.leaves[0].pieces = 0);
    told("leaves that", |manifest| manifest.leaves.swap(0, 1));
    told("does not hold leaves", |manifest| manifest.leaves[0].section = 0);
    told("does not hold leaves", |manifest| manifest.leaves.last_mut().unwrap().pieces = u32::MAX);
    told("of another leaf", |manifest| manifest.leaves[0].pieces = 2);
    told("not in order", |manifest| manifest.leaves[2].piece = 0);
    told("is not there", |manifest| manifest.leaves[2].piece = u32::MAX);
    told("of another leaf", |manifest| manifest.leaves[0].piece = 1);
}

#[test]
fn a_newer_section_is_not_guessed_at() {
    let (memory, info) = sample();
    let whole = sections(&memory, &info);
    for (place, newer) in [(whole.len() - 1, "version 2"), (0, "version 2")] {
        let memory = Memory::default();
        let mut writer = Writer::begin(&memory, head(190)).unwrap();
        for (at, (kind, raw)) in whole.iter().enumerate() {
            writer.section(*kind, if at == place { 2 } else { VERSION }, raw).unwrap();
        }
        writer.publish(&[]).unwrap();
        let fault = read(&memory, &info).unwrap_err();
        assert!(matches!(fault, SnapshotError::Foreign { .. }) && fault.to_string().contains(newer), "{fault}");
    }
    let mut sections = whole;
    sections.push((9, Vec::new()));
    let (memory, info) = forge(&sections);
    assert!(matches!(read(&memory, &info), Err(SnapshotError::Foreign { .. })));
}

/// A few kilobytes can't ask for more than a section at a time.
#[test]
fn a_bomb_is_refused_or_small() {
    let (memory, info) = sample();
    let mut sections = sections(&memory, &info);
    let place = sections.iter().position(|(kind, _)| *kind == SLICES).unwrap();
    for raw in [vec![0; 4 << 20], vec![0xff; 4 << 20], [&(1_u64 << 26).to_le_bytes()[..], &[0; 4_000_000]].concat()] {
        sections[place].1 = raw;
        let (memory, info) = forge(&sections);
        assert!(info.bytes < 40_000);
        assert!(matches!(read(&memory, &info), Err(SnapshotError::Damaged { .. })));
    }
    let none: Vec<Piece> = codec::decode(&[0; 8]).unwrap();
    assert!(none.is_empty());
}
