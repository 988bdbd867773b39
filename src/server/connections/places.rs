//! Who is connected, and who leaves where a new connection finds no place.
//!
//! | a connection | leaves for a new one |
//! |---|---|
//! | waits: between requests, or in the middle of a head | yes, whoever has waited longest |
//! | sends a body | once it has taken a second, if nobody waits |
//! | is being answered, or does not read its answer | no |
//!
//! So a thousand sockets that sit there, or send a byte now and then, keep nobody out. Nothing is
//! lost with those that leave: of a body that is not whole, nothing was counted.

use crate::server::counters::Counters;
use crate::server::counters::Refusal;
use crate::server::direct::Reply;
use hyper::body::Body;
use hyper::body::Bytes;
use hyper::body::Frame;
use hyper::body::Incoming;
use hyper::body::SizeHint;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long a connection may wait between two requests before it may have to leave: one in steady
/// use is not cut off.
const WAITED: Duration = Duration::from_millis(250);
/// The same for a body under way.
const RECEIVED: Duration = Duration::from_secs(1);

/// So many places, and who has them.
pub(super) struct Places {
    most: usize,
    began: Instant,
    taken: Mutex<Taken>,
    counters: OnceLock<Arc<Counters>>,
}

#[derive(Default)]
struct Taken {
    next: u64,
    seats: HashMap<u64, Arc<Seat>>,
}

/// The place of one connection; given back when it is dropped.
pub(super) struct Place {
    places: Arc<Places>,
    number: u64,
    pub(super) seat: Arc<Seat>,
}

/// What a connection is doing, and since when.
pub(super) struct Seat {
    began: Instant,
    doing: AtomicU64, // milliseconds since `began`, and in the last two bits what
    stalled: AtomicBool,
    leave: CancellationToken,
}

const WAITING: u64 = 0;
const RECEIVING: u64 = 1;
const ANSWERING: u64 = 2;

impl Places {
    pub(super) fn new(most: usize) -> Arc<Self> {
        let (taken, counters) = (Mutex::default(), OnceLock::new());
        Arc::new(Self { most, began: Instant::now(), taken, counters })
    }

    /// From now on these counters tell how many are connected.
    pub(super) fn count_in(&self, counters: &Arc<Counters>) {
        let _ = self.counters.set(Arc::clone(counters));
        self.tell(self.taken.lock().seats.len());
    }

    /// A place for a new connection, if need be that of another; `None` where nobody can leave.
    pub(super) fn take(self: &Arc<Self>) -> Option<Place> {
        let mut taken = self.taken.lock();
        if taken.seats.len() >= self.most && !taken.make_room() {
            self.counters.get().inspect(|counters| counters.refuse(Refusal::Overload));
            return None;
        }
        let seat = Arc::new(Seat::new(self.began));
        let number = taken.next;
        taken.next += 1;
        taken.seats.insert(number, Arc::clone(&seat));
        self.tell(taken.seats.len());
        Some(Place { places: Arc::clone(self), number, seat })
    }

    fn tell(&self, connections: usize) {
        if let Some(counters) = self.counters.get() {
            counters.connections.store(connections as u64, Ordering::Relaxed);
        }
    }
}

impl Taken {
    /// Whether somebody could be made to leave.
    fn make_room(&mut self) -> bool {
        let least = self.seats.iter().filter_map(|(number, seat)| Some((seat.may_leave()?, *number))).min();
        let left = least.and_then(|(_, number)| self.seats.remove(&number));
        left.inspect(|seat| seat.leave.cancel()).is_some()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock();
        taken.seats.remove(&self.number);
        self.places.tell(taken.seats.len());
    }
}

impl Place {
    /// Does what a connection does until it has to leave.
    pub(super) async fn keep(&self, connection: impl Future<Output = ()>) {
        if self.seat.leave.run_until_cancelled(connection).await.is_none() {
            tracing::debug!("a connection had to leave for another");
        }
    }
}

impl Seat {
    fn new(began: Instant) -> Self {
        let seat =
            Self { began, doing: AtomicU64::new(0), stalled: AtomicBool::new(false), leave: CancellationToken::new() };
        seat.set(WAITING);
        seat
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }

    fn set(&self, doing: u64) {
        self.doing.store(self.now() << 2 | doing, Ordering::Relaxed);
    }

    /// Whether its client does not read what is sent.
    pub(super) fn set_stalled(&self, stalled: bool) {
        self.stalled.store(stalled, Ordering::Relaxed);
    }

    /// Who has the least of these leaves first; `None` does not leave.
    fn may_leave(&self) -> Option<(u64, u64)> {
        let (since, doing) = (self.doing.load(Ordering::Relaxed) >> 2, self.doing.load(Ordering::Relaxed) & 3);
        let least = match doing {
            WAITING => WAITED,
            RECEIVING => RECEIVED,
            _ => return None,
        };
        let long = u128::from(self.now().saturating_sub(since)) >= least.as_millis();
        (long && !self.stalled.load(Ordering::Relaxed)).then_some((doing, since))
    }

    /// A request begins.
    pub(super) fn receive(self: &Arc<Self>, body: Incoming) -> Received {
        self.set(if body.is_end_stream() { ANSWERING } else { RECEIVING });
        Received { body, seat: Arc::clone(self) }
    }

    /// Its answer goes out.
    pub(super) fn answer(self: &Arc<Self>, reply: Reply) -> Answered {
        Answered { reply, seat: Arc::clone(self) }
    }
}

/// The body of a request.
pub(super) struct Received {
    body: Incoming,
    seat: Arc<Seat>,
}

impl Body for Received {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if self.body.is_end_stream() || matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.seat.set(ANSWERING);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        // A body that nobody reads to its end.
        if self.seat.doing.load(Ordering::Relaxed) & 3 == RECEIVING {
            self.seat.set(ANSWERING);
        }
    }
}

/// The body of an answer; once it is gone, the connection waits for the next request.
pub(super) struct Answered {
    reply: Reply,
    seat: Arc<Seat>,
}

impl Body for Answered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut self.reply {
            Reply::Short(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Reply::Long(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.reply {
            Reply::Short(bytes) => bytes.is_none(),
            Reply::Long(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.reply {
            Reply::Short(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Reply::Long(body) => body.size_hint(),
        }
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        self.seat.set(WAITING);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// They began ten seconds ago, so that something can have lasted long.
    fn places(most: usize) -> Arc<Places> {
        let mut places = Places::new(most);
        Arc::get_mut(&mut places).unwrap().began -= Duration::from_secs(10);
        places
    }

    #[test]
    fn who_waits_longest_leaves_and_who_is_answered_stays() {
        let places = places(3);
        let [first, second, third] = [(); 3].map(|()| places.take().unwrap());
        assert!(places.take().is_none(), "nobody has waited long enough");
        let doing = |place: &Place, doing, ago| {
            place.seat.doing.store((place.seat.now() - ago) << 2 | doing, Ordering::Relaxed);
        };
        doing(&first, ANSWERING, 9_000);
        doing(&second, WAITING, 300);
        doing(&third, WAITING, 400);
        let fourth = places.take().unwrap();
        assert_eq!([&first, &second, &third].map(|place| place.seat.leave.is_cancelled()), [false, false, true]);
        second.seat.set_stalled(true);
        assert!(places.take().is_none(), "it has an answer to read yet");
        doing(&fourth, RECEIVING, 900);
        assert!(places.take().is_none(), "a body has a second");
        doing(&fourth, RECEIVING, 1_100);
        let fifth = places.take().unwrap();
        assert!(fourth.seat.leave.is_cancelled());
        drop((third, fourth));
        assert_eq!(places.taken.lock().seats.len(), 3, "those that left are not counted twice");
        drop((first, second, fifth));
        assert!(places.taken.lock().seats.is_empty());
    }
}
