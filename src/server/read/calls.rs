//! Call details: `GET /v1/events` and `GET /v1/reports/calls`.

use super::Answer;
use super::Ask;
use super::cursor::Cursor;
use super::json;
use super::params::Params;
use super::refused;
use super::span;
use crate::engine::event::Dimension;
use crate::engine::event::status;
use crate::engine::query::Filter;
use crate::engine::query::QueryError;
use crate::engine::query::Span;
use crate::engine::recent::CallPage;
use crate::engine::recent::CallQuery;
use crate::engine::reports::Period;
use crate::engine::time::Timestamp;
use crate::engine::time::Zone;
use crate::server::error::Problem;
use crate::server::wire::call::CallJson;
use axum::http::StatusCode;
use serde::Serialize;
use std::fmt::Display;

const EVENTS: &str = "/v1/events";
const REPORT: &str = "/v1/reports/calls";
const DEFAULT_WINDOW_SECS: u32 = 86_400;
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_000;

/// Recent calls of any span and filters, newest first.
pub(super) fn events(ask: &Ask) -> Answer {
    let params = ask.filtered_params(&["window", "from", "to", "tz", "outcome", "limit", "cursor"])?;
    let zone = span::zone(&params)?;
    let (from, to) = edges(span::span(&params, &zone, ask.now, DEFAULT_WINDOW_SECS)?, ask.now)?;
    let outcome = params.parsed("outcome", "success or failure", Outcome::parse)?;
    let mut filters = params.filters();
    if outcome == Some(Outcome::Success) {
        only_successes(&mut filters);
    }
    let wanted = Wanted { from, to, filters, failures_only: outcome == Some(Outcome::Failure) };
    let limit = params.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT)?;
    json(&PageJson::new(&wanted.page(ask, &params, EVENTS, limit)?, ask, &zone))
}

/// The same for one of four periods, as the old request logs have it.
pub(super) fn report(ask: &Ask) -> Answer {
    let params = ask.params(&["period", "key", "model", "user", "endpoint", "tz", "limit", "cursor"])?;
    let zone = span::zone(&params)?;
    let limit = params.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT)?;
    let dimensions = [Dimension::Key, Dimension::Model, Dimension::User, Dimension::Endpoint];
    let wanted = Wanted::of_period(ask, &params, &dimensions)?;
    json(&PageJson::new(&wanted.page(ask, &params, REPORT, limit)?, ask, &zone))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Success,
    Failure,
}

impl Outcome {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "success" => Some(Self::Success),
            "failure" => Some(Self::Failure),
            _ => None,
        }
    }
}

/// Successes are a closed set of statuses, so they can be asked for by name. A filter on statuses
/// that leaves none of them matches no call, and neither does a filter without values.
fn only_successes(filters: &mut Vec<Filter>) {
    if let Some(filter) = filters.iter_mut().find(|filter| filter.dimension == Dimension::Status) {
        filter.values.retain(|value| status::is_success(value));
        return;
    }
    let codes = (200..300).map(|code: u16| code.to_string());
    let values = codes.chain([status::SUCCESS.to_string()]).collect();
    filters.push(Filter { dimension: Dimension::Status, values });
}

/// Whole seconds, as the engine counts a span.
fn edges(span: Span, now: Timestamp) -> Result<(Timestamp, Timestamp), Problem> {
    let second = Timestamp::from_secs(now.secs());
    let (from, to) = match span {
        Span::Window(secs) => (Some(second.plus_secs(-i64::from(secs))), None),
        Span::Between { from, to } | Span::Inclusive { start: from, end: to } => (from, to),
    };
    let to = to.map_or(second.plus_secs(1), |to| to.min(second.plus_secs(1)));
    let from = from.unwrap_or(Timestamp::MIN);
    if from < to { Ok((from, to)) } else { Err(refused(QueryError::EmptySpan)) }
}

/// Which calls a page is of.
pub(super) struct Wanted {
    from: Timestamp,
    to: Timestamp,
    filters: Vec<Filter>,
    failures_only: bool,
}

impl Wanted {
    /// The calls of `period`, and of those of `dimensions` that stand in the query string.
    pub(super) fn of_period(ask: &Ask, params: &Params, dimensions: &[Dimension]) -> Result<Self, Problem> {
        params.required("period")?;
        let period = params.parsed("period", "1m, 1h, 8h or 24h", Period::parse)?;
        let secs = period.map_or(0, Period::secs);
        let (from, to) = edges(Span::Window(secs), ask.now)?;
        let filter = |dimension: &Dimension| {
            let value = params.text(dimension.fixed_name()?)?.to_string();
            Some(Filter { dimension: *dimension, values: vec![value] })
        };
        Ok(Self { from, to, filters: dimensions.iter().filter_map(filter).collect(), failures_only: false })
    }

    /// The page that the cursor of the query string names, or the first.
    pub(super) fn page(self, ask: &Ask, params: &Params, route: &str, limit: usize) -> Result<Page, Problem> {
        let cursor = Cursor::read(params, route)?;
        let (from, to) = cursor.map_or((self.from, self.to), |cursor| (cursor.from, cursor.to));
        let after = cursor.and_then(place);
        let query = CallQuery { from, to, filters: self.filters, failures_only: self.failures_only, limit, after };
        let page = ask.calls(query).map_err(unreadable)?;
        let next = page.next.map(|(at, sequence)| (at.micros().unsigned_abs(), sequence));
        let next = next.map(|place| Cursor { from, to, place }.encode(params, route));
        Ok(Page { from, to, calls: page, next })
    }
}

/// The journal is damaged, or its disk fails. Which file it is stands in the log: it is no news for
/// whoever asks.
fn unreadable(fault: impl Display) -> Problem {
    tracing::error!("older calls can't be read back: {fault}");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "older calls can't be read back from the journal; the log says why")
}

fn place(cursor: Cursor) -> Option<(Timestamp, u64)> {
    let (micros, sequence) = cursor.place;
    Some((Timestamp::from_micros(i64::try_from(micros).ok()?).ok()?, sequence))
}

/// One page, and where the next begins.
pub(super) struct Page {
    from: Timestamp,
    to: Timestamp,
    pub(super) calls: CallPage,
    pub(super) next: Option<String>,
}

/// `{"from","to","tz","calls","complete","next_cursor"}`.
#[derive(Serialize)]
struct PageJson<'a> {
    from: String,
    to: String,
    tz: &'a str,
    calls: Vec<CallJson<'a>>,
    complete: bool,
    next_cursor: Option<&'a str>,
}

impl<'a> PageJson<'a> {
    fn new(page: &'a Page, ask: &'a Ask, zone: &'a Zone) -> Self {
        Self {
            from: page.from.rfc3339(zone),
            to: page.to.rfc3339(zone),
            tz: zone.name(),
            calls: page.calls.calls.iter().map(|call| CallJson::new(call, ask.config(), zone)).collect(),
            complete: page.calls.complete,
            next_cursor: page.next.as_deref(),
        }
    }
}
