//! Reports over windows that end now: `summary`, `key-usage`, `attention-keys`.

use super::super::Answer;
use super::super::Ask;
use super::super::json;
use super::super::params::Params;
use super::super::refused;
use super::super::span;
use crate::engine::reports::Outcomes;
use crate::engine::reports::Scope;
use crate::engine::reports::Summary;
use crate::server::error::Problem;
use crate::server::wire::Ranked;
use serde::Serialize;

const DAY_SECS: u32 = 86_400;
/// Too many requests: the status code that tells a key to be rested.
const DEFAULT_STATUS_CODE: usize = 429;

#[derive(Serialize)]
struct OutcomesJson {
    total: u64,
    success: u64,
    failure: u64,
}

/// The five windows, each told as a `T`.
#[derive(Serialize)]
struct SummaryJson<T> {
    calls_1m: T,
    calls_1h: T,
    calls_8h: T,
    calls_24h: T,
    calls_month: T,
}

impl<T> SummaryJson<T> {
    fn new(of: &Summary, told: impl Fn(Outcomes) -> T) -> Self {
        Self {
            calls_1m: told(of.calls_1m),
            calls_1h: told(of.calls_1h),
            calls_8h: told(of.calls_8h),
            calls_24h: told(of.calls_24h),
            calls_month: told(of.calls_month),
        }
    }
}

/// Calls by window, of everybody or of one key, model, user or endpoint.
pub(super) fn summary(ask: &Ask) -> Answer {
    let params = ask.params(&["key", "model", "user", "endpoint", "tz", "shape"])?;
    let flat = params.parsed("shape", "flat or full", |text| match text {
        "flat" => Some(true),
        "full" => Some(false),
        _ => None,
    })?;
    let zone = span::zone(&params)?;
    let summary = ask.reports().summary(&scope(&params), &zone).map_err(refused)?;
    if flat == Some(true) {
        return json(&SummaryJson::new(&summary, |outcomes| outcomes.total));
    }
    let full = |Outcomes { total, success, failure }| OutcomesJson { total, success, failure };
    json(&SummaryJson::new(&summary, full))
}

fn scope(params: &Params) -> Scope {
    let one = |name| params.text(name).map(String::from);
    Scope { key: one("key"), model: one("model"), user: one("user"), endpoint: one("endpoint") }
}

/// One key's calls by model: `{"gpt": 3, …}`, most first, then by name.
pub(super) fn key_usage(ask: &Ask) -> Answer {
    let params = ask.params(&["key", "window"])?;
    let secs = span::window_secs(&params)?.unwrap_or(DAY_SECS);
    let key = params.required("key")?;
    let models = ask.reports().key_usage(key, secs).map_err(refused)?;
    json(&Ranked(&models))
}

/// How often one key met the status code.
#[derive(Serialize)]
pub(in super::super) struct AttentionJson {
    key: String,
    count: u64,
    status_code: u16,
}

#[derive(Serialize)]
struct AttentionsJson {
    status_code: u16,
    keys: Vec<AttentionJson>,
}

/// The keys that met a status code most often in the last 24 hours.
pub(super) fn attention_keys(ask: &Ask) -> Answer {
    let (status_code, keys) = attention_list(ask)?;
    json(&AttentionsJson { status_code, keys })
}

/// The status code asked for, and the keys.
pub(in super::super) fn attention_list(ask: &Ask) -> Result<(u16, Vec<AttentionJson>), Problem> {
    let params = ask.params(&["status_code", "limit"])?;
    let code = params.number("status_code", DEFAULT_STATUS_CODE, 100..=599)?;
    let code = u16::try_from(code).expect("at most 599");
    let limit = params.number("limit", 20, 1..=1_000)?;
    let keys = ask.reports().attention_keys(code, limit).map_err(refused)?;
    let row =
        |(key, count): (std::sync::Arc<str>, u64)| AttentionJson { key: key.to_string(), count, status_code: code };
    Ok((code, keys.into_iter().map(row).collect()))
}
