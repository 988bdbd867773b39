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
mod direct;
pub mod error;
pub mod formats;
mod ingest;
mod layers;
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
mod threads;
mod turns;
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
use axum::extract::FromRef;
use axum::http::Extensions;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::Version;
use axum::http::header;
use counters::Counters;
use direct::Direct;
use error::Problem;
use ingest::Ingest;
use layers::Edge;
use routes::Routes;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::NotForContentType;
use tower_http::compression::predicate::Predicate;
use tower_http::compression::predicate::SizeAbove;

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

/// Routes share one app, and a handler takes what it needs of it.
impl FromRef<Arc<App>> for App {
    fn from_ref(shared: &Arc<App>) -> Self {
        Self::clone(shared)
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
    served(app, settings).router
}

/// What connections are served by: every route, and the way to some that leaves the router out.
struct Served {
    router: Router,
    direct: Direct,
}

fn served(app: App, settings: &Settings) -> Served {
    let app = App { questions: Questions::new(settings, &app.counters), ..app };
    let direct = Direct { guard: Guard::of(&app), ingest: Ingest::new(&app, settings) };
    let edge = Edge { guard: Some(Arc::clone(&direct.guard)) };
    let router = listed(&app, &direct, settings)
        .into_router()
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(Arc::new(app));
    Served { router: with_layers(router, edge), direct }
}

/// The list of every route and what it asks of its caller.
pub fn routes(app: &App) -> Vec<Route> {
    let settings = Settings::default();
    let direct = Direct { guard: Guard::of(app), ingest: Ingest::new(app, &settings) };
    listed(app, &direct, &settings).listed().to_vec()
}

fn listed(app: &App, direct: &Direct, settings: &Settings) -> Routes {
    let routes = access::routes(Routes::new(Arc::clone(&direct.guard)));
    let routes = ingest::routes(routes, &direct.ingest);
    let routes = read::routes(routes);
    let routes = dashboard::routes(routes);
    let routes = live::routes(routes, settings);
    let routes = openapi::routes(routes, app, settings);
    let routes = metrics::routes(routes, app, settings);
    operations::routes(routes)
}

/// What every answer goes through.
fn with_layers(routes: Router, edge: Edge) -> Router {
    // A compressor would hold the events of a stream back until it has enough of them.
    let worth_compressing = SizeAbove::new(COMPRESSED_BYTES).and(NotForContentType::SSE).and(untagged);
    // Both in one layer: each one boxes every request and answer.
    routes.layer((CompressionLayer::new().compress_when(worth_compressing), edge))
}

/// A strong tag names bytes, and compressed they would be others.
fn untagged(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    !headers.contains_key(header::ETAG)
}

async fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path")
}

async fn method_not_allowed() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this path answers other methods, named in `allow`")
}
