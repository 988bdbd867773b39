//! A bucket still written to: the calls one after another, and sums by combination of rollup groups.
//!
//! ```text
//! chunks   [512 calls] [512 calls] …      full: never written to again, shared with readers
//! tail     [calls …                       copied by readers
//! sums     total, and a cell for each combination of model, provider, endpoint, status
//! ```
//!
//! Calls are sorted by series only when the bucket is sealed, see [`gather`](super::gather).

use super::combination::Combination;
use super::combinations::Combinations;
use super::entry::Entry;
use super::event::Measures;
use super::gather::Gathered;
use super::log::Log;
use super::series::Resolved;
use std::sync::OnceLock;

/// The calls of one bucket, of one stripe.
#[derive(Debug)]
pub(super) struct Open {
    log: Log,
    sums: Combinations,
    gathered: OnceLock<Box<Gathered>>,
}

impl Open {
    /// An empty bucket whose series belong to so many rollup groups besides the total.
    pub(super) fn new(rollups: usize) -> Self {
        Self { log: Log::default(), sums: Combinations::new(rollups), gathered: OnceLock::new() }
    }

    /// Counts one call; answers it as it was kept. `told` tells the groups of its combination.
    #[inline]
    pub(super) fn record(
        &mut self,
        series: &Resolved,
        measures: &Measures,
        told: impl FnOnce() -> Combination,
    ) -> Entry {
        let combination = self.sums.place(series.combination(), told);
        let call = Entry::new(series.id, combination, series.kind(), measures);
        self.sums.add(&call);
        self.log.push(call);
        call
    }

    /// How many calls.
    pub(super) fn len(&self) -> usize {
        self.log.len()
    }

    /// The calls.
    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    /// Their sums.
    pub(super) fn sums(&self) -> &Combinations {
        &self.sums
    }

    /// The calls brought together by series and by rollup group. Worked out once, when nothing is
    /// written to the bucket any more.
    pub(super) fn gathered(&self) -> &Gathered {
        self.gathered.get_or_init(|| Box::new(Gathered::new(&self.log, &self.sums)))
    }

    /// Bytes on the heap, about; what was gathered is gone soon, and left out.
    pub(super) fn bytes(&self) -> usize {
        self.log.bytes() + self.sums.bytes()
    }
}
