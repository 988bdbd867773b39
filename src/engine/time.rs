//! Instants, steps and calendar spans.
//!
//! The engine counts in whole buckets of whole seconds since the Unix epoch. Calendar questions
//! ("today in Kathmandu") are turned into such instants here, by the time-zone database of
//! [`jiff`]; nothing in this module reads a clock.

use super::rfc3339;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::fmt;
use std::str::FromStr;

/// Seconds in a UTC day.
pub const DAY: i64 = 86_400;

/// Microseconds in a second.
const MICROS: i64 = 1_000_000;

/// The last instant that has a date with a four-digit year in every zone:
/// 9999-12-30T21:59:59.999999Z.
const LAST: i64 = 253_402_207_199 * MICROS + 999_999;

/// An instant: microseconds since the Unix epoch, in `0..=9999-12-30T21:59:59.999999Z`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Why a text or a number is not a timestamp.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Before 1970 or after 9999.
    #[error("the time lies outside 1970..=9999")]
    OutOfRange,
    /// Neither a Unix time nor RFC 3339.
    #[error("not a Unix time (s, ms, µs or ns) nor an RFC 3339 date-time with an offset")]
    Malformed,
    /// No such name in the time-zone database.
    #[error("unknown time zone: use an IANA name such as Asia/Shanghai, or UTC")]
    UnknownZone,
}

impl Timestamp {
    /// The epoch itself.
    pub const MIN: Self = Self(0);
    /// The last instant there is: 9999-12-30T21:59:59.999999Z.
    pub const MAX: Self = Self(LAST);

    /// From microseconds since the epoch.
    ///
    /// # Errors
    /// [`TimeError::OutOfRange`] before 1970 and after 9999.
    pub fn from_micros(micros: i64) -> Result<Self, TimeError> {
        if (0..=LAST).contains(&micros) { Ok(Self(micros)) } else { Err(TimeError::OutOfRange) }
    }

    /// From whole seconds since the epoch; outside the range it is the nearest end of it.
    #[must_use]
    pub fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(MICROS).clamp(0, LAST))
    }

    /// From a Unix time whose unit is told by its size: below 10^11 it is seconds (up to the year
    /// 5138), then milliseconds, microseconds and nanoseconds, each a thousand times further.
    ///
    /// # Errors
    /// [`TimeError::OutOfRange`] for negative numbers and beyond the year 9999.
    pub fn from_unix(number: i64) -> Result<Self, TimeError> {
        let micros = match number {
            ..0 => return Err(TimeError::OutOfRange),
            0..100_000_000_000 => number * MICROS,
            100_000_000_000..100_000_000_000_000 => number * 1_000,
            100_000_000_000_000..100_000_000_000_000_000 => number,
            _ => number / 1_000,
        };
        Self::from_micros(micros)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub fn secs(self) -> i64 {
        self.0 / MICROS
    }

    /// This instant moved by so many seconds, kept within the range.
    #[must_use]
    pub fn plus_secs(self, secs: i64) -> Self {
        Self(self.0.saturating_add(secs.saturating_mul(MICROS)).clamp(0, LAST))
    }

    /// RFC 3339 in a zone, to the microsecond at most: `2026-11-22T20:15:14+08:00`.
    #[must_use]
    pub fn rfc3339(self, zone: &Zone) -> String {
        let zoned = self.jiff().to_zoned(zone.0.clone());
        let offset = zoned.offset();
        if zone.is_utc() {
            return zoned.timestamp().to_string();
        }
        zoned.timestamp().display_with_offset(offset).to_string()
    }

    fn jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).expect("1970..=9999 lies within jiff's range")
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339(&Zone::utc()))
    }
}

/// Reads a Unix time (integer or decimal, unit told by size as in [`Timestamp::from_unix`]) or an
/// RFC 3339 date-time with an offset.
impl FromStr for Timestamp {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        if let Some(usual) = rfc3339::micros(text).and_then(|micros| Self::from_micros(micros).ok()) {
            return Ok(usual);
        }
        let text = text.trim();
        if let Ok(number) = text.parse::<i64>() {
            return Self::from_unix(number);
        }
        if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return Self::from_decimal_unix(text);
        }
        let instant: jiff::Timestamp = text.parse().map_err(|_| TimeError::Malformed)?;
        Self::from_micros(instant.as_microsecond())
    }
}

impl Timestamp {
    /// Decimal Unix seconds or milliseconds, such as the `1795324556.5445132` of a Python sender;
    /// cut to the microsecond without passing through a float.
    fn from_decimal_unix(text: &str) -> Result<Self, TimeError> {
        let (whole, fraction) = text.split_once('.').ok_or(TimeError::OutOfRange)?;
        let whole: i64 = whole.parse().map_err(|_| TimeError::Malformed)?;
        if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return Err(TimeError::Malformed);
        }
        let digits = match whole {
            0..100_000_000_000 => 6,
            100_000_000_000..100_000_000_000_000 => 3,
            _ => return Self::from_unix(whole),
        };
        let fraction = fraction.bytes().chain(std::iter::repeat(b'0')).take(digits);
        let fraction = fraction.fold(0_i64, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        Self::from_micros(Self::from_unix(whole)?.0 + fraction)
    }
}

/// An IANA time zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Coordinated universal time.
    #[must_use]
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// Looks a zone up by its IANA name.
    ///
    /// # Errors
    /// [`TimeError::UnknownZone`].
    pub fn parse(name: &str) -> Result<Self, TimeError> {
        if name.eq_ignore_ascii_case("utc") || name == "Z" {
            return Ok(Self::utc());
        }
        TimeZone::get(name).map(Self).map_err(|_| TimeError::UnknownZone)
    }

    /// The IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    fn is_utc(&self) -> bool {
        self.0 == TimeZone::UTC
    }

    /// The calendar date here at an instant.
    #[must_use]
    pub fn date(&self, at: Timestamp) -> Date {
        at.jiff().to_zoned(self.0.clone()).date()
    }

    /// The first instant of a calendar date here. Where the clock skips midnight this is the first
    /// instant after the gap; where it shows midnight twice, the first of the two.
    #[must_use]
    pub fn start_of(&self, date: Date) -> Timestamp {
        let zoned = date.to_zoned(self.0.clone()).and_then(|z| z.start_of_day());
        zoned.map_or(Timestamp::MAX, |z| Timestamp(z.timestamp().as_microsecond().clamp(0, LAST)))
    }

    /// Reads a wall-clock time without offset (`2024-11-15 16:57:50`) as this zone's; a time that
    /// a clock change skips or repeats is read as `jiff` does by default (the "compatible" rule of
    /// RFC 5545).
    ///
    /// # Errors
    /// [`TimeError`] when it is no date-time.
    pub fn wall_clock(&self, text: &str) -> Result<Timestamp, TimeError> {
        let civil: jiff::civil::DateTime = text.trim().parse().map_err(|_| TimeError::Malformed)?;
        let zoned = civil.to_zoned(self.0.clone()).map_err(|_| TimeError::OutOfRange)?;
        Timestamp::from_micros(zoned.timestamp().as_microsecond())
    }
}

/// How wide the buckets of a time series are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    /// So many seconds, aligned to the epoch.
    Fixed(u32),
    /// Calendar days of the query's zone: 23 to 25 hours.
    Day,
    /// Calendar months of the query's zone.
    Month,
}

impl Interval {
    /// The edges of the buckets that cut `[from, to)`: the first is `from`, the last is `to`, the
    /// others are the interval's own borders between them. Stops after `most` buckets and returns
    /// `None` when there are more.
    #[must_use]
    pub fn edges(self, from: Timestamp, to: Timestamp, zone: &Zone, most: usize) -> Option<Vec<Timestamp>> {
        let mut edges = vec![from];
        let mut at = from;
        while at < to {
            if edges.len() > most {
                return None;
            }
            at = self.next(at, zone).min(to);
            edges.push(at);
        }
        Some(edges)
    }

    /// The first border after `at`.
    fn next(self, at: Timestamp, zone: &Zone) -> Timestamp {
        match self {
            Self::Fixed(step) => {
                let step = i64::from(step.max(1));
                Timestamp::from_secs((at.secs() / step + 1) * step)
            }
            Self::Day => {
                let tomorrow = zone.date(at).tomorrow();
                tomorrow.map_or(Timestamp::MAX, |date| zone.start_of(date))
            }
            Self::Month => {
                let first = zone.date(at).last_of_month().tomorrow();
                first.map_or(Timestamp::MAX, |date| zone.start_of(date))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unix_time_tells_its_unit_by_its_size() {
        let expected = Timestamp::from_secs(1_795_324_556);
        for text in ["1795324556", "1795324556000", "1795324556000000", "1795324556000000000", "1795324556.0"] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        assert_eq!("2026-11-22T13:15:56+08:00".parse::<Timestamp>().unwrap().secs(), 1_795_324_556);
        assert_eq!("1795324556.5445132".parse::<Timestamp>().unwrap().micros(), 1_795_324_556_544_513);
        assert_eq!("1795324556000.25".parse::<Timestamp>().unwrap().micros(), 1_795_324_556_000_250);
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in
            ["", "-1", "nan", "1.", ".5", "1e9", "2026-11-22", "2026-11-22T00:00:00", "1.2.3", "9223372036854775808"]
        {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_day_can_have_23_or_25_hours_and_begin_off_the_hour() {
        let zone = Zone::parse("America/New_York").unwrap();
        let hours = |date: Date| (zone.start_of(date.tomorrow().unwrap()).secs() - zone.start_of(date).secs()) / 3600;
        assert_eq!(hours(jiff::civil::date(2026, 3, 8)), 23);
        assert_eq!(hours(jiff::civil::date(2026, 11, 1)), 25);
        let kathmandu = Zone::parse("Asia/Kathmandu").unwrap();
        let midnight = kathmandu.start_of(jiff::civil::date(2026, 11, 22));
        assert_eq!(midnight.to_string(), "2026-11-21T18:15:00Z");
        assert_eq!(midnight.rfc3339(&kathmandu), "2026-11-22T00:00:00+05:45");
    }

    #[test]
    fn edges_begin_and_end_where_asked() {
        let at = Timestamp::from_secs;
        let edges = Interval::Fixed(60).edges(at(50), at(185), &Zone::utc(), 10).unwrap();
        assert_eq!(edges, [at(50), at(60), at(120), at(180), at(185)]);
        assert_eq!(Interval::Fixed(1).edges(at(0), at(100), &Zone::utc(), 10), None);
    }
}
