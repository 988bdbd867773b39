//! The accept loop: a bounded number of connections, and a shutdown that lets requests end.
//!
//! ```text
//! listening ─ opening: the gate is shut ─▶ serving: the gate is open ─┬─ told to stop ──▶ drained, closed
//!              │ can't be opened                                     └─ journal failed ─▶ soon ended
//!              └──────────────▶ ended
//! ```

use super::connection;
use super::connection::Connection;
use super::peer::Peer;
use super::places::Place;
use super::places::Places;
use super::tls::Listener;
use super::tls::Tls;
use crate::server::App;
use crate::server::Settings;
use crate::server::Startup;
use crate::server::served;
use crate::server::startup::Gate;
use crate::server::watch;
use crate::store::OpenError;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The pause after the system refused a connection, as when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How many clients that find no place are told so at a time; more are cut off without a word.
const MAX_TURNED_AWAY: usize = 64;
/// How long requests may take to end once the journal has failed: long enough to be told so.
const FAILED_TIMEOUT: Duration = Duration::from_secs(1);

/// Why a server ended without being told to.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// The listener can't tell its address: it is not a listening socket.
    #[error(transparent)]
    Listener(#[from] io::Error),
    /// The store can't be opened.
    #[error(transparent)]
    NotOpened(#[from] OpenError),
    /// The journal can't be written any more. A start reads from the disk what is there.
    #[error("the journal failed: {0}; nothing more was acknowledged. Start the server again once the disk works")]
    Failed(String),
}

/// Serves until `shutdown` is ready, then lets requests under way end, for at most
/// [`Settings::shutdown_timeout`]. The store is left open.
///
/// # Errors
/// [`Ended`] without being told to.
pub async fn serve(
    listener: impl Into<Listener>,
    app: App,
    settings: Settings,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Ended> {
    run(listener.into(), Startup::default(), std::future::ready(Ok(app)), settings, shutdown).await.map(drop)
}

/// The same with a store that is still being opened: until it is, requests are told how far
/// `startup` has come. What was opened is closed at the end.
///
/// # Errors
/// [`Ended`] without being told to.
pub async fn serve_once_open(
    listener: impl Into<Listener>,
    startup: Startup,
    opening: impl Future<Output = Result<App, OpenError>>,
    settings: Settings,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Ended> {
    if let Some(app) = run(listener.into(), startup, opening, settings, shutdown).await? {
        watch::close(app).await;
    }
    Ok(())
}

/// Answers the app if it was opened.
async fn run(
    listener: Listener,
    startup: Startup,
    opening: impl Future<Output = Result<App, OpenError>>,
    settings: Settings,
    shutdown: impl Future<Output = ()>,
) -> Result<Option<App>, Ended> {
    let address = listener.socket.local_addr()?;
    let connections = Connections::new(startup, &settings);
    let mut shutdown = pin!(shutdown);
    let opened = async {
        tokio::select! {
            () = &mut shutdown => None,
            opened = opening => Some(opened),
        }
    };
    let opened = connections.accept_until(&listener, opened).await;
    let ended = match opened.transpose() {
        Ok(Some(app)) => {
            connections.begin(&app, &settings);
            tracing::info!(%address, "serving");
            let failed = async {
                tokio::select! {
                    () = &mut shutdown => None,
                    failed = watch::failure(&app.store) => Some(failed),
                }
            };
            let failed = connections.accept_until(&listener, failed).await;
            failed.map_or(Ok(Some(app)), |failed| Err(Ended::Failed(failed)))
        }
        Ok(None) => Ok(None),
        Err(fault) => Err(fault.into()),
    };
    drop(listener);
    let failed = matches!(ended, Err(Ended::Failed(_)));
    connections.end(if failed { FAILED_TIMEOUT } else { settings.shutdown_timeout }).await;
    ended
}

struct Connections {
    places: Arc<Places>,
    farewells: Arc<Semaphore>,
    gate: Gate,
    tasks: TaskTracker,
    stop: CancellationToken,
    template: Connection,
}

impl Connections {
    fn new(startup: Startup, settings: &Settings) -> Self {
        let (gate, stop) = (Gate::new(startup), CancellationToken::new());
        Self {
            places: Places::new(settings.max_connections),
            farewells: Arc::new(Semaphore::new(MAX_TURNED_AWAY)),
            template: Connection::new(gate.clone(), stop.clone(), settings),
            gate,
            tasks: TaskTracker::new(),
            stop,
        }
    }

    /// Lets requests through, and begins with what is done by the clock.
    fn begin(&self, app: &App, settings: &Settings) {
        let app = App { stop: self.stop.clone(), ..app.clone() };
        self.gate.open(served(app.clone(), settings));
        self.places.count_in(&app.counters);
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(watch::advance(app.clone())));
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(watch::maintain(app.clone())));
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(watch::tokens(app)));
    }

    /// Takes connections until something is ready.
    async fn accept_until<T>(&self, listener: &Listener, until: impl Future<Output = T>) -> T {
        let mut until = pin!(until);
        loop {
            tokio::select! {
                biased;
                ready = &mut until => return ready,
                (stream, peer, place) = self.next(listener) => self.spawn(stream, peer, place, listener.tls.clone()),
            }
        }
    }

    /// The next connection that finds a place.
    async fn next(&self, listener: &Listener) -> (TcpStream, Peer, Place) {
        loop {
            match listener.socket.accept().await {
                Ok((stream, address)) => match self.places.take() {
                    Some(place) => return (stream, Peer::new(address), place),
                    None if listener.tls.is_some() => {} // it could not read a plain answer
                    None => self.turn_away(stream),
                },
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn turn_away(&self, stream: TcpStream) {
        let Ok(turn) = Arc::clone(&self.farewells).try_acquire_owned() else { return };
        self.tasks.spawn(async move {
            connection::turn_away(stream).await;
            drop(turn);
        });
    }

    fn spawn(&self, stream: TcpStream, peer: Peer, place: Place, tls: Option<Arc<Tls>>) {
        // Answers are short: waiting to fill a packet would only delay them.
        let _ = stream.set_nodelay(true);
        let connection = self.template.clone();
        self.tasks.spawn(async move {
            match tls {
                None => place.keep(connection.serve(stream, peer, &place)).await,
                Some(tls) => place.keep(connection.serve_encrypted(stream, peer, &tls, &place)).await,
            }
        });
    }

    /// Lets requests under way end.
    async fn end(&self, timeout: Duration) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(timeout, self.tasks.wait()).await.is_err() {
            tracing::warn!(requests = self.tasks.len(), "requests that did not end in time are cut off");
        }
    }
}
