//! Reports over `[start, end]`, both optional and both counted: `user`, `top-users`, `endpoints`.

use super::super::Answer;
use super::super::Ask;
use super::super::json;
use super::super::order;
use super::super::order::By;
use super::super::order::Ranking;
use super::super::params::Params;
use super::super::refused;
use super::super::span;
use super::super::usage;
use super::Covered;
use crate::engine::query::Query;
use crate::engine::query::QueryError;
use crate::engine::query::Span;
use crate::engine::reports::RankedReport;
use crate::engine::reports::UserReport;
use crate::engine::time::Timestamp;
use crate::engine::time::Zone;
use crate::server::error::Problem;
use crate::server::wire::Money;
use crate::server::wire::Ms;
use serde::Serialize;

/// `start` and `end`: dates stand for whole days.
struct Bounds {
    zone: Zone,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
}

impl Bounds {
    fn read(ask: &Ask, params: &Params) -> Result<Self, Problem> {
        let zone = span::zone(params)?;
        let start = span::instant(params, "start", &zone)?;
        span::not_ahead("start", start, ask.now)?;
        let end = span::last_instant(params, "end", &zone)?;
        if let (Some(first), Some(last)) = (start, end)
            && first > last
        {
            return Err(Problem::parameter("start", "`start` must not lie after `end`"));
        }
        Ok(Self { zone, start, end })
    }

    fn span(&self) -> Span {
        Span::Inclusive { start: self.start, end: self.end }
    }

    fn covered(&self, ask: &Ask) -> Result<Covered, Problem> {
        Covered::of(ask, self.span(), &self.zone).map_err(refused_bounds)
    }
}

/// Times out of order are the fault of `start` here; there is no `from`.
fn refused_bounds(error: QueryError) -> Problem {
    match error {
        QueryError::EmptySpan => Problem::parameter("start", "`start` must not lie after `end`"),
        other => refused(other),
    }
}

#[derive(Serialize)]
struct Quantiles {
    p50: Option<Ms>,
    p95: Option<Ms>,
    p99: Option<Ms>,
}

#[derive(Serialize)]
struct UserJson<'a> {
    total_calls: u64,
    successful_calls: u64,
    failed_calls: u64,
    success_rate: f64,
    total_tokens: u128,
    total_cost: Money<'a>,
    avg_response_time: Option<Ms>,
    latency_ms: Quantiles,
    #[serde(flatten)]
    covered: Covered,
}

impl<'a> UserJson<'a> {
    fn new(report: &'a UserReport, covered: Covered) -> Self {
        let [p50, p95, p99] = report.latency_us.map(|us| us.map(Ms));
        Self {
            total_calls: report.total_calls,
            successful_calls: report.successful_calls,
            failed_calls: report.failed_calls,
            success_rate: hundredths(report.success_rate),
            total_tokens: report.total_tokens,
            total_cost: Money(&report.total_cost),
            avg_response_time: report.latency_mean_us.map(Ms),
            latency_ms: Quantiles { p50, p95, p99 },
            covered,
        }
    }
}

/// Per cent with two decimals.
fn hundredths(percent: f64) -> f64 {
    (percent * 100.0).round() / 100.0
}

/// One user's calls. `success_rate` is in per cent, rounded to two decimals; `avg_response_time`
/// is in ms, and `null` where no call told its latency.
pub(super) fn user(ask: &Ask) -> Answer {
    let params = ask.params(&["user", "start", "end", "tz"])?;
    let user = params.required("user")?;
    let bounds = Bounds::read(ask, &params)?;
    let covered = bounds.covered(ask)?;
    let report = ask.reports().user(user, bounds.start, bounds.end).map_err(refused_bounds)?;
    json(&UserJson::new(&report, covered))
}

#[derive(Serialize)]
struct TopUser<'a> {
    user_id: Option<&'a str>,
    #[serde(flatten)]
    figures: Figures<'a>,
}

impl<'a> TopUser<'a> {
    fn new(of: &'a RankedReport) -> Self {
        Self { user_id: of.name.as_deref(), figures: Figures::new(of) }
    }
}

#[derive(Serialize)]
struct TopUsers<'a> {
    #[serde(flatten)]
    covered: Covered,
    users: Vec<TopUser<'a>>,
}

#[derive(Serialize)]
struct Endpoint<'a> {
    endpoint: Option<&'a str>,
    #[serde(flatten)]
    figures: Figures<'a>,
}

impl<'a> Endpoint<'a> {
    fn new(of: &'a RankedReport) -> Self {
        Self { endpoint: of.name.as_deref(), figures: Figures::new(of) }
    }
}

#[derive(Serialize)]
struct Endpoints<'a> {
    #[serde(flatten)]
    covered: Covered,
    endpoints: Vec<Endpoint<'a>>,
}

#[derive(Serialize)]
struct Figures<'a> {
    total_calls: u64,
    total_tokens: u128,
    total_cost: Money<'a>,
    avg_response_time: Option<Ms>,
}

impl<'a> Figures<'a> {
    fn new(of: &'a RankedReport) -> Self {
        Self {
            total_calls: of.total_calls,
            total_tokens: of.total_tokens,
            total_cost: Money(&of.total_cost),
            avg_response_time: of.latency_mean_us.map(Ms),
        }
    }
}

/// Users by cost, most first, or by any other figure. `order_by` may do without its `-`: a
/// ranking of the top is always downwards.
pub(super) fn top_users(ask: &Ask) -> Answer {
    let params = ask.params(&["limit", "start", "end", "order_by", "tz"])?;
    let bounds = Bounds::read(ask, &params)?;
    let limit = params.number("limit", 10, 1..=1_000)?;
    let ranking = order::ranking(&params, Ranking { by: By::Cost, descending: true })?;
    let covered = bounds.covered(ask)?;
    let rank = usage::rank(ask, ranking.by, &Query { span: bounds.span(), ..Query::default() })?;
    let reports = ask.reports();
    let users = reports.top_users(limit, bounds.start, bounds.end, rank).map_err(refused_bounds)?;
    json(&TopUsers { covered, users: users.iter().map(TopUser::new).collect() })
}

/// Endpoints by calls, most first; by default of all that is kept.
pub(super) fn endpoints(ask: &Ask) -> Answer {
    let params = ask.params(&["start", "end", "tz"])?;
    let bounds = Bounds::read(ask, &params)?;
    let covered = bounds.covered(ask)?;
    let reports = ask.reports();
    let endpoints = reports.endpoints(bounds.start, bounds.end).map_err(refused_bounds)?;
    json(&Endpoints { covered, endpoints: endpoints.iter().map(Endpoint::new).collect() })
}
