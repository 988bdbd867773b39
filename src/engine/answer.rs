//! From a query to its answer: check it, hold the data still, sum, rank, cut a page.

use super::aggregate::Aggregate;
use super::column::Time;
use super::core::Core;
use super::event::MAX_DIMENSIONS;
use super::histogram::Distribution;
use super::plan::Plan;
use super::query::Completeness;
use super::query::Group;
use super::query::MAX_GROUP_BY;
use super::query::MAX_LIMIT;
use super::query::MAX_POINTS;
use super::query::Other;
use super::query::Point;
use super::query::Query;
use super::query::QueryError;
use super::query::Rank;
use super::query::Span;
use super::query::Totals;
use super::query::Usage;
use super::rank;
use super::slice::NOWHERE;
use super::spin;
use super::sums::Sums;
use super::tiers::Tiers;
use super::time::Timestamp;
use super::view::View;
use super::view::whole;
use std::ops::Range;
use std::sync::atomic::Ordering;

/// A span in whole seconds and the coarsest step its edges were rounded to.
#[derive(Clone, Copy, Debug)]
struct Edges {
    from: i64,
    to: i64,
    step: i64,
}

/// Where a span ends.
enum To {
    /// Before this second, rounded down.
    Before(i64),
    /// With this second, however coarse the bucket that holds it.
    Through(i64),
    /// With the current second.
    Now,
}

/// The end of the finest bucket kept for a second, and its step.
fn bucket_end(second: i64, tiers: &Tiers) -> (i64, i64) {
    let (start, step) = tiers.floor(second);
    (start + step, step)
}

impl Core {
    pub(super) fn query(&self, query: &Query, now: Timestamp) -> Result<Usage, QueryError> {
        check(query)?;
        if self.watermark.load(Ordering::Acquire) == i64::MIN {
            self.observe(now); // nothing was counted yet: what is kept, is kept as of now
        }
        let plan = Plan::new(query, &spin::read(&self.series), &self.config.rollups);
        let sealed = spin::read(&self.sealed);
        let span = self.span(query.span, now, &sealed.tiers)?;
        let times = query.distributions || matches!(query.order.by, Rank::Latency(_) | Rank::Ttft(_));
        if plan.rolled_up && query.group_by.is_empty() && query.interval.is_none() && !query.compare && !times {
            let sums = whole(self, &sealed, &plan.ids, span.from, span.to);
            drop(sealed);
            return Ok(self.usage(
                span,
                None,
                Page { totals: Totals { sums, ..Totals::default() }, ..Page::default() },
            ));
        }
        let edges = interval_edges(query, span, &sealed.tiers)?;
        let view = View::take(self, &sealed, &plan, &edges, times);
        let previous = query.compare.then(|| span_before(span, &sealed.tiers));
        let before = previous.map(|span| View::take(self, &sealed, &plan, &[span.from, span.to], times));
        drop(sealed);
        let mut answer = Answer { query, plan: &plan, view: &view, edges: &edges }.page(self)?;
        if let Some(view) = before {
            answer.compare(&view, query);
        }
        Ok(self.usage(span, previous, answer))
    }

    fn usage(&self, span: Edges, previous: Option<Edges>, page: Page) -> Usage {
        Usage {
            from: Timestamp::from_secs(span.from),
            to: Timestamp::from_secs(span.to),
            resolution_secs: u32::try_from(span.step).expect("a step is at most a day"),
            completeness: self.completeness(&page.totals.sums),
            totals: page.totals,
            series: page.totals_series,
            groups: page.groups,
            other: page.other,
            group_count: page.group_count,
            previous: page.previous,
            previous_from: previous.map(|span| Timestamp::from_secs(span.from)),
        }
    }

    /// The whole buckets that a span covers.
    fn span(&self, span: Span, now: Timestamp, tiers: &Tiers) -> Result<Edges, QueryError> {
        let now = now.secs();
        let kept = self.config.tiers.last().map_or(0, |tier| tier.step_secs.saturating_mul(tier.len));
        let secs = |at: Option<Timestamp>| at.map(Timestamp::secs);
        let (from, to) = match span {
            Span::Window(secs) if secs == 0 || secs > kept => return Err(QueryError::BadWindow(kept)),
            Span::Window(secs) => (now - i64::from(secs), To::Now),
            Span::Between { from: Some(from), to: Some(to) } if from >= to => return Err(QueryError::EmptySpan),
            Span::Between { from, to } => {
                let whole = to.filter(|to| *to <= Timestamp::from_secs(now));
                (secs(from).unwrap_or(0), secs(whole).map_or(To::Now, To::Before))
            }
            Span::Inclusive { start: Some(start), end: Some(end) } if start > end => return Err(QueryError::EmptySpan),
            Span::Inclusive { start, end } => {
                let past = secs(end).filter(|end| *end < now);
                (secs(start).unwrap_or(0), past.map_or(To::Now, To::Through))
            }
        };
        let (from, coarse) = tiers.floor(from);
        let (to, fine) = match to {
            To::Before(second) => tiers.floor(second),
            To::Through(second) => bucket_end(second, tiers),
            To::Now => bucket_end(now, tiers),
        };
        Ok(Edges { from: from.min(to), to, step: coarse.max(fine) })
    }

    fn completeness(&self, sums: &Aggregate) -> Completeness {
        let counters = &self.counters;
        Completeness {
            unpriced: sums.unpriced(),
            unmetered: sums.unmetered,
            overflowed: sums.overflowed,
            late: counters.late.load(Ordering::Relaxed),
            rejected: counters.rejected.each_ref().map(|count| count.load(Ordering::Relaxed)),
            duplicates: counters.duplicates.load(Ordering::Relaxed),
        }
    }
}

fn check(query: &Query) -> Result<(), QueryError> {
    let mut seen = [false; MAX_DIMENSIONS];
    let twice = query.group_by.iter().any(|dimension| std::mem::replace(&mut seen[dimension.index()], true));
    if twice || query.group_by.len() > MAX_GROUP_BY {
        return Err(QueryError::BadGroupBy);
    }
    if query.limit == 0 || query.limit > MAX_LIMIT {
        return Err(QueryError::BadLimit);
    }
    match query.order.by {
        Rank::Latency(quantile) | Rank::Ttft(quantile) if !(0.0..=1.0).contains(&quantile) => {
            Err(QueryError::BadQuantile)
        }
        _ => Ok(()),
    }
}

/// The borders of the query's intervals, rounded like every other edge; just the span without.
fn interval_edges(query: &Query, span: Edges, tiers: &Tiers) -> Result<Vec<i64>, QueryError> {
    let Some(interval) = query.interval.filter(|_| span.from < span.to) else {
        return Ok(vec![span.from, span.to]);
    };
    let (from, to) = (Timestamp::from_secs(span.from), Timestamp::from_secs(span.to));
    let edges = interval.edges(from, to, &query.zone, MAX_POINTS).ok_or(QueryError::TooManyPoints)?;
    let mut edges: Vec<i64> = edges.into_iter().map(|edge| tiers.floor(edge.secs()).0).collect();
    edges.dedup();
    Ok(edges)
}

/// The span of equal length that ends where this one begins.
fn span_before(span: Edges, tiers: &Tiers) -> Edges {
    let from = tiers.floor(2 * span.from - span.to).0;
    Edges { from: from.min(span.from), to: span.from, step: span.step }
}

/// A query with its data.
struct Answer<'a> {
    query: &'a Query,
    plan: &'a Plan,
    view: &'a View<'a>,
    edges: &'a [i64],
}

/// The parts of a [`Usage`] that come from one view.
#[derive(Default)]
struct Page {
    totals: Totals,
    totals_series: Vec<Point>, // none without an interval
    groups: Vec<Group>,
    other: Other,
    group_count: usize,
    previous: Option<Totals>,
    slots: Vec<u32>,
}

impl Answer<'_> {
    fn page(&self, core: &Core) -> Result<Page, QueryError> {
        let count = self.plan.len();
        let identity: Vec<u32> = (0..count as u32).collect();
        let sums = self.view.sums(self.view.all(), &identity, count);
        let (page, group_count) = match self.query.group_by.is_empty() {
            true => (Vec::new(), 0),
            false => self.rank(&sums, core),
        };
        let intervals = self.edges.len() - 1;
        if self.query.interval.is_some() && (page.len() + 1).saturating_mul(intervals) > MAX_POINTS {
            return Err(QueryError::TooManyPoints);
        }
        // The page's groups have a slot each; all others share the last one.
        let mut slots = vec![page.len() as u32; count];
        page.iter().enumerate().for_each(|(slot, place)| slots[*place] = slot as u32);
        let mut totals = self.with_times(self.view.all(), &slots, split(&sums, &page));
        let mut series = self.series(&slots, page.len() + 1);
        let names = core.series.read();
        let other = totals.pop().unwrap_or_default();
        let group = |(place, totals): (&usize, &Totals)| Group {
            name: self.plan.name(*place, &names),
            totals: totals.clone(),
            previous: None,
            series: Vec::new(),
        };
        let mut groups: Vec<Group> = page.iter().zip(&totals).map(group).collect();
        let mut whole = other.clone();
        totals.iter().for_each(|totals| whole.merge(totals));
        let totals_series = if self.query.interval.is_some() { whole_series(&series) } else { Vec::new() };
        groups.iter_mut().zip(&mut series).for_each(|(group, series)| group.series = std::mem::take(series));
        let other = match self.query.group_by.is_empty() {
            true => Other::default(),
            false => Other { groups: group_count - groups.len(), totals: other },
        };
        Ok(Page { totals: whole, totals_series, groups, other, group_count, previous: None, slots })
    }

    /// The places of the page's groups in the query's order, and how many groups have calls.
    fn rank(&self, sums: &Sums, core: &Core) -> (Vec<usize>, usize) {
        let Query { order, offset, limit, .. } = *self.query;
        let count = self.plan.len();
        let places: Vec<usize> = (0..count).filter(|place| sums.requests(*place) > 0).collect();
        let mut keys: Vec<Option<rank::Key>> = vec![None; count];
        let quantile = match order.by {
            Rank::Latency(quantile) => Some((Time::Latency, quantile)),
            Rank::Ttft(quantile) => Some((Time::Ttft, quantile)),
            _ => None,
        };
        if let Some((time, quantile)) = quantile {
            let mut slots = vec![NOWHERE; count];
            places.iter().enumerate().for_each(|(slot, place)| slots[*place] = slot as u32);
            let times = self.view.times(self.view.all(), time, &slots, places.len());
            for (place, times) in places.iter().zip(times) {
                keys[*place] = times.quantile(quantile).map(|us| rank::Key::whole(u128::from(us)));
            }
        } else {
            places.iter().for_each(|place| keys[*place] = rank::key(order.by, &sums.get(*place)));
        }
        let (names, groups) = (core.series.read(), places.len());
        let page =
            rank::first(places, offset.saturating_add(limit), &keys, order, |a, b| self.plan.compare(a, b, &names));
        (page.into_iter().skip(offset).collect(), groups)
    }

    /// Totals by slot, of some spans together.
    fn totals(&self, stretches: Range<usize>, slots: &[u32], count: usize) -> Vec<Totals> {
        let sums = self.view.sums(stretches.clone(), slots, count);
        self.with_times(stretches, slots, (0..count).map(|slot| sums.get(slot).into_owned()).collect())
    }

    /// Sums by slot with their distributions, where the query wants them.
    fn with_times(&self, stretches: Range<usize>, slots: &[u32], sums: Vec<Aggregate>) -> Vec<Totals> {
        let times = |time| match self.query.distributions {
            false => vec![Distribution::default(); sums.len()],
            true => self.view.times(stretches.clone(), time, slots, sums.len()),
        };
        let times = times(Time::Latency).into_iter().zip(times(Time::Ttft));
        sums.into_iter().zip(times).map(|(sums, (latency, ttft))| Totals { sums, latency, ttft }).collect()
    }

    /// A time series for each slot; empty without an interval.
    fn series(&self, slots: &[u32], count: usize) -> Vec<Vec<Point>> {
        if self.query.interval.is_none() {
            return vec![Vec::new(); count];
        }
        let intervals = self.edges.len() - 1;
        let mut series: Vec<_> = (0..count).map(|_| Vec::with_capacity(intervals)).collect();
        for (stretch, edges) in self.edges.windows(2).enumerate() {
            let (from, to) = (Timestamp::from_secs(edges[0]), Timestamp::from_secs(edges[1]));
            for (series, totals) in series.iter_mut().zip(self.totals(stretch..stretch + 1, slots, count)) {
                series.push(Point { from, to, totals });
            }
        }
        series
    }
}

impl Page {
    /// Adds the totals of the span before to every group of the page.
    fn compare(&mut self, view: &View<'_>, query: &Query) {
        let edges = [0, 0];
        let count = self.groups.len() + 1;
        let before = Answer { query, plan: view.plan(), view, edges: &edges };
        let totals = before.totals(view.all(), &self.slots, count);
        let mut whole = Totals::default();
        totals.iter().for_each(|totals| whole.merge(totals));
        self.previous = Some(whole);
        self.groups.iter_mut().zip(totals).for_each(|(group, totals)| group.previous = Some(totals));
    }
}

impl Totals {
    fn merge(&mut self, other: &Self) {
        self.sums.merge(&other.sums);
        self.latency.merge(&other.latency);
        self.ttft.merge(&other.ttft);
    }
}

/// The slots' series added up.
fn whole_series(series: &[Vec<Point>]) -> Vec<Point> {
    let mut whole = series[0].clone();
    for series in &series[1..] {
        whole.iter_mut().zip(series).for_each(|(whole, point)| whole.totals.merge(&point.totals));
    }
    whole
}

/// The sums of the groups on the page, then of all others together.
fn split(sums: &Sums, page: &[usize]) -> Vec<Aggregate> {
    let mut split: Vec<Aggregate> = page.iter().map(|place| sums.get(*place).into_owned()).collect();
    let mut others = sums.whole();
    split.iter().for_each(|calls| others.subtract(calls));
    split.push(others);
    split
}
