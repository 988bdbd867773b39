//! Proofs over a data folder, without a server: by reading, and never changing, what is there.
//!
//! | file | what is in it |
//! |---|---|
//! | `verify` | the proof: `chain` reads the journal, `snapshots` the snapshots, `standing` holds both against a checkpoint |
//! | `checkpoint` | where a journal stood, to be noted elsewhere |
//! | `replay` `compare` | the state counted anew, from an `origin`; a snapshot held against it |
//! | `reprice` | what the calls in the journal would have cost by other prices |
//! | `diagnosis` | what a start would do |
//! | `salvage` | a new folder from what is whole: `runs` of segments, `loose` frames, `transfer` of files, and a report, `salvaged` |
//! | `fault` `hex` | the words |
//!
//! What the chain proves: each frame's hash covers the one before, so that the hash of a place
//! covers all frames before it. Whoever can write the folder can make a whole new chain; that it is
//! not the old one shows only against a checkpoint he can't reach.

mod chain;
pub mod checkpoint;
mod compare;
mod diagnosis;
mod fault;
pub mod hex;
mod loose;
mod origin;
mod replay;
#[cfg(feature = "cli")]
mod reprice;
mod runs;
mod salvage;
mod salvaged;
mod snapshots;
mod standing;
mod transfer;
mod verify;

pub use crate::journal::Place;
pub use crate::snapshot::vouch;
pub use checkpoint::Checkpoint;
pub use checkpoint::CheckpointError;
pub use compare::Comparison;
pub use compare::Difference;
pub use compare::LISTED;
pub use compare::compare;
pub use diagnosis::Diagnosis;
pub use diagnosis::diagnose;
pub use fault::Fault;
pub use fault::Unreadable;
pub use replay::Rebuilt;
pub use replay::Until;
pub use replay::rebuild;
#[cfg(feature = "cli")]
pub use reprice::Repriced;
#[cfg(feature = "cli")]
pub use reprice::Sums;
#[cfg(feature = "cli")]
pub use reprice::reprice;
pub use salvage::salvage;
pub use salvaged::Gap;
pub use salvaged::Salvaged;
pub use snapshots::Whole;
pub use standing::Standing;
pub use verify::Report;
pub use verify::verify;
