//! A disk that forgets what was not synced, and fails when told to.
//!
//! ```text
//! calls ─▶ SimDisk: names and bytes as the running process sees them, and a log of every change
//!               │ log, up to any point
//!               ▼
//!          Platter: what is durable, and what is pending since the last sync of each file and folder
//!               │ a Loss decides about everything pending
//!               ▼
//!          Image: names and bytes after the power cut; boots into another SimDisk
//! ```
//!
//! The promises are those of the table in `tallyring::storage`, read as meanly as they can be:
//! what is pending may be kept, lost, kept by the sector, filled with junk, and kept in another
//! order; each pending change of a name may be kept or lost. One thing is assumed of the disk: a
//! sector that is being written holds its old bytes or its new ones, and other sectors are left
//! alone.

#![allow(dead_code, unused_imports, reason = "every test takes the part it needs")]

mod disk;
mod fault;
mod image;
mod loss;
mod op;
mod platter;

pub(crate) use disk::SimDisk;
pub(crate) use fault::Call;
pub(crate) use fault::Fault;
pub(crate) use fault::How;
pub(crate) use image::Image;
pub(crate) use loss::Loss;
pub(crate) use loss::torn;
pub(crate) use op::Change;
pub(crate) use op::Op;
pub(crate) use op::put;
pub(crate) use platter::Platter;

/// What a disk writes whole or not at all.
pub(crate) const SECTOR: u64 = 512;
