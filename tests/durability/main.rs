//! The real binary on a real disk: killed, cut off, out of room, watched by strace. What it
//! acknowledged is counted once, whatever happens.
//!
//! The test is the load generator and keeps the ledger; the server is another process. Seeds are
//! printed; `TALLYRING_SEED` sets one, `TALLYRING_TIMES` makes everything longer.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../model/chance.rs"]
#[allow(dead_code, reason = "a part of it is for others")]
mod chance;
#[path = "../ends/mod.rs"]
mod ends;
mod failpoints;
mod fsyncs;
mod full;
mod kills;
mod kit;
mod ledger;
#[path = "../program/mod.rs"]
mod program;
#[path = "../runs/mod.rs"]
mod runs;
#[path = "../skipping/mod.rs"]
mod skipping;
mod storm;
