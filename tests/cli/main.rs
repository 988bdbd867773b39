//! The command line keeps its promises: the real binary, run as people run it, against servers of
//! its own on free ports. What it says it counted is compared with counts made by hand.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod backup;
mod bench;
mod config;
mod deploy;
#[path = "../ends/mod.rs"]
mod ends;
mod folders;
mod import;
mod kit;
mod man;
#[path = "../program/mod.rs"]
mod program;
mod ready;
mod serve;
#[path = "../skipping/mod.rs"]
mod skipping;
mod snapshot;
mod talk;
