//! The live stream: each second is told, each call is told once or counted as skipped, and no
//! reader holds anything up. The real binary over real sockets.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../ends/mod.rs"]
mod ends;
#[path = "../support/mod.rs"]
mod support;

#[path = "../skipping/mod.rs"]
mod skipping;

mod calls;
mod confined;
mod follow;
mod kit;
mod limits;
mod seconds;
mod terminal;
