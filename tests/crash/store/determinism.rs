//! Live, replayed, from a snapshot, from a snapshot and what came after it: the same bytes. The
//! hash maps of each store have random seeds of their own, so an order that depends on one shows.

use super::kit::Sent;
use super::kit::Workload;
use super::kit::at;
use super::kit::canonical;
use super::kit::counted;
use super::kit::expected;
use super::kit::open_with;
use super::kit::send;
use super::kit::settings;
use crate::runs;
use crate::sim::Image;
use crate::sim::Loss;
use crate::sim::SimDisk;
use std::thread;
use tallyring::store::Settings;
use tallyring::store::Store;

/// Nothing is pruned, so that everything can be replayed from its beginning.
fn keeping() -> Settings {
    Settings { journal_max_bytes: u64::MAX, ..settings() }
}

fn open(image: &Image, second: i64) -> (SimDisk, Store) {
    let disk = SimDisk::boot(image);
    let store = open_with(&disk, keeping(), at(second)).unwrap().0;
    (disk, store)
}

/// The bytes of a full snapshot taken of a store, which needs a place that has none yet.
fn snapshot(disk: &SimDisk, store: &Store, second: i64) -> Vec<u8> {
    let info = store.snapshot(true, at(second)).unwrap();
    disk.image().bytes(&format!("snapshots/{}.snap", info.name)).to_vec()
}

fn without_snapshots(mut image: Image) -> Image {
    image.files.retain(|name, _| !name.ends_with(".snap"));
    image
}

/// Sends events from several threads, each its own; ends unclosed.
fn live(threads: u64, events: u64, snapshot_at: Option<u64>) -> (SimDisk, Store) {
    let disk = SimDisk::new();
    let store = open_with(&disk, keeping(), at(0)).unwrap().0;
    let half = snapshot_at.unwrap_or(events);
    for part in [0..half, half..events] {
        thread::scope(|scope| {
            for own in 0..threads {
                let (store, part) = (store.clone(), part.clone());
                scope.spawn(move || send_each(&store, part.filter(|n| n % threads == own)));
            }
        });
        if part.end < events {
            let _ = store.snapshot(false, at(10)).unwrap();
        }
    }
    (disk, store)
}

fn send_each(store: &Store, events: impl Iterator<Item = u64>) {
    let events: Vec<u64> = events.collect();
    for (n, chunk) in (0..).zip(events.chunks(7)) {
        let second = i64::from(n % 5);
        let _ =
            send(store, chunk.iter().map(|n| Sent::new(*n, at(i64::try_from(n % 3).unwrap()))), at(second)).unwrap();
    }
}

#[test]
fn replay_is_live_whatever_the_threads() {
    for (threads, snapshot_at) in [1, 2, 8].into_iter().flat_map(|threads| [(threads, None), (threads, Some(150))]) {
        let (disk, store) = live(threads, 400, snapshot_at);
        let image = disk.cut(&mut Loss::all());
        assert_eq!(counted(store.engine(), at(20)), expected(0..400));
        let want = (canonical(store.engine(), at(20)), snapshot(&disk, &store, 20));
        drop(store);
        for (how, image) in [("as it was", image.clone()), ("from the journal alone", without_snapshots(image))] {
            let (disk, store) = open(&image, 20);
            let what = format!("{threads} threads, snapshot at {snapshot_at:?}, {how}");
            assert!(canonical(store.engine(), at(20)) == want.0, "{what}: another state");
            assert!(snapshot(&disk, &store, 20) == want.1, "{what}: another snapshot");
        }
    }
    // Who came first differs from run to run; what is counted does not.
    let states = [1, 2, 8].map(|threads| canonical(live(threads, 400, None).1.engine(), at(20)));
    assert!(states[0] == states[1] && states[1] == states[2]);
}

#[test]
fn any_history_replays_to_the_same_bytes() {
    let first = runs::seed(500);
    for seed in first..first + 40 * runs::times() {
        let workload = Workload::run(seed, 25);
        let end = workload.end();
        let image = workload.disk.image();
        let state = |image: &Image| {
            let disk = SimDisk::boot(image);
            let (store, opened) = open_with(&disk, keeping(), end).unwrap();
            (opened.snapshot.is_some(), canonical(store.engine(), end))
        };
        let (with, from_snapshot) = state(&image);
        assert!(with, "it was closed");
        let older = Image { files: image.files.clone(), ..image.clone() };
        let newest = older.names(".snap").pop().unwrap();
        let mut fewer = older;
        fewer.files.remove(&newest);
        assert!(state(&fewer).1 == from_snapshot, "seed {seed}: from the snapshot before");
        let states = workload.states();
        assert!(from_snapshot == *states.last().unwrap(), "seed {seed}: counted in memory");
    }
}
