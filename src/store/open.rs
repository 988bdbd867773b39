//! Opening a data folder: the newest whole snapshot, and the journal after it.
//!
//! | what is there | what is done |
//! |---|---|
//! | nothing | a new installation begins |
//! | a whole snapshot, a whole journal after it | both are read |
//! | a damaged snapshot | the one before it and the journal after that |
//! | no whole snapshot, the journal from its beginning | the journal |
//! | a torn end of the journal | copied aside, cut (`journal/recovery.rs` says when it is one) |
//! | anything else | refused; nothing is changed |

use super::Settings;
use super::Store;
use super::durable::Durable;
use super::image;
use super::replay::Replayer;
use crate::dedupe::Dedupe;
use crate::dedupe::Hashers;
use crate::dedupe::IdHash;
use crate::engine::Engine;
use crate::engine::time::Timestamp;
use crate::failpoint;
use crate::journal;
use crate::journal::Evidence;
use crate::journal::Frame;
use crate::journal::Identity;
use crate::journal::Journal;
use crate::journal::JournalError;
use crate::snapshot;
use crate::snapshot::SnapshotError;
use crate::storage::Disk;
use crate::storage::Shared;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Frames between two reports of progress.
const TOLD_EVERY: u64 = 256;

/// What opening is at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Reading a snapshot.
    Snapshot {
        /// Its name.
        name: String,
        /// Its bytes.
        bytes: u64,
    },
    /// Counting what the journal has after it.
    Journal {
        /// How far it has come.
        position: u64,
        /// Frames counted.
        frames: u64,
    },
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// The snapshot it began with.
    pub snapshot: Option<String>,
    /// Events in all.
    pub position: u64,
    /// Of these, read from the journal.
    pub replayed: u64,
    /// Bytes of a torn last write, never acknowledged, that were cut off.
    pub torn_bytes: u64,
    /// Where they were copied to.
    pub torn_file: Option<String>,
    /// A sentence for each snapshot that could not be used.
    pub passed_over: Vec<String>,
}

/// Why a data folder can't be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("{0}: another process has this data folder open; stop it first, or name another folder")]
    Locked(String),
    /// The disk failed.
    #[error("{name}: {fault}")]
    Io {
        /// The file or folder.
        name: String,
        /// What the system says.
        fault: io::Error,
    },
    /// The journal can't be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A snapshot can't be used.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The configuration does not go with what is there.
    #[error("{0}")]
    Config(String),
}

impl Store {
    /// Opens a data folder, or makes one. `told` hears how far it has come.
    ///
    /// # Errors
    /// [`OpenError`]; then nothing was changed.
    pub fn open(
        folder: &Path,
        settings: Settings,
        now: Timestamp,
        told: &mut dyn FnMut(Phase),
    ) -> Result<(Self, Opened), OpenError> {
        let name = || folder.display().to_string();
        let disk = Disk::lock(folder).map_err(|fault| match fault.kind() {
            io::ErrorKind::WouldBlock => OpenError::Locked(name()),
            _ => OpenError::Io { name: name(), fault },
        })?;
        Self::open_on(Arc::new(disk), settings, now, told)
    }

    /// The same on any storage.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(
        storage: Shared,
        settings: Settings,
        now: Timestamp,
        told: &mut dyn FnMut(Phase),
    ) -> Result<(Self, Opened), OpenError> {
        settings.engine.validate().map_err(|fault| OpenError::Config(fault.to_string()))?;
        for folder in [journal::FOLDER, snapshot::FOLDER] {
            let made = storage.create_folder(folder);
            made.map_err(|fault| OpenError::Io { name: storage.describe(folder), fault })?;
        }
        let mut opening = Opening::begin(storage, settings)?;
        opening.load(told)?;
        opening.replay(now, told)
    }
}

/// A data folder being opened.
struct Opening {
    storage: Shared,
    settings: Settings,
    identity: Identity,
    evidence: Evidence,
    replayer: Replayer,
    opened: Opened,
}

impl Opening {
    fn begin(storage: Shared, settings: Settings) -> Result<Self, OpenError> {
        let schema = settings.engine.labels.join("\n").into_bytes();
        let instance = match journal::identity(&storage)? {
            Some(found) => {
                check_schema(&found.schema, &schema)?;
                found.instance
            }
            None => new_instance()?,
        };
        let engine = Engine::new(settings.engine.clone()).map_err(|fault| OpenError::Config(fault.to_string()))?;
        let replayer = Replayer::new(engine, Hashers::new(instance), Dedupe::new(settings.id_horizon));
        let identity = Identity { instance, schema };
        Ok(Self { storage, settings, identity, evidence: Evidence::default(), replayer, opened: Opened::default() })
    }

    /// Loads the newest snapshot that is whole.
    fn load(&mut self, told: &mut dyn FnMut(Phase)) -> Result<(), OpenError> {
        for listed in snapshot::list(&*self.storage)? {
            if let Ok(head) = &listed.head {
                self.evidence.durable = self.evidence.durable.max(head.place.events);
                self.evidence.instance = Some(head.instance);
            }
            if self.opened.snapshot.is_some() {
                continue;
            }
            told(Phase::Snapshot { name: listed.name.clone(), bytes: listed.bytes });
            match self.load_one(&listed.name) {
                Ok(()) => self.opened.snapshot = Some(listed.name),
                Err(fault @ SnapshotError::Damaged { .. }) => self.opened.passed_over.push(fault.to_string()),
                Err(fault) => return Err(fault.into()),
            }
        }
        Ok(())
    }

    fn load_one(&mut self, name: &str) -> Result<(), SnapshotError> {
        let thawed = image::Thawed::open(&*self.storage, name)?;
        let engine = thawed.restore(self.settings.engine.clone())?;
        let mut dedupe = Dedupe::new(self.settings.id_horizon);
        for id in thawed.ids() {
            let (id, payload) = id?;
            dedupe.remember(IdHash(id), payload);
        }
        self.evidence.from = thawed.head().place;
        self.replayer = Replayer::new(engine, self.replayer.hashers.clone(), dedupe);
        (self.replayer.rejected, self.replayer.duplicates) = (thawed.facts().rejected, thawed.facts().duplicates);
        Ok(())
    }

    /// Counts what the journal has after the snapshot.
    fn replay(mut self, now: Timestamp, told: &mut dyn FnMut(Phase)) -> Result<(Store, Opened), OpenError> {
        let mut frames = 0;
        let replayer = &mut self.replayer;
        let mut visit = |frame: Frame| {
            failpoint::hit("store.replay.frame");
            let position = frame.before.events;
            replayer.count(&frame).map_err(|detail| JournalError::Damaged {
                name: journal::FOLDER.to_owned(),
                offset: 0,
                position,
                detail,
            })?;
            frames += 1;
            if frames % TOLD_EVERY == 0 {
                told(Phase::Journal { position, frames });
            }
            Ok(())
        };
        let settings = self.settings.journal.clone();
        let (journal, recovered) =
            Journal::open(self.storage.clone(), settings, self.identity.clone(), &self.evidence, &mut visit)?;
        self.opened.position = recovered.end.events;
        self.opened.replayed = recovered.end.events - self.evidence.from.events;
        self.opened.torn_bytes = recovered.torn_bytes;
        self.opened.torn_file = recovered.torn_file;
        failpoint::hit("store.replayed");
        self.replayer.engine.advance(now);
        let Self { storage, settings, identity, replayer, opened, .. } = self;
        let noted = (replayer.rejected, replayer.duplicates);
        let durable = Durable::new(storage, settings, identity.instance, journal, noted, now)?;
        let store = Store::of(replayer.engine, replayer.hashers, replayer.dedupe, opened.position, Some(durable));
        Ok((store, opened))
    }
}

/// Labels can be added at the end only: a record tells values by their place.
fn check_schema(found: &[u8], configured: &[u8]) -> Result<(), OpenError> {
    let text = |schema: &[u8]| String::from_utf8_lossy(schema).replace('\n', ", ");
    let longer =
        configured.get(found.len()..).is_some_and(|rest| rest.is_empty() || found.is_empty() || rest[0] == b'\n');
    if configured.starts_with(found) && longer {
        return Ok(());
    }
    Err(OpenError::Config(format!(
        "the journal counts by the labels [{}], the configuration by [{}]; labels can only be added, at the end",
        text(found),
        text(configured)
    )))
}

fn new_instance() -> Result<[u8; 16], OpenError> {
    let mut instance = [0; 16];
    let filled = getrandom::fill(&mut instance);
    filled.map_err(|fault| OpenError::Io { name: "the system's random numbers".to_owned(), fault: fault.into() })?;
    Ok(instance)
}
