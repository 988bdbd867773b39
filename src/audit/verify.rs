//! The proof over a data folder, by reading only; a server may be running on it.

use super::chain;
use super::chain::Kept;
use super::checkpoint;
use super::checkpoint::Checkpoint;
use super::fault::Fault;
use super::fault::RESTORE;
use super::fault::Unreadable;
use super::snapshots;
use super::snapshots::Whole;
use super::standing;
use super::standing::Standing;
use crate::engine::time::Timestamp;
use crate::journal;
use crate::journal::Place;
use crate::snapshot::Listed;
use crate::snapshot::vouch::Vouch;
use crate::storage::Shared;
use std::time::Duration;
use std::time::Instant;

/// What a verification found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Whose journal it is, by its first segment.
    pub instance: Option<[u8; 16]>,
    /// Segments of the journal.
    pub segments: usize,
    /// Bytes of the journal that were read.
    pub bytes: u64,
    /// How long that took.
    pub took: Duration,
    /// Frames.
    pub frames: u64,
    /// Events in them.
    pub events: u64,
    /// The place before the first frame that is kept.
    pub first: Place,
    /// The place after the last one.
    pub end: Place,
    /// When the first and the latest request came.
    pub arrived: Option<(Timestamp, Timestamp)>,
    /// Bytes after the last frame: a write under way, or a torn one that was never acknowledged.
    pub tail: u64,
    /// Snapshots that are whole, newest first.
    pub snapshots: Vec<Whole>,
    /// What became of the checkpoint.
    pub standing: Option<Standing>,
    /// What is wrong.
    pub faults: Vec<Fault>,
    /// What is worth knowing and not wrong.
    pub notes: Vec<String>,
    /// A checkpoint of what was read, up to where everything is synced; `None` where nothing is.
    pub checkpoint: Option<Checkpoint>,
}

impl Report {
    /// How fast the journal was read, in MB/s.
    #[must_use]
    pub fn megabytes_a_second(&self) -> u64 {
        let rate = u128::from(self.bytes) / self.took.as_micros().max(1);
        u64::try_from(rate).unwrap_or(u64::MAX)
    }
}

/// Reads everything that is kept and checks it, by itself and against a checkpoint.
///
/// # Errors
/// [`Unreadable`]: the disk failed, or there is nothing.
pub fn verify(storage: &Shared, noted: Option<&Checkpoint>) -> Result<Report, Unreadable> {
    let folder = storage.describe("");
    // Before the journal, which only grows: so every place of theirs must be found in it.
    let listed = snapshots::list(storage)?;
    let began = Instant::now();
    let kept = chain::read(storage, &wanted(&listed, noted))?;
    let took = began.elapsed();
    if kept.segments == 0 && listed.is_empty() && noted.is_none() {
        return Err(Unreadable::Empty(folder));
    }
    let checked = snapshots::check(storage, &listed, &kept)?;
    let judged = noted.map(|noted| standing::judge(noted, &kept, &checked.whole, &folder));
    let checkpoint = note(&kept, &checked.whole);
    let mut report = told(kept);
    if report.segments == 0 {
        report.faults.push(Fault::new(folder, "there is no journal", RESTORE));
    }
    report.faults.extend(checked.faults);
    if let Some((standing, faults)) = judged {
        report.standing = Some(standing);
        report.faults.extend(faults);
    }
    report.notes = checked.notes;
    report.notes.extend(torn(storage)?);
    Ok(Report { snapshots: checked.whole, checkpoint, took, ..report })
}

/// The places to be looked up.
fn wanted(listed: &[Listed], noted: Option<&Checkpoint>) -> Vec<u64> {
    let heads = listed.iter().filter_map(|listed| listed.head.as_ref().ok()).map(|head| head.place.frames);
    heads.chain(noted.map(|noted| noted.place.frames)).collect()
}

fn told(kept: Kept) -> Report {
    let time = |micros: i64| Timestamp::from_micros(micros).unwrap_or(Timestamp::MIN);
    Report {
        instance: kept.instance,
        segments: kept.segments,
        bytes: kept.bytes,
        frames: kept.frames,
        events: kept.events,
        first: kept.first.unwrap_or_default(),
        end: kept.end,
        arrived: kept.arrived.map(|(first, latest)| (time(first), time(latest))),
        tail: kept.tail,
        faults: kept.faults,
        ..Report::default()
    }
}

/// A checkpoint of the last place known synced: what comes after may yet be lost by a power cut,
/// and would then seem cut off.
fn note(kept: &Kept, whole: &[Whole]) -> Option<Checkpoint> {
    let (place, arrived) = kept.synced?;
    let newest = whole.iter().find(|whole| whole.named);
    Some(Checkpoint {
        instance: kept.instance?,
        place,
        time: Timestamp::from_micros(arrived).unwrap_or(Timestamp::MIN),
        labels: checkpoint::labels(&kept.schema),
        snapshot: newest.map(|newest| Vouch { name: newest.name.clone(), blake3: newest.blake3 }),
    })
}

/// Tails that recovery has cut are kept beside the segments.
fn torn(storage: &Shared) -> Result<Option<String>, Unreadable> {
    let names = storage.list(journal::FOLDER);
    let names = names.map_err(|fault| Unreadable::Io { name: storage.describe(journal::FOLDER), fault })?;
    let torn = names.iter().filter(|name| name.ends_with(".torn")).count();
    Ok((torn > 0).then(|| format!("{torn} torn last writes, never acknowledged, were cut off and kept as *.torn")))
}
