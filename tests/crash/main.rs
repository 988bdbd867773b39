//! Crashes in a simulation: every point of a workload, and every state that a power cut there may
//! leave on a disk.
//!
//! The seed in a message is the whole reproduction: `TALLYRING_SEED=… cargo test --test crash`.
//! `TALLYRING_TIMES=100` runs a hundred times as many workloads.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../model/chance.rs"]
#[allow(dead_code, reason = "a part of it is for others")]
mod chance;
mod journal;
#[path = "../runs/mod.rs"]
mod runs;
#[path = "../sim/mod.rs"]
mod sim;
mod simulation;
mod store;
