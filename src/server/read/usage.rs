//! `GET /v1/usage`: the aggregate question.

use super::Answer;
use super::Ask;
use super::csv;
use super::cursor::Cursor;
use super::fresh;
use super::json;
use super::order;
use super::order::By;
use super::order::Ranking;
use super::params::Params;
use super::refused;
use super::snapshots;
use super::span;
use super::with_next;
use crate::engine::config::Config;
use crate::engine::event::Dimension;
use crate::engine::money::Currency;
use crate::engine::query::MAX_LIMIT;
use crate::engine::query::Order;
use crate::engine::query::Query;
use crate::engine::query::Rank;
use crate::engine::query::Span;
use crate::engine::query::Usage;
use crate::server::error::Problem;
use crate::server::wire::metric::Shape;
use crate::server::wire::usage::UsageJson;
use axum::http::HeaderMap;
use axum::http::header;

const ROUTE: &str = "/v1/usage";
const SINGLE: &[&str] = &[
    "window",
    "from",
    "to",
    "tz",
    "interval",
    "group_by",
    "metrics",
    "quantiles",
    "bins",
    "order_by",
    "limit",
    "cursor",
    "compare",
    "format",
    snapshots::PARAMETER,
];
const DEFAULT_WINDOW_SECS: u32 = 3_600;
const DEFAULT_LIMIT: usize = 100;

/// Answers for one span, in groups and intervals if asked: from the present, or as of a snapshot.
pub(super) fn usage(ask: &Ask) -> Answer {
    match snapshots::asked_for(ask)? {
        // The position comes before the query, which so holds at least as many.
        None => answered(ask, ask.app.store.position()),
        Some((past, position)) => answered(&past, position),
    }
}

/// Answers from the engine of the question; the answer holds at least the first `position` events.
fn answered(ask: &Ask, position: u64) -> Answer {
    let params = ask.filtered_params(SINGLE)?;
    let format = Format::read(&params, &ask.headers)?;
    let shape = Shape {
        metrics: order::metrics(&params)?,
        quantiles: order::quantiles(&params)?,
        bounds_us: order::bounds_us(&params)?,
        zone: span::zone(&params)?,
    };
    let cursor = Cursor::read(&params, ROUTE)?;
    let query = query(ask, &params, &shape, cursor)?;
    if format == Format::Csv && query.compare && query.interval.is_some() {
        return Err(Problem::parameter("compare", "`compare` and `interval` do not fit into one CSV; use JSON"));
    }
    let usage = ask.query(&query).map_err(refused)?;
    same_span(cursor, &usage)?;
    let next = next_cursor(&query, &usage, &params);
    let names: Vec<_> = query.group_by.iter().map(|dimension| ask.config().name(*dimension)).collect();
    match format {
        Format::Json => {
            let told = UsageJson::new(&usage, position, &names, &shape, next);
            if ask.is_confined() { json(&told.confined()) } else { json(&told) }
        }
        Format::Csv => Ok(with_next(fresh(csv::table(&usage, &names, &shape)?, "text/csv; charset=utf-8"), next)),
    }
    .map(|mut response| {
        response.headers_mut().insert(header::VARY, header::HeaderValue::from_static("accept"));
        response
    })
}

fn query(ask: &Ask, params: &Params, shape: &Shape, cursor: Option<Cursor>) -> Result<Query, Problem> {
    let (config, zone) = (ask.config(), shape.zone.clone());
    let asked = span::span(params, &zone, ask.now, DEFAULT_WINDOW_SECS)?;
    let span = cursor.map_or(asked, |cursor| Span::Between { from: Some(cursor.from), to: Some(cursor.to) });
    let ranking = order::ranking(params, Ranking { by: By::Rank(Rank::Requests), descending: true })?;
    let mut query = Query {
        span,
        group_by: group_by(params, config)?,
        filters: params.filters(),
        interval: span::interval(params, asked, config, ask.now)?,
        zone,
        distributions: false,
        order: Order::default(),
        limit: params.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT)?,
        offset: cursor.map_or(0, |cursor| usize::try_from(cursor.place.0).unwrap_or(usize::MAX)),
        compare: params.parsed("compare", "previous", |text| (text == "previous").then_some(()))?.is_some(),
    };
    query.order = Order { by: rank(ask, ranking.by, &query)?, descending: ranking.descending };
    let timed = shape.metrics.iter().any(|metric| metric.is_timing());
    query.distributions = timed || matches!(query.order.by, Rank::Latency(_) | Rank::Ttft(_));
    Ok(query)
}

fn group_by(params: &Params, config: &Config) -> Result<Vec<Dimension>, Problem> {
    let names: Vec<_> = config.dimensions().map(|dimension| config.name(dimension)).collect();
    let allowed = format!("up to 3 different names, with commas between them, of {}", names.join(", "));
    let list = |text: &str| text.split(',').map(|name| config.dimension(name)).collect();
    Ok(params.parsed("group_by", &allowed, list)?.unwrap_or_default())
}

/// The engine's rank. Money of different currencies can't be compared: where the query names none,
/// the one currency in the answer is meant, and US dollars where there are several or none.
pub(super) fn rank(ask: &Ask, by: By, query: &Query) -> Result<Rank, Problem> {
    match by {
        By::Rank(rank) => Ok(rank),
        By::Cost => Ok(Rank::Cost(only_currency(ask, query)?)),
    }
}

fn only_currency(ask: &Ask, query: &Query) -> Result<Currency, Problem> {
    let all = Query {
        group_by: Vec::new(),
        interval: None,
        compare: false,
        distributions: false,
        offset: 0,
        order: Order::default(),
        ..query.clone()
    };
    let usage = ask.query(&all).map_err(refused)?;
    match usage.totals.sums.cost.by_currency().as_slice() {
        [only] => Ok(only.currency),
        _ => Ok(Currency::USD),
    }
}

/// Whether a later page still counts what the first one did. As time goes by, buckets are folded
/// into coarser ones; pages with different edges would not add up, so they are refused instead.
fn same_span(cursor: Option<Cursor>, usage: &Usage) -> Result<(), Problem> {
    match cursor {
        Some(cursor) if (cursor.from, cursor.to) != (usage.from, usage.to) => {
            let detail = "`cursor` is too old: its span is no longer kept at the resolution of its first page; \
                          begin again, with a larger `limit` or with `from` and `to` on whole minutes";
            Err(Problem::parameter("cursor", detail))
        }
        _ => Ok(()),
    }
}

/// `None` on the last page.
fn next_cursor(query: &Query, usage: &Usage, params: &Params) -> Option<String> {
    let told = query.offset.saturating_add(usage.groups.len());
    let more = !query.group_by.is_empty() && !usage.groups.is_empty() && told < usage.group_count;
    let place = (u64::try_from(told).ok()?, 0);
    more.then(|| Cursor { from: usage.from, to: usage.to, place }.encode(params, ROUTE))
}

/// How the answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    Csv,
}

impl Format {
    /// `format`, or else what the `Accept` header likes best; JSON where it likes both.
    fn read(params: &Params, headers: &HeaderMap) -> Result<Self, Problem> {
        let asked = params.parsed("format", "json or csv", |text| match text {
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            _ => None,
        })?;
        Ok(asked.unwrap_or_else(|| Self::accepted(headers)))
    }

    fn accepted(headers: &HeaderMap) -> Self {
        let lists = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let (mut csv, mut json) = (0.0, 0.0_f64);
        for range in lists.flat_map(|list| list.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
            match kind.as_str() {
                "text/csv" => csv = weight,
                "application/json" | "application/*" | "*/*" => json = json.max(weight),
                _ => {}
            }
        }
        if csv > json { Self::Csv } else { Self::Json }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_is_for_those_who_prefer_it() {
        let table = [
            ("", Format::Json),
            ("*/*", Format::Json),
            ("text/csv", Format::Csv),
            ("Text/CSV;header=present", Format::Csv),
            ("text/csv, */*;q=0.1", Format::Csv),
            ("text/csv;q=0.5, application/json", Format::Json),
            ("text/csv;q=0", Format::Json),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Format::Json),
        ];
        for (accept, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(Format::accepted(&headers), expected, "{accept}");
        }
    }
}
