//! Each call of each kind fails once, or from then on: nothing is acknowledged that is not safe,
//! nothing is tried again, and a restart finds what was acknowledged.

use super::bytes;
use super::kit::Moment;
use super::kit::Opened;
use super::kit::appended;
use super::kit::check;
use super::kit::draft;
use super::kit::open_from;
use crate::sim::Call;
use crate::sim::Fault;
use crate::sim::How;
use crate::sim::Image;
use crate::sim::Loss;
use crate::sim::SimDisk;
use crate::sim::put;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tallyring::journal::Journal;
use tallyring::journal::JournalError;
use tallyring::journal::Unavailable;

/// A life of a process: a start, some events, a snapshot, pruning, an end; it stops at the first
/// fault.
struct Life {
    disk: SimDisk,
    moment: Moment,
    appended: u64,
    fault: Option<String>,
}

impl Life {
    fn lead(image: &Image, moment: Moment, faults: &[Fault]) -> Self {
        let disk = SimDisk::boot(image);
        disk.fail(faults);
        let mut life = Self { disk, appended: moment.acked, moment, fault: None };
        life.fault = life.try_to_live().err();
        life
    }

    fn try_to_live(&mut self) -> Result<(), String> {
        let Opened { journal, recovered, .. } = match open_from(&self.disk, &self.moment.evidence()) {
            Ok(opened) => opened,
            Err(fault @ JournalError::Io { .. }) => return Err(fault.to_string()),
            Err(fault) => panic!("a fault of the disk is taken for {fault}"),
        };
        assert_eq!(recovered.end.events, self.moment.acked, "a fault of the disk is taken for a torn tail");
        let outcome = self.work(&journal);
        if outcome.is_err() {
            assert_dead(&journal, self.appended);
        }
        outcome.map_err(|fault| fault.to_string())?;
        journal.close().map_err(|fault| fault.to_string())?;
        Ok(())
    }

    fn work(&mut self, journal: &Journal) -> Result<(), Unavailable> {
        for bytes in [10, 700, 1_500, 1_500, 6_000, 40] {
            self.append(journal, bytes)?;
        }
        self.moment.from = journal.sync()?;
        for bytes in [900, 3_000, 1] {
            self.append(journal, bytes)?;
        }
        // It may fail without harm to anybody.
        let _ = journal.prune(self.moment.from, 5_000, i64::MIN);
        self.append(journal, 5)
    }

    fn append(&mut self, journal: &Journal, bytes: usize) -> Result<(), Unavailable> {
        self.appended += 1;
        appended(journal, draft(self.appended - 1, bytes))?;
        self.moment.acked = self.appended;
        Ok(())
    }

    /// Another process starts, after the end of this one or a power cut.
    fn assert_recovers(&self, what: &str) {
        self.disk.fail(&[]);
        for (loss, kind) in [(&mut Loss::nothing(), "restarted"), (&mut Loss::all(), "cut")] {
            check(&self.disk.cut(loss), &self.moment, self.appended, &format!("{what}, {kind}"));
        }
        for seed in 0..4 {
            let image = self.disk.cut(&mut Loss::random(seed));
            check(&image, &self.moment, self.appended, &format!("{what}, loss {seed}"));
        }
    }
}

/// Once it failed, a journal takes nothing more, though the disk may be well again.
fn assert_dead(journal: &Journal, n: u64) {
    for _ in 0..3 {
        assert!(matches!(appended(journal, draft(n, 5)), Err(Unavailable::Failed(_))), "it goes on after a fault");
    }
    assert!(journal.progress().failure().is_some());
}

fn faults_of(call: Call) -> &'static [How] {
    match call {
        Call::Read => &[How::EIO, How::EINTR, How::Short],
        Call::Write => &[How::EIO, How::ENOSPC, How::EINTR, How::Short],
        Call::Sync => &[How::EIO, How::ENOSPC, How::EINTR, How::Dropped],
        _ => &[How::EIO, How::ENOSPC, How::EINTR],
    }
}

/// Whether nobody should notice: the call is made again for the rest.
fn is_harmless(call: Call, how: How, ever: bool) -> bool {
    matches!(call, Call::Read | Call::Write) && (how == How::Short || (how == How::EINTR && !ever))
}

/// Fails the first, second, … call of a kind, until there is none; answers how many there were.
fn every_call(image: &Image, moment: Moment, call: Call, how: How, ever: bool) -> u64 {
    for nth in 1.. {
        let life = Life::lead(image, moment, &[Fault { call, nth, ever, how }]);
        let what = format!("{call:?} {nth}{} {how:?}: {:?}", if ever { "…" } else { "" }, life.fault);
        let struck = life.disk.struck();
        if struck == 0 || is_harmless(call, how, ever) {
            assert_eq!((life.moment.acked, &life.fault), (moment.acked + 10, &None), "{what}");
        }
        if struck == 0 {
            return nth - 1;
        }
        life.assert_recovers(&what);
    }
    unreachable!("a life has an end")
}

fn every_fault(image: &Image, moment: Moment) -> u64 {
    let mut cases = 0;
    for call in Call::ALL {
        for how in faults_of(call) {
            for ever in [false, true] {
                // Interrupted for ever is no system.
                if !(ever && *how == How::EINTR && matches!(call, Call::Read | Call::Write)) {
                    cases += every_call(image, moment, call, *how, ever);
                }
            }
        }
    }
    cases
}

#[test]
fn any_call_may_fail_in_a_first_life() {
    let cases = every_fault(&Image::default(), Moment::default());
    println!("{cases} faults");
    assert!(cases > 300, "{cases} faults");
}

#[test]
fn any_call_may_fail_in_a_second_life() {
    let first = Life::lead(&Image::default(), Moment::default(), &[]);
    let cases = every_fault(&first.disk.image(), first.moment);
    println!("{cases} faults");
    assert!(cases > 500, "{cases} faults");
}

/// A tail was torn; the disk fails while it is mended.
#[test]
fn any_call_may_fail_while_a_tail_is_mended() {
    let first = Life::lead(&Image::default(), Moment::default(), &[]);
    let mut image = first.disk.image();
    let segment = image.last(".seg");
    let frames = bytes::frames(image.bytes(&segment));
    put(image.edit(&segment), frames.last().unwrap().end as u64, &[b'x'; 700]);
    let cases = every_fault(&image, first.moment);
    println!("{cases} faults");
    assert!(cases > 500, "{cases} faults");
}

/// The page cache forgets what it could not write, and the next sync succeeds: whoever tries again
/// acknowledges what is gone.
#[test]
fn a_failed_sync_is_never_tried_again() {
    let clean = Life::lead(&Image::default(), Moment::default(), &[]);
    let syncs = clean.disk.calls(Call::Sync);
    assert!(syncs > 10, "{syncs} syncs");
    for nth in 1..=syncs {
        let life = Life::lead(
            &Image::default(),
            Moment::default(),
            &[Fault { call: Call::Sync, nth, ever: false, how: How::Dropped }],
        );
        assert!(life.fault.is_some(), "sync {nth} failed and nobody heard of it");
        assert_eq!(life.disk.calls(Call::Sync), nth, "it was tried again");
        check(&life.disk.cut(&mut Loss::all()), &life.moment, life.appended, &format!("sync {nth}"));
    }
}

/// Seen with crossbeam-channel 0.5.17: what is queued when the writer ends is not dropped, and who
/// waits for its answer waited for ever.
#[test]
fn who_waits_for_a_sync_is_told_that_it_failed() {
    let disk = SimDisk::new();
    let journal = Arc::new(open_from(&disk, &Moment::default().evidence()).unwrap().journal);
    disk.hold();
    journal.append(draft(0, 10)).unwrap();
    disk.wait_for_a_write();
    let (told, answer) = mpsc::channel();
    let waiting = Arc::clone(&journal);
    thread::spawn(move || told.send(waiting.sync().is_err()));
    // Until it is queued; should this be too short, the test tests less.
    thread::sleep(Duration::from_millis(100));
    disk.fail(&[Fault { call: Call::Write, nth: 1, ever: false, how: How::EIO }]);
    disk.release();
    assert_eq!(answer.recv_timeout(Duration::from_secs(20)), Ok(true), "it waits for ever");
}
