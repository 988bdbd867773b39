//! What the engine tells besides aggregates: recent calls, values, statistics.

use super::core::Core;
use super::event::Dimension;
use super::event::MAX_DIMENSIONS;
use super::event::status;
use super::grown::Family;
use super::outcome::Extent;
use super::outcome::Stats;
use super::outcome::Value;
use super::plan::matching;
use super::plan::numbers;
use super::query::Filter;
use super::recent::Call;
use super::recent::CallPage;
use super::recent::CallQuery;
use super::recent::Newest;
use super::recent_log::Kept;
use super::recent_log::Row;
use super::series::SeriesTable;
use super::values::NONE;
use super::values::OTHER;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The most calls on a page.
const MAX_CALLS: usize = 10_000;

impl Core {
    pub(super) fn calls(&self, query: &CallQuery) -> CallPage {
        let wanted = Wanted::new(&query.filters, query.failures_only, &self.series.read());
        let mut newest = Newest::new(query.limit.clamp(1, MAX_CALLS), query.after);
        let mut complete = true;
        for stripe in &self.stripes {
            let stripe = stripe.lock();
            let series = self.series.read();
            complete &= stripe.recent.visit(query.from, query.to, |kept| {
                let row = kept.row;
                newest.offer((row.timestamp, row.sequence), || wanted.holds(row, &series).then(|| call(kept, &series)));
            });
        }
        let (calls, next) = newest.into_page();
        CallPage { calls, next, complete }
    }

    pub(super) fn values(&self, dimension: Dimension, part: &str, only: &[Filter], limit: usize) -> Vec<Value> {
        let part = part.to_lowercase();
        let series = self.series.read();
        let value = |(text, series): (&Arc<str>, usize)| Value { value: text.clone(), series };
        let part_of = |(text, _): &(&Arc<str>, usize)| text.to_lowercase().contains(&part);
        let all = series.values(dimension);
        let mut values: Vec<Value> = if only.is_empty() {
            all.all().filter(part_of).map(value).collect()
        } else {
            let carried = carried(&series, dimension, &matching(only, &series));
            let named = carried.into_iter().map(|(number, series)| (all.text(number), series));
            named.filter(part_of).map(value).collect()
        };
        values.sort_unstable_by(|a, b| a.value.cmp(&b.value));
        values.truncate(limit);
        values
    }

    pub(super) fn extent(&self, only: &[Filter]) -> Extent {
        let series = self.series.read();
        let dimensions = self.config.dimensions();
        if only.is_empty() {
            let values = dimensions.map(|dimension| series.values(dimension).len()).collect();
            return Extent { values, series: series.len() };
        }
        let ids = matching(only, &series);
        let named = |dimension| carried(&series, dimension, &ids).keys().filter(|number| **number != OTHER).count();
        Extent { values: dimensions.map(named).collect(), series: ids.len() }
    }

    pub(super) fn growth(&self) -> Vec<Family> {
        self.settle_growth();
        self.grown.told()
    }

    pub(super) fn stats(&self) -> Stats {
        let counters = &self.counters;
        let memory_bytes = self.memory(&self.sealed.read());
        // Before the table of series is locked: whoever holds a stripe may wait for it.
        let accepted = self.stripes.iter().map(|stripe| stripe.lock().accepted).sum();
        let series = self.series.read();
        Stats {
            accepted,
            late: counters.late.load(Ordering::Relaxed),
            rejected: counters.rejected.each_ref().map(|count| count.load(Ordering::Relaxed)),
            duplicates: counters.duplicates.load(Ordering::Relaxed),
            series: series.len(),
            max_series: self.config.max_series as usize,
            values: self.config.dimensions().map(|dimension| series.values(dimension).len()).collect(),
            memory_bytes,
            max_memory_bytes: self.config.memory_bytes,
        }
    }
}

/// The values of a dimension that some series carry, and how many of them do; "none" left out.
fn carried(series: &SeriesTable, dimension: Dimension, ids: &[u32]) -> HashMap<u32, usize, RandomState> {
    let mut carried: HashMap<u32, usize, RandomState> = HashMap::default();
    let numbers = ids.iter().map(|id| series.numbers(*id)[dimension.index()]);
    numbers.filter(|number| *number != NONE).for_each(|number| *carried.entry(number).or_default() += 1);
    carried
}

/// Which recent calls are asked for, by number.
pub(super) struct Wanted {
    filters: Vec<(Dimension, Vec<u32>)>,
    failures_only: bool,
}

impl Wanted {
    pub(super) fn new(filters: &[Filter], failures_only: bool, series: &SeriesTable) -> Self {
        Self { filters: filters.iter().map(|filter| numbers(filter, series)).collect(), failures_only }
    }

    pub(super) fn is_everything(&self) -> bool {
        self.filters.is_empty() && !self.failures_only
    }

    pub(super) fn holds(&self, row: &Row, series: &SeriesTable) -> bool {
        let numbers = series.numbers(row.entry.series);
        let failed = || !status::is_success(series.text(row.entry.series, Dimension::Status));
        self.filters.iter().all(|(dimension, values)| values.contains(&numbers[dimension.index()]))
            && (!self.failures_only || failed())
    }
}

/// A row with its numbers turned back into names.
pub(super) fn call(kept: Kept<'_>, series: &SeriesTable) -> Call {
    let row = kept.row;
    let mut dimensions = vec![None; MAX_DIMENSIONS];
    for (place, number) in series.numbers(row.entry.series).iter().enumerate().filter(|(_, number)| **number != NONE) {
        let dimension = Dimension::FIXED.get(place).copied().unwrap_or_else(|| Dimension::Label((place - 6) as u8));
        dimensions[place] = Some(series.values(dimension).text(*number).clone());
    }
    let notes = kept.notes();
    Call {
        timestamp: row.timestamp,
        sequence: row.sequence,
        dimensions,
        measures: row.entry.measures(),
        id: notes.and_then(|notes| notes.id.clone()),
        job_id: notes.and_then(|notes| notes.job_id.clone()),
        error: notes.and_then(|notes| notes.error.clone()),
    }
}
