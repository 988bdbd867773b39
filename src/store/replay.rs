//! Counting what a journal tells, as it was counted when it came.

use super::intake::decided;
use super::intake::recall;
use super::record::Record;
use crate::dedupe::Dedupe;
use crate::dedupe::Hashers;
use crate::engine::Engine;
use crate::engine::time::Timestamp;
use crate::journal::Frame;
use crate::journal::Kind;

/// An engine that frames are counted into, and the ids they make known.
pub(crate) struct Replayer {
    pub(crate) engine: Engine,
    pub(crate) dedupe: Dedupe,
    pub(crate) hashers: Hashers,
    /// Faults and duplicates that frames told of, in the order of `Reason::ALL`.
    pub(crate) rejected: [u64; 4],
    pub(crate) duplicates: u64,
}

impl Replayer {
    pub(crate) fn new(engine: Engine, hashers: Hashers, dedupe: Dedupe) -> Self {
        Self { engine, dedupe, hashers, rejected: [0; 4], duplicates: 0 }
    }

    /// Counts a frame.
    ///
    /// # Errors
    /// What is wrong with its payload.
    pub(crate) fn count(&mut self, frame: &Frame) -> Result<(), String> {
        if frame.kind != Kind::Events {
            return Ok(());
        }
        let record = Record::decode(&frame.payload).map_err(|fault| fault.to_string())?;
        let width = self.engine.config().dimensions().count();
        if record.columns.width() > width || record.columns.len() != frame.events as usize {
            return Err("a record does not fit its frame".to_owned());
        }
        let now = Timestamp::from_micros(frame.arrived).map_err(|fault| fault.to_string())?;
        self.note(&record);
        let resolved = recall(&self.engine, &record.columns, now);
        let rows = record.columns.rows().map(|row| decided(&row, &resolved));
        self.engine.count_decided(rows, frame.before.events, now);
        self.remember(&record);
        Ok(())
    }

    /// Counts wrap rather than fail: a forged one must not stop an audit.
    fn note(&mut self, record: &Record) {
        for (sum, more) in self.rejected.iter_mut().zip(record.rejected) {
            *sum = sum.wrapping_add(more);
        }
        self.duplicates = self.duplicates.wrapping_add(record.duplicates);
        self.engine.note_counts(record.rejected, record.duplicates);
    }

    fn remember(&mut self, record: &Record) {
        for row in record.columns.rows().filter(|row| !row.id.is_empty()) {
            self.dedupe.remember(self.hashers.id(&record.writer, row.id), row.payload);
        }
        if let Some((key, body)) = &record.key {
            self.dedupe.remember(self.hashers.key(&record.writer, key), *body);
        }
    }
}
