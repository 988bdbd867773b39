//! The answer of `/v1/usage` as JSON.

use super::Ms;
use super::metric::Figures;
use super::metric::Shape;
use super::step_name;
use crate::engine::event::Reason;
use crate::engine::histogram::RELATIVE_ERROR;
use crate::engine::query;
use crate::engine::query::Usage;
use serde::Serialize;
use serde::Serializer;

/// The whole answer.
#[derive(Serialize)]
pub(in crate::server) struct UsageJson<'a> {
    from: String,
    to: String,
    resolution: String,
    tz: &'a str,
    position: u64,
    quantile_error: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bins_ms: Option<Vec<Ms>>,
    completeness: Completeness,
    totals: Figures<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    series: Option<Points<'a>>,
    data: Groups<'a>,
    other: Option<Other<'a>>,
    groups: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<Figures<'a>>,
    next_cursor: Option<String>,
}

impl<'a> UsageJson<'a> {
    /// `names` are the names of the dimensions grouped by; without any there are no groups, and
    /// so no others either. The answer holds at least the first `position` events accepted.
    pub(in crate::server) fn new(
        usage: &'a Usage,
        position: u64,
        names: &'a [&'a str],
        shape: &'a Shape,
        next_cursor: Option<String>,
    ) -> Self {
        let grouped = !names.is_empty();
        let groups = if grouped { usage.groups.as_slice() } else { &[] };
        let figures = Figures { totals: &usage.other.totals, shape };
        Self {
            from: usage.from.rfc3339(&shape.zone),
            to: usage.to.rfc3339(&shape.zone),
            resolution: step_name(usage.resolution_secs),
            tz: shape.zone.name(),
            position,
            quantile_error: RELATIVE_ERROR,
            bins_ms: (!shape.bounds_us.is_empty()).then(|| shape.bounds_us.iter().copied().map(Ms).collect()),
            completeness: Completeness::new(&usage.completeness),
            totals: Figures { totals: &usage.totals, shape },
            series: Points::new(&usage.series, shape),
            data: Groups { groups, names, shape },
            other: grouped.then_some(Other { groups: usage.other.groups, figures }),
            groups: if grouped { usage.group_count } else { 0 },
            previous_from: usage.previous_from.map(|from| from.rfc3339(&shape.zone)),
            previous: usage.previous.as_ref().map(|totals| Figures { totals, shape }),
            next_cursor,
        }
    }
}

impl UsageJson<'_> {
    /// Without what is of the whole server, for a caller who sees some calls only.
    pub(in crate::server) fn confined(mut self) -> Self {
        let Completeness { unpriced, unmetered, overflowed, .. } = self.completeness;
        self.completeness =
            Completeness { unpriced, unmetered, overflowed, late: None, rejected: None, duplicates: None };
        self
    }
}

/// The figures of every interval, put into words one by one: all at once they would take more room
/// than the answer.
struct Points<'a> {
    series: &'a [query::Point],
    shape: &'a Shape,
}

impl<'a> Points<'a> {
    /// `None` where the query has no interval: then there is no series, rather than an empty one.
    fn new(series: &'a [query::Point], shape: &'a Shape) -> Option<Self> {
        (!series.is_empty()).then_some(Self { series, shape })
    }
}

impl Serialize for Points<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.series.iter().map(|point| Point::new(point, self.shape)))
    }
}

#[derive(Serialize)]
struct Point<'a> {
    from: String,
    to: String,
    #[serde(flatten)]
    figures: Figures<'a>,
}

impl<'a> Point<'a> {
    fn new(point: &'a query::Point, shape: &'a Shape) -> Self {
        let [from, to] = [point.from, point.to].map(|at| at.rfc3339(&shape.zone));
        Self { from, to, figures: Figures { totals: &point.totals, shape } }
    }
}

/// The groups, put into words one by one.
struct Groups<'a> {
    groups: &'a [query::Group],
    names: &'a [&'a str],
    shape: &'a Shape,
}

impl Serialize for Groups<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.groups.iter().map(|group| Group::new(group, self.names, self.shape)))
    }
}

#[derive(Serialize)]
struct Group<'a> {
    group: Name<'a>,
    #[serde(flatten)]
    figures: Figures<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<Figures<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    series: Option<Points<'a>>,
}

impl<'a> Group<'a> {
    fn new(group: &'a query::Group, names: &'a [&'a str], shape: &'a Shape) -> Self {
        Self {
            group: Name { names, values: &group.name },
            figures: Figures { totals: &group.totals, shape },
            previous: group.previous.as_ref().map(|totals| Figures { totals, shape }),
            series: Points::new(&group.series, shape),
        }
    }
}

/// `{"model":"gpt","user":null}`.
struct Name<'a> {
    names: &'a [&'a str],
    values: &'a query::GroupName,
}

impl Serialize for Name<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.names.iter().zip(self.values.iter().map(Option::as_deref)))
    }
}

#[derive(Serialize)]
struct Other<'a> {
    groups: usize,
    #[serde(flatten)]
    figures: Figures<'a>,
}

#[derive(Serialize)]
struct Completeness {
    unpriced: u64,
    unmetered: u64,
    overflowed: u64,
    // Of the whole server: not for a caller who sees some calls only.
    late: Option<u64>,
    rejected: Option<Rejected>,
    duplicates: Option<u64>,
}

impl Completeness {
    fn new(of: &query::Completeness) -> Self {
        Self {
            unpriced: of.unpriced,
            unmetered: of.unmetered,
            overflowed: of.overflowed,
            late: Some(of.late),
            rejected: Some(Rejected(of.rejected)),
            duplicates: Some(of.duplicates),
        }
    }
}

/// A count for each [`Reason`], by its word.
struct Rejected([u64; Reason::ALL.len()]);

impl Serialize for Rejected {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(Reason::ALL.iter().map(|reason| reason.word()).zip(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::super::metric::Metric;
    use super::*;
    use crate::engine::query::Totals;
    use crate::engine::time::Timestamp;
    use crate::engine::time::Zone;

    fn answer() -> Usage {
        Usage {
            from: Timestamp::from_secs(0),
            to: Timestamp::from_secs(60),
            resolution_secs: 1,
            totals: Totals::default(),
            series: Vec::new(),
            groups: Vec::new(),
            other: query::Other::default(),
            group_count: 3,
            previous: None,
            previous_from: None,
            completeness: query::Completeness { rejected: [1, 2, 3, 4], late: 5, ..query::Completeness::default() },
        }
    }

    fn json(usage: &Usage, names: &[&str]) -> String {
        let zone = Zone::parse("Asia/Kathmandu").unwrap();
        let shape = Shape { metrics: vec![Metric::Requests], quantiles: Vec::new(), bounds_us: Vec::new(), zone };
        serde_json::to_string(&UsageJson::new(usage, 9, names, &shape, None)).unwrap()
    }

    #[test]
    fn an_ungrouped_answer_has_no_groups_and_no_others() {
        let expected = concat!(
            r#"{"from":"1970-01-01T05:30:00+05:30","to":"1970-01-01T05:31:00+05:30","resolution":"1s","#,
            r#""tz":"Asia/Kathmandu","position":9,"quantile_error":0.0078125,"completeness":{"unpriced":0,"unmetered":0,"#,
            r#""overflowed":0,"late":5,"rejected":{"invalid":1,"too_old":2,"ahead":3,"conflict":4},"#,
            r#""duplicates":0},"totals":{"requests":0},"data":[],"other":null,"groups":0,"next_cursor":null}"#
        );
        assert_eq!(json(&answer(), &[]), expected);
    }

    #[test]
    fn a_group_tells_its_name_figures_previous_and_series() {
        let point =
            query::Point { from: Timestamp::from_secs(0), to: Timestamp::from_secs(60), totals: Totals::default() };
        let group = query::Group {
            name: vec![Some("gpt".into()), None],
            totals: Totals::default(),
            previous: Some(Totals::default()),
            series: vec![point],
        };
        let text = json(&Usage { groups: vec![group], ..answer() }, &["model", "user"]);
        let expected = concat!(
            r#""data":[{"group":{"model":"gpt","user":null},"requests":0,"previous":{"requests":0},"#,
            r#""series":[{"from":"1970-01-01T05:30:00+05:30","to":"1970-01-01T05:31:00+05:30","requests":0}]}],"#,
            r#""other":{"groups":0,"requests":0},"groups":3,"next_cursor":null}"#
        );
        assert!(text.ends_with(expected), "{text}");
    }
}
