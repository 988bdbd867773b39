//! Recording without naming the series again.

use super::core::Core;
use super::event::Dimensions;
use super::event::MAX_DIMENSIONS;
use super::event::Measures;
use super::event::Reject;
use super::known::At;
use super::known::Known;
use super::outcome::Applied;
use super::series::Resolved;
use super::time::DAY;
use super::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A series resolved once, to record many calls without naming it again. Threads may share one:
/// recording writes nothing to it.
#[derive(Clone, Debug)]
pub struct Series {
    core: Arc<Core>,
    names: Arc<[Box<str>; MAX_DIMENSIONS]>,
    known: Known,
}

impl Series {
    /// `names` have passed [`Core::check_fields`].
    pub(super) fn new(core: Arc<Core>, names: &Dimensions<'_>) -> Self {
        Self { core, names: Arc::new(names.0.map(Box::from)), known: Known::default() }
    }

    /// Counts one call of this series.
    ///
    /// # Errors
    /// As [`Engine::record`](super::Engine::record).
    pub fn record(&self, measures: &Measures, timestamp: Timestamp, now: Timestamp) -> Result<Applied, Reject> {
        let day = u32::try_from(timestamp.secs() / DAY).expect("the year 9999 is day 2,932,896");
        let at = (self.core.forgets.load(Ordering::Acquire), day);
        let resolved = self.known.get(at).unwrap_or_else(|| self.resolve(at, timestamp));
        self.core.count_one(&resolved, measures, timestamp, now)
    }

    /// Resolves again on each new day, which keeps the series from being forgotten, and after any
    /// numbers were given back.
    #[cold]
    fn resolve(&self, at: At, timestamp: Timestamp) -> Resolved {
        let dimensions = Dimensions(std::array::from_fn(|place| &*self.names[place]));
        let resolved = self.core.resolve(&dimensions, timestamp);
        self.known.set(at, &resolved);
        resolved
    }
}
