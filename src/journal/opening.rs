//! Opening a journal to write: begin a new one, or read what is there and go on at its end.

use super::Evidence;
use super::Frame;
use super::Identity;
use super::JournalError;
use super::Place;
use super::Reader;
use super::Recovered;
use super::SegmentInfo;
use super::Settings;
use super::cursor::Cursor;
use super::error::at;
use super::error::foreign;
use super::header::Watermark;
use super::mend;
use super::segment;
use super::segment::Head;
use super::tip::Tip;
use crate::storage::Shared;
use crate::storage::Storage;
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;

/// Called for each frame that is read.
pub(super) type Visit<'a> = &'a mut dyn FnMut(Frame) -> Result<(), JournalError>;

/// The end of the journal, ready to be written.
pub(super) fn open(
    storage: Shared,
    settings: &Settings,
    identity: &Identity,
    evidence: &Evidence,
    visit: Visit<'_>,
) -> Result<(Tip, Recovered), JournalError> {
    check_schema(&*storage, identity)?;
    let segments = segment::all(&*storage)?;
    let instance = segments.last().map(|(head, _)| head.identity.instance);
    check_instance(&*storage, instance, identity, evidence)?;
    if segments.is_empty() {
        check_nothing_is_missing(&*storage, evidence)?;
        let tip = Tip::begin(storage, settings.segment_bytes, identity)?;
        return Ok((tip, Recovered::default()));
    }
    let segments = segments.into_iter().map(|(_, info)| info).collect();
    let (cursor, torn, frames) = read(&storage, evidence, visit)?;
    let mut recovered = Recovered { end: cursor.place, frames, ..Recovered::default() };
    let mut tip = resume(storage, settings, segments, cursor, torn, &mut recovered)?;
    if tip.head.identity.schema != identity.schema {
        tip.head.identity.schema.clone_from(&identity.schema);
        tip.roll(0)?;
    }
    Ok((tip, recovered))
}

fn check_schema(storage: &dyn Storage, identity: &Identity) -> Result<(), JournalError> {
    if Head::holds(&identity.schema) {
        return Ok(());
    }
    let fault = io::Error::new(io::ErrorKind::InvalidInput, "the schema is too long for the head of a segment");
    Err(at(storage, segment::FOLDER)(fault))
}

/// Snapshots, journal and data folder belong to one installation.
fn check_instance(
    storage: &dyn Storage,
    journal: Option<[u8; 16]>,
    identity: &Identity,
    evidence: &Evidence,
) -> Result<(), JournalError> {
    let own = identity.instance;
    if [journal, evidence.instance].into_iter().flatten().all(|instance| instance == own) {
        return Ok(());
    }
    let detail = "the journal, the snapshots and the data folder are not of one installation";
    Err(foreign(storage, segment::FOLDER, detail))
}

fn check_nothing_is_missing(storage: &dyn Storage, evidence: &Evidence) -> Result<(), JournalError> {
    if evidence.from == Place::default() && evidence.durable == 0 {
        return Ok(());
    }
    let detail = "there is no journal, yet a snapshot was made from one".to_owned();
    Err(JournalError::Damaged { name: storage.describe(segment::FOLDER), offset: 0, position: 0, detail })
}

/// Reads to the end; answers where that is, the end of a torn tail after it, and how many frames.
fn read(storage: &Shared, evidence: &Evidence, visit: Visit<'_>) -> Result<(Cursor, Option<u64>, u64), JournalError> {
    let mut reader = Reader::open_with(Arc::clone(storage), Some(evidence.from), evidence.durable)?;
    let mut frames = 0;
    while let Some(frame) = reader.next()? {
        visit(frame)?;
        frames += 1;
    }
    let (cursor, torn) = reader.into_end();
    Ok((cursor, torn, frames))
}

/// Cuts a torn tail, and sees that what was read is synced: a crash of the process may have left
/// it in the page cache only.
fn resume(
    storage: Shared,
    settings: &Settings,
    mut segments: Vec<SegmentInfo>,
    cursor: Cursor,
    torn: Option<u64>,
    recovered: &mut Recovered,
) -> Result<Tip, JournalError> {
    let Cursor { segment, place, offset, trail, .. } = cursor;
    let fault = at(&*storage, &segment.name);
    let file = storage.open_to_write(&segment.name).map_err(&fault)?;
    if let Some(end) = torn {
        let bytes = settings.segment_bytes.max(segment.bytes);
        recovered.torn_file = Some(mend::cut(&*storage, &segment.name, &*file, offset..end, bytes)?);
        recovered.torn_bytes = end - offset;
    }
    file.sync().map_err(&fault)?;
    storage.sync_folder(segment::FOLDER).map_err(&fault)?;
    let bytes = file.size().map_err(&fault)?;
    drop(fault);
    if let Some(last) = segments.last_mut() {
        last.bytes = bytes;
    }
    let synced = Watermark { frames: place.frames, events: place.events };
    let (head, segment_bytes) = (segment.head, settings.segment_bytes);
    let (segments, buffer) = (Arc::new(Mutex::new(segments)), Vec::new());
    Ok(Tip { storage, segments, segment_bytes, head, file, bytes, offset, place, synced, trail, buffer })
}
