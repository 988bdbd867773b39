//! Every bit of a segment, one at a time; then damage of other shapes.

use crate::assert_little_memory;
use crate::bytes;
use crate::bytes::Frame;
use crate::chance::Chance;
use crate::kit::appended;
use crate::kit::draft;
use crate::kit::numbers;
use crate::kit::open_with;
use crate::runs;
use crate::sim::Image;
use crate::sim::SimDisk;
use std::ops::Range;
use std::sync::Arc;
use tallyring::journal::Evidence;
use tallyring::journal::JournalError;
use tallyring::journal::Settings;

const SECTOR: usize = 512;

/// A journal in one segment.
struct Segment {
    image: Image,
    name: String,
    whole: Arc<Vec<u8>>,
    frames: Vec<Frame>,
    events: u64,
    settings: Settings,
}

impl Segment {
    /// Closed, so that a mark at its end proves the events; or left by a crash.
    fn new(close: bool) -> Self {
        let segment_bytes = 16 << 10 << u64::from(runs::times() >= 4).saturating_mul(2);
        let settings = Settings { segment_bytes, ..crate::kit::settings() };
        let disk = SimDisk::new();
        let journal = open_with(&disk, settings.clone(), &Evidence::default()).unwrap().journal;
        let events = segment_bytes / 512;
        for n in 0..events {
            appended(&journal, draft(n, usize::try_from(n * 37 % 600).unwrap())).unwrap();
        }
        if close {
            journal.close().unwrap();
        } else {
            drop(journal);
        }
        let image = disk.image();
        assert_eq!(image.names(".seg").len(), 1);
        let name = image.last(".seg");
        let whole = Arc::clone(&image.files[&name]);
        let frames = bytes::frames(&whole);
        Self { image, name, whole, frames, events, settings }
    }

    /// Damages it, opens it, and mends it again.
    fn check(&mut self, damage: &[(Range<usize>, Vec<u8>)], what: &str) {
        for (range, bytes) in damage {
            self.image.edit(&self.name)[range.clone()].copy_from_slice(bytes);
        }
        let bytes = Arc::clone(&self.image.files[&self.name]);
        self.check_outcome(&bytes, what);
        drop(bytes);
        for (range, _) in damage {
            let old = &self.whole[range.clone()];
            Arc::make_mut(self.image.files.get_mut(&self.name).unwrap())[range.clone()].copy_from_slice(old);
        }
    }

    fn check_outcome(&self, bytes: &[u8], what: &str) {
        let disk = SimDisk::boot(&self.image);
        match open_with(&disk, self.settings.clone(), &Evidence::default()) {
            Err(JournalError::Damaged { .. } | JournalError::Foreign { .. }) => {
                assert_eq!(disk.changes(), 0, "{what}: refused, yet something was written");
            }
            Err(fault) => panic!("{what}: {fault}"),
            Ok(opened) => {
                let found = numbers(&opened.frames);
                assert!(found.iter().copied().eq(0..found.len() as u64), "{what}: {found:?}");
                assert!(found.len() as u64 >= self.proven(bytes), "{what}: {} events", found.len());
            }
        }
    }

    /// How many events the headers that are left prove to have been synced.
    fn proven(&self, bytes: &[u8]) -> u64 {
        let header = |frame: &Frame| frame.start..frame.start + bytes::HEADER;
        let is_left = |frame: &&Frame| bytes[header(frame)] == self.whole[header(frame)];
        let frames = self.frames.iter().filter(is_left).map(|frame| frame.durable).max().unwrap_or_default();
        self.frames.iter().filter(|frame| frame.number < frames && frame.kind == 1).count() as u64
    }
}

/// Flips every bit in every other byte.
fn flip_all(from: usize, close: bool) {
    let mut segment = Segment::new(close);
    // A bit of the last frame itself may cost that frame, if nothing says it was synced.
    let proven = segment.proven(&segment.whole);
    assert_eq!(proven, segment.events - u64::from(!close));
    for at in (from..segment.whole.len()).step_by(2) {
        for bit in 0..8 {
            let flipped = segment.whole[at] ^ 1 << bit;
            segment.check(&[(at..at + 1, vec![flipped])], &format!("bit {bit} of byte {at}"));
        }
    }
    assert_little_memory();
}

#[test]
fn every_bit_of_the_even_bytes() {
    flip_all(0, true);
}

#[test]
fn every_bit_of_the_odd_bytes() {
    flip_all(1, false);
}

/// Several bits, sectors of zeros, of junk, exchanged, written to another place.
#[test]
fn damage_of_other_shapes() {
    let first = runs::seed(7);
    let mut segment = Segment::new(true);
    for seed in first..first + 20_000 * runs::times() {
        let mut chance = Chance(seed);
        let damage = shape(&segment.whole, &mut chance);
        segment.check(&damage, &format!("seed {seed}"));
    }
    assert_little_memory();
}

fn shape(whole: &[u8], chance: &mut Chance) -> Vec<(Range<usize>, Vec<u8>)> {
    let mut below = |bound: usize| usize::try_from(chance.next() % bound as u64).unwrap();
    let mut sector = || {
        let start = below(whole.len() / SECTOR) * SECTOR;
        start..start + SECTOR
    };
    let (one, other) = (sector(), sector());
    match below(5) {
        0 => (0..2 + below(6)).map(|_| below(whole.len())).map(|at| (at..at + 1, vec![!whole[at]])).collect(),
        1 => vec![(one, vec![0; SECTOR])],
        2 => vec![(one, (0..SECTOR).map(|_| below(256).to_le_bytes()[0]).collect())],
        3 => vec![(one.clone(), whole[other.clone()].to_vec()), (other, whole[one].to_vec())],
        _ => vec![(one, whole[other].to_vec())],
    }
}
