//! What senders are promised, over real sockets against the real binary: every event of a body is
//! exactly one of accepted, duplicate and rejected; totals agree; nothing kills the server; no key
//! comes back.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../skipping/mod.rs"]
mod skipping;
#[path = "../support/mod.rs"]
mod support;

mod bodies;
mod connections;
mod dify;
mod events;
mod failures;
mod idempotency;
mod keys;
mod restarts;
