//! Reports by calendar day: `daily`, `cost-trend`.

use super::super::Answer;
use super::super::Ask;
use super::super::json;
use super::super::params::Params;
use super::super::refused;
use super::super::span;
use super::Covered;
use crate::engine::query::Span;
use crate::engine::reports::DayReport;
use crate::engine::time::Timestamp;
use crate::engine::time::Zone;
use crate::server::error::Problem;
use crate::server::wire::Money;
use serde::Serialize;

const DEFAULT_DAYS: usize = 30;
/// The longest retention.
const MAX_DAYS: usize = 400;

/// The days of a report, and the span that they make.
struct Days {
    covered: Covered,
    days: Vec<DayReport>,
}

impl Days {
    fn read(ask: &Ask, params: &Params, fill: bool) -> Result<Self, Problem> {
        let zone = span::zone(params)?;
        let count = params.number("days", DEFAULT_DAYS, 1..=MAX_DAYS)?;
        let count = u32::try_from(count).expect("at most 400");
        let days = ask.reports().daily(count, &zone, fill).map_err(refused)?;
        let covered =
            Covered::of(ask, Span::Between { from: Some(first_instant(ask.now, count, &zone)), to: None }, &zone)
                .map_err(refused)?;
        Ok(Self { covered, days })
    }
}

/// Where the first of `days` days begins, today being the last.
fn first_instant(now: Timestamp, days: u32, zone: &Zone) -> Timestamp {
    let back = jiff::Span::new().days(i64::from(days) - 1);
    zone.date(now).checked_sub(back).map_or(Timestamp::MIN, |date| zone.start_of(date))
}

#[derive(Serialize)]
struct Day<'a> {
    date: String,
    total_calls: u64,
    successful_calls: u64,
    failed_calls: u64,
    total_tokens: u128,
    total_cost: Money<'a>,
}

impl<'a> Day<'a> {
    fn new(of: &'a DayReport) -> Self {
        Self {
            date: of.date.to_string(),
            total_calls: of.total_calls,
            successful_calls: of.successful_calls,
            failed_calls: of.failed_calls,
            total_tokens: of.total_tokens,
            total_cost: Money(&of.total_cost),
        }
    }
}

#[derive(Serialize)]
struct Daily<'a> {
    #[serde(flatten)]
    covered: Covered,
    days: Vec<Day<'a>>,
}

/// The last `days` calendar days, today included, oldest first. Days without calls are left out
/// unless `fill=true`; the first day is whole as far as it is kept, which `from` tells.
pub(super) fn daily(ask: &Ask) -> Answer {
    let params = ask.params(&["days", "tz", "fill"])?;
    let Days { covered, days } = Days::read(ask, &params, params.flag("fill")?)?;
    json(&Daily { covered, days: days.iter().map(Day::new).collect() })
}

#[derive(Serialize)]
struct DayCost<'a> {
    date: String,
    cost: Money<'a>,
}

impl<'a> DayCost<'a> {
    fn new(of: &'a DayReport) -> Self {
        Self { date: of.date.to_string(), cost: Money(&of.total_cost) }
    }
}

#[derive(Serialize)]
struct CostTrend<'a> {
    #[serde(flatten)]
    covered: Covered,
    days: Vec<DayCost<'a>>,
}

/// Money by day, as [`daily`].
pub(super) fn cost_trend(ask: &Ask) -> Answer {
    let params = ask.params(&["days", "tz", "fill"])?;
    let Days { covered, days } = Days::read(ask, &params, params.flag("fill")?)?;
    json(&CostTrend { covered, days: days.iter().map(DayCost::new).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn today_is_the_last_of_the_days() {
        let now: Timestamp = "2026-11-02T04:00:00Z".parse().unwrap();
        let zone = Zone::parse("America/New_York").unwrap(); // still November 1st, a day of 25 hours
        assert_eq!(first_instant(now, 1, &zone).to_string(), "2026-11-01T04:00:00Z");
        assert_eq!(first_instant(now, 2, &zone).to_string(), "2026-10-31T04:00:00Z");
        assert_eq!(first_instant(now, 1, &Zone::utc()).to_string(), "2026-11-02T00:00:00Z");
    }
}
