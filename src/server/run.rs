//! The accept loop: a bounded number of connections, a deadline for every head of a request, a
//! shutdown that lets requests end.

use super::App;
use super::Settings;
use super::router_with;
use axum::Router;
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
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How often the engine is told the time.
const TICK: Duration = Duration::from_millis(250);
/// The pause after the system refused a connection, as when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The longest head of a request.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// Serves until `shutdown` is ready, then lets requests under way end, for at most
/// [`Settings::shutdown_timeout`].
///
/// # Errors
/// When the listener can't tell its address: it is not a listening socket.
pub async fn serve(
    listener: TcpListener,
    app: App,
    settings: Settings,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    tracing::info!(address = %listener.local_addr()?, "serving");
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    tasks.spawn(stop.clone().run_until_cancelled_owned(tick(app.clone())));
    let connections = Connections {
        slots: Arc::new(Semaphore::new(settings.max_connections)),
        router: router_with(app, &settings),
        tasks: tasks.clone(),
        stop: stop.clone(),
        header_timeout: settings.header_timeout,
    };
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            (stream, slot) = connections.next(&listener) => connections.spawn(stream, slot),
        }
    }
    drop(listener);
    stop.cancel();
    tasks.close();
    if tokio::time::timeout(settings.shutdown_timeout, tasks.wait()).await.is_err() {
        tracing::warn!(requests = tasks.len(), "the shutdown cuts off requests that did not end in time");
    }
    Ok(())
}

/// Tells the engine the time, a few times a second, on a thread where folding may take a while.
async fn tick(app: App) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let app = app.clone();
        let advanced = tokio::task::spawn_blocking(move || app.store.engine().advance(app.clock.now()));
        if advanced.await.is_err() {
            tracing::error!("the engine failed to advance");
        }
    }
}

struct Connections {
    slots: Arc<Semaphore>,
    router: Router,
    tasks: TaskTracker,
    stop: CancellationToken,
    header_timeout: Duration,
}

impl Connections {
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
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(self.router.clone()));
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
}
