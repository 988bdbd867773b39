//! Every bit of a snapshot, one at a time.

use crate::assert_little_memory;
use crate::sim::Image;
use crate::sim::SimDisk;
use crate::store_kit::Request;
use crate::store_kit::at;
use crate::store_kit::counted;
use crate::store_kit::expected;
use crate::store_kit::open;
use std::sync::Arc;
use tallyring::snapshot;

const EVENTS: u64 = 120;

/// Two full snapshots and a journal after them.
fn shelf() -> (Image, String) {
    let disk = SimDisk::new();
    let store = open(&disk, at(0)).unwrap().0;
    for n in 0..EVENTS {
        let _ = Request { events: n..n + 1, second: 0 }.send(&store, at(0)).unwrap();
        if n == 60 || n == 110 {
            let _ = store.snapshot(true, at(0)).unwrap();
        }
    }
    drop(store);
    let image = disk.image();
    let newest = image.last(".snap");
    (image, newest)
}

fn flip(image: &mut Image, name: &str, bit: usize) {
    Arc::make_mut(image.files.get_mut(name).unwrap())[bit / 8] ^= 1 << (bit % 8);
}

#[test]
fn every_bit_of_a_snapshot_is_under_a_checksum() {
    let (mut image, newest) = shelf();
    let name = newest.trim_start_matches("snapshots/").to_owned();
    let bits = image.bytes(&newest).len() * 8;
    println!("{bits} bits");
    for bit in 0..bits {
        flip(&mut image, &newest, bit);
        let found = snapshot::verify(&SimDisk::boot(&image), &name);
        assert!(found.is_err(), "bit {bit}");
        flip(&mut image, &newest, bit);
    }
    assert!(snapshot::verify(&SimDisk::boot(&image), &name).is_ok());
    assert_little_memory();
}

/// Whatever bit it is, a start passes over the snapshot or refuses; it never counts anything else.
#[test]
fn a_flipped_bit_changes_no_count() {
    let (mut image, newest) = shelf();
    let bits = image.bytes(&newest).len() * 8;
    for bit in (0..bits).step_by(bits / (500 * usize::try_from(crate::runs::times()).unwrap()).min(bits)) {
        flip(&mut image, &newest, bit);
        let disk = SimDisk::boot(&image);
        if let Ok((store, opened)) = open(&disk, at(0)) {
            assert_eq!(opened.passed_over.len(), 1, "bit {bit}");
            assert_eq!(counted(store.engine(), at(0)), expected(0..EVENTS), "bit {bit}");
        }
        flip(&mut image, &newest, bit);
    }
}
