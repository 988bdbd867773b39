//! Every limit of the server and its default.

use std::num::NonZero;
use std::time::Duration;

/// Limits of the server; nothing that comes over the wire can pass them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The longest compressed body, in bytes as sent. Default 4 MiB.
    pub max_body_bytes: usize,
    /// The longest body, in bytes once decompressed (or as sent, if it was not compressed).
    /// Default 16 MiB.
    pub max_decompressed_bytes: usize,
    /// The bytes of all bodies held at once; a request that finds no room within 250 ms is told to
    /// come back. Never less than two of the longest bodies. Default 256 MiB.
    pub max_inflight_bytes: usize,
    /// The longest JSON text of one event, in bytes. Default 8 KiB.
    pub max_event_bytes: usize,
    /// The most events of one request: all of them become one entry of the journal, whole or not
    /// at all. Default 100,000.
    pub max_events: usize,
    /// How long a client may take to send the head of a request; also how long a connection may
    /// idle between two requests. Default 5 s.
    pub header_timeout: Duration,
    /// How long a body may pause, and how long it may take beyond what `min_body_rate` grants it.
    /// Default 10 s.
    pub body_idle_timeout: Duration,
    /// Bytes per second a body must keep up with, and the reader of an answer, so that a trickle
    /// can't hold a connection for ever. Default 16 KiB/s.
    pub min_body_rate: usize,
    /// How long an answer may wait for a client that does not read it, and how long it may take
    /// beyond what `min_body_rate` grants it. Default 10 s.
    pub write_timeout: Duration,
    /// The most connections served at once. A further one takes the place of the one that has
    /// waited longest for a request; where none waits, it is told to come back. Default 1,024.
    pub max_connections: usize,
    /// How long a request with events may have to wait for its turn; where it would be longer, it
    /// is told to come back. Default 50 ms.
    pub max_wait: Duration,
    /// The most questions answered at once; further ones wait up to 2 s, and are told to come back
    /// then. Default twice the number of processors, at least 4.
    pub max_questions: usize,
    /// The bytes of all long answers that wait for their clients to read them. Default 256 MiB.
    pub max_unread_bytes: usize,
    /// The most live streams at a time; each holds a connection. Default 64.
    pub max_streams: usize,
    /// The most values of one label in `/metrics`; what comes later is summed up. Default 200.
    pub metrics_max_labels: usize,
    /// How long requests under way may take to end after a shutdown began. Default 10 s.
    pub shutdown_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_body_bytes: 4 << 20,
            max_decompressed_bytes: 16 << 20,
            max_inflight_bytes: 256 << 20,
            max_event_bytes: 8 << 10,
            max_events: 100_000,
            header_timeout: Duration::from_secs(5),
            body_idle_timeout: Duration::from_secs(10),
            min_body_rate: 16 << 10,
            write_timeout: Duration::from_secs(10),
            max_connections: 1_024,
            max_streams: 64,
            max_wait: Duration::from_millis(50),
            max_questions: (2 * processors()).max(4),
            max_unread_bytes: 256 << 20,
            metrics_max_labels: 200,
            shutdown_timeout: Duration::from_secs(10),
        }
    }
}

/// How many processors there are.
pub(super) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}
