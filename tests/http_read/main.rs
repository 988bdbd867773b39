//! The read API over real sockets: exact numbers for every route, refusals that name the
//! parameter, and answers that never show a raw key.
//!
//! Events go into the engine directly and the clock stands still, so each expectation is a
//! literal. What HTTP clients see is asked over TCP, through the whole router.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod calls;
mod csv;
mod dashboard;
mod dimensions;
mod gemini;
mod paging;
mod refusals;
mod reports;
mod site;
mod snapshots;
mod usage;
mod zones;
