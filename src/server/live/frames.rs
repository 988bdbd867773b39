//! The body of a live stream: what waits in its queue, then why it ended.

use super::frame;
use crate::server::connections::peer::Following;
use axum::body::Bytes;
use serde::Serialize;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::OnceLock;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use tokio::sync::mpsc::Receiver;
use tokio_stream::Stream;

/// Why a stream ended that its reader did not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "lowercase")]
pub(super) enum End {
    /// Its reader was too slow.
    Slow,
    /// The server stops.
    Shutdown,
    /// The token that it was opened with is no longer in force.
    Revoked,
}

/// Where a stream notes why it ends, for its last event.
pub(super) type Ending = Arc<OnceLock<End>>;

/// What is sent, chunk by chunk.
pub(super) struct Frames {
    queued: Receiver<Bytes>,
    end: Ending,
    told: bool,
    _following: Option<Following>,
}

impl Frames {
    pub(super) fn new(queued: Receiver<Bytes>, following: Option<Following>) -> Self {
        Self { queued, end: Ending::default(), told: false, _following: following }
    }

    pub(super) fn end(&self) -> Ending {
        Arc::clone(&self.end)
    }

    fn last_words(&mut self) -> Option<Bytes> {
        let end = self.end.get().filter(|_| !std::mem::replace(&mut self.told, true))?;
        frame::event("end", end).ok().map(Bytes::from)
    }
}

impl Stream for Frames {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(self.queued.poll_recv(context));
        Poll::Ready(next.or_else(|| self.last_words()).map(Ok))
    }
}
