//! Other people's JSON, one file per sender's format.
//!
//! ```text
//! body ─ framing ─ text of one event ─ fields ─ raw values ─ scalar ─ Draft ─ Event
//!        one object,      serde_json     &str per   by type     native.rs or
//!        array, NDJSON                   field      of field    dify.rs
//! ```
//!
//! Nothing is copied in the common case: a draft borrows from the body. The raw API key is turned
//! into its public name on the way, so that no draft ever holds one.

pub mod compact;
mod dify;
mod fields;
pub mod framing;
mod native;
mod scalar;
mod scan;
mod swar;
#[cfg(test)]
mod tests;
mod unknown;

use crate::engine::event::Dimensions;
use crate::engine::event::Event;
use crate::engine::event::MAX_DIMENSIONS;
use crate::engine::event::MAX_VALUE_BYTES;
use crate::engine::event::Measures;
use crate::engine::event::Reason;
use crate::engine::time::Timestamp;
use crate::privacy::Keyring;
use crate::store::EventError;
use std::borrow::Cow;
use std::sync::Arc;
use unknown::UnknownNames;

/// Whose JSON it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Our own: `POST /v1/events`.
    Native,
    /// Calls as a Dify client records them: `POST /v1/ingest/dify`.
    Dify,
}

impl Format {
    /// Where a field at fault lies in this format, by the engine's JSON pointer.
    #[must_use]
    pub fn pointers(self) -> fn(&'static str) -> &'static str {
        match self {
            Self::Native => |pointer| pointer,
            Self::Dify => dify::pointer,
        }
    }
}

/// Reads events of every format.
pub struct Reader {
    keyring: Arc<Keyring>,
    labels: Vec<(String, Cow<'static, str>)>,
    max_event_bytes: usize,
    unknown: UnknownNames,
}

/// One event as its sender told it; strings borrow from the body wherever they can.
#[derive(Default)]
pub struct Draft<'a> {
    timestamp: Option<Timestamp>,
    key: Option<Arc<str>>,
    /// By dimension; the key's place stays empty.
    values: [Cow<'a, str>; MAX_DIMENSIONS],
    measures: Measures,
    id: Cow<'a, str>,
    job_id: Cow<'a, str>,
    error: Cow<'a, str>,
}

/// How a sender writes events: what to expect of the next one. It makes reading quicker, and changes
/// nothing that is read.
#[derive(Clone, Default)]
pub struct Habits(native::Shape);

/// What makes one event unreadable, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pointer: Cow<'static, str>,
    detail: Detail,
}

/// What is wrong, as a sentence's end; never quotes a value.
pub type Detail = Cow<'static, str>;

impl Reader {
    /// A reader that counts these labels, and refuses events longer than `max_event_bytes`.
    #[must_use]
    pub fn new(keyring: Arc<Keyring>, labels: &[String], max_event_bytes: usize) -> Self {
        let pointer = |label: &String| Cow::Owned(format!("/labels/{label}"));
        let labels = labels.iter().map(|label| (label.clone(), pointer(label))).collect();
        Self { keyring, labels, max_event_bytes, unknown: UnknownNames::default() }
    }

    /// Reads the text of one event.
    ///
    /// # Errors
    /// [`Fault`] names the first field at fault.
    pub fn read<'a>(&self, format: Format, text: &'a str) -> Result<Draft<'a>, Fault> {
        let mut draft = Draft::default();
        self.read_into(format, &mut Habits::default(), text, &mut draft).map(|()| draft)
    }

    /// The same into an empty draft that lies where it will stay: to move it costs as much as to
    /// read some fields of it. After a fault it holds anything. `habits` are those of the events
    /// that the same sender wrote before.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_into<'a>(
        &self,
        format: Format,
        habits: &mut Habits,
        text: &'a str,
        draft: &mut Draft<'a>,
    ) -> Result<(), Fault> {
        if text.len() > self.max_event_bytes {
            return Err(Fault::whole(format!("longer than {} bytes", self.max_event_bytes)));
        }
        match format {
            Format::Native => native::read(self, &mut habits.0, text, draft),
            Format::Dify => dify::read(self, text).map(|read| *draft = read),
        }
    }

    /// Reads a body that is one ordinary event. `None` says nothing about it: it is to be read like any other.
    #[must_use]
    pub fn read_ordinary<'a>(&self, format: Format, body: &'a [u8]) -> Option<Draft<'a>> {
        let text = str::from_utf8(body).ok().filter(|text| text.len() <= self.max_event_bytes)?;
        let mut draft = Draft::default();
        match format {
            Format::Native => native::read_ordinary(self, text, &mut draft).map(|()| draft),
            Format::Dify => None,
        }
    }

    /// The public name of a key that came in a field; it is judged by its own length, since its
    /// name is always short.
    fn name_key(&self, key: &str) -> Result<Option<Arc<str>>, Detail> {
        if key.len() > MAX_VALUE_BYTES {
            return Err("longer than 256 bytes".into());
        }
        Ok((!key.is_empty()).then(|| self.keyring.shared_name(key)))
    }

    /// An error text without keys in it.
    fn scrub<'a>(&self, text: Cow<'a, str>, key: &str) -> Cow<'a, str> {
        match self.keyring.scrub(&text, key) {
            Cow::Owned(clean) => Cow::Owned(clean),
            Cow::Borrowed(_) => text,
        }
    }
}

impl Draft<'_> {
    /// The event; one whose time was not told gets `now`.
    #[must_use]
    pub fn event(&self, now: Timestamp) -> Event<'_> {
        let mut values = [""; MAX_DIMENSIONS];
        for (value, told) in values.iter_mut().zip(&self.values) {
            *value = told;
        }
        values[0] = self.key.as_deref().unwrap_or("");
        Event {
            timestamp: self.timestamp.unwrap_or(now),
            dimensions: Dimensions(values),
            measures: self.measures,
            id: &self.id,
            job_id: &self.job_id,
            error: &self.error,
        }
    }

    /// Whether the sender told the time.
    #[must_use]
    pub fn timed(&self) -> bool {
        self.timestamp.is_some()
    }
}

impl Fault {
    fn new(pointer: impl Into<Cow<'static, str>>, detail: impl Into<Detail>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }

    /// About the event as a whole.
    #[must_use]
    pub fn whole(detail: impl Into<Detail>) -> Self {
        Self::new("", detail)
    }

    /// The same for the sender, about the event at `index`.
    #[must_use]
    pub fn at(self, index: u64) -> EventError {
        EventError { index, pointer: self.pointer, reason: Reason::Invalid, detail: self.detail }
    }
}
