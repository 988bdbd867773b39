//! Sums, extremes and exact quantiles of a list of calls, held against an answer.

use super::Row;
use super::Verdict;
use super::same;
use std::collections::BTreeMap;
use tallyring::engine::aggregate::Aggregate;
use tallyring::engine::histogram::Distribution;
use tallyring::engine::query::Totals;

/// The quantiles compared.
pub(crate) const QUANTILES: [f64; 8] = [0.0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 1.0];

/// The exact nearest-rank quantile of sorted values: the smallest that at least `quantile` of
/// them do not exceed.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "small lists")]
pub(crate) fn nearest_rank(sorted: &[u64], quantile: f64) -> Option<u64> {
    let rank = (quantile * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

/// Whether a quantile read from bins is as good as promised: never below the exact one, and at
/// most 1/128 of it above.
pub(crate) fn near(read: u64, exact: u64) -> bool {
    read >= exact && u128::from(read - exact) * 128 <= u128::from(exact)
}

/// That an answer's figures are those of the calls.
pub(crate) fn check(rows: &[&Row], totals: &Totals, distributions: bool) -> Verdict {
    check_sums(rows, &totals.sums)?;
    let sides = [
        ("latency", times(rows, |row| row.measures.latency_us), &totals.latency),
        ("ttft", times(rows, |row| row.measures.ttft_us), &totals.ttft),
    ];
    for (what, sorted, distribution) in sides {
        if distributions {
            check_distribution(&sorted, distribution).map_err(|why| format!("{what} {why}"))?;
        } else {
            same(&format!("{what} values that nobody asked for"), &distribution.count(), &0)?;
        }
    }
    Ok(())
}

/// The times told, upwards.
pub(crate) fn times(rows: &[&Row], of: impl Fn(&Row) -> Option<u64>) -> Vec<u64> {
    let mut times: Vec<u64> = rows.iter().filter_map(|row| of(row)).collect();
    times.sort_unstable();
    times
}

fn check_sums(rows: &[&Row], sums: &Aggregate) -> Verdict {
    let count = |wanted: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| wanted(row)).count() as u64;
    let tokens = |of: &dyn Fn(&Row) -> Option<u64>| rows.iter().map(|row| u128::from(of(row).unwrap_or(0))).sum();
    same("requests", &sums.requests, &(rows.len() as u64))?;
    same("failures", &sums.failures, &count(&Row::failed))?;
    same("successes", &sums.successes(), &count(&|row| !row.failed()))?;
    same("overflowed", &sums.overflowed, &0)?;
    same("unmetered", &sums.unmetered, &count(&|row| told_total(row).is_none()))?;
    same("unpriced", &sums.unpriced(), &count(&|row| row.measures.cost.is_none()))?;
    same("input_tokens", &sums.input_tokens, &tokens(&|row| row.measures.input_tokens))?;
    same("output_tokens", &sums.output_tokens, &tokens(&|row| row.measures.output_tokens))?;
    same("cache_read_tokens", &sums.cache_read_tokens, &tokens(&|row| row.measures.cache_read_tokens))?;
    same("cache_write_tokens", &sums.cache_write_tokens, &tokens(&|row| row.measures.cache_write_tokens))?;
    same("reasoning_tokens", &sums.reasoning_tokens, &tokens(&|row| row.measures.reasoning_tokens))?;
    same("total_tokens", &sums.total_tokens, &tokens(&told_total))?;
    check_timing("latency", rows, |row| row.measures.latency_us, (sums.latency.count, sums.latency.sum_us))?;
    check_timing("ttft", rows, |row| row.measures.ttft_us, (sums.ttft.count, sums.ttft.sum_us))?;
    check_costs(rows, sums)
}

/// Told, else input + output, else unknown.
fn told_total(row: &Row) -> Option<u64> {
    let measures = &row.measures;
    if measures.total_tokens.is_some() {
        return measures.total_tokens;
    }
    let parts = [measures.input_tokens, measures.output_tokens];
    parts.iter().any(Option::is_some).then(|| parts.into_iter().flatten().sum())
}

fn check_timing(what: &str, rows: &[&Row], of: impl Fn(&Row) -> Option<u64>, got: (u64, u128)) -> Verdict {
    let told = times(rows, of);
    same(what, &got, &(told.len() as u64, told.iter().map(|us| u128::from(*us)).sum()))
}

fn check_costs(rows: &[&Row], sums: &Aggregate) -> Verdict {
    let mut want: BTreeMap<String, (i128, u64)> = BTreeMap::new();
    for money in rows.iter().filter_map(|row| row.measures.cost) {
        let sum = want.entry(money.currency.code().to_owned()).or_default();
        *sum = (sum.0 + i128::from(money.nanos), sum.1 + 1);
    }
    let got = sums.cost.by_currency();
    let got: Vec<_> = got.iter().map(|cost| (cost.currency.code().to_owned(), (cost.nanos, cost.calls))).collect();
    same("cost", &got, &want.into_iter().collect())
}

fn check_distribution(sorted: &[u64], distribution: &Distribution) -> Verdict {
    same("count", &distribution.count(), &(sorted.len() as u64))?;
    same("minimum", &distribution.min_us(), &sorted.first().copied())?;
    same("maximum", &distribution.max_us(), &sorted.last().copied())?;
    for quantile in QUANTILES {
        let (read, exact) = (distribution.quantile(quantile), nearest_rank(sorted, quantile));
        let good = match (read, exact) {
            (Some(read), Some(exact)) => near(read, exact),
            (read, exact) => read == exact,
        };
        if !good {
            return Err(format!("quantile {quantile}: read {read:?}, exactly {exact:?}"));
        }
    }
    check_counts(sorted, distribution)
}

/// The counts between bounds: those at values that occur, where a slip by one would show, and at
/// round ones. Up to a bound, what is read is what lies up to a bound at most 1/128 above.
fn check_counts(sorted: &[u64], distribution: &Distribution) -> Verdict {
    let mut bounds: Vec<u64> = QUANTILES.iter().filter_map(|quantile| nearest_rank(sorted, *quantile)).collect();
    bounds.extend([0, 1_000, 100_000, 10_000_000]);
    bounds.sort_unstable();
    bounds.dedup();
    let counts = distribution.counts_between(&bounds);
    same("counts in all", &(counts.len(), counts.iter().sum()), &(bounds.len() + 1, sorted.len() as u64))?;
    let mut read = 0;
    for (bound, count) in bounds.iter().zip(counts) {
        read += count;
        let up_to = |bound: u64| sorted.partition_point(|us| *us <= bound) as u64;
        let allowed = up_to(*bound)..=up_to(bound + bound / 128);
        if !allowed.contains(&read) {
            return Err(format!("up to {bound}: read {read}, allowed {allowed:?}"));
        }
    }
    Ok(())
}
