//! Which edges an answer may have: each edge asked for, rounded down to the finest tier that
//! still covers it.

use super::Verdict;
use super::same;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use tallyring::engine::config::Config;
use tallyring::engine::query::Span;
use tallyring::engine::query::Usage;
use tallyring::engine::time::Interval;
use tallyring::engine::time::Timestamp;
use tallyring::engine::time::Zone;

/// A second that an edge may be rounded to, and the step it was rounded to.
pub(crate) type Edge = (i64, u32);

/// The highest `now` that surely moved the engine on, that may have, and that of the question: an
/// engine may keep things until it is told to move on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Newest {
    pub(crate) settled: i64,
    pub(crate) seen: i64,
    pub(crate) asked: i64,
}

/// Where an edge at second `edge` may be rounded to: the step of the finest tier that surely
/// covers it, or of a finer one that happens to cover it still.
///
/// A tier surely covers the buckets that are fewer than `len` behind the newest.
pub(crate) fn rounded(config: &Config, newest: Newest, edge: i64) -> Vec<Edge> {
    let edge = edge.max(0);
    let mut allowed = Vec::new();
    for tier in &config.tiers {
        let step = i64::from(tier.step_secs);
        allowed.push((edge / step * step, tier.step_secs));
        if newest.asked / step - edge / step < i64::from(tier.len) {
            return allowed;
        }
    }
    allowed.extend(oldest(config, newest));
    allowed
}

/// The first second kept at all. A bucket about to leave may still count.
pub(crate) fn oldest(config: &Config, newest: Newest) -> Vec<Edge> {
    let tier = config.tiers.last().expect("at least one tier");
    let step = i64::from(tier.step_secs);
    let first = |newest: i64| newest / step - i64::from(tier.len) + 1;
    let firsts = [newest.settled, newest.seen, newest.asked].map(first);
    let buckets = firsts.into_iter().flat_map(|first| [first - 1, first]);
    buckets.map(|bucket| ((bucket * step).max(0), tier.step_secs)).collect()
}

/// Where a span without beginning begins.
fn all_kept(config: &Config, newest: Newest) -> Vec<Edge> {
    let oldest = oldest(config, newest);
    let finer = oldest.iter().flat_map(|(second, _)| rounded(config, newest, *second));
    let finer: Vec<Edge> = finer.collect();
    oldest.into_iter().chain(finer).collect()
}

/// Where the edges of a span may lie.
fn allowed(config: &Config, newest: Newest, span: Span, now: Timestamp) -> (Vec<Edge>, Vec<Edge>) {
    let current = (now.secs() + 1, 1);
    match span {
        Span::Window(secs) => (rounded(config, newest, now.secs() - i64::from(secs)), vec![current]),
        Span::Between { from, to } => {
            let from = match from {
                Some(from) => rounded(config, newest, from.secs()),
                None => all_kept(config, newest),
            };
            let to = match to {
                Some(to) if to <= Timestamp::from_secs(now.secs()) => rounded(config, newest, to.secs()),
                _ => vec![current],
            };
            (from, to)
        }
        Span::Inclusive { start, end } => {
            let (from, _) = allowed(config, newest, Span::Between { from: start, to: None }, now);
            let to = match end {
                Some(end) if end.secs() < now.secs() => {
                    let begins = rounded(config, newest, end.secs());
                    begins.into_iter().map(|(begin, step)| (begin + i64::from(step), step)).collect()
                }
                _ => vec![current],
            };
            (from, to)
        }
    }
}

/// That an answer states edges it may have, and the resolution they were rounded to.
pub(crate) fn check(config: &Config, newest: Newest, span: Span, now: Timestamp, usage: &Usage) -> Verdict {
    if matches!(span, Span::Between { from: Some(from), .. } if from.secs() > now.secs()) {
        return same("a span that begins in the future is empty", &usage.from, &usage.to);
    }
    let (froms, tos) = allowed(config, newest, span, now);
    let pairs = froms.iter().flat_map(|from| tos.iter().map(move |to| (from.0, to.0, from.1.max(to.1))));
    let pairs: BTreeSet<_> = pairs.collect();
    let stated = (usage.from.secs(), usage.to.secs(), usage.resolution_secs);
    if !pairs.contains(&stated) {
        return Err(format!("span and resolution: got {stated:?}, want one of {pairs:?}"));
    }
    let whole = [usage.from, usage.to].iter().all(|edge| edge.micros() % super::SECOND == 0);
    same("edges lie on whole seconds", &whole, &true)
}

/// The borders of an interval inside `[from, to)`, both ends included, by own calendar arithmetic.
pub(crate) fn borders(interval: Interval, from: i64, to: i64, zone: &Zone) -> Vec<i64> {
    let mut borders = vec![from];
    while let Some(last) = borders.last().copied().filter(|last| *last < to) {
        borders.push(next_border(interval, last, zone).min(to));
    }
    borders
}

fn next_border(interval: Interval, after: i64, zone: &Zone) -> i64 {
    let tz = TimeZone::get(zone.name()).expect("a zone of the database");
    let day = jiff::Timestamp::from_second(after).expect("in range").to_zoned(tz.clone()).date();
    let midnight = |date: Date| date.to_zoned(tz.clone()).expect("in range").timestamp().as_second();
    match interval {
        Interval::Fixed(step) => (after / i64::from(step) + 1) * i64::from(step),
        Interval::Day => midnight(day.tomorrow().expect("in range")),
        Interval::Month => midnight(day.last_of_month().tomorrow().expect("in range")),
    }
}
