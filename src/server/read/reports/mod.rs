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
use crate::server::access::Scope;
use crate::server::routes::Routes;
use crate::server::wire::step_name;
use serde::Serialize;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/v1/reports/summary", Scope::Read, answer(windows::summary))
        .get("/v1/reports/calls", Scope::Read, answer(calls::report))
        .get("/v1/reports/key-usage", Scope::Read, answer(windows::key_usage))
        .get("/v1/reports/attention-keys", Scope::Read, answer(windows::attention_keys))
        .get("/v1/reports/user", Scope::Read, answer(spans::user))
        .get("/v1/reports/top-users", Scope::Read, answer(spans::top_users))
        .get("/v1/reports/endpoints", Scope::Read, answer(spans::endpoints))
        .get("/v1/reports/daily", Scope::Read, answer(days::daily))
        .get("/v1/reports/cost-trend", Scope::Read, answer(days::cost_trend))
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
        let usage = ask.query(&query)?;
        Ok(Self {
            from: usage.from.rfc3339(zone),
            to: usage.to.rfc3339(zone),
            resolution: step_name(usage.resolution_secs),
            tz: zone.name().to_string(),
        })
    }
}
