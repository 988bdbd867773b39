//! The state as bytes that depend on nothing but the events: buckets in order, series by name,
//! figures in full. Two engines that counted the same events say the same bytes.

use super::aggregate::Aggregate;
use super::column::Time;
use super::core::Core;
use super::seal::merge_parts;
use super::series::SeriesTable;
use super::slice::Slice;

impl Core {
    pub(super) fn canonical_bytes(&self) -> Vec<u8> {
        self.seal_all();
        let sealed = self.sealed.read();
        let series = self.series.read();
        let names = Names::of(&series);
        let mut bytes = Vec::new();
        for bucket in sealed.tiers.buckets() {
            let parts = sealed.tiers.parts(bucket);
            if parts.is_empty() {
                continue;
            }
            let merged = merge_parts(parts);
            put(&mut bytes, &(bucket.tier as u64).to_le_bytes());
            put(&mut bytes, &bucket.number.to_le_bytes());
            put_slice(&mut bytes, &merged.series, &names);
        }
        bytes
    }
}

fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(part);
}

/// The names of all series, and their order; worked out once and not for each bucket.
struct Names {
    names: Vec<Vec<u8>>, // by number
    ranks: Vec<u32>,     // by number
}

impl Names {
    fn of(series: &SeriesTable) -> Self {
        let mut names = vec![Vec::new(); series.bound()];
        series.ids().for_each(|id| names[id as usize] = name(id, series));
        let mut order: Vec<u32> = series.ids().collect();
        order.sort_unstable_by(|a, b| names[*a as usize].cmp(&names[*b as usize]));
        let mut ranks = vec![0; names.len()];
        (0..).zip(order).for_each(|(rank, id)| ranks[id as usize] = rank);
        Self { names, ranks }
    }
}

fn put_slice(bytes: &mut Vec<u8>, slice: &Slice, names: &Names) {
    let mut rows: Vec<(u32, usize)> =
        slice.ids.to_vec().into_iter().enumerate().map(|(row, id)| (names.ranks[id as usize], row)).collect();
    rows.sort_unstable();
    put(bytes, &(rows.len() as u64).to_le_bytes());
    for (_, row) in rows {
        put(bytes, &names.names[slice.ids.get(row) as usize]);
        let mut sums = Aggregate::default();
        slice.add_row(row, &mut sums);
        put_sums(bytes, &sums);
        Time::BOTH.into_iter().for_each(|time| put_times(bytes, slice, time, row));
    }
}

/// Each value with its length in front, so that no two names are alike.
fn name(id: u32, series: &SeriesTable) -> Vec<u8> {
    let mut bytes = Vec::new();
    for text in series.texts(id) {
        put(&mut bytes, &(text.len() as u16).to_be_bytes());
        put(&mut bytes, text.as_bytes());
    }
    bytes
}

fn put_sums(bytes: &mut Vec<u8>, sums: &Aggregate) {
    let counts = [sums.requests, sums.failures, sums.overflowed, sums.unmetered, sums.latency.count, sums.ttft.count];
    counts.iter().for_each(|count| put(bytes, &count.to_le_bytes()));
    let sums_of = [
        sums.input_tokens,
        sums.output_tokens,
        sums.cache_read_tokens,
        sums.cache_write_tokens,
        sums.reasoning_tokens,
        sums.total_tokens,
        sums.latency.sum_us,
        sums.ttft.sum_us,
    ];
    sums_of.iter().for_each(|sum| put(bytes, &sum.to_le_bytes()));
    for cost in sums.cost.by_currency() {
        put(bytes, cost.currency.code().as_bytes());
        put(bytes, &cost.nanos.to_le_bytes());
        put(bytes, &cost.calls.to_le_bytes());
    }
}

/// The bins of a row ascend and are each there once, whatever they were merged from.
fn put_times(bytes: &mut Vec<u8>, slice: &Slice, time: Time, row: usize) {
    let (min, max) = slice.extremes(time, row).unwrap_or_default();
    put(bytes, &min.to_le_bytes());
    put(bytes, &max.to_le_bytes());
    slice.row_bins(time).visit(row, |bin, count| {
        put(bytes, &bin.to_le_bytes());
        put(bytes, &count.to_le_bytes());
    });
}
