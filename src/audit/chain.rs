//! Every kept frame of a journal, in order: checksums, chain, numbers, and that nothing is missing
//! between two segments. Goes on with the next segment after a fault.

use super::fault::DISTRUST;
use super::fault::Fault;
use super::fault::RESTORE;
use super::fault::Unreadable;
use super::fault::of_journal;
use crate::journal;
use crate::journal::Frame;
use crate::journal::JournalError;
use crate::journal::Kind;
use crate::journal::Next;
use crate::journal::Place;
use crate::journal::Reader;
use crate::journal::Surveyed;
use crate::snapshot::vouch;
use crate::snapshot::vouch::Vouch;
use crate::storage::Shared;
use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::io;

/// What was read of a journal.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Of the first segment; those after it must say the same.
    pub(super) instance: Option<[u8; 16]>,
    /// The names of labels by the newest segment.
    pub(super) schema: Vec<u8>,
    pub(super) segments: usize,
    /// Read, heads and payloads included.
    pub(super) bytes: u64,
    pub(super) frames: u64,
    pub(super) events: u64,
    /// The place before the first frame that is kept; `None` where no head of a segment is whole.
    pub(super) first: Option<Place>,
    /// The place after the last one.
    pub(super) end: Place,
    /// When the first and the latest request came, in µs.
    pub(super) arrived: Option<(i64, i64)>,
    /// The last place that is known synced, and when the latest request before it came.
    pub(super) synced: Option<(Place, i64)>,
    /// Bytes after the last frame that are none: a write under way, or torn.
    pub(super) tail: u64,
    /// The places asked for.
    pub(super) places: BTreeMap<u64, Place>,
    /// The snapshots named, each with the frame that names it.
    pub(super) vouches: Vec<(u64, Vouch)>,
    pub(super) faults: Vec<Fault>,
}

/// Reads all segments; `wanted` are the numbers of frames whose places are to be told.
pub(super) fn read(storage: &Shared, wanted: &[u64]) -> Result<Kept, Unreadable> {
    let mut walk = Walk {
        storage,
        wanted,
        kept: Kept::default(),
        reader: None,
        open: None,
        before: None,
        unsynced: VecDeque::new(),
        proven: 0,
    };
    let mut number = None;
    // Asked again for each: a server may begin segments, and remove old ones, meanwhile.
    while let Some((next, segment)) = segment_after(storage, number)? {
        number = Some(next);
        walk.finish()?;
        match segment {
            Ok(segment) => walk.segment(&segment)?,
            Err(error) if walk.is_removed(&error) => {}
            Err(error) => walk.lost(error)?,
        }
    }
    Ok(walk.kept)
}

fn segment_after(storage: &Shared, number: Option<u64>) -> Result<Option<Next>, Unreadable> {
    journal::segment_after(storage, number).map_err(|error| match of_journal(error) {
        Ok(fault) => Unreadable::Unusable(fault.to_string()),
        Err(unreadable) => unreadable,
    })
}

struct Walk<'a> {
    storage: &'a Shared,
    wanted: &'a [u64],
    kept: Kept,
    /// Of the segment before, where its frames ended.
    reader: Option<Reader>,
    /// Where the segment before ends and when its latest request came; `None` before the first
    /// and where that is not known.
    open: Option<(Place, i64)>,
    /// The number of the segment before, if that was whole.
    before: Option<u64>,
    /// Places that no frame says are synced yet.
    unsynced: VecDeque<(Place, i64)>,
    proven: u64,
}

impl Walk<'_> {
    /// Whether a server removed the oldest segment while it was to be read.
    fn is_removed(&self, error: &JournalError) -> bool {
        let missing = matches!(error, JournalError::Io { fault, .. } if fault.kind() == io::ErrorKind::NotFound);
        missing && self.kept.segments == 0
    }

    fn lost(&mut self, error: JournalError) -> Result<(), Unreadable> {
        self.kept.faults.push(of_journal(error)?);
        self.kept.segments += 1;
        (self.open, self.before) = (None, None);
        Ok(())
    }

    /// Reads on in the segment before: it is followed by another now, and a server may have come
    /// further in it since its end was met.
    fn finish(&mut self) -> Result<(), Unreadable> {
        self.reader.take().map_or(Ok(()), |reader| self.follow(reader))
    }

    fn segment(&mut self, segment: &Surveyed) -> Result<(), Unreadable> {
        let reader = match Reader::of_segment(self.storage.clone(), &segment.info) {
            Err(error) if self.is_removed(&error) => return Ok(()),
            Err(error) => return self.lost(error),
            Ok(reader) => reader,
        };
        self.head(segment);
        self.kept.segments += 1;
        self.pass(segment.info.first, segment.info.arrived);
        self.kept.bytes += segment.begin;
        self.before = Some(segment.info.first.frames);
        self.follow(reader)
    }

    /// Reads the frames that are there.
    fn follow(&mut self, mut reader: Reader) -> Result<(), Unreadable> {
        let begun = reader.stand().offset;
        let told = loop {
            match reader.next() {
                Ok(Some(frame)) => self.frame(&frame, &reader),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        let stand = reader.stand();
        self.proven = self.proven.max(stand.proven);
        self.settle();
        self.kept.bytes += stand.offset - begun;
        self.kept.tail = stand.torn.map_or(0, |end| end - stand.offset);
        self.open = Some((stand.place, self.open.map_or(i64::MIN, |(_, arrived)| arrived)));
        match told {
            Ok(()) => self.reader = Some(reader),
            Err(error) => {
                self.kept.faults.push(of_journal(error)?);
                (self.open, self.before) = (None, None);
            }
        }
        Ok(())
    }

    /// What a head tells must go with the segments before.
    fn head(&mut self, segment: &Surveyed) {
        let place = segment.info.first;
        let mut faults = Vec::new();
        if *self.kept.instance.get_or_insert(segment.identity.instance) != segment.identity.instance {
            faults.push(("it is of another installation than the segment before".to_owned(), RESTORE));
        }
        match self.open {
            Some((end, arrived)) if (end, arrived) == (place, segment.info.arrived) => {}
            Some((end, _)) => faults.push((gap(end, place), RESTORE)),
            None => {}
        }
        self.kept.first.get_or_insert(place);
        match self.before {
            Some(before) if before != segment.previous => {
                let what = format!("it says that the segment before it begins with frame {}", segment.previous);
                faults.push((what, RESTORE));
            }
            _ => {}
        }
        if place.frames == 0 && place != Place::default() {
            faults.push(("the first segment ever does not begin with nothing".to_owned(), DISTRUST));
        }
        if !is_longer(&self.kept.schema, &segment.identity.schema) {
            faults.push(("it counts by other labels than the segment before".to_owned(), DISTRUST));
        }
        self.kept.schema.clone_from(&segment.identity.schema);
        let file = self.storage.describe(&segment.info.name);
        let faults =
            faults.into_iter().map(|(what, advice)| Fault::new(file.clone(), what, advice).at(0, place.events));
        self.kept.faults.extend(faults);
        self.open = Some((place, segment.info.arrived));
    }

    fn frame(&mut self, frame: &Frame, reader: &Reader) {
        let arrived = self.open.map_or(i64::MIN, |(_, arrived)| arrived).max(frame.arrived);
        self.open = Some((frame.after(), arrived));
        self.kept.frames += 1;
        self.kept.events += u64::from(frame.events);
        if frame.kind != Kind::Mark {
            let (first, latest) = self.kept.arrived.unwrap_or((frame.arrived, frame.arrived));
            self.kept.arrived = Some((first, latest.max(frame.arrived)));
        }
        if frame.kind == Kind::Snapshot {
            self.vouch(frame, reader);
        }
        self.proven = self.proven.max(reader.stand().proven);
        self.pass(frame.after(), arrived);
    }

    fn vouch(&mut self, frame: &Frame, reader: &Reader) {
        let stand = reader.stand();
        match vouch::decode(&frame.payload) {
            Some(vouch) => self.kept.vouches.push((frame.before.frames, vouch)),
            None => {
                let fault = Fault::new(self.storage.describe(stand.segment), "a frame names no snapshot", DISTRUST);
                self.kept.faults.push(fault.at(stand.offset, frame.before.events));
            }
        }
    }

    /// Notes a place that was come to.
    fn pass(&mut self, place: Place, arrived: i64) {
        if self.wanted.contains(&place.frames) {
            self.kept.places.insert(place.frames, place);
        }
        self.kept.end = place;
        self.unsynced.push_back((place, arrived));
        self.settle();
    }

    /// Moves the synced place to what is proven by now.
    fn settle(&mut self) {
        while self.unsynced.front().is_some_and(|(place, _)| place.frames <= self.proven) {
            self.kept.synced = self.unsynced.pop_front();
        }
    }
}

/// Labels can be added at the end only.
fn is_longer(before: &[u8], after: &[u8]) -> bool {
    after.strip_prefix(before).is_some_and(|rest| rest.is_empty() || before.is_empty() || rest[0] == b'\n')
}

fn gap(end: Place, first: Place) -> String {
    if first.frames > end.frames {
        let events = first.events.saturating_sub(end.events);
        return format!(
            "frames {} to {} are missing before it, with {events} events",
            end.frames,
            first.frames.saturating_sub(1)
        );
    }
    format!("it does not continue the segment before, which ends after frame {}", end.frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_added_at_the_end_only() {
        for (before, after, fine) in [
            ("", "", true),
            ("", "team", true),
            ("team", "team\nregion", true),
            ("team", "teams", false),
            ("team", "", false),
            ("team", "region\nteam", false),
        ] {
            assert_eq!(is_longer(before.as_bytes(), after.as_bytes()), fine, "{before:?} {after:?}");
        }
    }
}
