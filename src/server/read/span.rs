//! The parameters that tell a span of time: `window`, `from`, `to`, `start`, `end`, `tz`,
//! `interval`.

use super::params::Params;
use crate::engine::config::Config;
use crate::engine::query::Span;
use crate::engine::time::DAY;
use crate::engine::time::Interval;
use crate::engine::time::Timestamp;
use crate::engine::time::Zone;
use crate::server::error::Problem;
use jiff::civil::Date;

const ZONE: &str = "an IANA time zone such as Asia/Kathmandu, or UTC";
const WINDOW: &str = "a whole number and s, m, h or d, such as 90s, 15m, 24h or 30d";
const INSTANT: &str = "an RFC 3339 time, a Unix time (s, ms, µs or ns), or a date such as 2026-11-01 in `tz`";
const INTERVAL: &str = "a whole number and s, m or h, such as 1s, 15m or 6h; or 1d, 1mo or auto";

/// The most whole intervals of a span that `interval=auto` gives, two cut ones at its edges aside:
/// what a chart can show.
const AUTO_POINTS: i64 = 120;
/// What `interval=auto` chooses from before days and months.
const AUTO_STEPS: [u32; 14] = [1, 5, 10, 15, 30, 60, 300, 600, 900, 1_800, 3_600, 10_800, 21_600, 43_200];

/// `tz`, by default UTC. No zone's name has a space, so one is the `+` of `Etc/GMT+8` unescaped.
pub(in crate::server) fn zone(params: &Params) -> Result<Zone, Problem> {
    let zone = params.parsed("tz", ZONE, |text| Zone::parse(&text.replace(' ', "+")).ok())?;
    Ok(zone.unwrap_or_else(Zone::utc))
}

/// `window`, or `from` and `to`; by default `window=1h`.
pub(super) fn span(params: &Params, zone: &Zone, now: Timestamp, default_secs: u32) -> Result<Span, Problem> {
    let (from, to) = (instant(params, "from", zone)?, instant(params, "to", zone)?);
    not_ahead("from", from, now)?;
    match (window_secs(params)?, from, to) {
        (Some(secs), None, None) => Ok(Span::Window(secs)),
        (None, None, None) => Ok(Span::Window(default_secs)),
        (None, from, to) => Ok(Span::Between { from, to }),
        (Some(_), _, _) => Err(Problem::parameter("window", "give either `window`, or `from` and `to`, not both")),
    }
}

/// A span that begins in the future has nothing to count and no honest edges to tell.
pub(super) fn not_ahead(name: &str, at: Option<Timestamp>, now: Timestamp) -> Result<(), Problem> {
    match at {
        Some(at) if at > now => Err(Problem::parameter(name, format!("`{name}` must not lie in the future"))),
        _ => Ok(()),
    }
}

/// `window` in seconds.
pub(super) fn window_secs(params: &Params) -> Result<Option<u32>, Problem> {
    params.parsed("window", WINDOW, |text| {
        let units = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];
        counted(text, &units)
    })
}

/// A whole number above 0 and a unit, as seconds.
fn counted(text: &str, units: &[(&str, u32)]) -> Option<u32> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let (_, secs) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u32>().ok()?.checked_mul(*secs).filter(|secs| *secs > 0)
}

/// An instant. A date stands for its first instant.
pub(super) fn instant(params: &Params, name: &str, zone: &Zone) -> Result<Option<Timestamp>, Problem> {
    params.parsed(name, INSTANT, |text| {
        let date = |date: Date| Some(zone.start_of(date));
        moment(text, zone).or_else(|| text.parse().ok().and_then(date))
    })
}

/// An instant that ends a span and belongs to it. A date stands for its last second.
pub(super) fn last_instant(params: &Params, name: &str, zone: &Zone) -> Result<Option<Timestamp>, Problem> {
    params.parsed(name, INSTANT, |text| {
        let date = |date: Date| Some(zone.start_of(date.tomorrow().ok()?).plus_secs(-1));
        moment(text, zone).or_else(|| text.parse().ok().and_then(date))
    })
}

/// A time, with its offset or else on the clocks of the zone.
fn moment(text: &str, zone: &Zone) -> Option<Timestamp> {
    let clock = |text: &str| text.contains(':').then(|| zone.wall_clock(text).ok()).flatten();
    text.parse().ok().or_else(|| plus_restored(text)?.parse().ok()).or_else(|| clock(text))
}

/// The `+` of an offset, which a query string turns into a space unless it is escaped:
/// `2026-11-22T13:00:00 08:00` is `2026-11-22T13:00:00+08:00`.
fn plus_restored(text: &str) -> Option<String> {
    let (time, offset) = text.rsplit_once(' ')?;
    time.contains(':').then(|| format!("{time}+{offset}"))
}

/// `interval`, by default none.
pub(super) fn interval(
    params: &Params,
    span: Span,
    config: &Config,
    now: Timestamp,
) -> Result<Option<Interval>, Problem> {
    params.parsed("interval", INTERVAL, |text| match text {
        "auto" => Some(auto(span, config, now)),
        "1d" => Some(Interval::Day),
        "1mo" => Some(Interval::Month),
        _ => counted(text, &[("s", 1), ("m", 60), ("h", 3_600)]).map(Interval::Fixed),
    })
}

/// The finest interval that gives at most [`AUTO_POINTS`] and is no finer than what is still kept
/// of the span's begin.
fn auto(span: Span, config: &Config, now: Timestamp) -> Interval {
    let kept = config.tiers.iter().map(|tier| now.plus_secs(-tier.retention_secs()).secs());
    let oldest = kept.clone().min().unwrap_or(0);
    let (from, to) = match span {
        Span::Window(secs) => (now.secs() - i64::from(secs), now.secs() + 1),
        Span::Between { from, to } | Span::Inclusive { start: from, end: to } => {
            let from = from.map_or(oldest, |from| from.secs().max(oldest));
            (from, to.map_or(now.secs(), |to| to.secs().min(now.secs())) + 1)
        }
    };
    let tier = config.tiers.iter().zip(kept).find(|(_, begin)| from > *begin);
    let finest = tier.map_or(1, |(tier, _)| tier.step_secs);
    let fits = |step: u32| step >= finest && (to - from) / i64::from(step) <= AUTO_POINTS;
    match AUTO_STEPS.into_iter().find(|step| fits(*step)) {
        Some(step) => Interval::Fixed(step),
        None if to - from <= AUTO_POINTS * DAY => Interval::Day,
        None => Interval::Month,
    }
}

#[cfg(test)]
mod tests {
    use super::super::params::tests::fault;
    use super::super::params::tests::read;
    use super::*;

    const NOW: i64 = 1_795_324_556; // 2026-11-22T05:15:56Z

    fn span_of(query: &str) -> Result<Span, Problem> {
        let params = read(query)?;
        span(&params, &zone(&params)?, Timestamp::from_secs(NOW), 3_600)
    }

    fn between(from: Option<i64>, to: Option<i64>) -> Span {
        Span::Between { from: from.map(Timestamp::from_secs), to: to.map(Timestamp::from_secs) }
    }

    #[test]
    fn a_window_is_a_number_and_a_unit() {
        for (text, secs) in [("90s", 90), ("15m", 900), ("1h", 3_600), ("30d", 2_592_000), ("007s", 7)] {
            assert_eq!(span_of(&format!("window={text}")).unwrap(), Span::Window(secs), "{text}");
        }
        assert_eq!(span_of("").unwrap(), Span::Window(3_600));
        for text in ["", "0s", "1", "h", "-1h", "1.5h", "1H", "1w", "1%20h", "99999999999s", "50000d"] {
            let expected = "window: `window` must be a whole number and s, m, h or d, such as 90s, 15m, 24h or 30d";
            assert_eq!(fault(span_of(&format!("window={text}"))), expected, "{text}");
        }
        let both = "window: give either `window`, or `from` and `to`, not both";
        assert_eq!(fault(span_of("window=1h&to=5")), both);
    }

    #[test]
    fn an_instant_has_many_spellings() {
        let spellings = [
            "1795324556",
            "1795324556000",
            "1795324556000000000",
            "2026-11-22T05:15:56Z",
            "2026-11-22T13:15:56%2B08:00",
            "2026-11-22T13:15:56+08:00", // the + arrives as a space
        ];
        for text in spellings {
            assert_eq!(span_of(&format!("from={text}")).unwrap(), between(Some(NOW), None), "{text}");
        }
        let wall = span_of("tz=Asia/Kathmandu&from=2026-11-22T11:00:56&to=2026-11-22%2011:00:57").unwrap();
        assert_eq!(wall, between(Some(NOW), Some(NOW + 1)));
        let day = span_of("tz=Asia/Kathmandu&from=2026-11-22&to=2026-11-23").unwrap();
        assert_eq!(day, between(Some(1_795_284_900), Some(1_795_284_900 + 86_400)));
        for text in ["", "yesterday", "2026-13-01", "-5", "2026-11-22T25:00:00Z", "nan"] {
            let expected = "to: `to` must be an RFC 3339 time, a Unix time (s, ms, µs or ns), or a date such as \
                            2026-11-01 in `tz`";
            assert_eq!(fault(span_of(&format!("to={text}"))), expected, "{text}");
        }
    }

    #[test]
    fn a_last_day_belongs_to_its_span() {
        let params = read("to=2026-11-01&tz=America/New_York").unwrap();
        let last = last_instant(&params, "to", &zone(&params).unwrap()).unwrap().unwrap();
        assert_eq!(last.to_string(), "2026-11-02T04:59:59Z", "a day of 25 hours");
    }

    #[test]
    fn a_zone_is_named_as_iana_does() {
        assert_eq!(zone(&read("tz=Etc/GMT+8").unwrap()).unwrap().name(), "Etc/GMT+8");
        for text in ["", "Mars/Olympus", "UTC%2B8", "../../etc/passwd"] {
            let refused = fault(read(&format!("tz={text}")).and_then(|params| zone(&params)));
            assert_eq!(refused, "tz: `tz` must be an IANA time zone such as Asia/Kathmandu, or UTC", "{text}");
        }
    }

    fn interval_of(query: &str) -> Result<Option<Interval>, Problem> {
        interval(&read(query)?, span_of(query)?, &Config::default(), Timestamp::from_secs(NOW))
    }

    #[test]
    fn an_interval_is_a_step_or_a_calendar_unit() {
        let table = [("1s", 1), ("5m", 300), ("6h", 21_600), ("24h", 86_400), ("90m", 5_400)];
        for (text, secs) in table {
            assert_eq!(interval_of(&format!("interval={text}")).unwrap(), Some(Interval::Fixed(secs)), "{text}");
        }
        assert_eq!(interval_of("interval=1d").unwrap(), Some(Interval::Day));
        assert_eq!(interval_of("interval=1mo").unwrap(), Some(Interval::Month));
        assert_eq!(interval_of("").unwrap(), None);
        for text in ["", "0s", "2d", "2mo", "1w", "Auto", "m"] {
            let expected = "interval: `interval` must be a whole number and s, m or h, such as 1s, 15m or 6h; or 1d, \
                            1mo or auto";
            assert_eq!(fault(interval_of(&format!("interval={text}"))), expected, "{text}");
        }
    }

    #[test]
    fn auto_gives_a_chart_its_points() {
        let table = [
            ("window=1m", Interval::Fixed(1)),
            ("window=5m", Interval::Fixed(5)),
            ("window=50m", Interval::Fixed(30)),
            ("window=1h", Interval::Fixed(60)), // its begin is leaving the tier of seconds
            ("window=24h", Interval::Fixed(900)),
            ("window=7d", Interval::Fixed(10_800)),
            ("window=30d", Interval::Fixed(21_600)),
            ("window=90d", Interval::Day),
            ("window=400d", Interval::Month),
            ("from=2026-11-20T12:00:00Z&to=2026-11-20T12:10:00Z", Interval::Fixed(60)),
            ("from=2026-11-01T12:00:00Z&to=2026-11-01T12:10:00Z", Interval::Fixed(900)),
            ("from=2026-02-01&to=2026-02-03", Interval::Day),
            ("to=2099-01-01", Interval::Month),
        ];
        for (query, expected) in table {
            assert_eq!(interval_of(&format!("{query}&interval=auto")).unwrap(), Some(expected), "{query}");
        }
    }
}
