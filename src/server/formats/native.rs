//! Our own format: one event as in `POST /v1/events`.
//!
//! ```json
//! {"id":"c-1","timestamp":"2026-11-22T12:00:00Z","key":"sk-…","user":"ann","model":"gpt-4o-mini",
//!  "provider":"openai","endpoint":"/v1/chat/completions","status":200,"latency_ms":1094.83,
//!  "ttft_ms":210,"input_tokens":812,"output_tokens":96,"cache_read_tokens":512,"cost":"0.00421",
//!  "currency":"USD","job_id":"j-7","error":null,"labels":{"region":"eu"}}
//! ```
//!
//! Only one dimension is required. Numbers may stand in strings, `null` is absent, unknown fields
//! are ignored, a known field given twice is a fault.

mod name;
mod quick;
mod shape;

use super::Draft;
use super::Fault;
use super::Reader;
use super::fields::Fields;
use super::fields::Table;
use super::scalar;
use crate::engine::event::Dimension;
use crate::engine::event::MAX_VALUE_BYTES;
use crate::engine::event::Measures;
use crate::engine::event::status;
use std::borrow::Cow;

pub(super) use shape::Shape;

const TABLE: Table<22> = Table {
    pointer: "",
    names: [
        "id",
        "timestamp",
        "key",
        "user",
        "model",
        "provider",
        "endpoint",
        "status",
        "status_code",
        "latency_ms",
        "ttft_ms",
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "reasoning_tokens",
        "total_tokens",
        "cost",
        "currency",
        "job_id",
        "error",
        "labels",
    ],
};

/// Places in [`TABLE`].
mod at {
    pub(super) const ID: usize = 0;
    pub(super) const TIMESTAMP: usize = 1;
    pub(super) const KEY: usize = 2;
    pub(super) const USER: usize = 3;
    pub(super) const MODEL: usize = 4;
    pub(super) const PROVIDER: usize = 5;
    pub(super) const ENDPOINT: usize = 6;
    pub(super) const STATUS: usize = 7;
    pub(super) const STATUS_CODE: usize = 8;
    pub(super) const LATENCY: usize = 9;
    pub(super) const TTFT: usize = 10;
    pub(super) const INPUT: usize = 11;
    pub(super) const OUTPUT: usize = 12;
    pub(super) const CACHE_READ: usize = 13;
    pub(super) const CACHE_WRITE: usize = 14;
    pub(super) const REASONING: usize = 15;
    pub(super) const TOTAL: usize = 16;
    pub(super) const COST: usize = 17;
    pub(super) const CURRENCY: usize = 18;
    pub(super) const JOB_ID: usize = 19;
    pub(super) const ERROR: usize = 20;
    pub(super) const LABELS: usize = 21;
}

/// Reads an event into an empty draft.
pub(super) fn read<'a>(reader: &Reader, shape: &mut Shape, text: &'a str, draft: &mut Draft<'a>) -> Result<(), Fault> {
    if quick::read(reader, shape, text, draft).is_none() {
        *draft = read_any(reader, text)?;
    }
    Ok(())
}

/// Reads an event by itself, of a sender not met before, if it is an ordinary one.
pub(super) fn read_ordinary<'a>(reader: &Reader, text: &'a str, draft: &mut Draft<'a>) -> Option<()> {
    quick::read(reader, &mut Shape::default(), text, draft)
}

/// The general way.
fn read_any<'a>(reader: &Reader, text: &'a str) -> Result<Draft<'a>, Fault> {
    let fields = Fields::split(text, &TABLE, |name| reader.unknown.note(name))?;
    let key = fields.get(at::KEY, scalar::text)?;
    let mut draft = Draft {
        timestamp: fields.get(at::TIMESTAMP, scalar::timestamp)?,
        key: fields.get(at::KEY, |_| reader.name_key(&key))?,
        measures: measures(&fields)?,
        id: fields.get(at::ID, scalar::text)?,
        job_id: fields.get(at::JOB_ID, scalar::text)?,
        error: reader.scrub(fields.get(at::ERROR, scalar::text)?, &key),
        ..Draft::default()
    };
    let texts = [
        (Dimension::User, at::USER),
        (Dimension::Model, at::MODEL),
        (Dimension::Provider, at::PROVIDER),
        (Dimension::Endpoint, at::ENDPOINT),
    ];
    for (dimension, place) in texts {
        draft.values[dimension.index()] = fields.get(place, scalar::text)?;
    }
    draft.values[Dimension::Status.index()] =
        outcome(fields.get(at::STATUS, scalar::status)?, fields.get(at::STATUS_CODE, scalar::status_code)?);
    if let Some(labels) = fields.raw(at::LABELS) {
        read_labels(reader, labels, &mut draft)?;
    }
    Ok(draft)
}

fn measures(fields: &Fields<'_, 22>) -> Result<Measures, Fault> {
    let currency = fields.get(at::CURRENCY, scalar::currency)?;
    Ok(Measures {
        latency_us: fields.get(at::LATENCY, scalar::micros_of_millis)?,
        ttft_us: fields.get(at::TTFT, scalar::micros_of_millis)?,
        input_tokens: fields.get(at::INPUT, scalar::tokens)?,
        output_tokens: fields.get(at::OUTPUT, scalar::tokens)?,
        cache_read_tokens: fields.get(at::CACHE_READ, scalar::tokens)?,
        cache_write_tokens: fields.get(at::CACHE_WRITE, scalar::tokens)?,
        reasoning_tokens: fields.get(at::REASONING, scalar::tokens)?,
        total_tokens: fields.get(at::TOTAL, scalar::tokens)?,
        cost: fields.get(at::COST, |raw| scalar::money(raw, currency))?,
    })
}

/// One status out of a word and a code. The code says more than the word, so it is kept; except
/// where the code alone would turn a failure into a success, as with a stream that began with 200
/// and broke.
fn outcome<'a>(word: Cow<'a, str>, code: Cow<'a, str>) -> Cow<'a, str> {
    let told = match word {
        Cow::Borrowed(word) => Cow::Borrowed(status::canonical(word)),
        Cow::Owned(word) => Cow::Owned(status::canonical(&word).to_owned()),
    };
    let broken = status::is_success(&code) && !told.is_empty() && !status::is_success(&told);
    if code.is_empty() || broken { told } else { code }
}

/// Configured labels become dimensions; others are ignored like unknown fields.
fn read_labels<'a>(reader: &Reader, labels: &'a str, draft: &mut Draft<'a>) -> Result<(), Fault> {
    if !labels.starts_with('{') {
        return Err(TABLE.fault(at::LABELS, "must be an object of strings"));
    }
    let labels = super::fields::pairs(labels).map_err(|_| TABLE.fault(at::LABELS, "malformed JSON"))?;
    for (name, raw) in labels {
        let Some(place) = reader.labels.iter().position(|(label, _)| *label == name) else {
            reader.unknown.note(&name);
            continue;
        };
        let fault = |detail| Fault::new(reader.labels[place].1.clone(), detail);
        let value = scalar::text(Some(raw)).map_err(fault)?;
        if value.len() > MAX_VALUE_BYTES {
            return Err(fault("longer than 256 bytes".into()));
        }
        let slot = &mut draft.values[Dimension::Label(u8::try_from(place).unwrap_or(u8::MAX)).index()];
        if !slot.is_empty() {
            return Err(fault("given twice".into()));
        }
        *slot = value;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
