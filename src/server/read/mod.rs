//! Routes that answer.
//!
//! Every handler is a plain function from an [`Ask`] to an answer: it reads the query string,
//! asks the engine once or twice, and puts the result into words. The time is read once for each
//! request, so that all figures of an answer are of one instant.

mod calls;
mod csv;
mod cursor;
mod dimensions;
mod gemini;
mod order;
mod params;
mod reports;
mod snapshots;
mod span;
mod usage;

use super::App;
use super::error::Problem;
use super::origin::same_origin;
use crate::engine::Engine;
use crate::engine::config::Config;
use crate::engine::query::QueryError;
use crate::engine::time::Timestamp;
use axum::Router;
use axum::extract::Path;
use axum::extract::State;
use axum::extract::rejection::PathRejection;
use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::Uri;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::routing::MethodRouter;
use axum::routing::get;
use axum::routing::post;
use params::Params;
use serde::Serialize;
use tokio::task::JoinError;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/v1/usage", answer(usage::usage))
        .route("/v1/events", answer(calls::events))
        .route("/v1/dimensions", answer(dimensions::dimensions))
        .route("/v1/dimensions/{dim}/values", answer(dimensions::values))
        .merge(reports::routes())
        .merge(snapshots::routes())
        .merge(gemini::routes())
}

/// What a handler gives back.
type Answer = Result<Response, Problem>;

/// The header that names the next page where the body is a plain list.
const NEXT_CURSOR: HeaderName = HeaderName::from_static("next-cursor");

/// One question: the request, who answers it, and as of which instant.
#[derive(Clone)]
struct Ask {
    app: App,
    engine: Engine,
    now: Timestamp,
    uri: Uri,
    headers: HeaderMap,
    path: Option<String>,
}

impl Ask {
    fn engine(&self) -> &Engine {
        &self.engine
    }

    fn config(&self) -> &Config {
        self.engine().config()
    }

    /// The parameters of the query string, each of `single` at most once.
    fn params(&self, single: &'static [&'static str]) -> Result<Params, Problem> {
        Params::read(&self.uri, single, None, &self.app.keyring)
    }

    /// The same, and any dimension as a filter.
    fn filtered_params(&self, single: &'static [&'static str]) -> Result<Params, Problem> {
        Params::read(&self.uri, single, Some(self.config()), &self.app.keyring)
    }

    /// The variable part of the path, percent-decoded.
    fn path(&self) -> Result<&str, Problem> {
        let refused = || Problem::new(StatusCode::BAD_REQUEST, "the path is not percent-encoded UTF-8");
        self.path.as_deref().ok_or_else(refused)
    }
}

/// The variable part of a path, where the route has one that is UTF-8.
type Variable = Result<Path<String>, PathRejection>;

/// A GET route.
fn answer(handler: fn(&Ask) -> Answer) -> MethodRouter<App> {
    get(async move |State(app): State<App>, path: Variable, uri: Uri, headers: HeaderMap| {
        on_the_pool(handler, ask(app, path, uri, headers)).await
    })
}

/// A POST route that takes no body. It costs the server something, so pages of other origins may
/// not ask.
fn answer_post(handler: fn(&Ask) -> Answer) -> MethodRouter<App> {
    post(async move |State(app): State<App>, path: Variable, uri: Uri, headers: HeaderMap| {
        same_origin(&headers)?;
        on_the_pool(handler, ask(app, path, uri, headers)).await
    })
}

fn ask(app: App, path: Variable, uri: Uri, headers: HeaderMap) -> Ask {
    let (engine, now) = (app.store.engine().clone(), app.clock.now());
    Ask { app, engine, now, uri, headers, path: path.ok().map(|Path(path)| path) }
}

/// Runs a handler on the pool for blocking work.
///
/// Most questions take microseconds and could run in place, but a scan grouped by users over a
/// month takes milliseconds, and on a small machine one such scan in place would hold up every
/// acknowledgement on its worker. The hop costs some 10 µs.
async fn on_the_pool(handler: fn(&Ask) -> Answer, ask: Ask) -> Answer {
    tokio::task::spawn_blocking(move || handler(&ask)).await.unwrap_or_else(unanswered)
}

/// A panic goes on to where the server catches them; a question cut off by the end of the server
/// is the only other way not to be answered.
fn unanswered(failed: JoinError) -> Answer {
    match failed.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the server is about to stop")),
    }
}

/// A JSON body.
fn json(body: &impl Serialize) -> Answer {
    let failed = |_| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be written as JSON");
    let bytes = serde_json::to_vec(body).map_err(failed)?;
    Ok(fresh(bytes, "application/json"))
}

fn fresh(body: Vec<u8>, kind: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind)], body).into_response()
}

/// The same answer with the cursor of the next page in its header.
fn with_next(mut response: Response, next: Option<String>) -> Response {
    if let Some(value) = next.and_then(|next| HeaderValue::try_from(next).ok()) {
        response.headers_mut().insert(NEXT_CURSOR, value);
    }
    response
}

/// What the engine refuses, as a fault of the parameter that asked for it.
#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn refused(error: QueryError) -> Problem {
    let name = match error {
        QueryError::EmptySpan => "from",
        QueryError::BadWindow(_) => "window",
        QueryError::BadGroupBy => "group_by",
        QueryError::BadLimit => "limit",
        QueryError::TooManyPoints => "interval",
        QueryError::BadQuantile => "quantiles",
    };
    Problem::parameter(name, error.to_string())
}
