//! A stream whose writes can't be held up for ever by a client that does not read.
//!
//! Time runs from the first write that has to wait until everything is written. Beyond the timeout,
//! the client must keep up with a rate, so that a trickle gains nothing.

use super::places::Seat;
use std::future::Future;
use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::time::Instant;
use tokio::time::Sleep;

/// How slowly a client may read.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    pub(super) timeout: Duration,
    /// Bytes a second; not 0.
    pub(super) rate: usize,
}

/// A stream with a pace.
pub(super) struct Paced<S> {
    stream: S,
    pace: Pace,
    seat: Arc<Seat>,
    stall: Option<Stall>,
}

/// Writes that have to wait.
struct Stall {
    since: Instant,
    bytes: usize, // written since
    timer: Pin<Box<Sleep>>,
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S, pace: Pace, seat: Arc<Seat>) -> Self {
        Self { stream, pace, seat, stall: None }
    }

    /// Passes on what a write came to, unless it came to nothing for too long.
    fn judge<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            return written;
        }
        let (pace, now) = (self.pace, Instant::now());
        let stall = self.stall.get_or_insert_with(|| {
            self.seat.set_stalled(true);
            Stall { since: now, bytes: 0, timer: Box::pin(tokio::time::sleep(pace.timeout)) }
        });
        let deadline = stall.since + pace.timeout + Duration::from_secs((stall.bytes / pace.rate) as u64);
        if deadline > stall.timer.deadline() {
            stall.timer.as_mut().reset(deadline);
        }
        match stall.timer.as_mut().poll(context) {
            Poll::Ready(()) => {
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the answer is read too slowly")))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn count(&mut self, written: &Poll<io::Result<usize>>) {
        if let (Poll::Ready(Ok(bytes)), Some(stall)) = (written, &mut self.stall) {
            stall.bytes += bytes;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.count(&written);
        self.judge(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.count(&written);
        self.judge(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Comes once everything was written.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if flushed.is_ready() && self.stall.take().is_some() {
            self.seat.set_stalled(false);
        }
        self.judge(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.judge(shut, context)
    }
}
