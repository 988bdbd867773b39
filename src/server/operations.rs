//! Routes for whoever runs the server.

use super::App;
use super::access::Scope;
use super::error::Problem;
use super::routes::Routes;
use super::wire::status::StatusJson;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use serde::Serialize;
use std::time::Instant;

#[derive(Serialize)]
struct Version {
    name: &'static str,
    version: &'static str,
}

pub(super) fn routes(routes: Routes) -> Routes {
    let began = Instant::now();
    routes
        .get("/livez", Scope::Open, get(alive))
        .get("/readyz", Scope::Open, get(ready))
        .get("/version", Scope::Open, get(version))
        .get("/v1/status", Scope::ReadAll, get(async move |state: State<App>| status(state, began).await))
}

/// Whoever can answer is alive.
async fn alive() -> &'static str {
    "ok\n"
}

/// A server whose journal has failed still answers questions, but is about to end. One whose disk
/// is full is ready: it will take calls again once there is room, and a restart makes none.
async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    match app.store.status().and_then(|status| status.failure) {
        None => Ok("ok\n"),
        Some(_) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the journal failed; the server is about to end")),
    }
}

async fn version() -> Json<Version> {
    Json(Version { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") })
}

/// Figures of the server itself. What they are read from is in memory, so they cost the disk
/// nothing.
async fn status(State(app): State<App>, began: Instant) -> Result<Json<StatusJson>, Problem> {
    let told = tokio::task::spawn_blocking(move || StatusJson::of(&app.store, began.elapsed())).await;
    told.map(Json).map_err(|_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "a bug in the server"))
}
