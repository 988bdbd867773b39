//! The statistics routes of gemini-balance, in its JSON.
//!
//! What differs, on purpose: errors are real 4xx problems (there they are lists under HTTP 200);
//! keys are told by their public names; and where a list is cut at its limit, the header
//! `next-cursor` names the rest.

use super::Answer;
use super::Ask;
use super::answer;
use super::calls::Wanted;
use super::json;
use super::params::public_name;
use super::refused;
use super::reports::attention_list;
use super::span;
use super::with_next;
use crate::engine::event::Dimension;
use crate::server::access::Scope;
use crate::server::error::Problem;
use crate::server::routes::Routes;
use crate::server::wire::Ranked;
use crate::server::wire::call::BriefCall;
use axum::http::StatusCode;

/// The old routes know no limit; this is the most that one answer holds.
const MAX_CALLS: usize = 10_000;
const DAY_SECS: u32 = 86_400;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/api/stats/details", Scope::Read, answer(details))
        .get("/api/stats/key-details", Scope::Read, answer(key_details))
        .get("/api/stats/attention-keys", Scope::Read, answer(attention_keys))
        // A wildcard, because a key may contain slashes.
        .get("/api/key-usage-details/{*key}", Scope::Read, answer(key_usage_details))
}

/// The calls of a period, newest first.
fn details(ask: &Ask) -> Answer {
    calls(ask, &["period", "tz", "limit", "cursor"], "/api/stats/details")
}

/// The calls of a period with one key.
fn key_details(ask: &Ask) -> Answer {
    calls(ask, &["key", "period", "tz", "limit", "cursor"], "/api/stats/key-details")
}

fn calls(ask: &Ask, known: &'static [&'static str], route: &str) -> Answer {
    let params = ask.params(known)?;
    if known.contains(&"key") {
        params.required("key")?;
    }
    let zone = span::zone(&params)?;
    let limit = params.number("limit", MAX_CALLS, 1..=MAX_CALLS)?;
    let page = Wanted::of_period(ask, &params, &[Dimension::Key])?.page(ask, &params, route, limit)?;
    let rows: Vec<_> = page.calls.calls.iter().map(|call| BriefCall::new(call, &zone)).collect();
    Ok(with_next(json(&rows)?, page.next))
}

/// One key's calls of the last 24 hours by model.
fn key_usage_details(ask: &Ask) -> Answer {
    ask.params(&[])?;
    let key = public_name(ask.path()?, &ask.app.keyring);
    if key.is_empty() {
        return Err(Problem::new(StatusCode::NOT_FOUND, "the path must end with a key"));
    }
    let models = ask.reports().key_usage(&key, DAY_SECS).map_err(refused)?;
    json(&Ranked(&models))
}

/// The keys that met a status code most often in the last 24 hours.
fn attention_keys(ask: &Ask) -> Answer {
    let (_, keys) = attention_list(ask)?;
    json(&keys)
}
