//! Older call details, read back from the journal.
//!
//! Segments are read newest first. What was counted while a segment was written may be older than
//! it, but newer by no more than a clock may be ahead; so reading stops where everything asked for
//! must lie in newer segments.

use super::Inner;
use super::Store;
use super::columns::Columns;
use super::columns::Row;
use super::durable::Durable;
use super::record::Record;
use crate::engine::event::Dimension;
use crate::engine::event::Dimensions;
use crate::engine::event::status;
use crate::engine::query::Filter;
use crate::engine::recent::Call;
use crate::engine::recent::CallPage;
use crate::engine::recent::CallQuery;
use crate::engine::time::Timestamp;
use crate::journal;
use crate::journal::JournalError;
use crate::journal::Kind;
use crate::journal::Outline;
use crate::journal::Reader;
use crate::journal::SegmentInfo;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Store {
    /// Tells calls, newest first: recent ones from memory, older ones from the journal. Blocks
    /// while it reads the disk.
    ///
    /// # Errors
    /// [`JournalError`] where the journal can't be read.
    pub fn calls(&self, query: &CallQuery) -> Result<CallPage, JournalError> {
        let page = self.engine().calls(query);
        match &self.inner.durable {
            Some(durable) if !page.complete => self.inner.older_calls(durable, query, page),
            _ => Ok(page),
        }
    }
}

/// The newest calls found so far, no more than asked for.
struct Found<'q> {
    query: &'q CallQuery,
    calls: BTreeMap<Reverse<(Timestamp, u64)>, Call>,
    more: bool,
}

impl Inner {
    fn older_calls(&self, durable: &Durable, query: &CallQuery, page: CallPage) -> Result<CallPage, JournalError> {
        let key = |call: Call| (Reverse((call.timestamp, call.sequence)), call);
        let mut found = Found { query, calls: page.calls.into_iter().map(key).collect(), more: page.next.is_some() };
        let ahead = i64::from(self.engine.config().ahead_secs) * 1_000_000;
        let segments = journal::segments(&durable.storage)?;
        let mut latest = i64::MAX; // no call of the segment ended later
        for segment in segments.iter().rev() {
            if !found.can_hold(latest) {
                break;
            }
            found.read(durable, segment)?;
            latest = segment.arrived.saturating_add(ahead);
        }
        let complete = latest < query.from.micros() || segments.first().is_none_or(|first| first.first.frames == 0);
        Ok(found.into_page(complete))
    }
}

impl Found<'_> {
    /// Whether calls that ended at `latest` or before can be among those told.
    fn can_hold(&self, latest: i64) -> bool {
        let oldest = self.calls.last_key_value().map(|(Reverse((timestamp, _)), _)| timestamp.micros());
        let full = self.calls.len() >= self.query.limit && oldest.is_some_and(|oldest| latest < oldest);
        latest >= self.query.from.micros() && !full
    }

    fn read(&mut self, durable: &Durable, segment: &SegmentInfo) -> Result<(), JournalError> {
        let mut reader = match Reader::of_segment(durable.storage.clone(), segment) {
            // Removed by then: it is past retention.
            Err(JournalError::Io { fault, .. }) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        while let Some(outline) = reader.next_outline()? {
            if self.wants(&outline)
                && let Some(payload) = reader.payload()?
                && let Ok(record) = Record::decode(&payload)
            {
                self.offer_all(&record.columns, outline.before.events);
            }
        }
        Ok(())
    }

    fn wants(&self, outline: &Outline) -> bool {
        let (earliest, latest) = outline.span;
        outline.kind == Kind::Events && outline.events > 0 && earliest < self.query.to.micros() && self.can_hold(latest)
    }

    fn offer_all(&mut self, columns: &Columns, base: u64) {
        let wanted: Vec<Option<Vec<Option<Arc<str>>>>> =
            columns.series().map(|names| self.dimensions(&names)).collect();
        for (sequence, row) in (base..).zip(columns.rows()) {
            let order = (row.timestamp, sequence);
            let within = self.query.from <= row.timestamp && row.timestamp < self.query.to;
            let after = self.query.after.is_none_or(|after| order < after);
            if let Some(dimensions) = wanted[row.series as usize].as_ref().filter(|_| within && after) {
                self.offer(order, || call(&row, sequence, dimensions.clone()));
            }
        }
    }

    /// The values of a series by dimension, if its calls are asked for.
    fn dimensions(&self, names: &Dimensions<'_>) -> Option<Vec<Option<Arc<str>>>> {
        let matches = |filter: &Filter| filter.values.iter().any(|value| value == names.get(filter.dimension));
        let failed = !status::is_success(names.get(Dimension::Status));
        if !self.query.filters.iter().all(matches) || (self.query.failures_only && !failed) {
            return None;
        }
        let value = |name: &&str| (!name.is_empty()).then(|| Arc::from(*name));
        Some(names.0.iter().map(value).collect())
    }

    fn offer(&mut self, order: (Timestamp, u64), make: impl FnOnce() -> Call) {
        let full = self.calls.len() >= self.query.limit;
        if full && self.calls.last_key_value().is_some_and(|(Reverse(oldest), _)| order < *oldest) {
            self.more = true;
            return;
        }
        if self.calls.insert(Reverse(order), make()).is_none() && full {
            self.calls.pop_last();
            self.more = true;
        }
    }

    fn into_page(self, complete: bool) -> CallPage {
        let next = self.calls.last_key_value().filter(|_| self.more).map(|(Reverse(order), _)| *order);
        CallPage { calls: self.calls.into_values().collect(), next, complete }
    }
}

fn call(row: &Row<'_>, sequence: u64, dimensions: Vec<Option<Arc<str>>>) -> Call {
    let some = |text: &str| (!text.is_empty()).then(|| Arc::from(text));
    Call {
        timestamp: row.timestamp,
        sequence,
        dimensions,
        measures: row.measures,
        id: some(row.id),
        job_id: some(row.job_id),
        error: some(row.error),
    }
}
