//! What is known of the other end of a connection, in the extensions of each of its requests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long the end of a live stream may take once the server is told to stop.
const GOODBYE: Duration = Duration::from_millis(500);

/// The other end of a connection.
#[derive(Clone, Debug)]
pub(in crate::server) struct Peer {
    address: SocketAddr,
    follows: Arc<AtomicBool>,
}

impl Peer {
    pub(in crate::server) fn new(address: SocketAddr) -> Self {
        Self { address, follows: Arc::default() }
    }

    pub(in crate::server) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Notes that it follows a live stream while what this answers lives.
    pub(in crate::server) fn follow(&self) -> Following {
        self.follows.store(true, Ordering::Relaxed);
        Following(Arc::clone(&self.follows))
    }

    /// Ready when a server that is about to stop need not wait for it any longer: a stream has no
    /// end of its own, and who does not read what is told last would hold up the shutdown. Never
    /// for requests that have an end.
    pub(in crate::server) async fn hangs(&self) {
        loop {
            tokio::time::sleep(GOODBYE).await;
            if self.follows.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}

/// A live stream under way on a connection.
#[derive(Debug)]
pub(in crate::server) struct Following(Arc<AtomicBool>);

impl Drop for Following {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
