//! `/metrics` and what reads it: the text parsed again by a reader of our own and by Prometheus
//! itself, every figure against the API, and the rules and dashboards that are shipped.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../hostile_texts/mod.rs"]
mod hostile_texts;
#[path = "../support/mod.rs"]
mod support;

#[path = "../skipping/mod.rs"]
mod skipping;

mod formats;
mod health;
mod hostile;
mod kit;
mod prometheus;
mod shipped;
mod usage;
