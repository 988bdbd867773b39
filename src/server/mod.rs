//! The HTTP server: carries events to the [`Store`] and answers from it.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use tallyring::{clock, engine::{Engine, config::Config}, privacy::Keyring, server, store::Store};
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let app = server::App {
//!     store: Store::in_memory(Engine::new(Config::default())?),
//!     keyring: Arc::new(Keyring::load_or_create("pepper".as_ref())?),
//!     clock: Arc::new(clock::System),
//! };
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8787").await?;
//! let ctrl_c = async { drop(tokio::signal::ctrl_c().await) };
//! server::serve(listener, app, server::Settings::default(), ctrl_c).await?;
//! # Ok(())
//! # }
//! ```

pub mod error;
pub mod formats;
mod ingest;
mod operations;
mod origin;
mod read;
mod run;
mod settings;
mod startup;
mod watch;
mod wire;

pub use run::Ended;
pub use run::serve;
pub use run::serve_once_open;
pub use settings::Settings;
pub use startup::Startup;

use crate::clock::Clock;
use crate::privacy::Keyring;
use crate::store::Store;
use axum::Router;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use error::Problem;
use std::any::Any;
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;
use tower_http::set_header::SetResponseHeaderLayer;

/// Shorter answers are not worth compressing.
const COMPRESSED_BYTES: u64 = 1_024;

/// What every handler shares.
#[derive(Clone)]
pub struct App {
    /// Takes events, and holds the engine that answers.
    pub store: Store,
    /// Turns API keys into public names.
    pub keyring: Arc<Keyring>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

/// Every route, under the default limits.
pub fn router(app: App) -> Router {
    router_with(app, &Settings::default())
}

/// Every route.
///
/// Timeouts of the head of a request and the number of connections are no matter of routes:
/// [`serve`] sees to them.
pub fn router_with(app: App, settings: &Settings) -> Router {
    let routes = Router::new()
        .merge(ingest::routes(&app, settings))
        .merge(read::routes())
        .merge(operations::routes())
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(app);
    with_layers(routes)
}

/// What every answer goes through.
fn with_layers(routes: Router) -> Router {
    routes
        .layer(CompressionLayer::new().compress_when(SizeAbove::new(COMPRESSED_BYTES)))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(header_unless_set(header::CACHE_CONTROL, "no-store"))
        .layer(header_unless_set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
}

fn header_unless_set(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

async fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path")
}

async fn method_not_allowed() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this path answers other methods, named in `allow`")
}

/// A panic is a bug in this program. Its text stays out of the answer: it may quote data.
fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a handler panicked");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "a bug in the server; the request was not completed")
        .into_response()
}
