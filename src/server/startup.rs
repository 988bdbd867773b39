//! What a server says before it can answer: it listens at once, and recovery may take a while.
//!
//! | route | answer until the store is open |
//! |---|---|
//! | `/livez` | 200: the process is there, restarting it would not help |
//! | `/readyz` | 503, with the phase of recovery and how far it has come |
//! | `/`, `/assets/…` | the dashboard, which asks `/readyz` until there is something to show |
//! | any other | 503 and `retry-after` |

use super::Served;
use super::dashboard;
use super::direct::Direct;
use super::error::Problem;
use super::formats::Format;
use super::layers::Edge;
use super::with_layers;
use crate::store::Phase;
use axum::BoxError;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::Request;
use axum::http::Response;
use axum::http::StatusCode;
use axum::http::header;
use axum::routing::get;
use bytes::Bytes;
use hyper::body::Body as HttpBody;
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;
use std::sync::OnceLock;
use tower::Service;

/// How far the opening of a store has come, shared between who opens it and who is asked.
#[derive(Clone, Debug, Default)]
pub struct Startup(Arc<Mutex<Told>>);

#[derive(Debug, Default)]
enum Told {
    #[default]
    Nothing,
    Phase(Phase),
    Words(String),
}

impl Startup {
    /// Notes how far it has come.
    pub fn note(&self, phase: Phase) {
        *self.0.lock() = Told::Phase(phase);
    }

    /// Notes what else is done before the first answer.
    pub fn note_words(&self, words: impl Into<String>) {
        *self.0.lock() = Told::Words(words.into());
    }

    fn problem(&self) -> Problem {
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("starting: {self}"))
            .with_header(header::RETRY_AFTER, HeaderValue::from(1));
        match *self.0.lock() {
            Told::Nothing => problem,
            Told::Words(_) => problem.with_member("phase", "other"),
            Told::Phase(Phase::Snapshot { bytes, .. }) => {
                problem.with_member("phase", "snapshot").with_member("bytes", bytes)
            }
            Told::Phase(Phase::Journal { position, frames }) => {
                problem.with_member("phase", "journal").with_member("position", position).with_member("frames", frames)
            }
        }
    }
}

/// How far it has come, for people.
impl fmt::Display for Startup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0.lock() {
            Told::Nothing => f.write_str("opening the data folder"),
            Told::Words(words) => f.write_str(words),
            Told::Phase(Phase::Snapshot { name, bytes }) => write!(f, "reading the snapshot {name}, {bytes} bytes"),
            Told::Phase(Phase::Journal { position, frames }) => {
                write!(f, "counting what the journal has: {frames} frames, up to position {position}")
            }
        }
    }
}

fn waiting(startup: Startup) -> Router {
    let routes = dashboard::router()
        .route("/livez", get(async || "ok\n"))
        .fallback(async |State(startup): State<Startup>| startup.problem())
        .with_state(startup);
    with_layers(routes, Edge { guard: None })
}

/// The routes of a server, once it has any. Connections that were made before are served by them
/// too.
#[derive(Clone)]
pub(super) struct Gate {
    waiting: Router,
    ready: Arc<OnceLock<Served>>,
}

impl Gate {
    pub(super) fn new(startup: Startup) -> Self {
        Self { waiting: waiting(startup), ready: Arc::default() }
    }

    /// Lets requests through to these routes.
    pub(super) fn open(&self, served: Served) {
        // Only the first counts: a server opens its store once.
        let _ = self.ready.set(served);
    }

    /// The way around the router, for requests that have one.
    pub(super) fn direct<B>(&self, request: &Request<B>) -> Option<(&Direct, Format)> {
        let served = self.ready.get()?;
        Some((&served.direct, Direct::format(request)?))
    }

    /// The way through it, for all.
    pub(super) async fn route<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let router = self.ready.get().map_or(&self.waiting, |served| &served.router);
        let Ok(response) = router.clone().call(request).await;
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::System;
    use crate::engine::Engine;
    use crate::engine::config::Config;
    use crate::privacy::Keyring;
    use crate::server::App;
    use crate::server::Settings;
    use crate::server::served;
    use crate::store::Store;
    use http_body_util::BodyExt;
    use serde_json::Value;

    async fn ask(gate: &Gate, path: &str) -> (StatusCode, Option<String>, String) {
        let (head, body) = gate.route(Request::get(path).body(Body::empty()).unwrap()).await.into_parts();
        let retry = head.headers.get(header::RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
        let body = body.collect().await.unwrap().to_bytes();
        (head.status, retry, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_server_that_is_not_ready_says_how_far_it_has_come() {
        let startup = Startup::default();
        let gate = Gate::new(startup.clone());
        assert_eq!(ask(&gate, "/livez").await.0, StatusCode::OK);
        let (status, retry, body) = ask(&gate, "/readyz").await;
        assert_eq!((status, retry.as_deref()), (StatusCode::SERVICE_UNAVAILABLE, Some("1")));
        assert!(body.contains("data folder"), "{body}");

        startup.note(Phase::Journal { position: 70, frames: 7 });
        for path in ["/readyz", "/v1/usage", "/v1/events", "/nowhere"] {
            let (status, retry, body) = ask(&gate, path).await;
            let body: Value = serde_json::from_str(&body).unwrap();
            assert_eq!((status, retry.as_deref()), (StatusCode::SERVICE_UNAVAILABLE, Some("1")), "{path}");
            assert_eq!(
                (&body["phase"], &body["position"], &body["frames"]),
                (&"journal".into(), &70.into(), &7.into())
            );
        }
        startup.note(Phase::Snapshot { name: "0-0".to_owned(), bytes: 9 });
        assert!(ask(&gate, "/readyz").await.2.contains("snapshot 0-0, 9 bytes"));
        startup.note_words("filling in history");
        assert!(ask(&gate, "/readyz").await.2.contains("starting: filling in history"));
    }

    #[tokio::test]
    async fn the_dashboard_is_there_before_there_is_something_to_show() {
        let gate = Gate::new(Startup::default());
        let (status, _, page) = ask(&gate, "/").await;
        assert_eq!(status, StatusCode::OK);
        assert!(page.contains("tallyring"), "{page}");
        assert_eq!(ask(&gate, "/assets/index.html").await.2, page);
        assert_eq!(ask(&gate, "/assets/nothing").await.0, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn clones_of_a_gate_open_together() {
        let gate = Gate::new(Startup::default());
        let before = gate.clone();
        let engine = Engine::new(Config::default()).unwrap();
        let app = App::new(Store::in_memory(engine), Arc::new(Keyring::plain()), Arc::new(System));
        gate.open(served(app, &Settings::default()));
        assert_eq!(ask(&before, "/readyz").await.2, "ok\n");
    }
}
