//! The named reports, as queries.
//!
//! Each answers a page that gateways show today from SQL. "Bounds inclusive" means `[start, end]`
//! to the second.

use super::Engine;
use super::aggregate::Aggregate;
use super::aggregate::Costs;
use super::event::Dimension;
use super::query::Filter;
use super::query::Group;
use super::query::MAX_LIMIT;
use super::query::Order;
use super::query::Point;
use super::query::Query;
use super::query::QueryError;
use super::query::Rank;
use super::query::Span;
use super::query::Usage;
use super::query::narrowed;
use super::recent::CallPage;
use super::recent::CallQuery;
use super::time::Interval;
use super::time::Timestamp;
use super::time::Zone;
use jiff::civil::Date;
use std::sync::Arc;

/// Whose calls a report is about; `None` is everybody's.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// One key, by its public name.
    pub key: Option<String>,
    /// One model.
    pub model: Option<String>,
    /// One user.
    pub user: Option<String>,
    /// One endpoint.
    pub endpoint: Option<String>,
}

/// total = success + failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Calls.
    pub total: u64,
    /// Calls that succeeded.
    pub success: u64,
    /// Calls that did not.
    pub failure: u64,
}

/// Calls of the last minute, hour, 8 hours, day, and of this calendar month, at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The last minute.
    pub calls_1m: Outcomes,
    /// The last hour.
    pub calls_1h: Outcomes,
    /// The last 8 hours.
    pub calls_8h: Outcomes,
    /// The last 24 hours.
    pub calls_24h: Outcomes,
    /// This calendar month in the zone asked for.
    pub calls_month: Outcomes,
}

/// A period of call details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// `1m`.
    Minute,
    /// `1h`.
    Hour,
    /// `8h`.
    EightHours,
    /// `24h`.
    Day,
}

impl Period {
    /// Reads `1m`, `1h`, `8h` or `24h`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "1m" => Self::Minute,
            "1h" => Self::Hour,
            "8h" => Self::EightHours,
            "24h" => Self::Day,
            _ => return None,
        })
    }

    /// Its length in seconds.
    #[must_use]
    pub fn secs(self) -> u32 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::EightHours => 28_800,
            Self::Day => 86_400,
        }
    }
}

/// One user's calls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserReport {
    /// Calls.
    pub total_calls: u64,
    /// Calls that succeeded.
    pub successful_calls: u64,
    /// Calls that did not.
    pub failed_calls: u64,
    /// Per cent of the calls that succeeded; 0 where there are none.
    pub success_rate: f64,
    /// Tokens.
    pub total_tokens: u128,
    /// Money by currency.
    pub total_cost: Costs,
    /// Mean latency in µs; `None` where no call told one.
    pub latency_mean_us: Option<u64>,
    /// Latency quantiles in µs: p50, p95, p99.
    pub latency_us: [Option<u64>; 3],
}

/// One calendar day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayReport {
    /// The date in the zone asked for.
    pub date: Date,
    /// Calls.
    pub total_calls: u64,
    /// Calls that succeeded.
    pub successful_calls: u64,
    /// Calls that did not.
    pub failed_calls: u64,
    /// Tokens.
    pub total_tokens: u128,
    /// Money by currency.
    pub total_cost: Costs,
}

/// One user, or one endpoint, in a ranking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RankedReport {
    /// The user or endpoint; `None` where the calls named none.
    pub name: Option<Arc<str>>,
    /// Calls.
    pub total_calls: u64,
    /// Tokens.
    pub total_tokens: u128,
    /// Money by currency.
    pub total_cost: Costs,
    /// Mean latency in µs; `None` where no call told one.
    pub latency_mean_us: Option<u64>,
}

/// The named reports of one engine at one instant.
pub struct Reports<'a> {
    engine: &'a Engine,
    now: Timestamp,
    only: Vec<Filter>,
}

impl<'a> Reports<'a> {
    pub(crate) fn new(engine: &'a Engine, now: Timestamp) -> Self {
        Self { engine, now, only: Vec::new() }
    }

    /// The same reports, of the calls alone that the filters let through.
    #[must_use]
    pub fn within(self, only: Vec<Filter>) -> Self {
        Self { only, ..self }
    }

    fn query(&self, query: Query) -> Result<Usage, QueryError> {
        let filters = narrowed(query.filters, self.only.iter().cloned());
        self.engine.query(&Query { filters, ..query }, self.now)
    }

    /// Calls by window, all at one instant.
    ///
    /// # Errors
    /// [`QueryError::BadWindow`] where a day is longer than the configured retention.
    pub fn summary(&self, scope: &Scope, zone: &Zone) -> Result<Summary, QueryError> {
        let of = |span| self.sums(Query { span, filters: scope.filters(), ..counts() }).map(|sums| Outcomes::of(&sums));
        let month = zone.start_of(zone.date(self.now).first_of_month());
        Ok(Summary {
            calls_1m: of(Span::Window(Period::Minute.secs()))?,
            calls_1h: of(Span::Window(Period::Hour.secs()))?,
            calls_8h: of(Span::Window(Period::EightHours.secs()))?,
            calls_24h: of(Span::Window(Period::Day.secs()))?,
            calls_month: of(Span::Between { from: Some(month), to: None })?,
        })
    }

    /// Call details of a period, newest first. The period is `[now - length, now]` exactly, future
    /// calls left out.
    #[must_use]
    pub fn calls(&self, period: Period, scope: &Scope, limit: usize, after: Option<(Timestamp, u64)>) -> CallPage {
        self.engine.calls(&CallQuery {
            from: self.now.plus_secs(-i64::from(period.secs())),
            to: Timestamp::from_micros(self.now.micros() + 1).unwrap_or(Timestamp::MAX),
            filters: narrowed(scope.filters(), self.only.iter().cloned()),
            failures_only: false,
            limit,
            after,
        })
    }

    /// One key's calls by model, most first, then by name; calls without a model are left out.
    ///
    /// # Errors
    /// [`QueryError::BadWindow`].
    pub fn key_usage(&self, key: &str, window_secs: u32) -> Result<Vec<(Arc<str>, u64)>, QueryError> {
        let query = Query { limit: MAX_LIMIT, ..Query::window(window_secs) };
        let query = query.group_by(Dimension::Model).only(Dimension::Key, key);
        self.counted(query)
    }

    /// One user's calls; bounds inclusive.
    ///
    /// # Errors
    /// [`QueryError::EmptySpan`] where `start` lies after `end`.
    pub fn user(&self, user: &str, start: Option<Timestamp>, end: Option<Timestamp>) -> Result<UserReport, QueryError> {
        let query = Query { span: Span::Inclusive { start, end }, ..Query::default() }.only(Dimension::User, user);
        let totals = self.query(query)?.totals;
        let sums = totals.sums;
        Ok(UserReport {
            total_calls: sums.requests,
            successful_calls: sums.successes(),
            failed_calls: sums.failures,
            success_rate: percent(sums.successes(), sums.requests),
            total_tokens: sums.total_tokens,
            latency_mean_us: sums.latency.mean_us(),
            latency_us: [0.5, 0.95, 0.99].map(|quantile| totals.latency.quantile(quantile)),
            total_cost: sums.cost,
        })
    }

    /// The last `days` calendar days, today included, oldest first, each whole. `fill` adds the
    /// days without calls.
    ///
    /// # Errors
    /// [`QueryError::TooManyPoints`].
    pub fn daily(&self, days: u32, zone: &Zone, fill: bool) -> Result<Vec<DayReport>, QueryError> {
        let today = zone.date(self.now);
        let first = today.saturating_sub(jiff::Span::new().days(i64::from(days.clamp(1, MAX_DAYS) - 1)));
        let span = Span::Between { from: Some(zone.start_of(first)), to: None };
        let query = Query { span, interval: Some(Interval::Day), zone: zone.clone(), ..counts() };
        let points = self.query(query)?.series;
        let day = |point: &Point| DayReport::of(zone.date(point.from), &point.totals.sums);
        Ok(points.iter().filter(|point| fill || point.totals.sums.requests > 0).map(day).collect())
    }

    /// Users ranked, ties by name; bounds inclusive.
    ///
    /// # Errors
    /// [`QueryError::EmptySpan`], [`QueryError::BadLimit`].
    pub fn top_users(
        &self,
        limit: usize,
        start: Option<Timestamp>,
        end: Option<Timestamp>,
        by: Rank,
    ) -> Result<Vec<RankedReport>, QueryError> {
        self.ranked(Dimension::User, limit, Span::Inclusive { start, end }, by)
    }

    /// Endpoints by calls, most first; bounds inclusive, by default all that is kept.
    ///
    /// # Errors
    /// [`QueryError::EmptySpan`].
    pub fn endpoints(&self, start: Option<Timestamp>, end: Option<Timestamp>) -> Result<Vec<RankedReport>, QueryError> {
        self.ranked(Dimension::Endpoint, MAX_LIMIT, Span::Inclusive { start, end }, Rank::Requests)
    }

    /// Keys by calls with one status code in the last 24 hours, most first, then by name.
    ///
    /// # Errors
    /// [`QueryError::BadLimit`].
    pub fn attention_keys(&self, status_code: u16, limit: usize) -> Result<Vec<(Arc<str>, u64)>, QueryError> {
        let query = Query { limit, ..Query::window(Period::Day.secs()) };
        let query = query.group_by(Dimension::Key).only(Dimension::Status, status_code.to_string());
        self.counted(query)
    }

    fn sums(&self, query: Query) -> Result<Aggregate, QueryError> {
        Ok(self.query(query)?.totals.sums)
    }

    /// Groups of one dimension with their calls; those without a value are left out.
    fn counted(&self, query: Query) -> Result<Vec<(Arc<str>, u64)>, QueryError> {
        // One more, should "none" be among the first; a limit out of range stays so.
        let limit = query.limit;
        let more = usize::from((1..MAX_LIMIT).contains(&limit));
        let query = Query { distributions: false, limit: limit + more, ..query };
        let groups = self.query(query)?.groups;
        let named = groups.into_iter().filter_map(|group| Some((group.name[0].clone()?, group.totals.sums.requests)));
        Ok(named.take(limit).collect())
    }

    fn ranked(
        &self,
        dimension: Dimension,
        limit: usize,
        span: Span,
        by: Rank,
    ) -> Result<Vec<RankedReport>, QueryError> {
        let query = Query { span, limit, order: Order { by, descending: true }, ..counts() }.group_by(dimension);
        let groups = self.query(query)?.groups;
        let ranked = |group: Group| RankedReport {
            name: group.name[0].clone(),
            total_calls: group.totals.sums.requests,
            total_tokens: group.totals.sums.total_tokens,
            latency_mean_us: group.totals.sums.latency.mean_us(),
            total_cost: group.totals.sums.cost,
        };
        Ok(groups.into_iter().map(ranked).collect())
    }
}

/// The longest look back in days; the default retention.
const MAX_DAYS: u32 = 400;

/// A query for counts and sums alone.
fn counts() -> Query {
    Query { distributions: false, ..Query::default() }
}

#[expect(clippy::cast_precision_loss, reason = "a percentage for people, of counts below 2^53")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

impl Scope {
    /// The same as filters.
    #[must_use]
    pub fn filters(&self) -> Vec<Filter> {
        let of = |dimension, value: &Option<String>| Some(Filter { dimension, values: vec![value.clone()?] });
        let all = [
            of(Dimension::Key, &self.key),
            of(Dimension::Model, &self.model),
            of(Dimension::User, &self.user),
            of(Dimension::Endpoint, &self.endpoint),
        ];
        all.into_iter().flatten().collect()
    }
}

impl Outcomes {
    fn of(sums: &Aggregate) -> Self {
        Self { total: sums.requests, success: sums.successes(), failure: sums.failures }
    }
}

impl DayReport {
    fn of(date: Date, sums: &Aggregate) -> Self {
        Self {
            date,
            total_calls: sums.requests,
            successful_calls: sums.successes(),
            failed_calls: sums.failures,
            total_tokens: sums.total_tokens,
            total_cost: sums.cost.clone(),
        }
    }
}
