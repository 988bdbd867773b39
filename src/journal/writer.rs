//! The thread that writes: takes what waits, writes it at once, syncs it at once.

use super::Ack;
use super::JournalError;
use super::Place;
use super::Progress;
use super::Sequence;
use super::header::Ready;
use super::tip::Tip;
use crate::failpoint;
use crossbeam_channel::Receiver;
use crossbeam_channel::RecvTimeoutError;
use crossbeam_channel::Sender;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// Bytes of frames written at once, or one frame more.
const GROUP_BYTES: usize = 4 << 20;
/// How long nothing comes before the journal counts as idle.
const IDLE: Duration = Duration::from_millis(50);
/// How long frames are gathered where an acknowledgement promises nothing of the disk: to wake this
/// thread for each costs whoever sends it as much as to count it. A sync makes such a pause itself.
const GATHER: Duration = Duration::from_millis(1);
/// Looked at this often where nothing is due.
const FOREVER: Duration = Duration::from_secs(3_600);

/// What the thread is told.
pub(super) enum Command {
    /// Write a frame.
    Frame(Box<Ready>),
    /// Sync what came before and tell the place after it.
    Place(Sender<Place>),
    /// Sync what came before, prove it, tell the place, and stop.
    Close(Sender<Place>),
}

/// The thread's own.
pub(super) struct Writer {
    pub(super) tip: Tip,
    pub(super) progress: Progress,
    pub(super) commands: Receiver<Command>,
    pub(super) sequence: Arc<Mutex<Sequence>>,
    /// Set where the journal was dropped: nothing more is written.
    pub(super) stop: Arc<AtomicBool>,
    pub(super) ack: Ack,
    pub(super) flush: Duration,
    /// Since when something is written and not synced.
    pub(super) unsynced: Option<Instant>,
    /// Who is told a place once it is synced.
    pub(super) replies: Vec<(Place, Sender<Place>)>,
}

/// What to do next.
enum Due {
    Command(Command),
    Sync,
    Mark,
    Nothing,
    Stop,
}

impl Writer {
    /// Runs until the journal is closed or dropped, or something fails. A failed write or sync is
    /// never tried again: after it, nobody can say what is on the disk.
    pub(super) fn run(mut self) {
        if let Err(fault) = self.work() {
            self.progress.fail(fault.to_string());
        }
    }

    fn work(&mut self) -> Result<(), JournalError> {
        loop {
            match self.next() {
                Due::Command(command) => {
                    if self.group(command)? {
                        return Ok(());
                    }
                }
                Due::Sync => self.sync()?,
                Due::Mark => self.mark()?,
                Due::Nothing => {}
                Due::Stop => return Ok(()),
            }
        }
    }

    /// Waits for a command until something else is due.
    fn next(&self) -> Due {
        let (wait, due) = match self.unsynced {
            Some(since) => (self.flush.saturating_sub(since.elapsed()), Due::Sync),
            None if self.tip.wants_mark() => (IDLE, Due::Mark),
            None => (FOREVER, Due::Nothing),
        };
        let received = self.commands.recv_timeout(wait);
        if self.stop.load(Ordering::Acquire) {
            return Due::Stop;
        }
        match received {
            Ok(command) => Due::Command(command),
            Err(RecvTimeoutError::Timeout) => due,
            Err(RecvTimeoutError::Disconnected) => Due::Stop,
        }
    }

    /// Writes a group of frames and does what else was asked for; true where the journal closes.
    fn group(&mut self, first: Command) -> Result<bool, JournalError> {
        let (bytes, closing) = self.gather(first)?;
        self.tip.write()?;
        self.progress.release(bytes);
        self.progress.set_written(self.tip.place.frames);
        if !self.tip.is_synced() {
            self.unsynced.get_or_insert_with(Instant::now);
        }
        if let Some(reply) = closing {
            self.close(&reply)?;
            return Ok(true);
        }
        if self.ack == Ack::Fsync || !self.replies.is_empty() || self.is_flush_due() {
            self.sync()?;
        } else if self.ack == Ack::Memory && self.commands.is_empty() {
            // Nobody waits for what comes next.
            thread::sleep(GATHER.min(self.flush));
        }
        Ok(false)
    }

    /// Pushes what waits, up to the size of a group; answers its bytes and who closes.
    fn gather(&mut self, first: Command) -> Result<(usize, Option<Sender<Place>>), JournalError> {
        let (mut bytes, mut next) = (0, Some(first));
        while let Some(command) = next {
            match command {
                Command::Frame(frame) => {
                    bytes += frame.bytes();
                    self.tip.push(*frame)?;
                }
                Command::Place(reply) => self.replies.push((self.tip.place, reply)),
                Command::Close(reply) => return Ok((bytes, Some(reply))),
            }
            next = if bytes < GROUP_BYTES { self.commands.try_recv().ok() } else { None };
        }
        Ok((bytes, None))
    }

    fn is_flush_due(&self) -> bool {
        self.unsynced.is_some_and(|since| since.elapsed() >= self.flush)
    }

    /// Syncs what is written, and tells who waits.
    fn sync(&mut self) -> Result<(), JournalError> {
        if !self.tip.is_synced() {
            self.tip.sync()?;
        }
        self.unsynced = None;
        self.progress.set_durable(self.tip.synced.frames);
        failpoint::hit("journal.published");
        for (place, reply) in self.replies.drain(..) {
            // Who asked may have stopped waiting.
            let _ = reply.send(place);
        }
        Ok(())
    }

    /// Writes a mark, unless a frame comes first. It is not synced: it proves what is.
    fn mark(&mut self) -> Result<(), JournalError> {
        let sequence = Arc::clone(&self.sequence);
        // Who holds the lock appends, and waits for this thread if the channel is full.
        let Some(mut sequence) = sequence.try_lock() else { return Ok(()) };
        if !self.commands.is_empty() {
            return Ok(());
        }
        sequence.frames += 1;
        self.progress.set_appended(sequence.frames);
        drop(sequence);
        self.tip.mark()?;
        self.tip.write()?;
        failpoint::hit("journal.marked");
        self.progress.set_written(self.tip.place.frames);
        Ok(())
    }

    /// After this nothing is appended: who closes has the journal to itself.
    fn close(&mut self, reply: &Sender<Place>) -> Result<(), JournalError> {
        self.sync()?;
        if self.tip.wants_mark() {
            self.mark()?;
            self.sync()?;
        }
        let _ = reply.send(self.tip.place);
        Ok(())
    }
}

impl Drop for Writer {
    /// However the thread ends, nobody waits for it any longer. The failure is told before the
    /// senders of replies are dropped: who waits for one of them asks for the reason. The channel
    /// is emptied by hand, since it keeps its commands until the journal is dropped too.
    fn drop(&mut self) {
        self.progress.fail("it is closed".to_owned());
        while self.commands.try_recv().is_ok() {}
    }
}
