//! Where batches go: to a server, or nowhere.

use super::BATCH_EVENTS;
use super::NAMED_EVENTS;
use crate::cli::client::Answer;
use crate::cli::client::Client;
use crate::cli::client::Server;
use crate::cli::exit::Failure;
use crate::cli::output;
use crate::clock::System;
use crate::engine::Engine;
use crate::engine::config::Config;
use crate::privacy::Keyring;
use crate::server::App;
use crate::server::router;
use crate::store::Store;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tower::ServiceExt;

const PATH: &str = "/v1/events";
/// How often a busy server is asked again, without anything accepted in between.
const MAX_TRIES: u32 = 10;
/// The longest wait that a server may ask for.
const MAX_WAIT_SECS: u64 = 30;

/// Takes batches of newline-delimited JSON.
pub(super) enum Sink {
    /// A server.
    Remote(Client),
    /// The server's own code around an engine of its own that is thrown away: a dry run judges
    /// exactly as a server with default limits does.
    Dry { router: Router, runtime: Runtime },
}

/// What a server says about a batch.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Accepted {
    pub(super) accepted: u64,
    pub(super) duplicates: u64,
    pub(super) rejected: u64,
    #[serde(default)]
    pub(super) errors: Vec<EventError>,
}

/// Why one event was not counted.
#[derive(Debug, Default, Deserialize)]
pub(super) struct EventError {
    /// Its place in the batch.
    pub(super) index: usize,
    #[serde(default)]
    pub(super) pointer: String,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    detail: String,
}

impl EventError {
    /// The reason and the detail.
    pub(super) fn told(&self) -> (String, String) {
        (self.reason.clone().unwrap_or_else(|| "invalid".to_owned()), self.detail.clone())
    }
}

impl Sink {
    pub(super) fn remote(server: &Server) -> Result<Self, Failure> {
        Ok(Self::Remote(Client::new(server)?))
    }

    pub(super) fn dry() -> Result<Self, Failure> {
        let engine = Engine::new(Config::default()).map_err(|fault| Failure::usage(fault.to_string()))?;
        let app = App::new(Store::in_memory(engine), Arc::new(Keyring::plain()), Arc::new(System));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|fault| Failure::file("runtime", &fault))?;
        Ok(Self::Dry { router: router(app), runtime })
    }

    /// The most events of a batch.
    pub(super) fn batch_events(&self) -> usize {
        match self {
            Self::Remote(_) => BATCH_EVENTS,
            Self::Dry { .. } => NAMED_EVENTS,
        }
    }

    /// Sends a batch and tells what became of it.
    pub(super) fn send(&mut self, body: &[u8]) -> Result<Accepted, Failure> {
        match self {
            Self::Remote(client) => send_patiently(client, body),
            Self::Dry { router, runtime } => {
                let request = Request::post(PATH).header("content-type", "application/x-ndjson");
                let request = request.body(Body::from(body.to_vec())).expect("the head is well-formed");
                let answer = runtime.block_on(async {
                    let answer = router.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
                    answer.into_body().collect().await.map(http_body_util::Collected::to_bytes)
                });
                let bytes = answer.map_err(|fault| Failure::usage(format!("dry run: {fault}")))?;
                read(&bytes)
            }
        }
    }
}

/// A server that is busy says so with 503 or 429 before it takes anything; then the same batch is
/// sent again. An answer that got lost is not: the events may have been counted.
fn send_patiently(client: &Client, body: &[u8]) -> Result<Accepted, Failure> {
    for _ in 0..MAX_TRIES {
        let answer = client.post_lines(PATH, body).map_err(|(failure, maybe_read)| told(&failure, maybe_read))?;
        match answer.status {
            429 | 503 => wait(&answer),
            // A single event that is rejected has a status of its own, and the same kind of answer.
            409 | 422 if read(&answer.body).is_ok() => return read(&answer.body),
            200 => return read(&answer.body),
            _ => return Err(client.refused(&answer)),
        }
    }
    Err(Failure::unreachable(format!("the server was busy {MAX_TRIES} times in a row")))
}

fn told(failure: &Failure, maybe_read: bool) -> Failure {
    let exit = failure.exit;
    let text = failure.to_string();
    let more = "; the last batch may have been counted: with --ids it can be sent again safely";
    Failure::unreachable(if maybe_read { text + more } else { text }).with(exit)
}

fn wait(answer: &Answer) {
    let secs = answer.retry_after.unwrap_or(1).min(MAX_WAIT_SECS);
    output::message(&format!("the server is busy; trying again in {secs} s"));
    std::thread::sleep(Duration::from_secs(secs));
}

fn read(body: &[u8]) -> Result<Accepted, Failure> {
    serde_json::from_slice(body)
        .map_err(|fault| Failure::unreachable(format!("the answer to a batch can't be read: {fault}")))
}
