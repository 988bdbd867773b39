//! Calls as the client of a Dify application records them.
//!
//! ```json
//! {"user_id":"u-1","job_id":"j-7","api_endpoint":"/v1/chat-messages","response_time_ms":1830,
//!  "success":true,"error_message":null,
//!  "metadata":{"usage":{"prompt_tokens":1033,"completion_tokens":128,"total_tokens":1161,
//!    "prompt_price":"0.0010330","completion_price":"0.0002560","total_price":"0.0012890",
//!    "currency":"USD","latency":1.83}}}
//! ```
//!
//! `timestamp`, `model`, `provider`, `key` and `id` may be added and mean what they mean in our own
//! format. The rules, field by field:
//!
//! - **tokens**: an explicit 0 is 0, absent or `null` is "not told". `total_tokens` is the sum of
//!   the other two unless it is told.
//! - **cost**: `total_price`, else `prompt_price` + `completion_price`, of which an absent one is
//!   nothing; all absent or `null` is "unpriced". `""`, `"nan"` and negative prices are faults.
//! - **currency**: US dollars unless told. `prompt_price_unit` and its kin ("0.001") are scales of
//!   the price list, no currencies, and are ignored.
//! - **latency**: `response_time_ms`, else Dify's own `usage.latency`, which is in *seconds*.
//! - **status**: `success: true` is `success`, `false` is `failed`. Without the field a call is a
//!   success unless it has an `error_message`; `null` is "not known", and so a failure.
//! - `metadata` or `usage` absent or `null`: the call counts, without tokens and cost.

use super::Draft;
use super::Fault;
use super::Reader;
use super::fields::Fields;
use super::fields::Table;
use super::scalar;
use crate::engine::event::Dimension;
use crate::engine::event::Measures;
use crate::engine::event::status;
use crate::engine::money::Currency;
use crate::engine::money::Money;

/// What `success: false` is called.
const FAILED: &str = "failed";

const TABLE: Table<12> = Table {
    pointer: "",
    names: [
        "user_id",
        "job_id",
        "api_endpoint",
        "metadata",
        "response_time_ms",
        "success",
        "error_message",
        "timestamp",
        "model",
        "provider",
        "key",
        "id",
    ],
};

/// Places in [`TABLE`].
mod at {
    pub(super) const USER: usize = 0;
    pub(super) const JOB_ID: usize = 1;
    pub(super) const ENDPOINT: usize = 2;
    pub(super) const METADATA: usize = 3;
    pub(super) const RESPONSE_TIME: usize = 4;
    pub(super) const SUCCESS: usize = 5;
    pub(super) const ERROR: usize = 6;
    pub(super) const TIMESTAMP: usize = 7;
    pub(super) const MODEL: usize = 8;
    pub(super) const PROVIDER: usize = 9;
    pub(super) const KEY: usize = 10;
    pub(super) const ID: usize = 11;
}

const METADATA: Table<1> = Table { pointer: "/metadata", names: ["usage"] };

const USAGE: Table<8> = Table {
    pointer: "/metadata/usage",
    names: [
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "total_price",
        "prompt_price",
        "completion_price",
        "currency",
        "latency",
    ],
};

/// Places in [`USAGE`].
mod of {
    pub(super) const PROMPT: usize = 0;
    pub(super) const COMPLETION: usize = 1;
    pub(super) const TOTAL: usize = 2;
    pub(super) const TOTAL_PRICE: usize = 3;
    pub(super) const PROMPT_PRICE: usize = 4;
    pub(super) const COMPLETION_PRICE: usize = 5;
    pub(super) const CURRENCY: usize = 6;
    pub(super) const LATENCY: usize = 7;
}

/// Where a field lies that the engine finds at fault.
pub(super) fn pointer(engine: &'static str) -> &'static str {
    match engine {
        "/user" => "/user_id",
        "/endpoint" => "/api_endpoint",
        "/status" => "/success",
        "/latency_ms" => "/response_time_ms",
        "/input_tokens" => "/metadata/usage/prompt_tokens",
        "/output_tokens" => "/metadata/usage/completion_tokens",
        "/total_tokens" => "/metadata/usage/total_tokens",
        "/cost" => "/metadata/usage/total_price",
        other => other,
    }
}

pub(super) fn read<'a>(reader: &Reader, text: &'a str) -> Result<Draft<'a>, Fault> {
    let fields = Fields::split(text, &TABLE, |name| reader.unknown.note(name))?;
    let usage = usage(&fields)?;
    let key = fields.get(at::KEY, scalar::text)?;
    let error = fields.get(at::ERROR, scalar::text)?;
    let mut draft = Draft {
        timestamp: fields.get(at::TIMESTAMP, scalar::timestamp)?,
        key: fields.get(at::KEY, |_| reader.name_key(&key))?,
        measures: measures(&fields, &usage)?,
        id: fields.get(at::ID, scalar::name)?,
        job_id: fields.get(at::JOB_ID, scalar::name)?,
        ..Draft::default()
    };
    draft.values[Dimension::User.index()] = fields.get(at::USER, scalar::name)?;
    draft.values[Dimension::Endpoint.index()] = fields.get(at::ENDPOINT, scalar::text)?;
    draft.values[Dimension::Model.index()] = fields.get(at::MODEL, scalar::text)?;
    draft.values[Dimension::Provider.index()] = fields.get(at::PROVIDER, scalar::text)?;
    draft.values[Dimension::Status.index()] = outcome(&fields, &error)?.into();
    draft.error = reader.scrub(error, &key);
    Ok(draft)
}

/// The fields of `metadata.usage`; none where either is absent.
fn usage<'a>(fields: &Fields<'a, 12>) -> Result<Fields<'a, 8>, Fault> {
    let Some(metadata) = fields.raw(at::METADATA) else { return Ok(Fields::none(&USAGE)) };
    // Dify puts much more into these two objects: it is expected, and not worth a word in the log.
    let metadata = Fields::split(metadata, &METADATA, |_| {})?;
    let Some(usage) = metadata.raw(0) else { return Ok(Fields::none(&USAGE)) };
    Fields::split(usage, &USAGE, |_| {})
}

fn measures(fields: &Fields<'_, 12>, usage: &Fields<'_, 8>) -> Result<Measures, Fault> {
    let told = fields.get(at::RESPONSE_TIME, scalar::micros_of_millis)?;
    let own = usage.get(of::LATENCY, scalar::micros_of_secs)?;
    Ok(Measures {
        latency_us: told.or(own),
        input_tokens: usage.get(of::PROMPT, scalar::tokens)?,
        output_tokens: usage.get(of::COMPLETION, scalar::tokens)?,
        total_tokens: usage.get(of::TOTAL, scalar::tokens)?,
        cost: cost(usage)?,
        ..Measures::default()
    })
}

fn cost(usage: &Fields<'_, 8>) -> Result<Option<Money>, Fault> {
    let currency = usage.get(of::CURRENCY, scalar::currency)?;
    let price = |place| usage.get(place, |raw| scalar::money(raw, currency));
    let (total, prompt, completion) = (price(of::TOTAL_PRICE)?, price(of::PROMPT_PRICE)?, price(of::COMPLETION_PRICE)?);
    match (total, prompt, completion) {
        (Some(total), _, _) => Ok(Some(total)),
        (None, Some(prompt), Some(completion)) => sum(prompt, completion, currency).map(Some),
        (None, prompt, completion) => Ok(prompt.or(completion)),
    }
}

fn sum(prompt: Money, completion: Money, currency: Currency) -> Result<Money, Fault> {
    match prompt.nanos.checked_add(completion.nanos) {
        Some(nanos) => Ok(Money { nanos, currency }),
        None => Err(USAGE.fault(of::COMPLETION_PRICE, "the prices together are more than one call can cost")),
    }
}

fn outcome(fields: &Fields<'_, 12>, error: &str) -> Result<&'static str, Fault> {
    let told = fields.get(at::SUCCESS, scalar::truth)?;
    if fields.is_null(at::SUCCESS) {
        return Ok("");
    }
    Ok(if told.unwrap_or(error.is_empty()) { status::SUCCESS } else { FAILED })
}
