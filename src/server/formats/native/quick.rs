//! The quick way through an ordinary event: one pass over its bytes, numbers read in place.
//!
//! `None` is "unusual", be it a fault or not: then the general way reads the event from its
//! beginning, and finds the fault if there is one. Where this way answers, the general one answers
//! the same.

use super::at;
use super::name;
use super::outcome;
use super::shape::START;
use super::shape::Shape;
use super::shape::UNKNOWN;
use crate::engine::event::Dimension;
use crate::engine::event::MAX_TOKENS;
use crate::engine::event::MAX_VALUE_BYTES;
use crate::engine::money::Currency;
use crate::engine::money::Money;
use crate::engine::time::Timestamp;
use crate::server::formats::Draft;
use crate::server::formats::Reader;
use crate::server::formats::scalar;
use crate::server::formats::scan::Scan;
use std::borrow::Cow;

/// What is put together of several fields, once all are read.
#[derive(Default)]
struct Rest<'a> {
    seen: u32,
    key: &'a str,
    error: &'a str,
    status: &'a str,
    status_code: Option<&'a str>,
    cost: Option<i64>,
    currency: Option<Currency>,
}

pub(super) fn read<'a>(reader: &Reader, shape: &mut Shape, text: &'a str, draft: &mut Draft<'a>) -> Option<()> {
    let (mut scan, mut rest, mut before) = (Scan::new(text), Rest::default(), START);
    scan.space();
    loop {
        let place = match shape.follow(before, &mut scan) {
            Some(place) => place,
            None => match look_up(reader, shape, before, &mut scan)? {
                Some(place) => place,
                None => break,
            },
        };
        value(reader, place, &mut scan, draft, &mut rest)?;
        before = place;
        if scan.skip(b"}").is_some() {
            break;
        }
    }
    scan.is_done().then_some(())?;
    rest.finish(reader, draft)
}

/// Goes to the value of the next field by reading what is before it; an inner `None` is the end of
/// the object.
fn look_up(reader: &Reader, shape: &mut Shape, before: usize, scan: &mut Scan<'_>) -> Option<Option<usize>> {
    let from = scan.place();
    match before {
        START => scan.expect(b'{')?,
        _ if !scan.more(b'}')? => return Some(None),
        _ => {}
    }
    scan.expect(b'"')?;
    let place = match name::known(scan) {
        Some(place) => place,
        None => {
            reader.unknown.note(scan.rest_of_string()?);
            UNKNOWN
        }
    };
    colon(scan)?;
    shape.learn(before, from, scan, place);
    Some(Some(place))
}

#[inline]
fn colon(scan: &mut Scan<'_>) -> Option<()> {
    scan.expect(b':')?;
    scan.space();
    Some(())
}

#[inline]
fn value<'a>(
    reader: &Reader,
    place: usize,
    scan: &mut Scan<'a>,
    draft: &mut Draft<'a>,
    rest: &mut Rest<'a>,
) -> Option<()> {
    if place < UNKNOWN {
        let before = rest.seen;
        rest.seen |= 1 << place;
        if rest.seen == before {
            return None;
        }
    }
    let measures = &mut draft.measures;
    match place {
        at::TIMESTAMP => draft.timestamp = timestamp(scan)?,
        at::KEY => rest.key = text(scan)?,
        at::USER => draft.values[Dimension::User.index()] = Cow::Borrowed(text(scan)?),
        at::MODEL => draft.values[Dimension::Model.index()] = Cow::Borrowed(text(scan)?),
        at::PROVIDER => draft.values[Dimension::Provider.index()] = Cow::Borrowed(text(scan)?),
        at::ENDPOINT => draft.values[Dimension::Endpoint.index()] = Cow::Borrowed(text(scan)?),
        at::STATUS => rest.status = status(scan)?,
        at::STATUS_CODE => rest.status_code = Some(scan.raw()?),
        at::LATENCY => measures.latency_us = micros(scan)?,
        at::TTFT => measures.ttft_us = micros(scan)?,
        at::INPUT => measures.input_tokens = tokens(scan)?,
        at::OUTPUT => measures.output_tokens = tokens(scan)?,
        at::CACHE_READ => measures.cache_read_tokens = tokens(scan)?,
        at::CACHE_WRITE => measures.cache_write_tokens = tokens(scan)?,
        at::REASONING => measures.reasoning_tokens = tokens(scan)?,
        at::TOTAL => measures.total_tokens = tokens(scan)?,
        at::COST => rest.cost = cost(scan)?,
        at::CURRENCY => rest.currency = scalar::currency(Some(scan.raw()?)).ok(),
        at::ID => draft.id = Cow::Borrowed(text(scan)?),
        at::JOB_ID => draft.job_id = Cow::Borrowed(text(scan)?),
        at::ERROR => rest.error = text(scan)?,
        at::LABELS => labels(reader, scan, draft)?,
        _ => drop(scan.raw()?),
    }
    Some(())
}

impl<'a> Rest<'a> {
    fn finish(self, reader: &Reader, draft: &mut Draft<'a>) -> Option<()> {
        let told = |place: usize| self.seen >> place & 1 != 0;
        draft.key = reader.name_key(self.key).ok()?;
        draft.error = if self.error.is_empty() { Cow::Borrowed("") } else { reader.scrub(self.error.into(), self.key) };
        let code = self.status_code.map_or(Ok(Cow::Borrowed("")), |raw| scalar::status_code(Some(raw))).ok()?;
        draft.values[Dimension::Status.index()] = outcome(Cow::Borrowed(self.status), code);
        let currency = if told(at::CURRENCY) { self.currency? } else { Currency::USD };
        draft.measures.cost = self.cost.map(|nanos| Money { nanos, currency });
        Some(())
    }
}

#[inline]
fn null(scan: &mut Scan<'_>) -> Option<()> {
    scan.skip(b"null")
}

#[inline]
fn text<'a>(scan: &mut Scan<'a>) -> Option<&'a str> {
    if scan.peek()? == b'"' { scan.string() } else { null(scan).map(|()| "") }
}

fn status<'a>(scan: &mut Scan<'a>) -> Option<&'a str> {
    let place = scan.place();
    match scan.peek()? {
        b'0'..=b'9' => scan.integer().and_then(|_| scan.since(place)).filter(|digits| digits.len() <= 3),
        _ => text(scan),
    }
}

#[inline]
fn tokens(scan: &mut Scan<'_>) -> Option<Option<u64>> {
    match scan.peek()? {
        b'0'..=b'9' => scan.integer().filter(|tokens| *tokens <= MAX_TOKENS).map(Some),
        _ => scalar::tokens(Some(scan.raw()?)).ok(),
    }
}

/// A duration in milliseconds.
#[inline]
fn micros(scan: &mut Scan<'_>) -> Option<Option<u64>> {
    match scan.peek()? {
        // Rounded as the general way rounds: what lies in the middle goes up.
        b'0'..=b'9' => scan.decimal().map(|millis| Some(millis.whole * 1_000 + (millis.nanos + 500_000) / 1_000_000)),
        _ => scalar::micros_of_millis(Some(scan.raw()?)).ok(),
    }
}

/// An amount, in nano-units.
#[inline]
fn cost(scan: &mut Scan<'_>) -> Option<Option<i64>> {
    let place = scan.place();
    let quoted = scan.skip(b"\"").is_some();
    if let Some(amount) = scan.decimal()
        && (!quoted || scan.skip(b"\"").is_some())
    {
        return i64::try_from(amount.whole * 1_000_000_000 + amount.nanos).ok().map(Some);
    }
    scan.back(place);
    let money = scalar::money(Some(scan.raw()?), Currency::USD).ok()?;
    Some(money.map(|money| money.nanos))
}

fn timestamp(scan: &mut Scan<'_>) -> Option<Option<Timestamp>> {
    match scan.peek()? {
        b'"' => scan.string()?.parse().ok().map(Some),
        _ => scalar::timestamp(Some(scan.raw()?)).ok(),
    }
}

fn labels<'a>(reader: &Reader, scan: &mut Scan<'a>, draft: &mut Draft<'a>) -> Option<()> {
    if scan.peek()? != b'{' {
        return null(scan);
    }
    scan.object(|scan, name| {
        let Some(place) = reader.labels.iter().position(|(label, _)| label == name) else {
            reader.unknown.note(name);
            return scan.raw().map(|_| ());
        };
        let value = text(scan).filter(|value| value.len() <= MAX_VALUE_BYTES)?;
        let slot = &mut draft.values[Dimension::Label(u8::try_from(place).ok()?).index()];
        let first = slot.is_empty();
        *slot = Cow::Borrowed(value);
        first.then_some(())
    })
}
