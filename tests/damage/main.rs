//! Damaged files: cut at every byte, flipped at every bit, exchanged by the sector. Damage is
//! detected, or it is a tail that nothing says was synced; no count comes out that was not put in;
//! nobody is made to allocate by bytes that lie.
//!
//! `TALLYRING_TIMES=4` takes 64 KiB where 16 KiB are usual, and four times as much random damage.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../crash/journal/bytes.rs"]
#[allow(dead_code, reason = "a part of it is for others")]
mod bytes;
#[path = "../model/chance.rs"]
#[allow(dead_code, reason = "a part of it is for others")]
mod chance;
mod flips;
#[path = "../crash/journal/kit.rs"]
#[allow(dead_code, reason = "a part of it is for others")]
mod kit;
#[path = "../runs/mod.rs"]
mod runs;
#[path = "../sim/mod.rs"]
mod sim;
mod snapshots;
#[path = "../crash/store/kit.rs"]
#[allow(dead_code, reason = "a part of it is for others")]
mod store_kit;
mod tails;

use peak_alloc::PeakAlloc;

/// Counts what all tests here hold at once.
#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// The most that reading any file may take, in bytes.
const MEMORY: usize = 64 << 20;

/// Fails if the tests so far ever held more. Where another test failed before, that may be why:
/// naming the functions of a backtrace takes more than this.
#[track_caller]
fn assert_little_memory() {
    let peak = ALLOCATED.peak_usage();
    assert!(peak < MEMORY, "{} MiB were allocated at once", peak >> 20);
}
