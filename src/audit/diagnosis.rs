//! What opening the folder would do, without doing it.

use super::fault::Fault;
use super::fault::RESTORE;
use super::fault::Unreadable;
use super::fault::of_journal;
use super::origin::of_snapshot;
use crate::journal;
use crate::journal::FOLDER;
use crate::journal::Frame;
use crate::journal::JournalError;
use crate::journal::Kind;
use crate::journal::Place;
use crate::journal::Reader;
use crate::snapshot;
use crate::snapshot::Head;
use crate::snapshot::SnapshotError;
use crate::storage::Shared;
use crate::store::image::Thawed;
use crate::store::record::Record;

/// What a start would find.
#[derive(Clone, Debug, Default)]
pub struct Diagnosis {
    /// The snapshot it would begin with.
    pub snapshot: Option<String>,
    /// A sentence for each snapshot that it would pass over.
    pub passed_over: Vec<String>,
    /// Where it would go on from in the journal.
    pub from: Place,
    /// Where the journal ends.
    pub end: Place,
    /// The torn tail it would copy aside and cut: file, offset, bytes.
    pub torn: Option<(String, u64, u64)>,
    /// Why it would refuse.
    pub refused: Option<Fault>,
}

impl Diagnosis {
    /// Whether anything that was acknowledged is damaged. A torn tail never was.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.refused.is_none() && self.passed_over.is_empty()
    }
}

/// Goes the way of a start, reading only: newest whole snapshot, then the journal after it.
///
/// # Errors
/// [`Unreadable`]: the disk failed, or there is nothing.
pub fn diagnose(storage: &Shared) -> Result<Diagnosis, Unreadable> {
    let mut diagnosis = Diagnosis::default();
    match diagnosis.start(storage) {
        Ok(()) => {}
        Err(Refusal::Journal(error)) => diagnosis.refused = Some(of_journal(error)?),
        Err(Refusal::Fault(fault)) => diagnosis.refused = Some(fault),
        Err(Refusal::Unreadable(unreadable)) => return Err(unreadable),
    }
    Ok(diagnosis)
}

enum Refusal {
    Journal(JournalError),
    Fault(Fault),
    Unreadable(Unreadable),
}

impl From<JournalError> for Refusal {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl From<SnapshotError> for Refusal {
    fn from(error: SnapshotError) -> Self {
        match error {
            SnapshotError::Foreign { name, detail } => {
                Self::Fault(Fault::new(name, detail, "move it out of the folder"))
            }
            other => Self::Unreadable(of_snapshot(other)),
        }
    }
}

impl Diagnosis {
    fn start(&mut self, storage: &Shared) -> Result<(), Refusal> {
        let heads = self.snapshots(storage)?;
        let identity = journal::identity(storage)?;
        let folder = storage.describe(FOLDER);
        let Some(identity) = identity else {
            if heads.is_empty() && self.passed_over.is_empty() {
                return Err(Refusal::Unreadable(Unreadable::Empty(storage.describe(""))));
            }
            return Err(Refusal::Fault(Fault::new(
                folder,
                "there is no journal, yet a snapshot was made from one",
                RESTORE,
            )));
        };
        if heads.iter().any(|head| head.instance != identity.instance) {
            let what = "the journal and the snapshots are not of one installation";
            return Err(Refusal::Fault(Fault::new(folder, what, "see which of them were moved here")));
        }
        journal::segments(storage)?;
        self.read(storage)?;
        let durable = heads.iter().map(|head| head.place.events).max().unwrap_or(0);
        if self.end.events < durable {
            let what = format!("the journal ends at position {}, and a snapshot covers {durable}", self.end.events);
            return Err(Refusal::Fault(Fault::new(folder, what, RESTORE)));
        }
        Ok(())
    }

    /// The snapshots whose heads are whole; chooses the one to begin with.
    fn snapshots(&mut self, storage: &Shared) -> Result<Vec<Head>, Refusal> {
        let mut heads = Vec::new();
        for listed in snapshot::list(&**storage)? {
            heads.extend(listed.head.ok());
            if self.snapshot.is_some() {
                continue;
            }
            match Thawed::open(&**storage, &listed.name).and_then(|thawed| thawed.check().map(|()| thawed)) {
                Ok(thawed) => {
                    self.from = thawed.head().place;
                    self.snapshot = Some(listed.name);
                }
                Err(SnapshotError::Damaged { name, detail }) => {
                    self.passed_over.push(format!("{name}: damaged: {detail}"));
                }
                Err(other) => return Err(other.into()),
            }
        }
        Ok(heads)
    }

    fn read(&mut self, storage: &Shared) -> Result<(), Refusal> {
        let mut reader = Reader::open(storage.clone(), Some(self.from))?;
        while let Some(frame) = reader.next()? {
            self.end = frame.after();
            let stand = reader.stand();
            if let Some(what) = unsound(&frame) {
                let fault = Fault::new(storage.describe(stand.segment), what, RESTORE);
                return Err(Refusal::Fault(fault.at(stand.offset, frame.before.events)));
            }
        }
        let stand = reader.stand();
        self.end = stand.place;
        self.torn = stand.torn.map(|end| (storage.describe(stand.segment), stand.offset, end - stand.offset));
        Ok(())
    }
}

/// What is wrong with a whole frame's payload.
fn unsound(frame: &Frame) -> Option<String> {
    if frame.kind != Kind::Events {
        return None;
    }
    match Record::decode(&frame.payload) {
        Ok(record) if record.columns.len() == frame.events as usize => None,
        Ok(_) => Some("a record does not fit its frame".to_owned()),
        Err(fault) => Some(fault.to_string()),
    }
}
