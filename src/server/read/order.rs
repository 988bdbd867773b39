//! The parameters that tell which figures are wanted and what ranks them: `metrics`, `quantiles`,
//! `bins`, `order_by`.

use super::params::Params;
use crate::engine::event::MAX_LATENCY_US;
use crate::engine::money::Currency;
use crate::engine::query::Rank;
use crate::server::error::Problem;
use crate::server::wire::metric::Metric;
use crate::server::wire::metric::Quantile;

/// The most quantiles of one answer.
const MAX_QUANTILES: usize = 20;
/// The most bounds of one answer.
const MAX_BINS: usize = 40;
/// What `bins=auto` means: three of each power of ten, and from ten seconds on those of a clock.
const AUTO_BINS_MS: [u64; 19] = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000,
];

/// `metrics`, by default all, in the order asked.
pub(super) fn metrics(params: &Params) -> Result<Vec<Metric>, Problem> {
    let names: Vec<_> = Metric::ALL.iter().map(|metric| metric.name()).collect();
    let allowed = format!("different names, with commas between them, of {}", names.join(", "));
    let metrics = params.parsed("metrics", &allowed, |text| distinct(text, Metric::parse))?;
    Ok(metrics.unwrap_or_else(|| Metric::ALL.to_vec()))
}

/// `quantiles`, by default p50, p95 and p99.
pub(super) fn quantiles(params: &Params) -> Result<Vec<Quantile>, Problem> {
    let allowed = format!("up to {MAX_QUANTILES} different decimals from 0 to 1 with commas, such as 0.5,0.95,0.999");
    let quantiles = params.parsed("quantiles", &allowed, |text| {
        distinct(text, Quantile::parse).filter(|quantiles| quantiles.len() <= MAX_QUANTILES)
    })?;
    Ok(quantiles.unwrap_or_else(|| ["0.5", "0.95", "0.99"].into_iter().filter_map(Quantile::parse).collect()))
}

/// `bins`, ascending upper bounds of latencies in µs; by default none.
pub(super) fn bounds_us(params: &Params) -> Result<Vec<u64>, Problem> {
    let allowed = format!(
        "auto, or up to {MAX_BINS} ascending milliseconds with commas, such as 10,100.5,1000, each at most {}",
        MAX_LATENCY_US / 1_000
    );
    let bounds = params.parsed("bins", &allowed, |text| match text {
        "auto" => Some(AUTO_BINS_MS.iter().map(|ms| ms * 1_000).collect()),
        _ => ascending(text),
    })?;
    Ok(bounds.unwrap_or_default())
}

fn ascending(text: &str) -> Option<Vec<u64>> {
    let bounds: Vec<u64> = text.split(',').map(micros).collect::<Option<_>>()?;
    (bounds.len() <= MAX_BINS && bounds.is_sorted_by(|a, b| a < b)).then_some(bounds)
}

/// Milliseconds with up to three decimals, as µs.
fn micros(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str, most| (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let plain = digits(whole, 9) && digits(part, 3);
    let us = plain.then(|| format!("{whole}{part:0<3}").parse().ok()).flatten();
    us.filter(|us| *us <= MAX_LATENCY_US)
}

/// A list with commas, none of it twice.
fn distinct<T: PartialEq>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    let mut list = Vec::new();
    for item in text.split(',') {
        let item = parse(item)?;
        if list.contains(&item) {
            return None;
        }
        list.push(item);
    }
    Some(list)
}

/// A ranking as asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ranking {
    pub(super) by: By,
    pub(super) descending: bool,
}

/// What ranks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum By {
    /// A figure of the engine's.
    Rank(Rank),
    /// Money of the one currency that the answer has, or else of US dollars.
    Cost,
}

/// `order_by`: a figure, upwards, or downwards with `-` before it.
pub(super) fn ranking(params: &Params, default: Ranking) -> Result<Ranking, Problem> {
    let allowed = "one of name, requests, successes, failures, error_rate, input_tokens, output_tokens, \
                   cache_read_tokens, cache_write_tokens, reasoning_tokens, total_tokens, unpriced, cost, cost:EUR, \
                   latency_ms, latency_ms.p95, ttft_ms, ttft_ms.p95, with - before it for descending order";
    Ok(params.parsed("order_by", allowed, parse)?.unwrap_or(default))
}

fn parse(text: &str) -> Option<Ranking> {
    let (text, descending) = text.strip_prefix('-').map_or((text, false), |text| (text, true));
    Some(Ranking { by: by(text)?, descending })
}

fn by(text: &str) -> Option<By> {
    let rank = match text {
        "name" => Rank::Name,
        "cost" => return Some(By::Cost),
        _ => figure(text).or_else(|| qualified(text))?,
    };
    Some(By::Rank(rank))
}

fn figure(name: &str) -> Option<Rank> {
    Some(match Metric::parse(name)? {
        Metric::Requests => Rank::Requests,
        Metric::Successes => Rank::Successes,
        Metric::Failures => Rank::Failures,
        Metric::ErrorRate => Rank::ErrorRate,
        Metric::InputTokens => Rank::InputTokens,
        Metric::OutputTokens => Rank::OutputTokens,
        Metric::CacheReadTokens => Rank::CacheReadTokens,
        Metric::CacheWriteTokens => Rank::CacheWriteTokens,
        Metric::ReasoningTokens => Rank::ReasoningTokens,
        Metric::TotalTokens => Rank::TotalTokens,
        Metric::Unpriced => Rank::Unpriced,
        Metric::Latency => Rank::LatencyMean,
        Metric::Ttft => Rank::TtftMean,
        Metric::Cost => return None, // needs a currency
    })
}

/// `cost:EUR`, `latency_ms.p95`, `ttft_ms.mean`.
fn qualified(text: &str) -> Option<Rank> {
    if let Some(code) = text.strip_prefix("cost:") {
        return Currency::parse(code).ok().map(Rank::Cost);
    }
    let (name, part) = text.split_once('.')?;
    let metric = Metric::parse(name)?;
    match (metric, part) {
        (Metric::Latency | Metric::Ttft, "mean") => figure(name),
        (Metric::Latency, "max") => Some(Rank::Latency(1.0)),
        (Metric::Ttft, "max") => Some(Rank::Ttft(1.0)),
        (Metric::Latency, quantile) => Quantile::of_name(quantile).map(Rank::Latency),
        (Metric::Ttft, quantile) => Quantile::of_name(quantile).map(Rank::Ttft),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::params::tests::fault;
    use super::super::params::tests::read;
    use super::*;

    const DEFAULT: Ranking = Ranking { by: By::Rank(Rank::Requests), descending: true };

    #[test]
    fn bounds_are_exact_milliseconds_upwards() {
        let bounds = |text: &str| bounds_us(&read(&format!("bins={text}"))?);
        assert_eq!(bounds_us(&read("").unwrap()).unwrap(), Vec::<u64>::new());
        assert_eq!(bounds("auto").unwrap().len(), AUTO_BINS_MS.len());
        assert!(AUTO_BINS_MS.is_sorted() && AUTO_BINS_MS.len() <= MAX_BINS);
        let table = [
            ("0", vec![0]),
            ("0.001", vec![1]),
            ("1,2.5,35.035", vec![1_000, 2_500, 35_035]),
            ("86400000", vec![MAX_LATENCY_US]),
        ];
        for (text, expected) in table {
            assert_eq!(bounds(text).unwrap(), expected, "{text}");
        }
        let many = (1..=41).map(|bound| bound.to_string()).collect::<Vec<_>>().join(",");
        let bad =
            ["", ",", "1,", "2,1", "1,1", "1,1.000", "-1", "1e3", "1.0001", "1.", ".5", "nan", "86400000.001", &many];
        for text in bad {
            assert!(fault(bounds(text)).starts_with("bins: `bins` must be auto, or up to 40 ascending"), "{text}");
        }
    }

    fn order(text: &str) -> Result<Ranking, Problem> {
        ranking(&read(&format!("order_by={text}"))?, DEFAULT)
    }

    #[test]
    fn a_ranking_names_a_figure() {
        let rank = |by, descending| Ranking { by: By::Rank(by), descending };
        let table = [
            ("name", rank(Rank::Name, false)),
            ("-requests", rank(Rank::Requests, true)),
            ("error_rate", rank(Rank::ErrorRate, false)),
            ("-cost", Ranking { by: By::Cost, descending: true }),
            ("cost:usd", rank(Rank::Cost(Currency::USD), false)),
            ("latency_ms", rank(Rank::LatencyMean, false)),
            ("-latency_ms.mean", rank(Rank::LatencyMean, true)),
            ("-latency_ms.p99.9", rank(Rank::Latency(0.999), true)),
            ("ttft_ms.max", rank(Rank::Ttft(1.0), false)),
        ];
        for (text, expected) in table {
            assert_eq!(order(text).unwrap(), expected, "{text}");
        }
        assert_eq!(ranking(&read("").unwrap(), DEFAULT).unwrap(), DEFAULT);
    }

    #[test]
    fn an_unknown_figure_is_told_the_known_ones() {
        for text in ["", "-", "--cost", "cost:XYZ", "cost:", "latency_ms.p101", "requests.p50", "speed", "latency"] {
            let fault = fault(order(text));
            assert!(fault.starts_with("order_by: `order_by` must be one of name, requests, "), "{text}: {fault}");
        }
    }

    #[test]
    fn metrics_come_in_the_order_asked() {
        let asked = metrics(&read("metrics=cost,requests").unwrap()).unwrap();
        assert_eq!(asked, [Metric::Cost, Metric::Requests]);
        assert_eq!(metrics(&read("").unwrap()).unwrap(), Metric::ALL);
        for bad in ["", "cost,", "cost,cost", "latency", "requests%20,cost"] {
            let fault = fault(read(&format!("metrics={bad}")).and_then(|params| metrics(&params)));
            let expected = "metrics: `metrics` must be different names, with commas between them, of requests, \
                            successes, failures, error_rate, input_tokens, output_tokens, cache_read_tokens, \
                            cache_write_tokens, reasoning_tokens, total_tokens, cost, unpriced, latency_ms, ttft_ms";
            assert_eq!(fault, expected, "{bad}");
        }
    }

    #[test]
    fn quantiles_are_decimals_and_none_comes_twice() {
        let names = |query: &str| {
            let quantiles = quantiles(&read(query).unwrap()).unwrap();
            quantiles.into_iter().map(|quantile| quantile.name).collect::<Vec<_>>()
        };
        assert_eq!(names(""), ["p50", "p95", "p99"]);
        assert_eq!(names("quantiles=0.999,0"), ["p99.9", "p0"]);
        let many = vec!["0"; 21].iter().zip(0..).map(|(_, n)| format!("0.{:02}", n + 10)).collect::<Vec<_>>().join(",");
        for bad in ["", "0.5,0.50", "1.1", "50", "p50", "nan", &many] {
            let fault = fault(read(&format!("quantiles={bad}")).and_then(|params| quantiles(&params)));
            let expected = "quantiles: `quantiles` must be up to 20 different decimals from 0 to 1 with commas, such \
                            as 0.5,0.95,0.999";
            assert_eq!(fault, expected, "{bad}");
        }
    }
}
