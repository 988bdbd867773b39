//! `GET /v1/reports/…`: the pages that gateways show today from SQL, by name.
//!
//! Reports over a span of days or dates say which `[from, to)` they counted, and at which
//! resolution; money is always an object by currency.

mod days;
mod spans;
mod windows;

pub(super) use windows::attention_list;

use super::Ask;
use super::answer;
use super::calls;
use crate::engine::query::Query;
use crate::engine::query::QueryError;
use crate::engine::query::Span;
use crate::engine::time::Zone;
use crate::server::App;
use crate::server::wire::step_name;
use axum::Router;
use serde::Serialize;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/reports/summary", answer(windows::summary))
        .route("/v1/reports/calls", answer(calls::report))
        .route("/v1/reports/key-usage", answer(windows::key_usage))
        .route("/v1/reports/attention-keys", answer(windows::attention_keys))
        .route("/v1/reports/user", answer(spans::user))
        .route("/v1/reports/top-users", answer(spans::top_users))
        .route("/v1/reports/endpoints", answer(spans::endpoints))
        .route("/v1/reports/daily", answer(days::daily))
        .route("/v1/reports/cost-trend", answer(days::cost_trend))
}

/// What a report counted.
#[derive(Serialize)]
struct Covered {
    from: String,
    to: String,
    resolution: String,
    tz: String,
}

impl Covered {
    /// What the engine counts when asked for a span: its buckets decide, so it is asked.
    fn of(ask: &Ask, span: Span, zone: &Zone) -> Result<Self, QueryError> {
        let query = Query { span, distributions: false, ..Query::default() };
        let usage = ask.engine().query(&query, ask.now)?;
        Ok(Self {
            from: usage.from.rfc3339(zone),
            to: usage.to.rfc3339(zone),
            resolution: step_name(usage.resolution_secs),
            tz: zone.name().to_string(),
        })
    }
}
