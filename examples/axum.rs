//! A small gateway that counts its own calls and shows them.
//!
//! ```text
//! cargo run --example axum
//! curl -X POST http://127.0.0.1:8724/chat/gpt-4o -H 'authorization: Bearer sk-anything'
//! curl 'http://127.0.0.1:8724/v1/usage?window=1h&group_by=model,status'
//! ```
//!
//! `cargo run --example axum -- --once` calls itself a few times, prints the usage and ends.

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::Request;
use axum::http::StatusCode;
use axum::routing::post;
use http_body_util::BodyExt;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use tallyring::Engine;
use tallyring::clock::System;
use tallyring::engine::config::Config;
use tallyring::engine::event::Dimension;
use tallyring::engine::event::Dimensions;
use tallyring::engine::event::Event;
use tallyring::engine::event::Measures;
use tallyring::privacy::Keyring;
use tallyring::server;
use tallyring::server::App;
use tallyring::store::Store;
use tower::ServiceExt;

/// What a provider answers.
struct Answer {
    status: StatusCode,
    tokens: u64,
}

/// Stands for the call of a provider.
async fn ask_provider(model: &str) -> Answer {
    tokio::time::sleep(Duration::from_millis(20)).await;
    match model {
        "gpt-4o" => Answer { status: StatusCode::OK, tokens: 120 },
        _ => Answer { status: StatusCode::NOT_FOUND, tokens: 0 },
    }
}

async fn chat(State(app): State<App>, Path(model): Path<String>, headers: HeaderMap) -> (StatusCode, String) {
    let started = Instant::now();
    let answer = ask_provider(&model).await;
    count(&app, &model, &headers, &answer, started.elapsed()).await;
    (answer.status, format!("{} tokens of {model}\n", answer.tokens))
}

/// One call more. A key that can't be counted must not stop the gateway, so a rejection is only
/// told.
async fn count(app: &App, model: &str, headers: &HeaderMap, answer: &Answer, latency: Duration) {
    let header = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    // The engine sees public names only: the raw key goes no further than this line.
    let key = app.keyring.public_name(header.strip_prefix("Bearer ").unwrap_or_default());
    let dimensions = Dimensions::default()
        .with(Dimension::Key, &key)
        .with(Dimension::Model, model)
        .with(Dimension::Endpoint, "/chat")
        .with(Dimension::Status, answer.status.as_str());
    let measures = Measures {
        latency_us: u64::try_from(latency.as_micros()).ok(),
        output_tokens: (answer.tokens > 0).then_some(answer.tokens),
        ..Measures::default()
    };
    let now = app.clock.now();
    let event = Event { timestamp: now, dimensions, measures, ..Event::default() };
    match app.store.take(&event, now) {
        // With a data folder this waits for the disk: the caller has the answer already.
        Ok(taken) => match taken.safe().await {
            Ok(receipt) if receipt.rejected == 0 => {}
            other => eprintln!("not counted: {other:?}"),
        },
        Err(refused) => eprintln!("not counted: {refused}"),
    }
}

/// The gateway's own routes beside those of tallyring.
fn gateway() -> Result<Router, Box<dyn Error>> {
    // `Store::open` keeps the calls in a folder.
    let store = Store::in_memory(Engine::new(Config::default())?);
    // A program that restarts keeps the secret in a file: `Keyring::load_or_create`.
    let app = App::new(store, Arc::new(Keyring::new([7; 32])), Arc::new(System));
    Ok(Router::new().route("/chat/{model}", post(chat)).with_state(app.clone()).merge(server::router(app)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let gateway = gateway()?;
    if std::env::args().any(|arg| arg == "--once") {
        return call_itself(gateway).await;
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8724").await?;
    println!("listening on http://{}", listener.local_addr()?);
    // A server open to others wants limits: see `tallyring::server::serve`.
    loop {
        let (stream, _) = listener.accept().await?;
        let service = hyper_util::service::TowerToHyperService::new(gateway.clone());
        let http = hyper::server::conn::http1::Builder::new();
        tokio::spawn(http.serve_connection(hyper_util::rt::TokioIo::new(stream), service));
    }
}

async fn call_itself(gateway: Router) -> Result<(), Box<dyn Error>> {
    for model in ["gpt-4o", "gpt-4o", "gpt-5o"] {
        let request = Request::post(format!("/chat/{model}")).header("authorization", "Bearer sk-anything");
        gateway.clone().oneshot(request.body(Body::empty())?).await?;
    }
    let question = "/v1/usage?window=1h&group_by=model,status&metrics=requests,total_tokens,latency_ms";
    let answer = gateway.oneshot(Request::get(question).body(Body::empty())?).await?;
    let bytes = answer.into_body().collect().await?.to_bytes();
    println!("{}", String::from_utf8_lossy(&bytes));
    Ok(())
}
