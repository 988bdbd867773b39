//! Every point of a workload, and at each of them many states of the disk.

use super::kit::Moment;
use super::kit::Workload;
use super::kit::check;
use crate::runs;
use crate::sim::Change;
use crate::sim::Loss;
use crate::sim::Op;
use crate::sim::Platter;
use crate::sim::torn;

/// Random losses at each point.
const RANDOM: u64 = 16;
const STEPS: u32 = 80;

#[test]
fn every_crash_leaves_a_legal_prefix() {
    let seed = runs::seed(1);
    let mut tally = Tally::default();
    (seed..seed + 2 * runs::times()).for_each(|seed| all_images(seed, &mut tally));
    println!("{} crash images, {} with a torn tail", tally.images, tally.torn);
    assert!(tally.images >= 6_000 && tally.torn >= 500, "a poor workload: {tally:?}");
}

/// What was met on the way.
#[derive(Debug, Default)]
struct Tally {
    images: u64,
    torn: u64,
}

/// Crashes a workload everywhere.
fn all_images(seed: u64, tally: &mut Tally) {
    let workload = Workload::run(seed, STEPS);
    let (mut platter, log) = workload.disk.history();
    for (point, op) in log.iter().enumerate() {
        let mut at = Point { workload: &workload, seed, point, tally };
        if let Op::Data { inode, change } = op {
            at.torn(&platter, *inode, change);
        }
        platter.step(op);
        at.losses(&platter);
    }
}

struct Point<'a> {
    workload: &'a Workload,
    seed: u64,
    point: usize,
    tally: &'a mut Tally,
}

impl Point<'_> {
    /// The power goes after this change.
    fn losses(&mut self, platter: &Platter) {
        self.check(platter, &mut Loss::nothing(), "nothing lost");
        if platter.pending() == 0 {
            return;
        }
        self.check(platter, &mut Loss::all(), "all lost");
        self.check(platter, &mut Loss::names(), "names lost");
        self.check(platter, &mut Loss::data(), "data lost");
        for n in 0..RANDOM {
            let seed = (self.point as u64) << 8 | n;
            self.check(platter, &mut Loss::random(seed), &format!("loss {seed}"));
        }
    }

    /// The power goes in the midst of a write.
    fn torn(&mut self, before: &Platter, inode: u64, change: &Change) {
        for (n, change) in torn(change).into_iter().enumerate() {
            let mut platter = before.clone();
            platter.step(&Op::Data { inode, change });
            self.check(&platter, &mut Loss::nothing(), &format!("torn after sector {n}"));
        }
    }

    fn check(&mut self, platter: &Platter, loss: &mut Loss, what: &str) {
        let moment: Moment = self.workload.moments[usize::try_from(platter.noted()).unwrap()];
        let what = format!("seed {}, change {}, {what}", self.seed, self.point);
        let torn = check(&platter.image(loss), &moment, self.workload.appended, &what);
        self.tally.images += 1;
        self.tally.torn += u64::from(torn);
    }
}
