//! Routes that answer.
//!
//! Every handler is a plain function from an [`Ask`] to an answer: it reads the query string,
//! asks the engine once or twice, and puts the result into words. The time is read once for each
//! request, so that all figures of an answer are of one instant.

mod ask;
mod calls;
mod csv;
mod cursor;
mod dimensions;
mod gemini;
mod order;
pub(super) mod params;
mod reports;
mod snapshots;
pub(super) mod span;
mod usage;

use super::App;
use super::access::Caller;
use super::access::Scope;
use super::error::Problem;
use super::routes::Routes;
use crate::engine::query::QueryError;
use ask::Ask;
use axum::Extension;
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
use serde::Serialize;
use std::sync::Arc;

pub(super) fn routes(routes: Routes) -> Routes {
    let routes = routes
        .get("/v1/usage", Scope::Read, answer(usage::usage))
        .get("/v1/events", Scope::Read, answer(calls::events))
        .get("/v1/dimensions", Scope::Read, answer(dimensions::dimensions))
        .get("/v1/dimensions/{dim}/values", Scope::Read, answer(dimensions::values));
    gemini::routes(snapshots::routes(reports::routes(routes)))
}

/// What a handler gives back.
type Answer = Result<Response, Problem>;

/// The header that names the next page where the body is a plain list.
const NEXT_CURSOR: HeaderName = HeaderName::from_static("next-cursor");

/// The variable part of a path, where the route has one that is UTF-8.
type Variable = Result<Path<String>, PathRejection>;

/// Who asks, as the guard of the route found out.
type Who = Extension<Caller>;

/// A GET route.
fn answer(handler: fn(&Ask) -> Answer) -> MethodRouter<Arc<App>> {
    get(async move |State(app): State<App>, caller: Who, path: Variable, uri: Uri, headers: HeaderMap| {
        on_the_pool(handler, ask(app, caller, path, uri, headers)).await
    })
}

/// A POST route that takes no body.
fn answer_post(handler: fn(&Ask) -> Answer) -> MethodRouter<Arc<App>> {
    post(async move |State(app): State<App>, caller: Who, path: Variable, uri: Uri, headers: HeaderMap| {
        on_the_pool(handler, ask(app, caller, path, uri, headers)).await
    })
}

fn ask(app: App, Extension(caller): Who, path: Variable, uri: Uri, headers: HeaderMap) -> Ask {
    Ask::new(app, caller, path.ok().map(|Path(path)| path), uri, headers)
}

/// Runs a handler on a thread for questions.
///
/// Most questions take microseconds and could run in place, but a scan grouped by users over a
/// month takes milliseconds, and on a small machine one such scan in place would hold up every
/// acknowledgement on its worker. The hop costs some 10 µs.
async fn on_the_pool(handler: fn(&Ask) -> Answer, ask: Ask) -> Answer {
    let questions = ask.app.questions.clone();
    questions.answer(move || handler(&ask)).await
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
