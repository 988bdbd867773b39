//! Each call of each kind fails, once or from then on, under a whole store. What failed is sent
//! again, to the same process and to the next: it counts once.

use super::kit::Book;
use super::kit::Request;
use super::kit::at;
use super::kit::open;
use crate::sim::Call;
use crate::sim::Fault;
use crate::sim::How;
use crate::sim::Image;
use crate::sim::Loss;
use crate::sim::SimDisk;
use tallyring::journal::JournalError;
use tallyring::store::OpenError;
use tallyring::store::Refused;
use tallyring::store::Store;

const END: i64 = 100;

/// A life of a process with snapshots; it ends at the first request that fails.
struct Life {
    disk: SimDisk,
    requests: Vec<Request>,
    acked: u64,
    failed: Option<String>,
}

impl Life {
    fn lead(image: &Image, before: &[Request], faults: &[Fault]) -> Self {
        let disk = SimDisk::boot(image);
        disk.fail(faults);
        let (requests, acked) = (before.to_vec(), before.len() as u64);
        let mut life = Self { disk, requests, acked, failed: None };
        life.failed = life.try_to_live().err();
        life
    }

    fn try_to_live(&mut self) -> Result<(), String> {
        let (store, _) = match open(&self.disk, at(END / 2)) {
            Ok(opened) => opened,
            Err(fault) => {
                assert!(is_io(&fault), "a fault of the disk is taken for {fault}");
                return Err(fault.to_string());
            }
        };
        for size in [1, 1, 30] {
            self.send(&store, size)?;
        }
        // Without a snapshot nothing is lost but time.
        let _ = store.snapshot(false, at(END / 2));
        for size in [2, 1] {
            self.send(&store, size)?;
        }
        let _ = store.snapshot(true, at(END / 2));
        self.send(&store, 1)?;
        store.close(at(END / 2)).map_err(|fault| fault.to_string())
    }

    fn send(&mut self, store: &Store, size: u64) -> Result<(), String> {
        let first = self.requests.last().map_or(0, |request| request.events.end);
        let request = Request { events: first..first + size, second: END / 2 };
        self.requests.push(request.clone());
        match request.send(store, request.now()) {
            Ok(receipt) => {
                assert_eq!((receipt.accepted, receipt.duplicates), (size, 0));
                self.acked += 1;
                Ok(())
            }
            Err(fault) => {
                assert!(matches!(fault, Refused::Failed(_)), "{fault}");
                self.assert_dead(store, &request);
                Err(fault.to_string())
            }
        }
    }

    /// Neither what failed nor anything else is acknowledged by this process, though the disk may
    /// be well again, and though the ids are known.
    fn assert_dead(&self, store: &Store, request: &Request) {
        for _ in 0..3 {
            let again = request.send(store, request.now());
            assert!(matches!(again, Err(Refused::Failed(_))), "sent again: {again:?}");
        }
        let next = Request { events: request.events.end..request.events.end + 1, second: END / 2 };
        assert!(matches!(next.send(store, next.now()), Err(Refused::Failed(_))), "it goes on after a fault");
        assert!(store.snapshot(true, at(END)).is_err(), "a snapshot of what nobody may know");
    }

    fn assert_recovers(&self, what: &str) {
        self.disk.fail(&[]);
        let book = Book { requests: &self.requests, states: None, end: at(END) };
        book.check(&self.disk.cut(&mut Loss::nothing()), self.acked, &format!("{what}, restarted"));
        book.check(&self.disk.cut(&mut Loss::all()), self.acked, &format!("{what}, cut"));
        book.check(&self.disk.cut(&mut Loss::random(1)), self.acked, &format!("{what}, loss 1"));
    }
}

fn is_io(fault: &OpenError) -> bool {
    use tallyring::snapshot::SnapshotError;
    matches!(
        fault,
        OpenError::Io { .. }
            | OpenError::Journal(JournalError::Io { .. })
            | OpenError::Snapshot(SnapshotError::Io { .. })
    )
}

fn hows(call: Call) -> &'static [How] {
    match call {
        Call::Read | Call::Write => &[How::EIO, How::Short],
        Call::Sync => &[How::EIO, How::Dropped],
        Call::Reserve => &[How::EIO, How::ENOSPC],
        _ => &[How::EIO],
    }
}

fn every_fault(image: &Image, before: &[Request]) -> u64 {
    let mut cases = 0;
    for call in Call::ALL {
        for (how, ever) in hows(call).iter().flat_map(|how| [(*how, false), (*how, true)]) {
            for nth in 1.. {
                let life = Life::lead(image, before, &[Fault { call, nth, ever, how }]);
                if life.disk.struck() == 0 {
                    assert_eq!((life.acked, life.failed), (before.len() as u64 + 6, None));
                    break;
                }
                life.assert_recovers(&format!("{call:?} {nth}, ever {ever}, {how:?}: {:?}", life.failed));
                cases += 1;
            }
        }
    }
    cases
}

#[test]
fn any_call_may_fail_in_a_first_life() {
    let cases = every_fault(&Image::default(), &[]);
    println!("{cases} faults");
    assert!(cases > 300, "{cases} faults");
}

#[test]
fn any_call_may_fail_in_a_second_life() {
    let first = Life::lead(&Image::default(), &[], &[]);
    assert_eq!(first.failed, None);
    let cases = every_fault(&first.disk.image(), &first.requests);
    println!("{cases} faults");
    assert!(cases > 300, "{cases} faults");
}

/// Started again by its supervisor for as long as the disk is broken, and sent everything again
/// each time.
#[test]
fn a_disk_that_fails_at_each_start_loses_nothing() {
    let mut life = Life::lead(&Image::default(), &[], &[]);
    for call in [Call::Sync, Call::Write, Call::SyncFolder, Call::Create, Call::Read] {
        for nth in 1..6 {
            let image = life.disk.cut(&mut Loss::random(nth));
            let acked = life.requests[..usize::try_from(life.acked).unwrap()].to_vec();
            let next = Life::lead(&image, &acked, &[Fault { call, nth, ever: true, how: How::Dropped }]);
            next.assert_recovers(&format!("{call:?} {nth}"));
            // What was not acknowledged may be there all the same: only who sent everything knows.
            if next.acked == next.requests.len() as u64 {
                life = next;
            }
        }
    }
}
