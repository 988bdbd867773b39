//! What the engine tells besides aggregates: recent calls, values, statistics.

use super::core::Core;
use super::event::Dimension;
use super::event::MAX_DIMENSIONS;
use super::event::status;
use super::outcome::Stats;
use super::outcome::Value;
use super::plan::numbers;
use super::recent::Call;
use super::recent::CallPage;
use super::recent::CallQuery;
use super::recent::Newest;
use super::recent::Row;
use super::series::SeriesTable;
use super::values::NONE;
use std::sync::atomic::Ordering;

/// The most calls on a page.
const MAX_CALLS: usize = 10_000;

impl Core {
    pub(super) fn calls(&self, query: &CallQuery) -> CallPage {
        let filters: Vec<(Dimension, Vec<u32>)> = {
            let series = self.series.read();
            query.filters.iter().map(|filter| numbers(filter, &series)).collect()
        };
        let mut newest = Newest::new(query.limit.clamp(1, MAX_CALLS), query.after);
        let mut complete = true;
        for stripe in &self.stripes {
            let stripe = stripe.lock();
            let series = self.series.read();
            complete &= stripe.recent.visit(query.from, query.to, |row| {
                newest.offer((row.timestamp, row.sequence), || {
                    let numbers = series.numbers(row.series);
                    let wanted = filters.iter().all(|(dimension, values)| values.contains(&numbers[dimension.index()]));
                    let failed = !status::is_success(series.text(row.series, Dimension::Status));
                    (wanted && (failed || !query.failures_only)).then(|| call(row, &series))
                });
            });
        }
        let (calls, next) = newest.into_page();
        CallPage { calls, next, complete }
    }

    pub(super) fn values(&self, dimension: Dimension, part: &str, limit: usize) -> Vec<Value> {
        let part = part.to_lowercase();
        let series = self.series.read();
        let values = series.values(dimension).all().filter(|(text, _)| text.to_lowercase().contains(&part));
        let mut values: Vec<Value> = values.map(|(text, series)| Value { value: text.clone(), series }).collect();
        values.sort_unstable_by(|a, b| a.value.cmp(&b.value));
        values.truncate(limit);
        values
    }

    pub(super) fn stats(&self) -> Stats {
        let counters = &self.counters;
        let memory_bytes = self.memory(&self.sealed.read());
        let series = self.series.read();
        Stats {
            accepted: self.stripes.iter().map(|stripe| stripe.lock().accepted).sum(),
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

/// A row with its numbers turned back into names.
fn call(row: &Row, series: &SeriesTable) -> Call {
    let mut dimensions = vec![None; MAX_DIMENSIONS];
    for (place, number) in series.numbers(row.series).iter().enumerate().filter(|(_, number)| **number != NONE) {
        let dimension = Dimension::FIXED.get(place).copied().unwrap_or_else(|| Dimension::Label((place - 6) as u8));
        dimensions[place] = Some(series.values(dimension).text(*number).clone());
    }
    let notes = row.notes.as_deref();
    Call {
        timestamp: row.timestamp,
        sequence: row.sequence,
        dimensions,
        measures: row.measures,
        id: notes.and_then(|notes| notes.id.clone()),
        job_id: notes.and_then(|notes| notes.job_id.clone()),
        error: notes.and_then(|notes| notes.error.clone()),
    }
}
