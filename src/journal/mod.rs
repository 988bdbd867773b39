//! The journal: what was acknowledged, in order, as bytes. It knows frames, not events.
//!
//! ```text
//! append ─▶ sequencer (number, position) ─▶ channel ─▶ writer thread ─ write ─ sync ─▶ progress
//! ```
//!
//! | file | what is in it |
//! |---|---|
//! | `frame` `error` `settings` | the words |
//! | `fields` `header` `pack` `segment` | bytes: docs/FORMAT.md |
//! | `cursor` `tail` `recovery` `reader` | reading, and the table of what is done where frames end |
//! | `mend` `opening` | what recovery changes; opening to write |
//! | `tip` `writer` `progress` `prune` | writing |
//! | `survey` | for audits: segments one by one, and whole frames wherever they lie |
//!
//! Any error of a write or sync stops it for good: nothing is acknowledged until a restart has
//! read from the disk what is there.

mod cursor;
mod error;
mod fields;
mod frame;
mod header;
mod mend;
mod opening;
mod pack;
pub mod progress;
mod prune;
mod reader;
mod recovery;
mod segment;
mod settings;
mod survey;
mod tail;
#[cfg(test)]
mod tests;
mod tip;
mod writer;

pub use error::JournalError;
pub use error::Unavailable;
pub use frame::Draft;
pub use frame::Frame;
pub use frame::Kind;
pub use frame::Outline;
pub use frame::Place;
pub use progress::Progress;
pub use progress::Ticket;
pub use reader::Reader;
pub use segment::FOLDER;
pub use segment::SegmentInfo;
pub use segment::identity;
pub use segment::segments;
pub use settings::Ack;
pub use settings::Evidence;
pub use settings::Extent;
pub use settings::Identity;
pub use settings::Recovered;
pub use settings::Settings;
pub use survey::Found;
pub use survey::Graft;
pub use survey::Next;
pub use survey::Rubble;
pub use survey::Stand;
pub use survey::Surveyed;
pub use survey::graft;
pub use survey::segment_after;

use crate::storage::Shared;
use crossbeam_channel::Receiver;
use crossbeam_channel::Sender;
use crossbeam_channel::TrySendError;
use header::Ready;
use parking_lot::Mutex;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use tip::Segments;
use tip::Tip;
use writer::Command;
use writer::Writer;

/// Frames that may wait, however short.
const QUEUE_FRAMES: usize = 16_384;

/// An open journal. Dropping it stops its thread without syncing, as a crash would.
pub struct Journal {
    storage: Shared,
    progress: Progress,
    queue_bytes: usize,
    sequence: Arc<Mutex<Sequence>>,
    segments: Segments,
    pruning: Mutex<()>, // one at a time
    stop: Arc<AtomicBool>,
    commands: Option<Sender<Command>>, // none once it is dropped
    thread: Option<JoinHandle<()>>,
}

/// What the next frame is given. Held while a frame is sent, so that frames are written in the
/// order of their numbers.
#[derive(Debug)]
struct Sequence {
    frames: u64,
    events: u64,
}

/// What [`Journal::append`] gave a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Events before the frame's first.
    pub base: u64,
    /// Its number among all frames.
    pub frame: u64,
}

impl Journal {
    /// Opens the journal of a data folder, or begins one. Calls `visit` for each whole frame after
    /// `evidence.from`, in order. Everything recovery does is in the table of `recovery.rs`.
    ///
    /// Where it opens, all that was visited is synced.
    ///
    /// # Errors
    /// [`JournalError`]; then nothing was changed on the disk, unless that is what failed.
    #[expect(clippy::needless_pass_by_value, reason = "the identity is the journal's from here on")]
    pub fn open(
        storage: Shared,
        settings: Settings,
        identity: Identity,
        evidence: &Evidence,
        visit: &mut dyn FnMut(Frame) -> Result<(), JournalError>,
    ) -> Result<(Self, Recovered), JournalError> {
        let (tip, recovered) = opening::open(Arc::clone(&storage), &settings, &identity, evidence, visit)?;
        let journal = Self::start(storage, &settings, tip)
            .map_err(|fault| JournalError::Io { name: "the journal's thread".to_owned(), fault })?;
        Ok((journal, recovered))
    }

    fn start(storage: Shared, settings: &Settings, tip: Tip) -> io::Result<Self> {
        let (sender, commands) = crossbeam_channel::bounded(QUEUE_FRAMES);
        let progress = Progress::new(settings.ack, tip.place.frames);
        let sequence = Sequence { frames: tip.place.frames, events: tip.place.events };
        let (sequence, stop) = (Arc::new(Mutex::new(sequence)), Arc::new(AtomicBool::new(false)));
        let segments = Arc::clone(&tip.segments);
        let writer = Writer {
            tip,
            progress: progress.clone(),
            commands,
            sequence: Arc::clone(&sequence),
            stop: Arc::clone(&stop),
            ack: settings.ack,
            flush: Duration::from_millis(settings.flush_ms),
            unsynced: None,
            replies: Vec::new(),
        };
        let thread = thread::Builder::new().name("journal".to_owned()).spawn(|| writer.run())?;
        let (commands, thread, queue_bytes) = (Some(sender), Some(thread), settings.queue_bytes);
        Ok(Self {
            storage,
            progress,
            queue_bytes,
            sequence,
            segments,
            pruning: Mutex::default(),
            stop,
            commands,
            thread,
        })
    }

    /// Gives a frame its place and hands it to the writer. Frames are written in the order of
    /// these calls.
    ///
    /// # Errors
    /// [`Unavailable::Busy`] where [`Settings::queue_bytes`] are waiting already, and
    /// [`Unavailable::Failed`], also for a payload over 64 MiB; then the frame has no place.
    pub fn append(&self, draft: Draft) -> Result<Appended, Unavailable> {
        self.progress.check()?;
        let events = u64::from(draft.events);
        let frame = Ready::new(draft).ok_or_else(|| Unavailable::Failed("a frame is too long".to_owned()))?;
        let bytes = frame.bytes();
        self.progress.admit(bytes, self.queue_bytes)?;
        let mut sequence = self.sequence.lock();
        self.send(Command::Frame(Box::new(frame))).inspect_err(|_| self.progress.release(bytes))?;
        let appended = Appended { base: sequence.events, frame: sequence.frames };
        *sequence = Sequence { frames: sequence.frames + 1, events: sequence.events + events };
        self.progress.set_appended(sequence.frames);
        Ok(appended)
    }

    fn send(&self, command: Command) -> Result<(), Unavailable> {
        let Some(commands) = &self.commands else { return Err(self.failed()) };
        commands.try_send(command).map_err(|fault| match fault {
            TrySendError::Full(_) => Unavailable::Busy,
            TrySendError::Disconnected(_) => self.failed(),
        })
    }

    fn failed(&self) -> Unavailable {
        Unavailable::Failed(self.progress.failure().unwrap_or_else(|| "its thread ended".to_owned()))
    }

    /// Waits, by the configured [`Ack`], for the first `frames` frames.
    pub fn ticket(&self, frames: u64) -> Ticket {
        self.progress.ticket(frames)
    }

    /// Writes and syncs everything appended so far and tells the place after it. Blocks.
    ///
    /// # Errors
    /// [`Unavailable::Failed`].
    pub fn sync(&self) -> Result<Place, Unavailable> {
        self.ask(Command::Place)?.recv().map_err(|_| self.failed())
    }

    /// The place after all frames appended so far, once these are synced, without waiting for
    /// others: what a snapshot covers. To be asked while nothing else is appended. The answer comes
    /// later, through the channel; none comes where the journal fails.
    ///
    /// # Errors
    /// [`Unavailable::Failed`].
    pub fn place_here(&self) -> Result<Receiver<Place>, Unavailable> {
        self.ask(Command::Place)
    }

    /// Tells the thread something it answers with a place. Waits for room in the channel.
    fn ask(&self, command: fn(Sender<Place>) -> Command) -> Result<Receiver<Place>, Unavailable> {
        self.progress.check()?;
        let (reply, place) = crossbeam_channel::bounded(1);
        let sent = self.commands.as_ref().map(|commands| commands.send(command(reply)));
        // Asked again: what the thread finds in the channel when it ends it drops, and later commands stay there
        // unanswered.
        let ended = self.progress.failure().is_some() && place.is_empty();
        if matches!(sent, Some(Ok(()))) && !ended { Ok(place) } else { Err(self.failed()) }
    }

    /// How far it has come.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Segments and their bytes.
    #[must_use]
    pub fn extent(&self) -> Extent {
        let segments = self.segments.lock();
        let first = segments.first().map_or_else(Place::default, |segment| segment.first);
        Extent { segments: segments.len(), bytes: segments.iter().map(|segment| segment.bytes).sum(), first }
    }

    /// Removes the oldest segments while there are more than `max_bytes`, or while the oldest has
    /// only requests that came before `oldest_us`; never one with frames at or after `keep`, nor
    /// the one that is being written. Answers how many.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn prune(&self, keep: Place, max_bytes: u64, oldest_us: i64) -> Result<usize, JournalError> {
        let _one = self.pruning.lock();
        prune::prune(&*self.storage, &self.segments, prune::Limits { keep: keep.frames, max_bytes, oldest_us })
    }

    /// Syncs and stops the thread.
    ///
    /// # Errors
    /// [`Unavailable::Failed`].
    pub fn close(self) -> Result<Place, Unavailable> {
        self.ask(Command::Close)?.recv().map_err(|_| self.failed())
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            // Should it have panicked, that was said where it happened.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("progress", &self.progress).finish_non_exhaustive()
    }
}
