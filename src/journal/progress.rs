//! How far the journal has come, and waiting for it.
//!
//! Counters are atomics: reading them costs nothing. Who waits leaves a waker with the number of
//! frames it waits for; the writer moves a counter first and then wakes, under one small lock, so
//! that nobody misses it. A blocking wait is a waker that unparks its thread.

use super::Ack;
use super::Unavailable;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::Wake;
use std::task::Waker;
use std::thread;

/// How far the journal has come, in frames. Clones tell of the same journal.
#[derive(Clone)]
pub struct Progress {
    state: Arc<State>,
}

/// Invariant: `durable <= written <= appended`, but for the moment between two stores.
struct State {
    ack: Ack,
    appended: AtomicU64,
    written: AtomicU64,
    durable: AtomicU64,
    waiting_bytes: AtomicUsize,
    failure: OnceLock<String>,
    waiters: Mutex<Waiters>,
}

/// Wakers by the number of frames they wait for, and a number of their own.
#[derive(Default)]
struct Waiters {
    by_frames: BTreeMap<(u64, u64), Waker>,
    next: u64,
}

impl Progress {
    pub(super) fn new(ack: Ack, frames: u64) -> Self {
        let counter = || AtomicU64::new(frames);
        let state = State {
            ack,
            appended: counter(),
            written: counter(),
            durable: counter(),
            waiting_bytes: AtomicUsize::new(0),
            failure: OnceLock::new(),
            waiters: Mutex::default(),
        };
        Self { state: Arc::new(state) }
    }

    /// Frames appended.
    #[must_use]
    pub fn appended(&self) -> u64 {
        self.state.appended.load(Ordering::Acquire)
    }

    /// Frames written.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.state.written.load(Ordering::Acquire)
    }

    /// Frames synced.
    #[must_use]
    pub fn durable(&self) -> u64 {
        self.state.durable.load(Ordering::Acquire)
    }

    /// Bytes waiting to be written.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.state.waiting_bytes.load(Ordering::Acquire)
    }

    /// Why nothing is written any more.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.state.failure.get().cloned()
    }

    pub(super) fn ticket(&self, frames: u64) -> Ticket {
        Ticket { state: Arc::clone(&self.state), frames, key: None }
    }

    /// The error of whoever comes now, if the journal failed.
    pub(super) fn check(&self) -> Result<(), Unavailable> {
        self.state.failure.get().map_or(Ok(()), |text| Err(Unavailable::Failed(text.clone())))
    }

    /// Takes room for bytes that wait, unless too many do; one frame alone always has room.
    pub(super) fn admit(&self, bytes: usize, limit: usize) -> Result<(), Unavailable> {
        let before = self.state.waiting_bytes.fetch_add(bytes, Ordering::AcqRel);
        if before > 0 && before.saturating_add(bytes) > limit {
            self.release(bytes);
            return Err(Unavailable::Busy);
        }
        Ok(())
    }

    pub(super) fn release(&self, bytes: usize) {
        self.state.waiting_bytes.fetch_sub(bytes, Ordering::AcqRel);
    }

    pub(super) fn set_appended(&self, frames: u64) {
        self.state.appended.store(frames, Ordering::Release);
    }

    pub(super) fn set_written(&self, frames: u64) {
        self.state.written.store(frames, Ordering::Release);
        if self.state.ack == Ack::Write {
            self.state.wake(frames);
        }
    }

    pub(super) fn set_durable(&self, frames: u64) {
        self.state.durable.store(frames, Ordering::Release);
        if self.state.ack == Ack::Fsync {
            self.state.wake(frames);
        }
    }

    /// Says why nothing is written any more; the first reason stays.
    pub(super) fn fail(&self, text: String) {
        let _ = self.state.failure.set(text);
        self.state.wake(u64::MAX - 1);
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("Progress");
        fields.field("appended", &self.appended()).field("written", &self.written());
        fields.field("durable", &self.durable()).field("failure", &self.failure()).finish_non_exhaustive()
    }
}

impl State {
    /// What a ticket comes to, if it is decided. What was reached before a failure stays reached.
    fn outcome(&self, frames: u64) -> Option<Result<(), Unavailable>> {
        let reached = match self.ack {
            Ack::Memory => self.failure.get().is_none(),
            Ack::Write => self.written.load(Ordering::Acquire) >= frames,
            Ack::Fsync => self.durable.load(Ordering::Acquire) >= frames,
        };
        if reached {
            return Some(Ok(()));
        }
        self.failure.get().map(|text| Err(Unavailable::Failed(text.clone())))
    }

    /// Wakes who waits for at most so many frames.
    fn wake(&self, frames: u64) {
        let woken = {
            let mut waiters = self.waiters.lock();
            let later = waiters.by_frames.split_off(&(frames + 1, 0));
            std::mem::replace(&mut waiters.by_frames, later)
        };
        woken.into_values().for_each(Waker::wake);
    }
}

/// Ready when frames are as safe as the journal's [`Ack`] says.
#[must_use]
pub struct Ticket {
    state: Arc<State>,
    frames: u64,
    key: Option<(u64, u64)>,
}

impl Ticket {
    /// Blocks until it is ready.
    ///
    /// # Errors
    /// [`Unavailable::Failed`]: whether the frames are there is not known.
    pub fn wait(mut self) -> Result<(), Unavailable> {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        loop {
            if let Poll::Ready(outcome) = self.ask(&waker) {
                return outcome;
            }
            // Returns at once where the waker was called in between.
            thread::park();
        }
    }

    fn ask(&mut self, waker: &Waker) -> Poll<Result<(), Unavailable>> {
        if let Some(outcome) = self.state.outcome(self.frames) {
            return Poll::Ready(outcome);
        }
        let mut waiters = self.state.waiters.lock();
        // Asked again under the lock: the writer wakes under it after moving its counter.
        if let Some(outcome) = self.state.outcome(self.frames) {
            return Poll::Ready(outcome);
        }
        let key = *self.key.get_or_insert_with(|| waiters.key(self.frames));
        waiters.by_frames.insert(key, waker.clone());
        Poll::Pending
    }
}

impl Waiters {
    fn key(&mut self, frames: u64) -> (u64, u64) {
        self.next += 1;
        (frames, self.next)
    }
}

impl Future for Ticket {
    type Output = Result<(), Unavailable>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.ask(context.waker())
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.state.waiters.lock().by_frames.remove(&key);
        }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("frames", &self.frames).finish_non_exhaustive()
    }
}

struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
