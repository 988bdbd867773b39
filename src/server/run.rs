//! The accept loop: a bounded number of connections, a deadline for every head of a request, a
//! shutdown that lets requests end.
//!
//! ```text
//! listening ─ opening: the gate is shut ─▶ serving: the gate is open ─┬─ told to stop ──▶ drained, closed
//!              │ can't be opened                                     └─ journal failed ─▶ soon ended
//!              └──────────────▶ ended
//! ```

use super::App;
use super::Settings;
use super::Startup;
use super::router_with;
use super::startup::Gate;
use super::watch;
use crate::store::OpenError;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The pause after the system refused a connection, as when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The longest head of a request.
const MAX_HEAD_BYTES: usize = 64 << 10;
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
    listener: TcpListener,
    app: App,
    settings: Settings,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Ended> {
    run(listener, Startup::default(), std::future::ready(Ok(app)), settings, shutdown).await.map(drop)
}

/// The same with a store that is still being opened: until it is, requests are told how far
/// `startup` has come. What was opened is closed at the end.
///
/// # Errors
/// [`Ended`] without being told to.
pub async fn serve_once_open(
    listener: TcpListener,
    startup: Startup,
    opening: impl Future<Output = Result<App, OpenError>>,
    settings: Settings,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Ended> {
    if let Some(app) = run(listener, startup, opening, settings, shutdown).await? {
        watch::close(app).await;
    }
    Ok(())
}

/// Answers the app if it was opened.
async fn run(
    listener: TcpListener,
    startup: Startup,
    opening: impl Future<Output = Result<App, OpenError>>,
    settings: Settings,
    shutdown: impl Future<Output = ()>,
) -> Result<Option<App>, Ended> {
    let address = listener.local_addr()?;
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
    slots: Arc<Semaphore>,
    gate: Gate,
    tasks: TaskTracker,
    stop: CancellationToken,
    header_timeout: Duration,
}

impl Connections {
    fn new(startup: Startup, settings: &Settings) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(settings.max_connections)),
            gate: Gate::new(startup),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            header_timeout: settings.header_timeout,
        }
    }

    /// Lets requests through, and begins with what is done by the clock.
    fn begin(&self, app: &App, settings: &Settings) {
        self.gate.open(router_with(app.clone(), settings));
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(watch::advance(app.clone())));
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(watch::maintain(app.clone())));
    }

    /// Takes connections until something is ready.
    async fn accept_until<T>(&self, listener: &TcpListener, until: impl Future<Output = T>) -> T {
        let mut until = pin!(until);
        loop {
            tokio::select! {
                biased;
                ready = &mut until => return ready,
                (stream, slot) = self.next(listener) => self.spawn(stream, slot),
            }
        }
    }

    /// The next connection, once there is a slot for it.
    async fn next(&self, listener: &TcpListener) -> (TcpStream, OwnedSemaphorePermit) {
        let slots = Arc::clone(&self.slots);
        let slot = slots.acquire_owned().await.expect("the semaphore is never closed");
        loop {
            match listener.accept().await {
                Ok((stream, _)) => return (stream, slot),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn spawn(&self, stream: TcpStream, slot: OwnedSemaphorePermit) {
        // Answers are short: waiting to fill a packet would only delay them.
        let _ = stream.set_nodelay(true);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_timeout)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(self.gate.clone()));
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = &mut connection => ended,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(slot);
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
