//! The auditor finds every change. What is changed is changed by bytes, by a second reader and
//! writer of the journal's format (`surgery`), so that a fault of the first does not hide itself.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod busy;
#[path = "../ends/mod.rs"]
mod ends;
mod fsck;
mod kit;
mod memory;
#[path = "../program/mod.rs"]
mod program;
mod replay;
mod surgery;
mod tampering;
mod verify;
