//! One segment, frame by frame: what is at a place, and whether it follows what was before.

use super::Place;
use super::error::at;
use super::header;
use super::header::Header;
use super::segment::Segment;
use crate::storage::File;
use crate::storage::Storage;
use crate::storage::read_full_at;
use std::io;

/// Read at once.
const CHUNK: usize = 256 << 10;

/// Why there is no next frame here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    /// The file ends.
    End,
    /// No whole frame, or one from before.
    Broken(&'static str),
    /// A whole frame that does not follow the one before.
    Stranger(&'static str),
}

/// What the frames that were passed tell together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trail {
    /// When the latest request came.
    pub(super) arrived: i64,
    /// Frames that some frame says are synced.
    pub(super) proven: u64,
    /// Frames up to the last that is more than a mark.
    pub(super) content: u64,
}

/// Between two frames of a segment.
pub(super) struct Cursor {
    pub(super) segment: Segment,
    pub(super) place: Place,
    pub(super) offset: u64,
    pub(super) trail: Trail,
    seed: u32,
    window: Window,
}

impl Cursor {
    /// Before the first frame of a segment.
    pub(super) fn new(segment: Segment) -> Self {
        Self {
            place: segment.head.first,
            offset: segment.begin,
            trail: Trail { arrived: segment.head.arrived, proven: 0, content: 0 },
            seed: header::seed(&segment.head.identity.instance),
            window: Window::default(),
            segment,
        }
    }

    /// Before the first frame of the next segment.
    pub(super) fn follow(&self, segment: Segment) -> Self {
        Self { trail: self.trail, ..Self::new(segment) }
    }

    /// Whether no frame was passed yet.
    pub(super) fn is_at_first(&self) -> bool {
        self.offset == self.segment.begin
    }

    /// Opens the file again, and forgets what was read of it: a writer may be at work.
    pub(super) fn refresh(&mut self, storage: &dyn Storage) -> Result<(), super::JournalError> {
        self.window = Window::default();
        // A segment without frames may have been replaced by another of its name.
        if self.is_at_first() {
            *self = self.follow(Segment::open(storage, self.segment.head.first.frames)?);
        }
        self.segment.bytes = self.segment.file.size().map_err(at(storage, &self.segment.name))?;
        Ok(())
    }

    /// The header of the next frame.
    pub(super) fn header(&mut self) -> io::Result<Result<Header, Misfit>> {
        let bytes = self.window.get(&*self.segment.file, self.offset, header::LEN)?;
        if bytes.is_empty() {
            return Ok(Err(Misfit::End));
        }
        let header = Header::decode(bytes, self.seed);
        Ok(header.ok_or(Misfit::Broken("no whole frame")).and_then(|header| self.following(header)))
    }

    fn following(&self, header: Header) -> Result<Header, Misfit> {
        if header.number < self.place.frames {
            return Err(Misfit::Broken("a frame from before"));
        }
        if (header.number, header.position) != (self.place.frames, self.place.events) {
            return Err(Misfit::Stranger("its number is not the next"));
        }
        Ok(header)
    }

    /// The stored payload of the frame with this header, once its checksum and the chain hold.
    pub(super) fn stored(&mut self, header: &Header) -> io::Result<Result<&[u8], Misfit>> {
        let bytes = self.window.get(&*self.segment.file, self.offset, header.frame_bytes())?;
        let Some(stored) = bytes.get(header::LEN..header.frame_bytes()) else {
            return Ok(Err(Misfit::Broken("a frame longer than the file")));
        };
        if crc32c::crc32c(stored) != header.payload_crc {
            return Ok(Err(Misfit::Broken("a payload with a wrong checksum")));
        }
        if header.link(&self.place.chain, stored) != header.chain {
            return Ok(Err(Misfit::Stranger("its chain does not continue the one before")));
        }
        Ok(Ok(stored))
    }

    /// The stored payload of a frame that was checked.
    pub(super) fn stored_unchecked(&mut self, header: &Header) -> io::Result<&[u8]> {
        let bytes = self.window.get(&*self.segment.file, self.offset, header.frame_bytes())?;
        Ok(bytes.get(header::LEN..).unwrap_or_default())
    }

    /// The header of the next frame, whose payload was checked too.
    pub(super) fn whole(&mut self) -> io::Result<Result<Header, Misfit>> {
        match self.header()? {
            Ok(header) => Ok(self.stored(&header)?.map(|_| ()).map(|()| header)),
            misfit => Ok(misfit),
        }
    }

    /// Goes past the frame with this header.
    pub(super) fn pass(&mut self, header: &Header) {
        self.offset += header.frame_bytes() as u64;
        self.place = header.after();
        self.trail.arrived = self.trail.arrived.max(header.arrived);
        self.trail.proven = self.trail.proven.max(header.durable.frames);
        if !header.is_mark() {
            self.trail.content = self.place.frames;
        }
    }
}

/// A run of bytes of a file, read at once.
#[derive(Default)]
struct Window {
    bytes: Vec<u8>,
    start: u64,
}

impl Window {
    /// The bytes from an offset; fewer where the file ends.
    fn get(&mut self, file: &dyn File, offset: u64, len: usize) -> io::Result<&[u8]> {
        if self.held(offset).len() < len {
            self.read(file, offset, len)?;
        }
        let held = self.held(offset);
        Ok(&held[..held.len().min(len)])
    }

    fn held(&self, offset: u64) -> &[u8] {
        let skipped = offset.checked_sub(self.start).and_then(|skipped| usize::try_from(skipped).ok());
        skipped.and_then(|skipped| self.bytes.get(skipped..)).unwrap_or_default()
    }

    /// Nothing is allocated beyond what the file holds.
    fn read(&mut self, file: &dyn File, offset: u64, len: usize) -> io::Result<()> {
        let left = file.size()?.saturating_sub(offset);
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(len.max(CHUNK));
        self.bytes.resize(len, 0);
        self.start = offset;
        let read = read_full_at(file, &mut self.bytes, offset)?;
        self.bytes.truncate(read);
        Ok(())
    }
}
