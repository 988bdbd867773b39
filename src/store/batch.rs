//! What goes into a [`Store`](super::Store) and what comes out: plain data.

use crate::engine::event::Event;
use crate::engine::event::Reason;
use crate::engine::event::Reject;
use std::borrow::Cow;

/// How many faults one receipt lists; the counts are exact beyond them.
pub const MAX_LISTED: usize = 100;

/// The events of one request, or of one part of a long one, as their format read them.
pub struct Batch<'a> {
    pub(super) events: Vec<Event<'a>>,
    /// Where `events[i]` came from.
    pub(super) origins: Vec<Origin>,
    pub(super) errors: Vec<EventError>,
    pub(super) pointers: fn(&'static str) -> &'static str,
    /// Whether any event has an id.
    pub(super) named: bool,
}

/// Where in a request an event came from.
#[derive(Clone, Copy)]
pub(super) struct Origin {
    pub(super) index: u64,
    /// Whether the sender told the time. An event without one is given the time of its arrival,
    /// which differs when it is sent again, so it is no part of the payload.
    pub(super) timed: bool,
}

/// Why one event was not counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventError {
    /// Its place among the events of the request, from 0.
    pub index: u64,
    /// JSON pointer of the field at fault; `""` is the whole event.
    pub pointer: Cow<'static, str>,
    /// The kind of fault.
    pub reason: Reason,
    /// What is wrong; never quotes a value.
    pub detail: Cow<'static, str>,
}

/// What became of the events of a request: accepted + duplicates + rejected = all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Receipt {
    /// Counted by this request.
    pub accepted: u64,
    /// Counted before, so not again.
    pub duplicates: u64,
    /// Not counted.
    pub rejected: u64,
    /// Why, in the order of the request, for the first [`MAX_LISTED`].
    pub errors: Vec<EventError>,
    /// How many events were accepted by then, from all requests.
    pub position: u64,
}

impl<'a> Batch<'a> {
    /// An empty batch. `pointers` turns the engine's JSON pointers into those of the sender's
    /// format: `/user` may be `/user_id` there.
    #[must_use]
    pub fn new(pointers: fn(&'static str) -> &'static str) -> Self {
        Self { events: Vec::new(), origins: Vec::new(), errors: Vec::new(), pointers, named: false }
    }

    /// Adds an event; `timed` says whether its sender told the time.
    pub fn push(&mut self, index: u64, event: Event<'a>, timed: bool) {
        self.named |= !event.id.is_empty();
        self.events.push(event);
        self.origins.push(Origin { index, timed });
    }

    /// Adds an event that could not be read.
    pub fn refuse(&mut self, error: EventError) {
        self.errors.push(error);
    }

    /// Makes room for so many events.
    pub fn reserve(&mut self, events: usize) {
        self.events.reserve(events);
        self.origins.reserve(events);
    }

    /// How many events it holds, unreadable ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len() + self.errors.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Origin {
    pub(super) fn error(self, reject: &Reject, pointers: fn(&'static str) -> &'static str) -> EventError {
        EventError {
            index: self.index,
            pointer: pointers(reject.pointer).into(),
            reason: reject.reason,
            detail: reject.detail.into(),
        }
    }
}

impl Receipt {
    /// Adds the receipt of the request's next part.
    pub fn add(&mut self, next: Self) {
        self.accepted += next.accepted;
        self.duplicates += next.duplicates;
        self.rejected += next.rejected;
        self.errors.extend(next.errors);
        self.errors.truncate(MAX_LISTED);
        self.position = self.position.max(next.position);
    }

    /// Puts the faults into the order of the request and keeps the first.
    pub(super) fn list(&mut self) {
        self.errors.sort_by_key(|error| error.index);
        self.errors.truncate(MAX_LISTED);
    }
}
