//! The end of the journal, where frames are written: the last segment and what is not in it yet.

use super::Identity;
use super::JournalError;
use super::Kind;
use super::Place;
use super::SegmentInfo;
use super::cursor::Trail;
use super::error::at;
use super::frame::Draft;
use super::header;
use super::header::Ready;
use super::header::Watermark;
use super::segment;
use super::segment::Head;
use crate::failpoint;
use crate::storage::File;
use crate::storage::Shared;
use crate::storage::write_all_at;
use parking_lot::Mutex;
use std::sync::Arc;

/// The segments there are, oldest first; the last is being written.
pub(super) type Segments = Arc<Mutex<Vec<SegmentInfo>>>;

/// Invariant: the file holds whole frames up to `offset`, then zeros; `buffer` holds those after,
/// up to `place`. Only `sync` moves `synced`.
pub(super) struct Tip {
    pub(super) storage: Shared,
    pub(super) segments: Segments,
    pub(super) segment_bytes: u64,
    pub(super) head: Head,
    pub(super) file: Box<dyn File>,
    pub(super) bytes: u64,
    pub(super) offset: u64,
    pub(super) place: Place,
    pub(super) synced: Watermark,
    pub(super) trail: Trail,
    pub(super) buffer: Vec<u8>,
}

/// A buffer that grew for one long frame is given back.
const BUFFER_KEPT: usize = 8 << 20;

impl Tip {
    /// The first segment of a new journal.
    pub(super) fn begin(storage: Shared, segment_bytes: u64, identity: &Identity) -> Result<Self, JournalError> {
        storage.create_folder(segment::FOLDER).map_err(at(&*storage, segment::FOLDER))?;
        let head = Head { identity: identity.clone(), first: Place::default(), previous: 0, arrived: i64::MIN };
        let (file, offset) = segment::make(&*storage, &head, segment_bytes)?;
        let info = info(&head, segment_bytes.max(offset));
        Ok(Self {
            segments: Arc::new(Mutex::new(vec![info])),
            storage,
            segment_bytes,
            file,
            bytes: segment_bytes.max(offset),
            offset,
            place: head.first,
            synced: Watermark::default(),
            trail: Trail { arrived: head.arrived, proven: 0, content: 0 },
            buffer: Vec::new(),
            head,
        })
    }

    /// Takes a frame as the next one; begins a segment where it does not fit.
    pub(super) fn push(&mut self, frame: Ready) -> Result<(), JournalError> {
        let len = frame.bytes() as u64;
        if self.offset + self.buffer.len() as u64 + len > self.bytes {
            self.roll(len)?;
        }
        self.trail.arrived = self.trail.arrived.max(frame.arrived());
        self.trail.proven = self.synced.frames;
        let is_mark = frame.kind() == Kind::Mark as u8;
        let seed = header::seed(&self.head.identity.instance);
        self.place = frame.write(self.place, self.synced, seed, &mut self.buffer);
        if !is_mark {
            self.trail.content = self.place.frames;
        }
        Ok(())
    }

    /// Writes what was pushed.
    pub(super) fn write(&mut self) -> Result<(), JournalError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        failpoint::hit("journal.write");
        write_all_at(&*self.file, &self.buffer, self.offset).map_err(at(&*self.storage, &self.name()))?;
        failpoint::hit("journal.written");
        self.offset += self.buffer.len() as u64;
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_KEPT);
        Ok(())
    }

    /// Writes and syncs.
    pub(super) fn sync(&mut self) -> Result<(), JournalError> {
        self.write()?;
        failpoint::hit("journal.sync");
        self.file.sync().map_err(at(&*self.storage, &self.name()))?;
        failpoint::hit("journal.synced");
        self.synced = Watermark { frames: self.place.frames, events: self.place.events };
        Ok(())
    }

    /// Whether everything is synced.
    pub(super) fn is_synced(&self) -> bool {
        self.synced.frames == self.place.frames
    }

    /// Whether frames are synced that nothing on the disk says are.
    pub(super) fn wants_mark(&self) -> bool {
        self.trail.content.min(self.synced.frames) > self.trail.proven
    }

    /// Pushes a frame that says what is synced.
    pub(super) fn mark(&mut self) -> Result<(), JournalError> {
        let (arrived, span) = (self.trail.arrived, (i64::MAX, i64::MIN));
        let draft = Draft { kind: Kind::Mark, events: 0, arrived, span, payload: Vec::new() };
        self.push(Ready::new(draft).expect("an empty payload is not too long"))
    }

    /// Seals the segment and begins the next, with room for a frame.
    pub(super) fn roll(&mut self, len: u64) -> Result<(), JournalError> {
        self.write()?;
        let is_empty = self.place.frames == self.head.first.frames;
        if !is_empty {
            self.seal()?;
        }
        let previous = if is_empty { self.head.previous } else { self.head.first.frames };
        let identity = self.head.identity.clone();
        self.head = Head { identity, first: self.place, previous, arrived: self.trail.arrived };
        let head_len = self.head.encode().len() as u64;
        self.bytes = self.segment_bytes.max(head_len + len);
        (self.file, self.offset) = segment::make(&*self.storage, &self.head, self.bytes)?;
        let mut segments = self.segments.lock();
        if is_empty {
            segments.pop();
        }
        segments.push(info(&self.head, self.bytes));
        Ok(())
    }

    /// Cuts the room that was not used: a segment that another follows ends with its last frame.
    fn seal(&mut self) -> Result<(), JournalError> {
        self.file.set_len(self.offset).map_err(at(&*self.storage, &self.name()))?;
        self.sync()?;
        failpoint::hit("journal.sealed");
        if let Some(last) = self.segments.lock().last_mut() {
            last.bytes = self.offset;
        }
        Ok(())
    }

    fn name(&self) -> String {
        segment::name(self.head.first.frames)
    }
}

fn info(head: &Head, bytes: u64) -> SegmentInfo {
    SegmentInfo { name: segment::name(head.first.frames), first: head.first, bytes, arrived: head.arrived }
}
