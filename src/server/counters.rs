//! What the server counts about itself, besides what the store and the engine count.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// Why a request was turned away before anything was done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No token, or one that is not known.
    Unauthorized,
    /// A token that is not for this.
    Forbidden,
    /// A name of the server that is not its own.
    Host,
    /// More than the server can take at this moment.
    Overload,
    /// A body that is too long, too slow or of a type that is not known.
    Body,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Unauthorized, Self::Forbidden, Self::Host, Self::Overload, Self::Body];

    /// The word it goes by in metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::Host => "host",
            Self::Overload => "overload",
            Self::Body => "body",
        }
    }
}

/// Counts since the server began, and what is under way now.
#[derive(Debug, Default)]
pub struct Counters {
    refused: [AtomicU64; Refusal::ALL.len()],
    pub(super) connections: AtomicU64,
    pub(super) streams: Gauge,
    /// Live streams that were ended because their reader was too slow.
    pub slow_readers: AtomicU64,
}

impl Counters {
    /// Counts one request that was turned away.
    pub fn refuse(&self, refusal: Refusal) {
        self.refused[refusal as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many were turned away for this reason.
    pub fn refused(&self, refusal: Refusal) -> u64 {
        self.refused[refusal as usize].load(Ordering::Relaxed)
    }
    /// Live streams open now.
    pub fn streams(&self) -> u64 {
        self.streams.0.load(Ordering::Relaxed)
    }

    /// Connections open now.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }
}

/// How many there are of something now.
#[derive(Clone, Debug, Default)]
pub(super) struct Gauge(Arc<AtomicU64>);

impl Gauge {
    /// One more, while what this answers lives.
    pub(super) fn hold(&self) -> Held {
        self.0.fetch_add(1, Ordering::Relaxed);
        Held(Arc::clone(&self.0))
    }
}

/// One of those that a [`Gauge`] counts.
#[derive(Debug)]
pub(super) struct Held(Arc<AtomicU64>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
