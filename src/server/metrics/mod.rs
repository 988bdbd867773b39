//! `GET /metrics`: figures for a monitoring system, in the text format of Prometheus or in
//! OpenMetrics, as it asks for.
//!
//! ```text
//! engine, store, counters, process ─▶ metrics as plain data ─▶ OpenMetrics ─▶ text 0.0.4
//! ```
//!
//! Counters begin at nothing with the process, and never fall: a monitoring system takes a counter
//! that fell for one that began anew. Whatever was counted before a start is `/v1/usage`'s to tell.

mod accept;
mod family;
mod health;
mod otel;
mod process;
mod usage;

use super::App;
use super::Settings;
use super::access::Scope;
use super::error::Problem;
use super::read::params::Params;
use super::routes::Routes;
use crate::engine::Stats;
use accept::Format;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::Uri;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::get;
use family::Metric;
use std::sync::Arc;
use std::time::Instant;

const SINGLE: &[&str] = &["names"];

/// Whose names usage goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    Tallyring,
    OpenTelemetry,
}

/// What the figures are counted from, and the limits of the server.
#[derive(Debug)]
struct Began {
    at: Instant,
    stats: Stats,
    settings: Settings,
}

pub(super) fn routes(routes: Routes, app: &App, settings: &Settings) -> Routes {
    let engine = app.store.engine();
    engine.begin_growth(settings.metrics_max_labels);
    let began = Arc::new(Began { at: Instant::now(), stats: engine.stats(), settings: settings.clone() });
    let tell = async move |State(app): State<App>, uri: Uri, headers: HeaderMap| {
        let names = names(&Params::read(&uri, SINGLE, None, &app.keyring)?)?;
        let (format, began) = (Format::asked_for(&headers), Arc::clone(&began));
        let told = tokio::task::spawn_blocking(move || text(&app, &began, names, format)).await;
        told.unwrap_or_else(|_| Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "a bug in the server")))
    };
    routes.get("/metrics", Scope::ReadAll, get(tell))
}

fn names(params: &Params) -> Result<Names, Problem> {
    let names = params.parsed("names", "tallyring or otel", |text| match text {
        "tallyring" => Some(Names::Tallyring),
        "otel" => Some(Names::OpenTelemetry),
        _ => None,
    })?;
    Ok(names.unwrap_or(Names::Tallyring))
}

fn text(app: &App, began: &Began, names: Names, format: Format) -> Result<Response, Problem> {
    let mut metrics: Vec<Metric> = health::metrics(app, began);
    let families = app.store.engine().growth();
    metrics.extend(match names {
        Names::Tallyring => usage::metrics(&families),
        Names::OpenTelemetry => otel::metrics(&families),
    });
    metrics.extend(process::metrics());
    let failed = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the figures could not be written as text");
    let text = format.text(metrics).map_err(failed)?;
    Ok(([(header::CONTENT_TYPE, format.media_type()), (header::VARY, "accept")], text).into_response())
}
