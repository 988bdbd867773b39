//! `GET /openapi.json`: every route of this server, for programs and people.
//!
//! The document is written by hand, as JSON files beside this one, rather than derived from types:
//! answers are shaped at run time by the metrics, quantiles and dimensions asked for, so a derive
//! macro would describe types that do not exist. Tests hold it against the router, against what
//! each handler accepts, and against real answers.
//!
//! ```text
//! openapi.json   what all share: information, parameters, headers, responses
//! paths/*.json   the operations, a file for each tag or two
//! schemas.json   the shapes of bodies
//! ```
//!
//! What depends on the server is filled in when it starts: its version, its limits and its labels
//! stand as `{{names}}` in these files, and the answers that surround every route (no token, still
//! starting) are added by scope. Whether a token is asked for may change while it runs, so there are
//! two documents.

mod assemble;
mod fill;
mod reference;

use super::App;
use super::Settings;
use super::access::Scope;
use super::dashboard::has;
use super::dashboard::tag_of;
use super::routes::Routes;
use crate::engine::config::Config;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use fill::Fill;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;

pub(super) fn routes(routes: Routes, app: &App, settings: &Settings) -> Routes {
    let fills = fills(app.store.engine().config(), settings);
    let documents = Arc::new([false, true].map(|tokens| Document::new(&fills, tokens)));
    let told = get(async move |State(app): State<App>, headers: HeaderMap| {
        documents[usize::from(app.access.asks_for_tokens())].answer(&headers)
    });
    reference::routes(routes.get("/openapi.json", Scope::Open, told))
}

/// The document as it is sent.
struct Document {
    bytes: Bytes,
    etag: HeaderValue,
}

impl Document {
    fn new(fills: &Fill, tokens: bool) -> Self {
        let document = fills.fill(assemble::document(tokens));
        let bytes = document.to_string();
        Self { etag: tag_of(bytes.as_bytes()), bytes: bytes.into() }
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        let kept: [(HeaderName, HeaderValue); 2] =
            [(header::ETAG, self.etag.clone()), (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))];
        if has(headers, &self.etag) {
            return (StatusCode::NOT_MODIFIED, kept).into_response();
        }
        (kept, [(header::CONTENT_TYPE, "application/json")], self.bytes.clone()).into_response()
    }
}

/// What depends on the server.
fn fills(engine: &Config, settings: &Settings) -> Fill {
    let dimensions: Vec<_> = engine.dimensions().map(|dimension| engine.name(dimension)).collect();
    Fill::new([
        ("version", env!("CARGO_PKG_VERSION").into()),
        ("max_body_bytes", settings.max_body_bytes.into()),
        ("max_decompressed_bytes", settings.max_decompressed_bytes.into()),
        ("max_event_bytes", settings.max_event_bytes.into()),
        ("max_events", settings.max_events.into()),
        ("ahead_secs", engine.ahead_secs.into()),
        ("filters", dimensions.iter().map(|name| filter(name)).collect()),
        ("dimensions", dimensions.into()),
    ])
}

/// The parameter that filters by a dimension.
fn filter(name: &str) -> Value {
    let mut description =
        format!("Only calls of this {name}. Given again, of either; empty: only calls without a {name}.");
    if name == "key" {
        description += " The key's public name, or the raw key, which is turned into its name at once.";
    }
    let example = match name {
        "key" => "sk-proj-Jx81mPq0aVbnRt5yQa1b2",
        "user" => "ann",
        "model" => "gpt-4o",
        "provider" => "openai",
        "endpoint" => "/v1/chat/completions",
        "status" => "429",
        _ => "",
    };
    json!({
        "name": name,
        "in": "query",
        "description": description,
        "schema": { "type": "array", "items": { "type": "string" } },
        "example": [example],
    })
}
