//! The HTTP server: carries events to the [`Store`] and answers from it.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use tallyring::{clock, engine::{Engine, config::Config}, privacy::Keyring, server, store::Store};
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Store::in_memory(Engine::new(Config::default())?);
//! let keyring = Arc::new(Keyring::load_or_create("pepper".as_ref())?);
//! let app = server::App::new(store, keyring, Arc::new(clock::System));
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8787").await?;
//! let ctrl_c = async { drop(tokio::signal::ctrl_c().await) };
//! server::serve(listener, app, server::Settings::default(), ctrl_c).await?;
//! # Ok(())
//! # }
//! ```

pub mod access;
mod connections;
pub mod counters;
mod dashboard;
pub mod error;
pub mod formats;
mod ingest;
mod live;
mod metrics;
mod openapi;
mod operations;
mod origin;
mod questions;
mod read;
mod routes;
mod settings;
mod startup;
mod watch;
mod wire;

pub use connections::Ended;
pub use connections::Listener;
pub use connections::Tls;
pub use connections::TlsError;
pub use connections::serve;
pub use connections::serve_once_open;
pub use questions::Questions;
pub use routes::Route;
pub use settings::Settings;
pub use startup::Startup;

use crate::clock::Clock;
use crate::privacy::Keyring;
use crate::store::Opened;
use crate::store::Store;
use access::Access;
use access::Guard;
use axum::Router;
use axum::extract::Request;
use axum::http::Extensions;
use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::Version;
use axum::http::header;
use axum::middleware::Next;
use axum::middleware::from_fn;
use axum::response::IntoResponse;
use axum::response::Response;
use counters::Counters;
use error::Problem;
use routes::Routes;
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::NotForContentType;
use tower_http::compression::predicate::Predicate;
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
    /// Says who may ask. By default everybody.
    pub access: Arc<Access>,
    /// What the server counts about itself.
    pub counters: Arc<Counters>,
    /// Says who is answered next.
    pub questions: Questions,
    /// How the store was opened, where it was opened from a data folder.
    pub recovery: Option<Arc<Recovery>>,
    /// Cancelled when the server that this app is served by is told to stop.
    pub(crate) stop: CancellationToken,
}

impl App {
    /// An app that everybody may ask.
    pub fn new(store: Store, keyring: Arc<Keyring>, clock: Arc<dyn Clock>) -> Self {
        let counters = Arc::default();
        let questions = Questions::new(&Settings::default(), &counters);
        let (access, stop) = (Arc::new(Access::open()), CancellationToken::new());
        Self { store, keyring, clock, access, counters, questions, recovery: None, stop }
    }
}

/// How a store was opened.
#[derive(Clone, Debug)]
pub struct Recovery {
    /// What was found.
    pub opened: Opened,
    /// How long it took.
    pub took: Duration,
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
    let app = App { questions: Questions::new(settings, &app.counters), ..app };
    let guard = Guard::of(&app);
    let router = listed(&app, settings)
        .into_router()
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(app)
        .layer(from_fn(move |request: Request, next: Next| Arc::clone(&guard).host(request, next)));
    with_layers(router)
}

/// The list of every route and what it asks of its caller.
pub fn routes(app: &App) -> Vec<Route> {
    listed(app, &Settings::default()).listed().to_vec()
}

fn listed(app: &App, settings: &Settings) -> Routes {
    let routes = access::routes(Routes::new(Guard::of(app)));
    let routes = ingest::routes(routes, app, settings);
    let routes = read::routes(routes);
    let routes = dashboard::routes(routes);
    let routes = live::routes(routes, settings);
    let routes = openapi::routes(routes, app, settings);
    let routes = metrics::routes(routes, app, settings);
    operations::routes(routes)
}

/// What every answer goes through.
fn with_layers(routes: Router) -> Router {
    // A compressor would hold the events of a stream back until it has enough of them.
    let worth_compressing = SizeAbove::new(COMPRESSED_BYTES).and(NotForContentType::SSE).and(untagged);
    routes
        .layer(CompressionLayer::new().compress_when(worth_compressing))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(header_unless_set(header::CACHE_CONTROL, "no-store"))
        .layer(header_unless_set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
}

/// A strong tag names bytes, and compressed they would be others.
fn untagged(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    !headers.contains_key(header::ETAG)
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
