//! Routes for whoever runs the server.

use super::App;
use axum::Json;
use axum::Router;
use axum::routing::get;
use serde::Serialize;

#[derive(Serialize)]
struct Version {
    name: &'static str,
    version: &'static str,
}

pub(super) fn routes() -> Router<App> {
    Router::new().route("/livez", get(alive)).route("/readyz", get(alive)).route("/version", get(version))
}

/// Whoever can answer is alive, and, with everything in memory, ready.
async fn alive() -> &'static str {
    "ok\n"
}

async fn version() -> Json<Version> {
    Json(Version { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") })
}
