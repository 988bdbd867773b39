//! The answer of `/v1/usage` as CSV: one row for each group, or for each group and interval.
//!
//! Every row states its span. Money has a column for each currency in the answer. What is not
//! known is an empty cell.

use crate::engine::aggregate::Cost;
use crate::engine::aggregate::Timing;
use crate::engine::histogram::Distribution;
use crate::engine::money::Currency;
use crate::engine::money::decimal;
use crate::engine::query::GroupName;
use crate::engine::query::Point;
use crate::engine::query::Totals;
use crate::engine::query::Usage;
use crate::engine::time::Timestamp;
use crate::server::error::Problem;
use crate::server::wire::Ms;
use crate::server::wire::metric::Metric;
use crate::server::wire::metric::Shape;
use crate::server::wire::metric::count;
use crate::server::wire::metric::error_rate;
use axum::http::StatusCode;

/// The whole answer as a table.
pub(super) fn table(usage: &Usage, names: &[&str], shape: &Shape) -> Result<Vec<u8>, Problem> {
    let currencies = usage.totals.sums.cost.by_currency().into_iter().chain(previous_costs(usage));
    let mut currencies: Vec<_> = currencies.map(|cost| cost.currency).collect();
    currencies.sort_unstable();
    currencies.dedup();
    let table = Table { usage, shape, currencies };
    let failed = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be written as CSV");
    table.write(names).map_err(failed)
}

fn previous_costs(usage: &Usage) -> impl Iterator<Item = Cost> {
    usage.previous.iter().flat_map(|totals| totals.sums.cost.by_currency())
}

struct Table<'a> {
    usage: &'a Usage,
    shape: &'a Shape,
    currencies: Vec<Currency>,
}

impl Table<'_> {
    fn write(&self, names: &[&str]) -> Result<Vec<u8>, ::csv::Error> {
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        writer.write_record(self.header(names))?;
        let usage = self.usage;
        if names.is_empty() {
            let rows = self.rows(&Vec::new(), &usage.totals, usage.previous.as_ref(), &usage.series);
            rows.iter().try_for_each(|row| writer.write_record(row))?;
        }
        for group in usage.groups.iter().filter(|_| !names.is_empty()) {
            let rows = self.rows(&group.name, &group.totals, group.previous.as_ref(), &group.series);
            rows.iter().try_for_each(|row| writer.write_record(row))?;
        }
        writer.into_inner().map_err(|error| error.into_error().into())
    }

    fn header(&self, names: &[&str]) -> Vec<String> {
        let mut header: Vec<String> = names.iter().map(ToString::to_string).collect();
        header.extend(["from", "to"].map(String::from));
        header.extend(self.columns());
        if self.usage.previous.is_some() {
            header.extend(self.columns().iter().map(|column| format!("previous_{column}")));
        }
        header
    }

    fn columns(&self) -> Vec<String> {
        let columns = |metric: &Metric| match metric {
            Metric::Cost => self.currencies.iter().map(|currency| format!("cost_{}", currency.code())).collect(),
            Metric::Latency | Metric::Ttft => {
                let quantiles = self.shape.quantiles.iter().map(|quantile| quantile.name.as_str());
                let parts = ["count", "mean", "min", "max"].into_iter().chain(quantiles).map(String::from);
                parts.chain(bins(&self.shape.bounds_us)).map(|part| format!("{}_{part}", metric.name())).collect()
            }
            single => vec![single.name().to_string()],
        };
        self.shape.metrics.iter().flat_map(columns).collect()
    }

    /// The rows of one group: one, or one for each of its points.
    fn rows(&self, name: &GroupName, totals: &Totals, previous: Option<&Totals>, series: &[Point]) -> Vec<Vec<String>> {
        let row = |from: Timestamp, to: Timestamp, totals: &Totals| {
            let mut row: Vec<_> = name.iter().map(|value| text_cell(value.as_deref().unwrap_or(""))).collect();
            row.extend([from, to].map(|at| at.rfc3339(&self.shape.zone)));
            row.extend(self.cells(totals));
            row.extend(previous.into_iter().flat_map(|totals| self.cells(totals)));
            row
        };
        if series.is_empty() {
            return vec![row(self.usage.from, self.usage.to, totals)];
        }
        series.iter().map(|point| row(point.from, point.to, &point.totals)).collect()
    }

    fn cells(&self, totals: &Totals) -> Vec<String> {
        let Totals { sums, latency, ttft } = totals;
        let cells = |metric: &Metric| match metric {
            Metric::ErrorRate => vec![optional(error_rate(sums))],
            Metric::Cost => {
                self.currencies.iter().map(|currency| optional(sums.cost.get(*currency).map(decimal))).collect()
            }
            Metric::Latency => self.times(sums.latency, latency),
            Metric::Ttft => self.times(sums.ttft, ttft),
            counted => vec![count(*counted, sums).to_string()],
        };
        self.shape.metrics.iter().flat_map(cells).collect()
    }

    fn times(&self, sum: Timing, distribution: &Distribution) -> Vec<String> {
        let quantiles = self.shape.quantiles.iter().map(|quantile| distribution.quantile(quantile.at));
        let times = [sum.mean_us(), distribution.min_us(), distribution.max_us()].into_iter().chain(quantiles);
        let times = times.map(|us| optional(us.map(|us| Ms(us).text())));
        let mut cells: Vec<_> = std::iter::once(sum.count.to_string()).chain(times).collect();
        if !self.shape.bounds_us.is_empty() {
            cells.extend(distribution.counts_between(&self.shape.bounds_us).iter().map(u64::to_string));
        }
        cells
    }
}

/// `bin_1`, `bin_2`, …, `bin_above`: each is named by the milliseconds it goes up to. They are no
/// sums: what `bin_2` counts is not in `bin_1`.
fn bins(bounds_us: &[u64]) -> impl Iterator<Item = String> {
    let above = (!bounds_us.is_empty()).then(|| "bin_above".to_owned());
    bounds_us.iter().map(|us| format!("bin_{}", Ms(*us).text())).chain(above)
}

fn optional(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// A value that came from outside. Spreadsheets run cells that begin like a formula, and values
/// are hostile: a quote in front makes them text.
fn text_cell(value: &str) -> String {
    let formula = value.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    if formula { format!("'{value}") } else { value.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::query::Completeness;
    use crate::engine::query::Group;
    use crate::engine::query::Other;
    use crate::engine::time::Zone;
    use crate::server::wire::metric::Quantile;

    fn totals(requests: u64, currency: &str) -> Totals {
        let mut totals = Totals::default();
        totals.sums.requests = requests;
        totals.sums.cost.add(Cost { currency: Currency::parse(currency).unwrap(), nanos: 5, calls: requests });
        totals.sums.latency = Timing { count: 1, sum_us: 1_500 };
        totals.latency.record(1_500);
        totals
    }

    fn usage() -> Usage {
        Usage {
            from: Timestamp::from_secs(0),
            to: Timestamp::from_secs(60),
            resolution_secs: 1,
            totals: totals(2, "USD"),
            series: Vec::new(),
            groups: Vec::new(),
            other: Other::default(),
            group_count: 0,
            previous: None,
            previous_from: None,
            completeness: Completeness::default(),
        }
    }

    fn text(usage: &Usage, names: &[&str], metrics: &[Metric]) -> String {
        let quantiles = vec![Quantile::parse("0.999").unwrap()];
        let shape = Shape { metrics: metrics.to_vec(), quantiles, bounds_us: Vec::new(), zone: Zone::utc() };
        String::from_utf8(table(usage, names, &shape).unwrap()).unwrap()
    }

    #[test]
    fn an_ungrouped_answer_is_one_row() {
        let expected = "from,to,requests,error_rate,cost_USD,latency_ms_count,latency_ms_mean,latency_ms_min,\
                        latency_ms_max,latency_ms_p99.9\n\
                        1970-01-01T00:00:00Z,1970-01-01T00:01:00Z,2,0,0.000000005,1,1.5,1.5,1.5,1.5\n";
        let metrics = [Metric::Requests, Metric::ErrorRate, Metric::Cost, Metric::Latency];
        assert_eq!(text(&usage(), &[], &metrics), expected);
    }

    #[test]
    fn what_was_before_has_columns_of_its_own_and_what_is_unknown_is_empty() {
        let previous = Totals::default();
        let mut usage = Usage { previous: Some(previous), ..usage() };
        let metrics = [Metric::Cost, Metric::ErrorRate];
        let expected = "from,to,cost_USD,error_rate,previous_cost_USD,previous_error_rate\n\
                        1970-01-01T00:00:00Z,1970-01-01T00:01:00Z,0.000000005,0,,\n";
        assert_eq!(text(&usage, &[], &metrics), expected);
        usage.previous = Some(totals(1, "EUR"));
        let header = "from,to,cost_EUR,cost_USD,error_rate,previous_cost_EUR,previous_cost_USD,previous_error_rate\n";
        assert!(text(&usage, &[], &metrics).starts_with(header));
    }

    #[test]
    fn groups_with_a_series_have_a_row_for_each_point() {
        let point = |second: i64| Point {
            from: Timestamp::from_secs(second),
            to: Timestamp::from_secs(second + 1),
            totals: totals(u64::try_from(second).unwrap() + 7, "USD"),
        };
        let group = Group {
            name: vec![Some("a,b".into()), None],
            totals: totals(2, "USD"),
            previous: None,
            series: vec![point(0), point(1)],
        };
        let usage = Usage { groups: vec![group], ..usage() };
        let expected = "model,user,from,to,requests\n\
                        \"a,b\",,1970-01-01T00:00:00Z,1970-01-01T00:00:01Z,7\n\
                        \"a,b\",,1970-01-01T00:00:01Z,1970-01-01T00:00:02Z,8\n";
        assert_eq!(text(&usage, &["model", "user"], &[Metric::Requests]), expected);
    }

    #[test]
    fn formulas_become_text() {
        let table = [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("\rx", "'\rx"),
            ("a=1", "a=1"),
            ("", ""),
        ];
        for (value, expected) in table {
            assert_eq!(text_cell(value), expected);
        }
    }
}
