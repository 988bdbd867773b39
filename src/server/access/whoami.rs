//! `GET /v1/caller`: who the server takes its caller for.

use super::Caller;
use super::Only;
use super::Scope;
use crate::server::routes::Routes;
use axum::Extension;
use axum::Json;
use axum::routing::get;
use serde::Serialize;

pub(in crate::server) fn routes(routes: Routes) -> Routes {
    routes.get("/v1/caller", Scope::Read, get(caller))
}

/// `{"name":"…","scopes":["read"],"only":{"user":["ann"]}}`.
#[derive(Serialize)]
struct CallerJson {
    name: String,
    scopes: Vec<&'static str>,
    only: Only,
}

async fn caller(Extension(caller): Extension<Caller>) -> Json<CallerJson> {
    Json(CallerJson {
        name: caller.name.to_string(),
        scopes: caller.grants.iter().map(|grant| grant.word()).collect(),
        only: Only::clone(&caller.only),
    })
}
