//! Questions and answers as plain data: [`Query`] in, [`Usage`] out.

use super::aggregate::Aggregate;
use super::event::Dimension;
use super::histogram::Distribution;
use super::money::Currency;
use super::time::{Interval, Timestamp, Zone};
use std::sync::Arc;

/// The most dimensions one query can group by.
pub const MAX_GROUP_BY: usize = 3;
/// The most groups one page can hold.
pub const MAX_LIMIT: usize = 10_000;
/// The most points (groups × intervals) one answer can hold.
pub const MAX_POINTS: usize = 100_000;

/// The span a query covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// The last so many seconds, the current second included: every event of `[now - n, now]`.
    /// The answer names the whole buckets that cover it.
    Window(u32),
    /// `[from, to)`, each edge rounded down to the finest bucket still kept for it, so that
    /// neighbouring spans never overlap and never leave a gap. No `from` is "all that is kept";
    /// no `to`, or one after the current second began, is "up to now, the current second included".
    Between {
        /// The first instant.
        from: Option<Timestamp>,
        /// The instant after the last.
        to: Option<Timestamp>,
    },
    /// `[start, end]` to the second: the whole buckets that cover both ends, so that no call
    /// between them is missed. A missing end is as in [`Span::Between`].
    Inclusive {
        /// The first second.
        start: Option<Timestamp>,
        /// The last second.
        end: Option<Timestamp>,
    },
}

/// Any of some values of one dimension. `""` stands for calls without a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The dimension.
    pub dimension: Dimension,
    /// The values, any of which may match.
    pub values: Vec<String>,
}

/// What both let through: filters of the same dimension become one with the values they share,
/// which may be none; such a filter matches no call.
#[must_use]
pub fn narrowed(mut filters: Vec<Filter>, only: impl IntoIterator<Item = Filter>) -> Vec<Filter> {
    for limit in only {
        match filters.iter_mut().find(|filter| filter.dimension == limit.dimension) {
            Some(filter) => filter.values.retain(|value| limit.values.contains(value)),
            None => filters.push(limit),
        }
    }
    filters
}

/// One aggregate question. Filters on different dimensions must all hold.
#[derive(Clone, Debug)]
pub struct Query {
    /// The span covered.
    pub span: Span,
    /// Dimensions to group by, at most [`MAX_GROUP_BY`], each once.
    pub group_by: Vec<Dimension>,
    /// What to leave out.
    pub filters: Vec<Filter>,
    /// Buckets of a time series, for the totals and for each group on the page.
    pub interval: Option<Interval>,
    /// The zone of calendar intervals.
    pub zone: Zone,
    /// Whether latency and time-to-first-token distributions are wanted; without them only their
    /// counts and sums are read.
    pub distributions: bool,
    /// What ranks the groups; ties go by name, upwards.
    pub order: Order,
    /// The most groups to answer with, at most [`MAX_LIMIT`]; the rest is summed up in `other`.
    pub limit: usize,
    /// How many groups to pass over, for the next page.
    pub offset: usize,
    /// Whether to answer for the span of equal length before this one too.
    pub compare: bool,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            span: Span::Window(3600),
            group_by: Vec::new(),
            filters: Vec::new(),
            interval: None,
            zone: Zone::utc(),
            distributions: true,
            order: Order::default(),
            limit: 100,
            offset: 0,
            compare: false,
        }
    }
}

impl Query {
    /// The last so many seconds.
    #[must_use]
    pub fn window(secs: u32) -> Self {
        Self { span: Span::Window(secs), ..Self::default() }
    }

    /// `[from, to)`, as in [`Span::Between`].
    #[must_use]
    pub fn between(from: impl Into<Option<Timestamp>>, to: impl Into<Option<Timestamp>>) -> Self {
        Self { span: Span::Between { from: from.into(), to: to.into() }, ..Self::default() }
    }

    /// Grouped by one more dimension.
    #[must_use]
    pub fn group_by(mut self, dimension: Dimension) -> Self {
        self.group_by.push(dimension);
        self
    }

    /// Only calls with this value of a dimension.
    #[must_use]
    pub fn only(mut self, dimension: Dimension, value: impl Into<String>) -> Self {
        let value = value.into();
        match self.filters.iter_mut().find(|filter| filter.dimension == dimension) {
            Some(filter) => filter.values.push(value),
            None => self.filters.push(Filter { dimension, values: vec![value] }),
        }
        self
    }
}

/// What ranks groups.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Order {
    /// The figure compared.
    pub by: Rank,
    /// Largest first.
    pub descending: bool,
}

impl Default for Order {
    fn default() -> Self {
        Self { by: Rank::Requests, descending: true }
    }
}

/// A figure that can rank groups.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rank {
    /// By the names of the group alone.
    Name,
    /// Calls.
    Requests,
    /// Calls that succeeded.
    Successes,
    /// Calls that failed.
    Failures,
    /// Failures / requests.
    ErrorRate,
    /// Tokens in.
    InputTokens,
    /// Tokens out.
    OutputTokens,
    /// Tokens read from a cache.
    CacheReadTokens,
    /// Tokens written to a cache.
    CacheWriteTokens,
    /// Tokens spent on reasoning.
    ReasoningTokens,
    /// Tokens in all.
    TotalTokens,
    /// Calls without a cost.
    Unpriced,
    /// Money of one currency: never a mix.
    Cost(Currency),
    /// Mean latency; groups without one come last.
    LatencyMean,
    /// Mean time to first token; groups without one come last.
    TtftMean,
    /// A latency quantile in `[0, 1]`; groups without one come last.
    Latency(f64),
    /// A time-to-first-token quantile in `[0, 1]`; groups without one come last.
    Ttft(f64),
}

/// Sums and distributions of one group, or of all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// Counts and exact sums.
    pub sums: Aggregate,
    /// Latency: minimum, maximum and quantiles; empty unless the query asked for distributions.
    pub latency: Distribution,
    /// Time to first token; empty unless the query asked for distributions.
    pub ttft: Distribution,
}

/// The values of a group, in the order of `group_by`; `None` is "none".
pub type GroupName = Vec<Option<Arc<str>>>;

/// One bucket of a time series.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Its first instant.
    pub from: Timestamp,
    /// The instant after its last.
    pub to: Timestamp,
    /// What happened in it.
    pub totals: Totals,
}

/// One group of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its values, in the order of `group_by`.
    pub name: GroupName,
    /// Over the whole span.
    pub totals: Totals,
    /// Over the span of equal length before, if the query compares.
    pub previous: Option<Totals>,
    /// By interval, if the query has one: every interval, empty ones too.
    pub series: Vec<Point>,
}

/// The groups that are not on this page, summed up: groups + other = totals.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Other {
    /// How many.
    pub groups: usize,
    /// Their sums.
    pub totals: Totals,
}

/// How complete an answer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Completeness {
    /// Calls in the answer that told no cost.
    pub unpriced: u64,
    /// Calls in the answer that told no tokens.
    pub unmetered: u64,
    /// Calls in the answer that are counted under `__other__` for want of room.
    pub overflowed: u64,
    /// Calls accepted since the start after their second had been sealed (they *are* counted).
    pub late: u64,
    /// Events refused since the start, by [`Reason`](super::event::Reason) in its order.
    pub rejected: [u64; 4],
    /// Events since the start that had come before.
    pub duplicates: u64,
}

/// The answer to a [`Query`].
#[derive(Clone, Debug, PartialEq)]
pub struct Usage {
    /// The first instant counted.
    pub from: Timestamp,
    /// The instant after the last counted.
    pub to: Timestamp,
    /// Seconds in the coarsest bucket that the two edges were rounded to.
    pub resolution_secs: u32,
    /// Everything the filters let through.
    pub totals: Totals,
    /// The totals by interval, if the query has one.
    pub series: Vec<Point>,
    /// One page of groups, ranked.
    pub groups: Vec<Group>,
    /// The groups not on this page.
    pub other: Other,
    /// How many groups there are in all.
    pub group_count: usize,
    /// The totals of the span before, if the query compares.
    pub previous: Option<Totals>,
    /// The first instant of the span before, which ends at `from`.
    pub previous_from: Option<Timestamp>,
    /// How complete it is.
    pub completeness: Completeness,
}

/// Why a query has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// `from` is not before `to`.
    #[error("`from` must lie before `to`")]
    EmptySpan,
    /// A window of zero seconds, or longer than is kept.
    #[error("`window` must be from 1s to {0}s, the longest retention")]
    BadWindow(u32),
    /// More than [`MAX_GROUP_BY`] dimensions, or one twice.
    #[error("`group_by` takes up to 3 different dimensions")]
    BadGroupBy,
    /// More than [`MAX_LIMIT`] groups, or none.
    #[error("`limit` must be from 1 to 10000")]
    BadLimit,
    /// More points than one answer can hold.
    #[error("`interval` is too fine for this span: groups × intervals may not pass 100000")]
    TooManyPoints,
    /// A quantile outside `[0, 1]`.
    #[error("a quantile must lie in 0..=1")]
    BadQuantile,
}
