//! Every point of a workload with snapshots and pruning, and many states of the disk at each.

use super::kit::Workload;
use crate::runs;
use crate::sim::Loss;
use crate::sim::Op;
use crate::sim::Platter;
use crate::sim::torn;

/// Random losses at each point.
const RANDOM: u64 = 6;
const STEPS: u32 = 60;

#[derive(Debug, Default)]
struct Met {
    images: u64,
    torn: u64,
    from_a_snapshot: u64,
}

#[test]
fn every_crash_counts_each_event_once() {
    let seed = runs::seed(1);
    let mut met = Met::default();
    (seed..seed + 2 * runs::times()).for_each(|seed| all_images(seed, &mut met));
    println!("{met:?}");
    assert!(met.images >= 2_000 && met.torn >= 100 && met.from_a_snapshot >= 500, "a poor workload: {met:?}");
}

fn all_images(seed: u64, met: &mut Met) {
    let workload = Workload::run(seed, STEPS);
    let states = workload.states();
    let book = workload.book(&states);
    let (mut platter, log) = workload.disk.history();
    for (point, op) in log.iter().enumerate() {
        let mut check = |platter: &Platter, loss: &mut Loss, what: &str| {
            let what = format!("seed {seed}, change {point}, {what}");
            let opened = book.check(&platter.image(loss), platter.noted(), &what);
            met.images += 1;
            met.torn += u64::from(opened.torn_bytes > 0);
            met.from_a_snapshot += u64::from(opened.snapshot.is_some());
        };
        if let Op::Data { inode, change } = op {
            for (n, change) in torn(change).into_iter().enumerate().step_by(3) {
                let mut platter = platter.clone();
                platter.step(&Op::Data { inode: *inode, change });
                check(&platter, &mut Loss::nothing(), &format!("torn after sector {n}"));
            }
        }
        platter.step(op);
        check(&platter, &mut Loss::nothing(), "nothing lost");
        if platter.pending() == 0 {
            continue;
        }
        check(&platter, &mut Loss::all(), "all lost");
        check(&platter, &mut Loss::names(), "names lost");
        check(&platter, &mut Loss::data(), "data lost");
        for n in 0..RANDOM {
            let loss = (point as u64) << 8 | n;
            check(&platter, &mut Loss::random(loss), &format!("loss {loss}"));
        }
    }
}
