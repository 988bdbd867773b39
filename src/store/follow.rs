//! Following what comes in.

use super::Store;
use crate::engine::arrivals::Arrivals;
use crate::engine::arrivals::Follower;
use crate::engine::query::Filter;

impl Store {
    /// Begins to follow the calls that come from now on and match; with `failures_only`, those that
    /// did not succeed.
    #[must_use]
    pub fn follow(&self, filters: Vec<Filter>, failures_only: bool) -> Follower {
        let position = self.position();
        let mut follower = Follower::new(filters, failures_only, position);
        // What is there already is looked at now, so that the first question looks at news only.
        let _ = self.engine().arrived(&mut follower, position, 0);
        follower
    }

    /// What came since this follower asked last: each call once, in the order they came, at most
    /// the latest `limit` of them.
    #[must_use]
    pub fn arrived(&self, follower: &mut Follower, limit: usize) -> Arrivals {
        let position = self.position();
        self.engine().arrived(follower, position, limit)
    }
}
