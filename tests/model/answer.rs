//! A whole answer, held against a recount.

use super::Model;
use super::Row;
use super::Verdict;
use super::ranking;
use super::ranking::Groups;
use super::recount;
use super::same;
use super::spans;
use super::spans::Newest;
use std::collections::BTreeSet;
use tallyring::engine::query::Group;
use tallyring::engine::query::MAX_POINTS;
use tallyring::engine::query::Point;
use tallyring::engine::query::Query;
use tallyring::engine::query::QueryError;
use tallyring::engine::query::Span;
use tallyring::engine::query::Totals;
use tallyring::engine::query::Usage;
use tallyring::engine::time::Timestamp;

/// Holds what the engine said against the calls of the model; panics with everything needed to
/// ask again.
pub(crate) fn check(model: &Model, query: &Query, now: Timestamp, answer: &Result<Usage, QueryError>) {
    let verdict = match answer {
        Ok(usage) => check_usage(model, query, now, usage),
        Err(error) => check_error(model, query, now, error),
    };
    if let Err(why) = verdict {
        panic!("{why}\nquery {query:?}\nat {now} ({})\nanswer {answer:#?}", now.secs());
    }
}

fn check_error(model: &Model, query: &Query, now: Timestamp, error: &QueryError) -> Verdict {
    let longest = model.config.tiers.last().expect("at least one tier").retention_secs();
    let deserved = match (error, query.span) {
        (QueryError::BadWindow(stated), Span::Window(secs)) => {
            i64::from(*stated) == longest && (secs == 0 || i64::from(secs) > longest)
        }
        (QueryError::EmptySpan, Span::Between { from, to }) => {
            from.is_some_and(|from| from >= to.unwrap_or(Timestamp::MAX) || from.secs() > now.secs())
        }
        (QueryError::TooManyPoints, _) => query.interval.is_some(),
        _ => false,
    };
    if deserved { Ok(()) } else { Err(format!("refused: {error}")) }
}

fn newest(model: &Model, now: Timestamp) -> Newest {
    let asked = model.newest.max(now.secs());
    Newest { settled: model.settled, seen: model.newest, asked }
}

fn check_usage(model: &Model, query: &Query, now: Timestamp, usage: &Usage) -> Verdict {
    if model.settled > 0 {
        spans::check(&model.config, newest(model, now), query.span, now, usage)?;
    }
    let rows = model.select(usage.from, usage.to, &query.filters);
    recount::check(&rows, &usage.totals, query.distributions).map_err(|why| format!("totals: {why}"))?;
    check_completeness(model, &rows, usage)?;
    check_borders(model, query, now, usage)?;
    check_points(&rows, &usage.series, query).map_err(|why| format!("series: {why}"))?;
    let before = before(model, query, now, usage);
    check_one_of(&before, usage.previous.as_ref(), query).map_err(|why| format!("previous: {why}"))?;
    if query.group_by.is_empty() { Ok(()) } else { check_groups(query, usage, &rows, &before) }
}

fn check_completeness(model: &Model, rows: &[&Row], usage: &Usage) -> Verdict {
    let told = &usage.completeness;
    same("completeness: unpriced", &told.unpriced, &usage.totals.sums.unpriced())?;
    same("completeness: unmetered", &told.unmetered, &usage.totals.sums.unmetered)?;
    same("completeness: overflowed", &told.overflowed, &0)?;
    same("completeness: late", &told.late, &model.late)?;
    same("completeness: rejected", &told.rejected, &model.rejected)?;
    same("completeness: requests", &usage.totals.sums.requests, &(rows.len() as u64))
}

/// The borders of a series are the interval's own, each rounded like any other edge.
fn check_borders(model: &Model, query: &Query, now: Timestamp, usage: &Usage) -> Verdict {
    let Some(interval) = query.interval else {
        return same("points without an interval", &usage.series.len(), &0);
    };
    let got: BTreeSet<i64> =
        usage.series.iter().flat_map(|point| [point.from, point.to]).map(Timestamp::secs).collect();
    let ideal = spans::borders(interval, usage.from.secs(), usage.to.secs(), &query.zone);
    if ideal.len() > MAX_POINTS {
        return Err("answered with more points than allowed".to_owned());
    }
    let inner = ideal.get(1..ideal.len() - 1).unwrap_or_default();
    for border in inner {
        let allowed = spans::rounded(&model.config, newest(model, now), *border);
        if !allowed.iter().any(|(edge, _)| got.contains(&(*edge).max(usage.from.secs()))) {
            return Err(format!("no point begins at {border} or where it is rounded to, one of {allowed:?}"));
        }
    }
    if got.len() > ideal.len() { Err(format!("borders {got:?}, want {ideal:?}")) } else { Ok(()) }
}

/// The points follow one another without gap from end to end, and each is a recount.
fn check_points(rows: &[&Row], points: &[Point], query: &Query) -> Verdict {
    for pair in points.windows(2) {
        same("the end of a point and the start of the next", &pair[0].to, &pair[1].from)?;
    }
    for point in points {
        let within: Vec<&Row> =
            rows.iter().copied().filter(|row| row.timestamp() >= point.from && row.timestamp() < point.to).collect();
        recount::check(&within, &point.totals, query.distributions)
            .map_err(|why| format!("[{}, {}): {why}", point.from, point.to))?;
    }
    let counted: u64 = points.iter().map(|point| point.totals.sums.requests).sum();
    let want = if query.interval.is_some() { rows.len() as u64 } else { 0 };
    same("calls in all points", &counted, &want)
}

/// The calls of the span of equal length before, in every reading of its first edge.
fn before<'a>(model: &'a Model, query: &Query, now: Timestamp, usage: &Usage) -> Vec<Vec<&'a Row>> {
    let length = usage.to.secs() - usage.from.secs();
    let edges = spans::rounded(&model.config, newest(model, now), usage.from.secs() - length);
    edges.iter().map(|(from, _)| model.select(Timestamp::from_secs(*from), usage.from, &query.filters)).collect()
}

fn check_one_of(readings: &[Vec<&Row>], totals: Option<&Totals>, query: &Query) -> Verdict {
    same("a span before", &totals.is_some(), &query.compare)?;
    let Some(totals) = totals else { return Ok(()) };
    let verdicts = readings.iter().map(|rows| recount::check(rows, totals, query.distributions));
    verdicts.reduce(Result::or).expect("at least one reading")
}

fn check_groups(query: &Query, usage: &Usage, rows: &[&Row], before: &[Vec<&Row>]) -> Verdict {
    let groups = ranking::group(rows, &query.group_by);
    same("group_count", &usage.group_count, &groups.len())?;
    let page: Vec<_> = usage.groups.iter().map(|group| group.name.clone()).collect();
    let cut = |names: Vec<_>| names.into_iter().skip(query.offset).take(query.limit).collect::<Vec<_>>();
    let pages: Vec<_> = ranking::rankings(&groups, query.order).into_iter().map(cut).collect();
    if !pages.contains(&page) {
        return Err(format!("page {page:?}, want {:?}", pages[0]));
    }
    for group in &usage.groups {
        check_group(group, &groups, before, query).map_err(|why| format!("group {:?}: {why}", group.name))?;
        let same_points = group.series.iter().map(|p| (p.from, p.to)).eq(usage.series.iter().map(|p| (p.from, p.to)));
        same("a group's points lie where the totals' lie", &same_points, &true)?;
    }
    check_other(usage, &groups, query)
}

fn check_group(group: &Group, groups: &Groups<'_>, readings: &[Vec<&Row>], query: &Query) -> Verdict {
    let rows = &groups[&group.name];
    recount::check(rows, &group.totals, query.distributions)?;
    check_points(rows, &group.series, query)?;
    let readings: Vec<Vec<&Row>> = readings
        .iter()
        .map(|rows| ranking::group(rows, &query.group_by).remove(&group.name).unwrap_or_default())
        .collect();
    check_one_of(&readings, group.previous.as_ref(), query).map_err(|why| format!("previous: {why}"))
}

fn check_other(usage: &Usage, groups: &Groups<'_>, query: &Query) -> Verdict {
    let shown: BTreeSet<_> = usage.groups.iter().map(|group| &group.name).collect();
    same("groups shown twice", &shown.len(), &usage.groups.len())?;
    let rest: Vec<_> = groups.iter().filter(|(name, _)| !shown.contains(name)).collect();
    same("other groups", &usage.other.groups, &rest.len())?;
    let rows: Vec<&Row> = rest.into_iter().flat_map(|(_, rows)| rows.iter().copied()).collect();
    recount::check(&rows, &usage.other.totals, query.distributions).map_err(|why| format!("other: {why}"))
}
