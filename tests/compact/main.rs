//! Compact batches: they come to the same as JSON, whatever is in them; their bytes stay as they are
//! documented; and nobody gains anything by broken ones.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod alike;
mod golden;
mod hostile;
mod kit;
