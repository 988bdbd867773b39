//! The task of one live stream: a tick at each whole second, until its reader leaves, lags, or the
//! server stops.

use super::feed::Feed;
use super::frames::End;
use super::frames::Ending;
use crate::engine::query::QueryError;
use crate::server::App;
use crate::server::access::Caller;
use crate::server::counters::Held;
use axum::body::Bytes;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Sender;
use tokio::task::spawn_blocking;

/// Whose stream it is, for the log.
#[derive(Debug)]
pub(super) struct Who {
    /// Who asked for it.
    pub(super) caller: Caller,
    /// Where they are.
    pub(super) peer: Option<SocketAddr>,
}

/// A stream under way.
pub(super) struct Stream {
    pub(super) app: App,
    pub(super) who: Who,
    pub(super) turns: Arc<Semaphore>,
    pub(super) queue: Sender<Bytes>,
    pub(super) end: Ending,
    /// Held while it lives.
    pub(super) _open: (OwnedSemaphorePermit, Held),
}

impl Stream {
    pub(super) async fn run(self, mut feed: Feed) {
        loop {
            if self.queue.capacity() == 0 {
                return self.end_slow();
            }
            if !self.app.access.still_knows(&self.who.caller, self.app.clock.now()) {
                return self.end(End::Revoked);
            }
            feed = match self.tick(feed).await {
                Some(feed) => feed,
                None => return,
            };
            tokio::select! {
                () = self.queue.closed() => return,
                () = self.app.stop.cancelled() => return self.end(End::Shutdown),
                () = tokio::time::sleep(self.until_next_second()) => {}
            }
        }
    }

    /// Tells the second that has passed; `None` where that failed.
    async fn tick(&self, mut feed: Feed) -> Option<Feed> {
        let turn = self.turns.acquire().await.expect("the semaphore is never closed");
        let done = spawn_blocking(move || {
            let told = feed.tick();
            (feed, told)
        });
        let done: Result<(Feed, Result<String, QueryError>), _> = done.await;
        drop(turn);
        match done {
            Ok((feed, Ok(told))) => {
                // There is room, or the reader has left, which the next wait finds out.
                let _ = self.queue.try_send(told.into());
                Some(feed)
            }
            Ok((_, Err(error))) => {
                tracing::error!(%error, "a live stream can't be answered: a bug in the server");
                None
            }
            Err(_) => {
                tracing::error!("a live stream failed: a bug in the server");
                None
            }
        }
    }

    fn until_next_second(&self) -> Duration {
        let into = self.app.clock.now().micros().rem_euclid(1_000_000).unsigned_abs();
        Duration::from_micros(1_000_000 - into)
    }

    fn end_slow(&self) {
        self.app.counters.slow_readers.fetch_add(1, Ordering::Relaxed);
        let Who { caller, peer } = &self.who;
        let peer = peer.map(tracing::field::display);
        tracing::warn!(caller = &*caller.name, peer, "a live stream is ended: its reader is too slow");
        self.end(End::Slow);
    }

    fn end(&self, end: End) {
        // Nobody else sets it.
        let _ = self.end.set(end);
    }
}
