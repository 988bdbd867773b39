//! The parts of a journal that are whole: runs of segments, each following the one before, the last
//! of them perhaps to a point only.

use super::fault::Fault;
use super::fault::Unreadable;
use super::fault::of_journal;
use super::origin::unusable;
use crate::journal;
use crate::journal::Identity;
use crate::journal::JournalError;
use crate::journal::Place;
use crate::journal::Reader;
use crate::journal::Rubble;
use crate::journal::Surveyed;
use crate::storage::Shared;
use std::collections::BTreeMap;
use std::ops::Range;

/// Whole frames in one segment.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) name: String,
    /// Where they lie: from the head on, or from behind damage.
    pub(super) range: Range<u64>,
    /// Before the first of them.
    pub(super) first: Place,
    /// When the latest request before them came, in µs.
    pub(super) arrived: i64,
    pub(super) identity: Identity,
}

/// A run of whole frames, each following the one before.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) pieces: Vec<Piece>,
    /// Whether it begins with a segment, and not behind damage.
    pub(super) headed: bool,
    /// The number of the last segment.
    pub(super) last: u64,
    pub(super) first: Place,
    pub(super) end: Place,
    /// When the latest request came, in µs.
    pub(super) arrived: i64,
    /// The places after its frames that were asked for.
    pub(super) places: BTreeMap<u64, Place>,
}

/// A journal taken apart.
#[derive(Debug, Default)]
pub(super) struct Runs {
    pub(super) runs: Vec<Run>,
    /// The numbers of all segments, whatever is in them.
    pub(super) numbers: Vec<u64>,
    /// Of the newest segment with a whole head.
    pub(super) identity: Option<Identity>,
    pub(super) faults: Vec<Fault>,
    /// Bytes of a torn end, never acknowledged.
    pub(super) torn: u64,
}

/// Reads all segments; `wanted` are the numbers of frames whose places are to be told.
pub(super) fn find(storage: &Shared, wanted: &[u64]) -> Result<Runs, Unreadable> {
    let mut found = Runs::default();
    let mut open = false; // whether the last run may go on
    let mut number = None;
    while let Some((next, segment)) = journal::segment_after(storage, number).map_err(unusable)? {
        number = Some(next);
        found.numbers.push(next);
        open = match segment {
            Ok(segment) => found.segment(storage, &segment, wanted, open)?,
            Err(error) => found.broken(error)?,
        };
    }
    Ok(found)
}

impl Runs {
    fn broken(&mut self, error: JournalError) -> Result<bool, Unreadable> {
        self.faults.push(of_journal(error)?);
        Ok(false)
    }

    /// Reads a segment as far as it is whole; answers whether to the end.
    fn segment(
        &mut self,
        storage: &Shared,
        segment: &Surveyed,
        wanted: &[u64],
        open: bool,
    ) -> Result<bool, Unreadable> {
        let instance = self.identity.get_or_insert_with(|| segment.identity.clone()).instance;
        if instance != segment.identity.instance {
            let what = "it is of another installation than the segments before: nothing is taken from it";
            self.faults.push(Fault::new(storage.describe(&segment.info.name), what, "see where it came from"));
            return Ok(false);
        }
        self.identity = Some(segment.identity.clone());
        let mut reader = match Reader::of_segment(storage.clone(), &segment.info) {
            Ok(reader) => reader,
            Err(error) => return self.broken(error),
        };
        let run = self.run(segment, open);
        let arrived = run.arrived;
        let told = loop {
            match reader.next() {
                Ok(Some(frame)) => run.pass(frame.after(), frame.arrived, wanted),
                Ok(None) => break Ok(true),
                Err(error) => break Err(error),
            }
        };
        let stand = reader.stand();
        let range = segment.begin..stand.offset;
        run.pieces.push(piece(segment, range, segment.info.first, arrived));
        self.torn = stand.torn.map_or(0, |end| end - stand.offset);
        match told {
            Ok(whole) => Ok(whole),
            Err(error) => {
                self.broken(error)?;
                self.behind(storage, segment, stand.offset + 1, wanted)
            }
        }
    }

    /// Runs behind damage, to the end of its segment; the last may go on in the next. The frame a run
    /// is found by is not in it, but tells the chain it begins with: whether that is the one it was
    /// shows at a snapshot's place.
    fn behind(
        &mut self,
        storage: &Shared,
        segment: &Surveyed,
        offset: u64,
        wanted: &[u64],
    ) -> Result<bool, Unreadable> {
        let number = segment.info.first.frames;
        let mut rubble = Rubble::read(storage, number, &segment.identity, offset).map_err(unusable)?;
        let mut end = None; // of the frame before
        while let Some(found) = rubble.next() {
            let (place, arrived) = (found.frame.after(), found.frame.arrived);
            let run = self.runs.last_mut().filter(|run| {
                let next = (end, run.end.frames) == (Some(found.offset), found.frame.before.frames);
                next && rubble.follows(&found, &run.end.chain)
            });
            end = Some(rubble.end(&found));
            match run {
                Some(run) => {
                    run.pass(place, arrived, wanted);
                    run.pieces.last_mut().expect("it has the one it began with").range.end = rubble.end(&found);
                }
                None => {
                    let range = rubble.end(&found)..rubble.end(&found);
                    let pieces = vec![piece(segment, range, place, arrived)];
                    let places = BTreeMap::from([(place.frames, place)]);
                    self.runs.push(Run {
                        pieces,
                        headed: false,
                        last: number,
                        first: place,
                        end: place,
                        arrived,
                        places,
                    });
                }
            }
        }
        Ok(true)
    }

    /// The run that a segment goes on with, or begins.
    fn run(&mut self, segment: &Surveyed, open: bool) -> &mut Run {
        let place = segment.info.first;
        if !(open && self.runs.last().is_some_and(|run| run.end == place)) {
            let places = BTreeMap::from([(place.frames, place)]);
            let (arrived, last) = (segment.info.arrived, place.frames);
            self.runs.push(Run { pieces: Vec::new(), headed: true, last, first: place, end: place, arrived, places });
        }
        let run = self.runs.last_mut().expect("there is one");
        run.last = place.frames;
        run
    }
}

fn piece(segment: &Surveyed, range: Range<u64>, first: Place, arrived: i64) -> Piece {
    Piece { name: segment.info.name.clone(), range, first, arrived, identity: segment.identity.clone() }
}

impl Run {
    fn pass(&mut self, place: Place, arrived: i64, wanted: &[u64]) {
        self.end = place;
        self.arrived = self.arrived.max(arrived);
        if wanted.contains(&place.frames) {
            self.places.insert(place.frames, place);
        }
    }

    /// Whether a place lies in it.
    pub(super) fn holds(&self, place: &Place) -> bool {
        self.places.get(&place.frames) == Some(place)
    }
}
