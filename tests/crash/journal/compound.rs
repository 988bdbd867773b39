//! Crashes of what a crash left: during recovery, during its faults, again and again.

use super::kit::Moment;
use super::kit::Workload;
use super::kit::appended;
use super::kit::draft;
use super::kit::numbers;
use super::kit::open_from;
use crate::chance::Chance;
use crate::runs;
use crate::sim::Call;
use crate::sim::Fault;
use crate::sim::How;
use crate::sim::Image;
use crate::sim::Loss;
use crate::sim::SimDisk;
use tallyring::journal::JournalError;

/// Crashes in a row.
const LEVELS: u64 = 5;

#[test]
fn crashes_of_crashes_lose_nothing() {
    let first = runs::seed(100);
    let workload = Workload::run(first, 60);
    let (mut torn, mut failed) = (0, 0);
    for seed in first..first + 300 * runs::times() {
        let mut chain = Chain::begin(&workload, seed);
        for level in 0..LEVELS {
            chain.crash_again(&format!("seed {seed}, level {level}"));
        }
        torn += chain.torn;
        failed += chain.failed;
    }
    println!("{torn} torn tails, {failed} starts failed by the disk");
    assert!(torn > 50 && failed > 50, "{torn} torn tails, {failed} failed starts");
}

/// A disk that crashes again and again.
struct Chain {
    image: Image,
    moment: Moment,
    /// The most that may be there.
    appended: u64,
    chance: Chance,
    torn: u64,
    failed: u64,
}

impl Chain {
    /// A random point of a workload, and a random loss there.
    fn begin(workload: &Workload, seed: u64) -> Self {
        let mut chance = Chance(seed);
        let (mut platter, log) = workload.disk.history();
        let point = chance.below(i64::try_from(log.len()).unwrap());
        log.iter().take(usize::try_from(point).unwrap()).for_each(|op| platter.step(op));
        let moment = workload.moments[usize::try_from(platter.noted()).unwrap()];
        let image = platter.image(&mut Loss::random(chance.next()));
        Self { image, moment, appended: workload.appended, chance, torn: 0, failed: 0 }
    }

    /// Starts, works a little, and crashes anywhere on the way.
    fn crash_again(&mut self, what: &str) {
        let disk = SimDisk::boot(&self.image);
        if self.chance.one_in(3) {
            disk.fail(&[self.fault()]);
        }
        let mut end = None;
        match open_from(&disk, &self.moment.evidence()) {
            Err(JournalError::Io { .. }) if disk.struck() > 0 => self.failed += 1,
            Err(fault) => panic!("{what}: {fault}"),
            Ok(opened) => {
                let found = opened.recovered.end.events;
                assert!(numbers(&opened.frames).into_iter().eq(self.moment.from.events..found), "{what}");
                assert!((self.moment.acked..=self.appended).contains(&found), "{what}: {found} of {:?}", self.moment);
                self.torn += u64::from(opened.recovered.torn_bytes > 0);
                disk.note(found);
                end = Some(found);
                for n in found..found + 4 {
                    self.appended = self.appended.max(n + 1);
                    let bytes = usize::try_from(self.chance.below(900)).unwrap();
                    if appended(&opened.journal, draft(n, bytes)).is_err() {
                        break;
                    }
                    disk.note(n + 1);
                }
            }
        }
        self.crash(&disk, end);
    }

    fn fault(&mut self) -> Fault {
        let call = *self.chance.pick(&Call::ALL);
        let how = *self.chance.pick(&[How::EIO, How::ENOSPC]);
        Fault { call, nth: 1 + self.chance.next() % 6, ever: self.chance.one_in(2), how }
    }

    /// The crash comes at a random change. What a start found was durable before it, so the next
    /// start finds as much.
    fn crash(&mut self, disk: &SimDisk, found: Option<u64>) {
        let (mut platter, log) = disk.history();
        let point = self.chance.below(i64::try_from(log.len() + 1).unwrap());
        log.iter().take(usize::try_from(point).unwrap()).for_each(|op| platter.step(op));
        self.moment.acked = self.moment.acked.max(platter.noted()).max(found.unwrap_or_default());
        self.image = platter.image(&mut Loss::random(self.chance.next()));
    }
}
