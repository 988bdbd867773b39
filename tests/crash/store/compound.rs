//! Crashes in a row, with faults in between, of a store whose sender keeps a ledger: what it does
//! not know it sends again, and at the end everything counts once.

use super::kit::Request;
use super::kit::at;
use super::kit::counted;
use super::kit::expected;
use super::kit::open;
use crate::chance::Chance;
use crate::runs;
use crate::sim::Call;
use crate::sim::Fault;
use crate::sim::How;
use crate::sim::Image;
use crate::sim::Loss;
use crate::sim::SimDisk;
use std::collections::BTreeMap;
use tallyring::store::Store;

const LEVELS: u64 = 6;
const NOW: i64 = 20;

#[derive(Default)]
struct Ledger {
    next: u64,
    /// By first event: the request, and at which note it was acknowledged, if it was.
    unknown: BTreeMap<u64, Request>,
    acked: Vec<Request>,
}

#[test]
fn a_ledger_outlives_crashes_of_crashes() {
    let first = runs::seed(1_000);
    let mut crashed_starts = 0;
    for seed in first..first + 150 * runs::times() {
        let (mut ledger, mut chance, mut image) = (Ledger::default(), Chance(seed), Image::default());
        for level in 0..LEVELS {
            image = live_and_crash(&image, &mut ledger, &mut chance, &format!("seed {seed}, level {level}"));
        }
        crashed_starts += u64::from(ledger.unknown.len() > 1);
        let disk = SimDisk::boot(&image);
        let store = open(&disk, at(NOW)).unwrap_or_else(|fault| panic!("seed {seed}: {fault}")).0;
        retry(&store, &mut ledger);
        assert_eq!(counted(store.engine(), at(NOW)), expected(0..ledger.next), "seed {seed}");
    }
    println!("{crashed_starts} ledgers with several requests in doubt at the end");
}

fn retry(store: &Store, ledger: &mut Ledger) {
    for request in std::mem::take(&mut ledger.unknown).into_values() {
        let size = request.events.end - request.events.start;
        let receipt = request.send(store, at(NOW)).unwrap();
        assert_eq!(receipt.accepted + receipt.duplicates, size, "{request:?}");
        assert!(receipt.accepted == 0 || receipt.duplicates == 0, "{request:?}: half of it was there");
        ledger.acked.push(request);
    }
}

/// A life that may fail anywhere, and a crash anywhere in it. Requests whose acknowledgement came
/// after the crash are in doubt.
fn live_and_crash(image: &Image, ledger: &mut Ledger, chance: &mut Chance, what: &str) -> Image {
    let disk = SimDisk::boot(image);
    if chance.one_in(3) {
        let call = *chance.pick(&[Call::Sync, Call::Write, Call::SyncFolder, Call::Rename, Call::Read, Call::Reserve]);
        let how = *chance.pick(&[How::EIO, How::ENOSPC]);
        disk.fail(&[Fault { call, nth: 1 + chance.next() % 25, ever: chance.one_in(2), how }]);
    }
    let mut answered = Vec::new();
    match open(&disk, at(NOW)) {
        Ok((store, _)) => {
            let before: u64 = ledger.acked.iter().map(|request| request.events.end - request.events.start).sum();
            assert!(store.position() >= before, "{what}: {} events, {before} acknowledged", store.position());
            live(&store, &disk, ledger, chance, &mut answered);
        }
        Err(fault) => assert!(disk.struck() > 0, "{what}: {fault}"),
    }
    let (mut platter, log) = disk.history();
    let point = usize::try_from(chance.below(i64::try_from(log.len() + 1).unwrap())).unwrap();
    log.iter().take(point).for_each(|op| platter.step(op));
    for request in answered.into_iter().take(usize::try_from(platter.noted()).unwrap()) {
        ledger.unknown.remove(&request.events.start);
        ledger.acked.push(request);
    }
    platter.image(&mut Loss::random(chance.next()))
}

/// Sends what is in doubt and something new, with snapshots in between.
fn live(store: &Store, disk: &SimDisk, ledger: &mut Ledger, chance: &mut Chance, answered: &mut Vec<Request>) {
    let mut requests: Vec<Request> = ledger.unknown.values().cloned().collect();
    for _ in 0..4 {
        let size = 1 + chance.next() % 6;
        let request = Request { events: ledger.next..ledger.next + size, second: NOW };
        ledger.next += size;
        ledger.unknown.insert(request.events.start, request.clone());
        requests.push(request);
    }
    for request in requests {
        if chance.one_in(4) {
            let _ = store.snapshot(chance.one_in(2), at(NOW));
        }
        if request.send(store, at(NOW)).is_err() {
            return;
        }
        answered.push(request);
        disk.note(answered.len() as u64);
    }
}
