//! What a hostile or careless client can't do: exhaust memory, threads, connections or patience,
//! reach what it should not, or make figures wrong. The real binary over real sockets.
//!
//! Ratios are of one run; limits of time are generous. Tests that measure have the machine to
//! themselves, as far as this program goes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../ends/mod.rs"]
mod ends;
#[path = "../runs/mod.rs"]
mod runs;
#[path = "../support/mod.rs"]
mod support;

mod bombs;
mod cardinality;
mod connections;
mod embedded;
mod flood;
mod fuzz;
mod hashes;
mod json;
mod kit;
mod memory;
mod overload;
mod paths;
mod questions;
mod slow;
mod timestamps;
