//! One JSON text to one value. Numbers are read from their text, never through a float; each may
//! also stand in a string. Absent and `null` are the same.

use super::Detail;
use crate::engine::event::MAX_TOKENS;
use crate::engine::money::Currency;
use crate::engine::money::Money;
use crate::engine::money::MoneyError;
use crate::engine::time::Timestamp;
use std::borrow::Cow;

/// A JSON value by its first byte.
enum Scalar<'a> {
    Absent,
    Text(Cow<'a, str>),
    Number(&'a str),
    Bool(bool),
    Nested,
}

fn scalar(raw: Option<&str>) -> Result<Scalar<'_>, Detail> {
    let Some(raw) = raw else { return Ok(Scalar::Absent) };
    Ok(match raw.as_bytes().first() {
        Some(b'"') => Scalar::Text(string(raw)?),
        Some(b'{' | b'[') => Scalar::Nested,
        Some(b't' | b'f') => Scalar::Bool(raw == "true"),
        Some(b'n') | None => Scalar::Absent,
        Some(_) => Scalar::Number(raw),
    })
}

/// A string with its quotes; borrowed unless it holds escapes.
fn string(raw: &str) -> Result<Cow<'_, str>, Detail> {
    let inner = &raw[1..raw.len() - 1];
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Ok(Cow::Borrowed(inner));
    }
    serde_json::from_str(raw).map(Cow::Owned).map_err(|_| "a string with a broken escape".into())
}

/// A text; `""` when absent.
pub(super) fn text(raw: Option<&str>) -> Result<Cow<'_, str>, Detail> {
    match scalar(raw)? {
        Scalar::Absent => Ok(Cow::Borrowed("")),
        Scalar::Text(text) => Ok(text),
        _ => Err("must be a string".into()),
    }
}

/// A text that senders may write as a whole number, such as the id of a database row.
pub(super) fn name(raw: Option<&str>) -> Result<Cow<'_, str>, Detail> {
    match scalar(raw)? {
        Scalar::Absent => Ok(Cow::Borrowed("")),
        Scalar::Text(text) => Ok(text),
        Scalar::Number(digits) if is_digits(digits) => Ok(Cow::Borrowed(digits)),
        _ => Err("must be a string or a whole number".into()),
    }
}

/// The text of a number, bare or in a string; `None` when absent.
fn number(raw: Option<&str>) -> Result<Option<Cow<'_, str>>, Detail> {
    match scalar(raw)? {
        Scalar::Absent => Ok(None),
        Scalar::Number(digits) => Ok(Some(Cow::Borrowed(digits))),
        Scalar::Text(Cow::Borrowed(text)) => Ok(Some(Cow::Borrowed(text.trim()))),
        Scalar::Text(Cow::Owned(text)) => Ok(Some(Cow::Owned(text.trim().to_owned()))),
        _ => Err("must be a number".into()),
    }
}

/// A count of tokens: a whole number, which may be written `12.0`.
pub(super) fn tokens(raw: Option<&str>) -> Result<Option<u64>, Detail> {
    let Some(text) = number(raw)? else { return Ok(None) };
    let whole = text.split_once('.').map_or(&*text, |(whole, rest)| match rest.bytes().all(|b| b == b'0') {
        true if !rest.is_empty() => whole,
        _ => "",
    });
    if whole.starts_with('-') && is_digits(&whole[1..]) {
        return Err("can't be negative".into());
    }
    if !is_digits(whole) {
        return Err("must be a whole number".into());
    }
    match whole.parse() {
        Ok(tokens) if tokens <= MAX_TOKENS => Ok(Some(tokens)),
        _ => Err("above 100000000 tokens, the most one call can use".into()),
    }
}

/// A duration in milliseconds, as whole microseconds.
pub(super) fn micros_of_millis(raw: Option<&str>) -> Result<Option<u64>, Detail> {
    micros(raw, 1_000)
}

/// A duration in seconds, as whole microseconds.
pub(super) fn micros_of_secs(raw: Option<&str>) -> Result<Option<u64>, Detail> {
    micros(raw, 1_000_000)
}

/// Durations share the exact decimal parser of money: a number of nano-units, here of the unit
/// the sender counts in. What lies below a microsecond is rounded.
fn micros(raw: Option<&str>, micros_per_unit: i64) -> Result<Option<u64>, Detail> {
    let Some(text) = number(raw)? else { return Ok(None) };
    let nanos = match Money::parse(&text, Currency::USD) {
        Ok(decimal) => decimal.nanos,
        Err(MoneyError::Negative) => return Err("can't be negative".into()),
        Err(MoneyError::TooLarge) => return Err("longer than a day".into()),
        Err(_) => return Err("must be a number".into()),
    };
    let divisor = 1_000_000_000 / micros_per_unit;
    let rounded = nanos / divisor + i64::from(nanos % divisor * 2 >= divisor);
    Ok(u64::try_from(rounded).ok())
}

/// An amount of money, read exactly.
pub(super) fn money(raw: Option<&str>, currency: Currency) -> Result<Option<Money>, Detail> {
    let Some(text) = number(raw)? else { return Ok(None) };
    Money::parse(&text, currency).map(Some).map_err(|error| error.to_string().into())
}

/// An ISO 4217 code; US dollars when absent.
pub(super) fn currency(raw: Option<&str>) -> Result<Currency, Detail> {
    match scalar(raw)? {
        Scalar::Absent => Ok(Currency::USD),
        Scalar::Text(code) => Currency::parse(&code).map_err(|error| error.to_string().into()),
        _ => Err("must be a string".into()),
    }
}

/// An instant: Unix time or RFC 3339.
pub(super) fn timestamp(raw: Option<&str>) -> Result<Option<Timestamp>, Detail> {
    let Some(text) = number(raw)? else { return Ok(None) };
    text.parse().map(Some).map_err(|error: crate::engine::time::TimeError| error.to_string().into())
}

/// A truth: `true` and `false`, also in a string or as 1 and 0.
pub(super) fn truth(raw: Option<&str>) -> Result<Option<bool>, Detail> {
    Ok(Some(match scalar(raw)? {
        Scalar::Absent => return Ok(None),
        Scalar::Bool(truth) => truth,
        Scalar::Text(text) if text.eq_ignore_ascii_case("true") => true,
        Scalar::Text(text) if text.eq_ignore_ascii_case("false") => false,
        Scalar::Number("1") => true,
        Scalar::Number("0") => false,
        _ => return Err("must be true or false".into()),
    }))
}

/// A status: a number such as 429, or a word.
pub(super) fn status(raw: Option<&str>) -> Result<Cow<'_, str>, Detail> {
    match scalar(raw)? {
        Scalar::Absent => Ok(Cow::Borrowed("")),
        Scalar::Text(text) => Ok(text),
        Scalar::Number(digits) if is_digits(digits) && digits.len() <= 3 => Ok(Cow::Borrowed(digits)),
        _ => Err("must be a status code such as 429, or a word such as success".into()),
    }
}

/// An HTTP status code, bare or in a string; `""` when absent.
pub(super) fn status_code(raw: Option<&str>) -> Result<Cow<'_, str>, Detail> {
    match number(raw)? {
        None => Ok(Cow::Borrowed("")),
        Some(digits) if digits.len() == 3 && is_digits(&digits) && (b'1'..=b'5').contains(&digits.as_bytes()[0]) => {
            Ok(digits)
        }
        Some(_) => Err("must be an HTTP status code from 100 to 599".into()),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}
