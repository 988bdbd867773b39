//! Who may ask what: every route against every kind of token, forced filters against a server that
//! holds nothing else, secrets in every place that a secret can end up in, names of the server, TLS.
//!
//! Most of it goes through the router in this process, with a clock that stands still; what a
//! process, a signal or a network is needed for, against the real binary.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../skipping/mod.rs"]
mod skipping;
#[path = "../support/mod.rs"]
mod support;

mod canaries;
mod commands;
mod confined;
mod headers;
mod house;
mod matrix;
mod names;
mod running;
mod tls;
mod writers;
