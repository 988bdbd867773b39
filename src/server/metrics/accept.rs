//! The two text formats, and which of them is asked for.

use super::family::Metric;
use super::family::Metrics;
use axum::http::HeaderMap;
use axum::http::header;
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;
use std::fmt;

/// A text format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Version 0.0.4 of Prometheus' own.
    Plain,
    /// OpenMetrics 1.0.
    Open,
}

impl Format {
    /// OpenMetrics where it is liked better.
    pub(super) fn asked_for(headers: &HeaderMap) -> Self {
        let accept: Vec<&str> =
            headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
        let liking = |kind: &str| accept.iter().filter_map(|text| liking(text, kind)).fold(0.0, f64::max);
        let (open, plain) = (liking("application/openmetrics-text"), liking("text/plain"));
        if open > 0.0 && open >= plain { Self::Open } else { Self::Plain }
    }

    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Plain => "text/plain; version=0.0.4; charset=utf-8",
            Self::Open => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    pub(super) fn text(self, metrics: Vec<Metric>) -> Result<String, fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Metrics(metrics)));
        let mut open = String::new();
        text::encode(&mut open, &registry)?;
        Ok(if self == Self::Open { open } else { plain(&open) })
    }
}

/// How much a media type is liked, if it is named.
fn liking(accept: &str, kind: &str) -> Option<f64> {
    let of = |part: &str| {
        let mut parameters = part.split(';').map(str::trim);
        let named = parameters.next().is_some_and(|name| name.eq_ignore_ascii_case(kind));
        let quality = parameters.find_map(|parameter| parameter.strip_prefix("q=")?.parse().ok());
        named.then(|| quality.unwrap_or(1.0))
    };
    accept.split(',').filter_map(of).reduce(f64::max)
}

/// OpenMetrics as the older format: there the name of a counter has its `_total` in the comments
/// too, and there is no last line.
///
/// A line that begins with `#` is a comment, whatever calls are named: names stand in quotes, and
/// line breaks in them are escaped.
fn plain(open: &str) -> String {
    let mut text = String::with_capacity(open.len() + open.len() / 16);
    let mut lines = open.lines().filter(|line| *line != "# EOF").peekable();
    while let Some(line) = lines.next() {
        let kind = |line: &&str| line.starts_with("# TYPE ") && line.ends_with(" counter");
        let counter = kind(&line) || (line.starts_with("# HELP ") && lines.peek().is_some_and(kind));
        match line.splitn(4, ' ').collect::<Vec<_>>()[..] {
            ["#", word, name, rest] if counter => text += &format!("# {word} {name}_total {rest}\n"),
            _ => {
                text += line;
                text.push('\n');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_liked_best_is_told() {
        let asked = |accept: &str| {
            let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
            Format::asked_for(&headers)
        };
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
        assert_eq!(asked(prometheus), Format::Open);
        assert_eq!(asked("text/plain; version=0.0.4, application/openmetrics-text; q=0.5"), Format::Plain);
        assert_eq!(asked("application/openmetrics-text;q=0"), Format::Plain);
        assert_eq!(asked("*/*"), Format::Plain);
        assert_eq!(Format::asked_for(&HeaderMap::new()), Format::Plain);
    }

    #[test]
    fn the_older_format_names_counters_in_full() {
        let metrics = || {
            let calls =
                Metric::counter("calls", "Calls counter").with(vec![("model", "# TYPE x counter\n".into())], 3_u64);
            vec![calls, Metric::gauge("free_bytes", "Free.").is(1.5)]
        };
        let label = r##"{model="# TYPE x counter\n"}"##;
        let plain = format!(
            "# HELP calls_total Calls counter\n# TYPE calls_total counter\ncalls_total{label} 3\n\
             # HELP free_bytes Free.\n# TYPE free_bytes gauge\nfree_bytes 1.5\n"
        );
        assert_eq!(Format::Plain.text(metrics()).unwrap(), plain);
        let open = Format::Open.text(metrics()).unwrap();
        assert!(open.starts_with("# HELP calls Calls counter\n# TYPE calls counter\ncalls_total{"), "{open}");
        assert!(open.ends_with("\n# EOF\n"));
    }
}
