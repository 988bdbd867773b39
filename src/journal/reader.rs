//! Reading frames from anywhere in the journal, also while it is being written.

use super::Frame;
use super::Identity;
use super::JournalError;
use super::Kind;
use super::Outline;
use super::Place;
use super::SegmentInfo;
use super::cursor::Cursor;
use super::cursor::Misfit;
use super::error::at;
use super::error::foreign;
use super::header::Header;
use super::header::Watermark;
use super::header::seed;
use super::pack;
use super::recovery::Facts;
use super::recovery::Here;
use super::recovery::Verdict;
use super::recovery::decide;
use super::segment;
use super::segment::Segment;
use super::survey::Stand;
use super::tail;
use super::tail::Rest;
use crate::storage::Shared;
use std::fmt;
use std::io;
use std::sync::Arc;

/// Reads frames of a journal from anywhere, without changing anything; for recovery, `verify`,
/// `replay` and old call details. Checks every CRC and the chain.
///
/// A journal that is being written can be read: after `None` there may be more later.
pub struct Reader {
    storage: Shared,
    cursor: Cursor,
    schema: Arc<[u8]>,
    /// The frame whose header was read and that was not passed yet.
    current: Option<Header>,
    /// What must be there.
    floor: Watermark,
    /// Only the frames of one segment.
    single: bool,
    /// Where a torn tail ends, if that is what ended the frames.
    torn: Option<u64>,
}

impl Reader {
    /// Reads frames after `from`; all that are kept with `None`.
    ///
    /// # Errors
    /// [`JournalError`]; of kind `NotFound` where there is no journal.
    pub fn open(storage: Shared, from: Option<Place>) -> Result<Self, JournalError> {
        Self::open_with(storage, from, 0)
    }

    /// As [`open`](Self::open), where frames must be there up to a position.
    pub(super) fn open_with(storage: Shared, from: Option<Place>, durable: u64) -> Result<Self, JournalError> {
        let segments = segment::segments(&storage)?;
        let Some(first) = segments.first() else {
            return Err(at(&*storage, segment::FOLDER)(io::ErrorKind::NotFound.into()));
        };
        let from = from.unwrap_or(first.first);
        let Some(begin) = segments.iter().rfind(|segment| segment.first.frames <= from.frames) else {
            let detail = format!("frame {} is wanted, and this is the oldest segment", from.frames);
            return Err(JournalError::Damaged {
                name: storage.describe(&first.name),
                offset: 0,
                position: from.events,
                detail,
            });
        };
        let mut reader = Self::of_segment(storage, begin)?;
        reader.single = false;
        reader.floor = Watermark { frames: from.frames, events: from.events.max(durable) };
        reader.go_to(from)?;
        Ok(reader)
    }

    /// Reads the frames of one segment.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn of_segment(storage: Shared, segment: &SegmentInfo) -> Result<Self, JournalError> {
        let segment = Segment::open(&*storage, segment.first.frames)?;
        Ok(Self {
            schema: segment.head.identity.schema.as_slice().into(),
            cursor: Cursor::new(segment),
            storage,
            current: None,
            floor: Watermark::default(),
            single: true,
            torn: None,
        })
    }

    /// Who the journal belongs to, by the segment of the frame that was read last.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.cursor.segment.head.identity
    }

    /// Where it stands: at the frame that was read last or, after that, where frames end.
    #[must_use]
    pub fn stand(&self) -> Stand<'_> {
        let Cursor { segment, place, offset, trail, .. } = &self.cursor;
        Stand { segment: &segment.name, offset: *offset, place: *place, proven: trail.proven, torn: self.torn }
    }

    /// The next frame; `None` at the end, be it clean or torn.
    ///
    /// # Errors
    /// [`JournalError`] where it is damaged.
    #[expect(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Frame>, JournalError> {
        let Some(header) = self.advance(Cursor::whole)? else { return Ok(None) };
        let outline = self.outline(&header)?;
        let payload = self.unpack(&header)?;
        let Outline { kind, before, events, arrived, span, .. } = outline;
        let (durable, schema) = (header.durable.events, Arc::clone(&self.schema));
        Ok(Some(Frame { kind, before, chain: header.chain, events, arrived, span, durable, schema, payload }))
    }

    /// The next frame without its payload, which is not checked: a scan by time reads what it
    /// needs with [`payload`](Self::payload). `None` at the end.
    ///
    /// # Errors
    /// [`JournalError`] where it is damaged.
    pub fn next_outline(&mut self) -> Result<Option<Outline>, JournalError> {
        let header = self.advance(Cursor::header)?;
        header.map(|header| self.outline(&header)).transpose()
    }

    /// The payload of the frame told by [`next_outline`](Self::next_outline), checked against its
    /// checksum and the chain. `None` where the frame is a torn one, or none was told.
    ///
    /// # Errors
    /// [`JournalError`] where it is damaged.
    pub fn payload(&mut self) -> Result<Option<Vec<u8>>, JournalError> {
        let Some(header) = self.current.take() else { return Ok(None) };
        let whole = self.cursor.stored(&header).map(|stored| stored.is_ok());
        if !whole.map_err(|fault| self.io(fault))? && !self.settle()? {
            return Ok(None);
        }
        let payload = self.unpack(&header)?;
        self.current = Some(header);
        Ok(Some(payload))
    }

    /// Where it is between frames, once it came to an end, and the bytes of a torn tail after it.
    pub(super) fn into_end(self) -> (Cursor, Option<u64>) {
        (self.cursor, self.torn)
    }

    /// Passes the frame before and asks the cursor for the next until it has one, or the end.
    fn advance(
        &mut self,
        ask: fn(&mut Cursor) -> io::Result<Result<Header, Misfit>>,
    ) -> Result<Option<Header>, JournalError> {
        if let Some(header) = self.current.take() {
            self.cursor.pass(&header);
        }
        loop {
            if let Ok(header) = ask(&mut self.cursor).map_err(|fault| self.io(fault))? {
                self.current = Some(header.clone());
                return Ok(Some(header));
            }
            if !self.settle()? {
                return Ok(None);
            }
        }
    }

    /// Decides what a misfit means; false where frames end.
    fn settle(&mut self) -> Result<bool, JournalError> {
        let follower = self.follower()?;
        // The writer may have come further, and begun the next segment, since the bytes were read.
        let Some(misfit) = self.look_again()? else { return Ok(true) };
        let rest = self.rest()?;
        match decide(self.facts(misfit, follower.is_some(), &rest)) {
            Verdict::Next => self.enter(follower),
            Verdict::End => Ok(self.ends(None)),
            Verdict::Torn => Ok(self.ends(Some(rest.end))),
            Verdict::Damaged(detail) => match self.look_again()? {
                None => Ok(true),
                Some(misfit) => Err(self.damaged(detail, misfit)),
            },
        }
    }

    fn ends(&mut self, torn: Option<u64>) -> bool {
        self.torn = torn;
        false
    }

    /// The segment after this one, by its first frame.
    fn follower(&self) -> Result<Option<u64>, JournalError> {
        let own = self.cursor.segment.head.first.frames;
        Ok(segment::numbers(&*self.storage)?.into_iter().find(|number| *number > own))
    }

    /// The misfit as it is now, if it still is one.
    fn look_again(&mut self) -> Result<Option<Misfit>, JournalError> {
        self.cursor.refresh(&*self.storage)?;
        self.schema = self.cursor.segment.head.identity.schema.as_slice().into();
        self.cursor.whole().map(Result::err).map_err(|fault| self.io(fault))
    }

    fn rest(&self) -> Result<Rest, JournalError> {
        let Cursor { segment, place, offset, .. } = &self.cursor;
        let seed = seed(&segment.head.identity.instance);
        tail::look(&*segment.file, *offset, place.frames, seed).map_err(|fault| self.io(fault))
    }

    fn facts(&self, misfit: Misfit, followed: bool, rest: &Rest) -> Facts {
        let here = match misfit {
            Misfit::End => Here::End,
            Misfit::Broken(_) if rest.end == 0 => Here::Zeros,
            Misfit::Broken(_) => Here::Broken,
            Misfit::Stranger(_) => Here::Stranger,
        };
        let Place { frames, events, .. } = self.cursor.place;
        let owed = frames < self.floor.frames || events < self.floor.events;
        Facts { followed, here, proven: rest.proof.is_some(), owed }
    }

    /// Goes on with the next segment; false where only one is read.
    fn enter(&mut self, number: Option<u64>) -> Result<bool, JournalError> {
        let Some(number) = number.filter(|_| !self.single) else { return Ok(self.ends(None)) };
        let segment = Segment::open(&*self.storage, number)?;
        segment::check_follows(&*self.storage, &self.cursor.segment.head, &segment)?;
        if segment.head.first != self.cursor.place {
            return Err(self.damaged("the next segment does not begin where this one ends", Misfit::End));
        }
        self.schema = segment.head.identity.schema.as_slice().into();
        self.cursor = self.cursor.follow(segment);
        Ok(true)
    }

    /// Passes the frames before a place, and sees that it is a place of this journal.
    fn go_to(&mut self, from: Place) -> Result<(), JournalError> {
        while self.cursor.place.frames < from.frames {
            let Some(header) = self.advance(Cursor::whole)? else { break };
            self.current = None;
            self.cursor.pass(&header);
        }
        if self.cursor.place == from {
            return Ok(());
        }
        Err(self.damaged("the frames before here are not those the snapshot was made from", Misfit::End))
    }

    fn outline(&self, header: &Header) -> Result<Outline, JournalError> {
        let Some(kind) = Kind::of(header.kind) else {
            let detail = format!("a frame of kind {}, which this program does not know", header.kind);
            return Err(foreign(&*self.storage, &self.cursor.segment.name, detail));
        };
        let Header { events, arrived, span, raw: bytes, .. } = *header;
        Ok(Outline { kind, before: self.cursor.place, events, arrived, span, bytes })
    }

    fn unpack(&mut self, header: &Header) -> Result<Vec<u8>, JournalError> {
        let stored = self.cursor.stored_unchecked(header);
        let payload = stored.map(|stored| pack::unpack(stored, header.compression, header.raw));
        payload
            .map_err(|fault| self.io(fault))?
            .ok_or_else(|| self.damaged("its payload does not decompress", Misfit::End))
    }

    fn io(&self, fault: io::Error) -> JournalError {
        at(&*self.storage, &self.cursor.segment.name)(fault)
    }

    fn damaged(&self, detail: &str, misfit: Misfit) -> JournalError {
        let detail = match misfit {
            Misfit::End => detail.to_owned(),
            Misfit::Broken(what) | Misfit::Stranger(what) => format!("{detail} ({what})"),
        };
        let Cursor { segment, place, offset, .. } = &self.cursor;
        JournalError::Damaged {
            name: self.storage.describe(&segment.name),
            offset: *offset,
            position: place.events,
            detail,
        }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cursor { segment, place, offset, .. } = &self.cursor;
        f.debug_struct("Reader")
            .field("segment", &segment.name)
            .field("offset", offset)
            .field("place", place)
            .finish_non_exhaustive()
    }
}
