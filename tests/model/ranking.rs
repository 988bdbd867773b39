//! The order of groups: by one figure, ties by name upwards.

use super::Row;
use super::recount::times;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use tallyring::engine::event::Dimension;
use tallyring::engine::histogram::Distribution;
use tallyring::engine::money::Currency;
use tallyring::engine::query::GroupName;
use tallyring::engine::query::Order;
use tallyring::engine::query::Rank;

/// The calls of each group.
pub(crate) type Groups<'a> = BTreeMap<GroupName, Vec<&'a Row>>;

/// Sorts calls into groups.
pub(crate) fn group<'a>(rows: &[&'a Row], by: &[Dimension]) -> Groups<'a> {
    let mut groups = Groups::new();
    for row in rows {
        let name = by.iter().map(|dimension| Some(row.value(*dimension)).filter(|v| !v.is_empty()).map(Into::into));
        groups.entry(name.collect()).or_default().push(row);
    }
    groups
}

/// A figure as a fraction, so that rates and means are compared without rounding; `None` ranks last.
type Figure = Option<(i128, i128)>;

/// The names of all groups in order, once for each reading that the documentation allows: means
/// may be compared exactly or as told (rounded down).
pub(crate) fn rankings(groups: &Groups<'_>, order: Order) -> Vec<Vec<GroupName>> {
    let exact = |rows: &[&Row]| figure(rows, order.by);
    let told = |rows: &[&Row]| figure(rows, order.by).map(|(sum, count)| (sum / count, 1));
    match order.by {
        Rank::LatencyMean | Rank::TtftMean => vec![sorted(groups, order, exact), sorted(groups, order, told)],
        _ => vec![sorted(groups, order, exact)],
    }
}

fn sorted(groups: &Groups<'_>, order: Order, figure: impl Fn(&[&Row]) -> Figure) -> Vec<GroupName> {
    let mut ranked: Vec<(Figure, &GroupName)> = groups.iter().map(|(name, rows)| (figure(rows), name)).collect();
    ranked.sort_by(|(a, a_name), (b, b_name)| {
        if order.by == Rank::Name {
            return directed(a_name.cmp(b_name), order.descending);
        }
        by_figure(*a, *b, order.descending).then_with(|| a_name.cmp(b_name))
    });
    ranked.into_iter().map(|(_, name)| name.clone()).collect()
}

fn by_figure(a: Figure, b: Figure, descending: bool) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => directed((a.0 * b.1).cmp(&(b.0 * a.1)), descending),
        (a, b) => b.is_some().cmp(&a.is_some()), // without one: last, whatever the direction
    }
}

fn directed(ordering: Ordering, descending: bool) -> Ordering {
    if descending { ordering.reverse() } else { ordering }
}

fn figure(rows: &[&Row], by: Rank) -> Figure {
    let count = |wanted: fn(&Row) -> bool| whole(rows.iter().filter(|row| wanted(row)).count() as i128);
    let tokens = |of: fn(&Row) -> Option<u64>| whole(rows.iter().map(|row| i128::from(of(row).unwrap_or(0))).sum());
    match by {
        Rank::Name => None,
        Rank::Requests => whole(rows.len() as i128),
        Rank::Successes => count(|row| !row.failed()),
        Rank::Failures => count(Row::failed),
        Rank::ErrorRate => Some((count(Row::failed)?.0, rows.len() as i128)),
        Rank::InputTokens => tokens(|row| row.measures.input_tokens),
        Rank::OutputTokens => tokens(|row| row.measures.output_tokens),
        Rank::CacheReadTokens => tokens(|row| row.measures.cache_read_tokens),
        Rank::CacheWriteTokens => tokens(|row| row.measures.cache_write_tokens),
        Rank::ReasoningTokens => tokens(|row| row.measures.reasoning_tokens),
        Rank::TotalTokens => tokens(|row| row.measures.total()),
        Rank::Unpriced => count(|row| row.measures.cost.is_none()),
        Rank::Cost(currency) => whole(cost(rows, currency)),
        Rank::LatencyMean => mean(&times(rows, |row| row.measures.latency_us)),
        Rank::TtftMean => mean(&times(rows, |row| row.measures.ttft_us)),
        Rank::Latency(quantile) => read(&times(rows, |row| row.measures.latency_us), quantile),
        Rank::Ttft(quantile) => read(&times(rows, |row| row.measures.ttft_us), quantile),
    }
}

fn whole(number: i128) -> Figure {
    Some((number, 1))
}

fn cost(rows: &[&Row], currency: Currency) -> i128 {
    let told = rows.iter().filter_map(|row| row.measures.cost).filter(|money| money.currency == currency);
    told.map(|money| i128::from(money.nanos)).sum()
}

fn mean(times: &[u64]) -> Figure {
    let sum: i128 = times.iter().map(|us| i128::from(*us)).sum();
    (!times.is_empty()).then_some((sum, times.len() as i128))
}

/// A quantile as it is read from bins; how near it is to the exact one is checked elsewhere.
fn read(times: &[u64], quantile: f64) -> Figure {
    let mut distribution = Distribution::default();
    times.iter().for_each(|us| distribution.record(*us));
    distribution.quantile(quantile).and_then(|us| whole(i128::from(us)))
}
