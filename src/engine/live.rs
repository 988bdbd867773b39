//! An open bucket as a query reads it: copied while the writer waits, counted afterwards.

use super::cell::Cell;
use super::column::Column;
use super::column::Time;
use super::histogram::Distribution;
use super::histogram::bin_of;
use super::log::Log;
use super::open::Open;
use super::plan::Ids;
use super::plan::Plan;
use super::series::TOTAL;
use super::slice::NOWHERE;
use super::sums::Sums;

/// What a plan needs of one open bucket.
#[derive(Debug)]
pub(super) struct Live {
    start: i64,
    cells: Vec<(u32, Cell)>, // (place, …) where rollup groups answer
    places: Vec<u32>,        // of each combination, where rollup groups answer for their times
    log: Log,                // the calls, where they are needed
}

impl Live {
    /// Copies; the chunks of the log are shared. `times` says whether distributions will be asked for.
    pub(super) fn copy(start: i64, open: &Open, plan: &Plan, times: bool) -> Self {
        let log = if times || !plan.rolled_up { open.log().clone() } else { Log::default() };
        let (mut cells, mut places) = (Vec::new(), Vec::new());
        if plan.rolled_up {
            each_cell(open, &plan.ids, |place, cell| cells.push((place, cell.clone())));
            if times {
                places.extend(open.sums().all().map(|(groups, _)| place_of(groups, &plan.ids)));
            }
        }
        Self { start, cells, places, log }
    }

    /// The second it begins at.
    pub(super) fn start(&self) -> i64 {
        self.start
    }

    /// Adds what counts; `slots` gives each place of the plan its slot.
    pub(super) fn add_sums(&self, plan: &Plan, slots: &[u32], sums: &mut Sums) {
        let mut add = |place: u32, cell: &Cell| {
            if let Some(slot) = slots.get(place as usize).filter(|slot| **slot != NOWHERE) {
                sums.add(*slot as usize, cell);
            }
        };
        if plan.rolled_up {
            self.cells.iter().for_each(|(place, cell)| add(*place, cell));
        } else {
            self.log.iter().for_each(|call| add(plan.ids.place(call.series), &Cell::of(call)));
        }
    }

    /// Adds the values of a time that count.
    pub(super) fn add_times(&self, plan: &Plan, time: Time, slots: &[u32], times: &mut [Distribution]) {
        let slot = |place: u32| slots.get(place as usize).copied().unwrap_or(NOWHERE) as usize;
        if !plan.rolled_up {
            return self.log.iter().for_each(|call| {
                if let (Some(to), Some(us)) = (times.get_mut(slot(plan.ids.place(call.series))), call.time(time)) {
                    to.record(us);
                }
            });
        }
        for (place, cell) in &self.cells {
            if let (Some(to), Some((min, max))) = (times.get_mut(slot(*place)), cell.extremes(time)) {
                to.stretch(min, max);
                to.reach(bin_of(max), cell.column(Column::count(time)));
            }
        }
        // The cells told how many there are and how far they reach: what is left is one count a call.
        let nowhere = times.len();
        let slots: Vec<usize> = self.places.iter().map(|place| slot(*place).min(nowhere)).collect();
        let mut tables: Vec<&mut [u64]> =
            times.iter_mut().map(Distribution::table).chain([Default::default()]).collect();
        self.log.binned().for_each(|call| {
            let table = &mut tables[slots[call.combination as usize]];
            if let Some(count) = table.get_mut(call.bin(time)) {
                *count += 1;
            }
        });
    }
}

/// Visits the cells of an open bucket that count for rollup groups, each with its place.
pub(super) fn each_cell(open: &Open, ids: &Ids, mut visit: impl FnMut(u32, &Cell)) {
    if is_total(ids) {
        return visit(0, open.sums().total());
    }
    for (groups, cell) in open.sums().all() {
        let place = place_of(groups, ids);
        if place != NOWHERE {
            visit(place, cell);
        }
    }
}

/// The place of a combination of groups, which counts for one of the ids at most.
fn place_of(groups: &[u32], ids: &Ids) -> u32 {
    if is_total(ids) {
        return 0;
    }
    groups.iter().map(|group| ids.place(*group)).find(|place| *place != NOWHERE).unwrap_or(NOWHERE)
}

fn is_total(ids: &Ids) -> bool {
    matches!(ids, Ids::Few(few) if few.first().is_some_and(|(group, _)| *group == TOTAL))
}
