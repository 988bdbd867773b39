//! A journal that anything may have happened to, for audits and salvage: each segment by itself,
//! and whole frames wherever they lie. Nothing here changes a file.

use super::Frame;
use super::Identity;
use super::JournalError;
use super::Kind;
use super::Place;
use super::SegmentInfo;
use super::error::at;
use super::header;
use super::header::Header;
use super::pack;
use super::segment;
use super::segment::Head;
use super::segment::Segment;
use crate::storage::Shared;
use crate::storage::read_full_at;
use crate::storage::write_all_at;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Where a [`Reader`](super::Reader) stands.
#[derive(Clone, Copy, Debug)]
pub struct Stand<'a> {
    /// The file of the segment.
    pub segment: &'a str,
    /// The offset of the frame that was read last; after that, where frames end.
    pub offset: u64,
    /// The place before it.
    pub place: Place,
    /// Frames that the frames passed so far say are synced.
    pub proven: u64,
    /// Where a torn tail ends, if that is what ended the frames.
    pub torn: Option<u64>,
}

/// A segment by its head, whatever is wrong with others.
#[derive(Clone, Debug)]
pub struct Surveyed {
    /// What a list of segments tells of it.
    pub info: SegmentInfo,
    /// Who it belongs to.
    pub identity: Identity,
    /// The first frame of the segment before it; its own where it is the first ever.
    pub previous: u64,
    /// Where its frames begin.
    pub begin: u64,
}

/// The segment with the lowest number above one, by the names of files: its number, and its head
/// or what is wrong with that.
pub type Next = (u64, Result<Surveyed, JournalError>);

/// The first segment, or the one after another.
///
/// # Errors
/// [`JournalError::Io`] of the folder.
pub fn segment_after(storage: &Shared, number: Option<u64>) -> Result<Option<Next>, JournalError> {
    let numbers = segment::numbers(&**storage)?;
    let next = numbers.into_iter().find(|next| number.is_none_or(|number| *next > number));
    Ok(next.map(|number| (number, Segment::open(&**storage, number).map(Segment::surveyed))))
}

impl Segment {
    fn surveyed(self) -> Surveyed {
        let info = self.info();
        Surveyed { info, identity: self.head.identity, previous: self.head.previous, begin: self.begin }
    }
}

/// Frames of a segment that are to be one by themselves.
#[derive(Clone, Debug)]
pub struct Graft<'a> {
    /// The file they lie in.
    pub source: &'a str,
    /// Where in it.
    pub range: Range<u64>,
    /// The place before the first.
    pub first: Place,
    /// The first frame of the segment before; its own where there is none.
    pub previous: u64,
    /// When the latest request before them came, in µs.
    pub arrived: i64,
    /// Who they belong to.
    pub identity: &'a Identity,
}

/// Writes a segment of whole frames that lie in another journal, byte for byte, durably.
///
/// # Errors
/// [`JournalError::Io`].
pub fn graft(from: &Shared, to: &Shared, graft: &Graft<'_>) -> Result<(), JournalError> {
    let Graft { source, range, first, previous, arrived, identity } = graft;
    let head = Head { identity: (*identity).clone(), first: *first, previous: *previous, arrived: *arrived }.encode();
    let fill = || {
        let file = from.open(source)?;
        let len = usize::try_from(range.end - range.start).map_err(std::io::Error::other)?;
        let mut frames = vec![0; len];
        if read_full_at(&*file, &mut frames, range.start)? < len {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        to.create_folder(segment::FOLDER)?;
        let file = to.create(&segment::name(first.frames))?;
        write_all_at(&*file, &head, 0)?;
        write_all_at(&*file, &frames, head.len() as u64)?;
        file.sync()?;
        to.sync_folder(segment::FOLDER)
    };
    fill().map_err(at(&**from, source))
}

/// A whole frame, found by its own checksums.
#[derive(Debug)]
pub struct Found {
    /// Where it begins in its file.
    pub offset: u64,
    /// The frame; the chain before it is not known, and zeros here.
    pub frame: Frame,
    header: Header,
    stored: Range<usize>,
}

/// A segment as bytes, in which whole frames are looked for.
pub struct Rubble {
    bytes: Vec<u8>,
    next: usize,
    seed: u32,
    schema: Arc<[u8]>,
}

impl Rubble {
    /// Reads the segment that begins with frame `number` into memory, to look from an offset on.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn read(storage: &Shared, number: u64, identity: &Identity, offset: u64) -> Result<Self, JournalError> {
        let name = segment::name(number);
        let fill = || {
            let file = storage.open(&name)?;
            let mut bytes = vec![0; usize::try_from(file.size()?).map_err(std::io::Error::other)?];
            let read = read_full_at(&*file, &mut bytes, 0)?;
            bytes.truncate(read);
            Ok(bytes)
        };
        let bytes = fill().map_err(at(&**storage, &name))?;
        let (seed, schema) = (header::seed(&identity.instance), identity.schema.as_slice().into());
        let mut rubble = Self { bytes, next: 0, seed, schema };
        rubble.go_to(offset);
        Ok(rubble)
    }

    /// Looks from another offset on.
    pub fn go_to(&mut self, offset: u64) {
        self.next = usize::try_from(offset).map_or(self.bytes.len(), |offset| offset.min(self.bytes.len()));
    }

    /// The next whole frame of this installation, wherever it lies.
    #[expect(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<Found> {
        while let Some(skipped) = self.bytes[self.next..].windows(header::MAGIC.len()).position(is_magic) {
            self.next += skipped;
            if let Some(found) = self.whole() {
                self.next = found.stored.end;
                return Some(found);
            }
            self.next += 1;
        }
        None
    }

    fn whole(&self) -> Option<Found> {
        let header = Header::decode(&self.bytes[self.next..], self.seed)?;
        let stored = self.next + header::LEN..self.next + header.frame_bytes();
        let bytes = self.bytes.get(stored.clone()).filter(|bytes| crc32c::crc32c(bytes) == header.payload_crc)?;
        let frame = Frame {
            kind: Kind::of(header.kind)?,
            before: Place { frames: header.number, events: header.position, chain: [0; 32] },
            chain: header.chain,
            events: header.events,
            arrived: header.arrived,
            span: header.span,
            durable: header.durable.events,
            schema: Arc::clone(&self.schema),
            payload: pack::unpack(bytes, header.compression, header.raw)?,
        };
        Some(Found { offset: self.next as u64, frame, header, stored })
    }

    /// Where a frame that was found here ends.
    #[must_use]
    pub fn end(&self, found: &Found) -> u64 {
        found.stored.end as u64
    }

    /// Whether the chain of a frame that was found here continues another.
    #[must_use]
    pub fn follows(&self, found: &Found, chain: &[u8; 32]) -> bool {
        found.header.link(chain, &self.bytes[found.stored.clone()]) == found.header.chain
    }
}

fn is_magic(bytes: &[u8]) -> bool {
    bytes == header::MAGIC
}

impl fmt::Debug for Rubble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rubble").field("bytes", &self.bytes.len()).field("next", &self.next).finish_non_exhaustive()
    }
}
