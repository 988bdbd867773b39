//! Removing the oldest segments.

use super::JournalError;
use super::error::at;
use super::segment;
use super::tip::Segments;
use crate::failpoint;
use crate::storage::Storage;

/// What may go.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Frames from here on are kept.
    pub(super) keep: u64,
    pub(super) max_bytes: u64,
    pub(super) oldest_us: i64,
}

/// Removes segments, oldest first; answers how many.
///
/// Each is gone for good before the next goes: were two removals lost in another order, a power
/// cut would leave a gap.
pub(super) fn prune(storage: &dyn Storage, segments: &Segments, limits: Limits) -> Result<usize, JournalError> {
    let mut removed = 0;
    while let Some(name) = next(segments, limits) {
        let fault = at(storage, &name);
        failpoint::hit("journal.prune");
        storage.remove(&name).map_err(&fault)?;
        storage.sync_folder(segment::FOLDER).map_err(&fault)?;
        failpoint::hit("journal.pruned");
        segments.lock().remove(0);
        removed += 1;
    }
    Ok(removed)
}

/// The file to remove next, if any may go.
fn next(segments: &Segments, limits: Limits) -> Option<String> {
    let segments = segments.lock();
    let [oldest, second, ..] = segments.as_slice() else { return None };
    let bytes: u64 = segments.iter().map(|segment| segment.bytes).sum();
    let may_go = second.first.frames <= limits.keep;
    // The head of the next segment says when the latest request in this one came.
    let must_go = bytes > limits.max_bytes || second.arrived < limits.oldest_us;
    (may_go && must_go).then(|| oldest.name.clone())
}
