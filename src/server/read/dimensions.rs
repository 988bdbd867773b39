//! `GET /v1/dimensions` and `GET /v1/dimensions/{dim}/values`: what can be grouped by and filtered.

use super::Answer;
use super::Ask;
use super::json;
use super::params;
use crate::engine::config::Config;
use crate::engine::event::Dimension;
use crate::server::error::Problem;
use axum::http::StatusCode;
use serde::Serialize;

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_000;

/// `values` of `limit`: how many there are, and how many there can be.
#[derive(Serialize)]
struct DimensionJson<'a> {
    name: &'a str,
    values: usize,
    limit: u32,
}

#[derive(Serialize)]
struct DimensionsJson<'a> {
    dimensions: Vec<DimensionJson<'a>>,
    series: usize,
    series_limit: u32,
}

/// All dimensions, and how near they are to their limits.
pub(super) fn dimensions(ask: &Ask) -> Answer {
    ask.params(&[])?;
    let (config, extent) = (ask.config(), ask.extent());
    let dimension =
        |(dimension, values)| DimensionJson { name: config.name(dimension), values, limit: most(config, dimension) };
    let dimensions = config.dimensions().zip(extent.values.iter().copied()).map(dimension).collect();
    json(&DimensionsJson { dimensions, series: extent.series, series_limit: config.max_series })
}

fn most(config: &Config, dimension: Dimension) -> u32 {
    match dimension {
        Dimension::Key | Dimension::User => config.max_identities,
        _ => config.max_values,
    }
}

#[derive(Serialize)]
struct ValueJson {
    value: String,
    series: usize,
}

/// `more` where the limit left some out.
#[derive(Serialize)]
struct ValuesJson<'a> {
    dimension: &'a str,
    values: Vec<ValueJson>,
    more: bool,
}

/// The values of one dimension that contain `q`, by name.
pub(super) fn values(ask: &Ask) -> Answer {
    let name = ask.path()?;
    let Some(dimension) = ask.config().dimension(name) else {
        let known: Vec<_> = ask.config().dimensions().map(|dimension| ask.config().name(dimension)).collect();
        let detail = format!("no such dimension; known are {}", known.join(", "));
        return Err(Problem::new(StatusCode::NOT_FOUND, detail));
    };
    let params = ask.params(&["q", "limit"])?;
    let limit = params.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT)?;
    let (values, more) = search(ask, dimension, params.text("q").unwrap_or(""), limit);
    json(&ValuesJson { dimension: name, values, more })
}

/// A key can be searched for by a part of its public name, or by the whole raw key: that is what
/// its holder has at hand.
fn search(ask: &Ask, dimension: Dimension, part: &str, limit: usize) -> (Vec<ValueJson>, bool) {
    let mut found = ask.values(dimension, part, limit + 1);
    if found.is_empty() && dimension == Dimension::Key {
        found = ask.values(dimension, &params::public_name(part, &ask.app.keyring), limit + 1);
    }
    let more = found.len() > limit;
    let values = found.into_iter().take(limit);
    (values.map(|found| ValueJson { value: found.value.to_string(), series: found.series }).collect(), more)
}
