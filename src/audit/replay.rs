//! The state rebuilt from the journal, as of any position or time.

use super::fault::Unreadable;
use super::origin::Source;
use super::origin::of_snapshot;
use super::origin::unusable;
use crate::dedupe::Dedupe;
use crate::dedupe::Hashers;
use crate::engine::Engine;
use crate::engine::config::Config;
use crate::engine::time::Timestamp;
use crate::journal::Frame;
use crate::journal::Place;
use crate::journal::Reader;
use crate::storage::Shared;
use crate::store::image::Thawed;
use crate::store::replay::Replayer;
use std::fmt;

/// Up to where frames are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// All of them.
    End,
    /// Those that end at or before a position.
    Position(u64),
    /// Those before the first that arrived after an instant.
    Time(Timestamp),
    /// So many frames.
    Frames(u64),
}

impl Until {
    /// Whether a frame is counted.
    pub(super) fn takes(self, frame: &Frame) -> bool {
        match self {
            Self::End => true,
            Self::Frames(frames) => frame.before.frames < frames,
            Self::Time(time) => frame.arrived <= time.micros(),
            Self::Position(position) => frame.after().events <= position,
        }
    }

    /// The positions of a frame that is not counted, if the position asked for lies within.
    fn within(self, frame: &Frame) -> Option<(u64, u64)> {
        let (before, after) = (frame.before.events, frame.after().events);
        matches!(self, Self::Position(position) if before < position && position < after).then_some((before, after))
    }
}

/// A state that was rebuilt.
pub struct Rebuilt {
    /// The engine, to be asked as of `now`.
    pub engine: Engine,
    /// The snapshot it began with; `None` for the beginning of the journal.
    pub origin: Option<String>,
    /// Where counting began.
    pub begin: Place,
    /// Where it ended.
    pub place: Place,
    /// The instant it is of.
    pub now: Timestamp,
    /// The positions of a request that the position asked for lies within: it is counted whole or
    /// not at all, and here it is not.
    pub within: Option<(u64, u64)>,
    /// Faults and duplicates told by then, which are part of a snapshot.
    pub(super) noted: ([u64; 4], u64),
}

impl Rebuilt {
    /// BLAKE3 of the whole state: equal states have equal hashes, whatever the order of arrival.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        *blake3::hash(&self.engine.canonical_bytes()).as_bytes()
    }
}

impl fmt::Debug for Rebuilt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, begin, place, now, .. } = self;
        f.debug_struct("Rebuilt")
            .field("origin", origin)
            .field("begin", begin)
            .field("place", place)
            .field("now", now)
            .finish()
    }
}

/// Rebuilds the state: from the beginning of the journal where that is kept, otherwise from the
/// oldest snapshot that the kept part goes on from, so that as much as possible is counted anew.
///
/// # Errors
/// [`Unreadable`]: damage on the way, or nothing to begin with.
pub fn rebuild(storage: &Shared, until: Until, from_start: bool) -> Result<Rebuilt, Unreadable> {
    let source = Source::open(storage)?;
    let origin = if source.is_complete() {
        None
    } else if from_start {
        let first = source.first.frames;
        return Err(Unreadable::Unusable(format!(
            "the journal is kept from frame {first} on: there is no start to replay from"
        )));
    } else {
        let found = source.oldest(|head| match until {
            Until::End => true,
            Until::Position(position) => head.place.events <= position,
            Until::Time(time) => head.taken_us <= time.micros(),
            Until::Frames(frames) => head.place.frames <= frames,
        })?;
        let none = || {
            Unreadable::Unusable(format!(
                "the journal is kept from frame {} (position {}) on, and no whole snapshot of what came before lies before what is asked for",
                source.first.frames, source.first.events
            ))
        };
        Some(found.ok_or_else(none)?)
    };
    let config = source.config();
    Replay::begin(&source, origin.as_ref(), config)?.run(until)
}

/// A replay under way.
pub(super) struct Replay<'a> {
    storage: &'a Shared,
    replayer: Replayer,
    rebuilt: Rebuilt,
}

impl<'a> Replay<'a> {
    /// At a snapshot, or at the beginning.
    pub(super) fn begin(source: &Source<'a>, origin: Option<&Thawed>, config: Config) -> Result<Self, Unreadable> {
        let engine = match origin {
            Some(thawed) => thawed.restore(config).map_err(of_snapshot)?,
            None => Engine::new(config).map_err(|fault| Unreadable::Unusable(fault.to_string()))?,
        };
        let begin = origin.map_or_else(Place::default, |thawed| thawed.head().place);
        let now = origin.map_or(Timestamp::MIN, |thawed| Timestamp::from_secs(thawed.facts().now));
        let noted = origin.map_or(([0; 4], 0), |thawed| (thawed.facts().rejected, thawed.facts().duplicates));
        let hashers = Hashers::new(source.identity.instance);
        // What came twice was sorted out before it was journalled: ids need not be remembered.
        let mut replayer = Replayer::new(engine.clone(), hashers, Dedupe::new(1));
        (replayer.rejected, replayer.duplicates) = noted;
        let origin = origin.map(|thawed| thawed.info().name);
        let rebuilt = Rebuilt { engine, origin, begin, place: begin, now, within: None, noted };
        Ok(Self { storage: source.storage, replayer, rebuilt })
    }

    /// Counts frames up to a point, and lets time pass up to it.
    pub(super) fn run(mut self, until: Until) -> Result<Rebuilt, Unreadable> {
        let begin = self.rebuilt.begin;
        let mut reader = Reader::open(self.storage.clone(), Some(begin)).map_err(unusable)?;
        while let Some(frame) = reader.next().map_err(unusable)? {
            if !until.takes(&frame) {
                self.rebuilt.within = until.within(&frame);
                break;
            }
            let fault =
                |detail| Unreadable::Unusable(format!("the frame after position {}: {detail}", frame.before.events));
            self.replayer.count(&frame).map_err(fault)?;
            self.rebuilt.place = frame.after();
            let arrived = Timestamp::from_micros(frame.arrived).unwrap_or(Timestamp::MIN);
            self.rebuilt.now = self.rebuilt.now.max(arrived);
        }
        if let Until::Time(time) = until {
            self.rebuilt.now = self.rebuilt.now.max(time);
        }
        self.rebuilt.engine.advance(self.rebuilt.now);
        self.rebuilt.noted = (self.replayer.rejected, self.replayer.duplicates);
        Ok(self.rebuilt)
    }
}
