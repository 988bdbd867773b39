//! The state of an engine as a snapshot, and an engine made of it again.
//!
//! ```text
//! names     the series that this file's leaves use, sorted by name: their places are their numbers here
//! slices    the leaves that changed since the file they were last written to, by time
//! ids       the ids that came before, in the order of arrival
//! manifest  what else the engine knew, and where each leaf is: here, or in a file leaned on
//! ```
//!
//! A full snapshot depends on the image, the place, the time it was taken and the ids only: the same
//! state gives the same bytes, whatever the order of arrival, the threads or the hash seeds were.

mod cut;
mod dictionary;
mod draft;
mod freeze;
mod read;
mod thaw;

pub use freeze::Freezer;
pub(crate) use thaw::Thawed;

use crate::codec::Id;
use crate::engine::Engine;
use crate::engine::config::Config;
use crate::journal::Place;
use crate::snapshot::SnapshotError;
use crate::storage::Storage;

/// Kinds of sections.
const MANIFEST: u32 = 1;
const NAMES: u32 = 2;
const SLICES: u32 = 3;
const IDS: u32 = 4;

/// The version of what is in all of them.
const VERSION: u16 = 1;

/// A section is ended once it has so many bytes, and a leaf with more is cut: the most that is held
/// in memory besides one leaf.
const SECTION_BYTES: usize = 1 << 20;

/// A snapshot that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Its name, without the folder.
    pub name: String,
    /// The place in the journal up to which it covers everything.
    pub place: Place,
    /// When it was taken, in µs.
    pub taken_us: i64,
    /// Its size.
    pub bytes: u64,
    /// BLAKE3 of everything in it up to the hash.
    pub blake3: [u8; 32],
    /// Whether it leans on no other.
    pub full: bool,
    /// Leaves in this file.
    pub leaves_written: usize,
    /// Leaves in this file and in those it leans on.
    pub leaves_total: usize,
}

/// Reads all of a snapshot and of what it leans on, and checks what can be checked: checksums,
/// hashes, and that every value makes sense.
///
/// # Errors
/// [`SnapshotError`] of the first file that is not whole.
pub fn verify(storage: &dyn Storage, name: &str) -> Result<Saved, SnapshotError> {
    let thawed = Thawed::open(storage, name)?;
    thawed.check()?;
    Ok(thawed.info())
}

/// An engine made of a snapshot. The configuration may differ from the one it was taken under where
/// that does no harm.
///
/// # Errors
/// [`SnapshotError`].
pub fn load(storage: &dyn Storage, name: &str, config: Config) -> Result<Engine, SnapshotError> {
    Thawed::open(storage, name)?.restore(config)
}

/// The ids in a snapshot, in the order of arrival.
///
/// # Errors
/// [`SnapshotError`].
pub fn load_ids(storage: &dyn Storage, name: &str) -> Result<Vec<Id>, SnapshotError> {
    Thawed::open(storage, name)?.ids().collect()
}

#[cfg(test)]
mod tests;
