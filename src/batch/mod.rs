//! Calls as a compact batch: column by column, each text once. What `POST /v1/events` takes as
//! `application/vnd.tallyring.batch`; docs/BATCH.md describes every byte.
//!
//! A server reads it many times faster than JSON, because the names of a series (who called which
//! model, and how that ended) are looked up once for each series of a batch, however many calls it
//! has.
//!
//! ```
//! use tallyring::batch::Encoder;
//! use tallyring::engine::event::{Dimension, Dimensions, Event, Measures};
//!
//! let mut batch = Encoder::new(&["region"]);
//! let dimensions = Dimensions::default().with(Dimension::Key, "sk-…").with(Dimension::Model, "gpt-4o");
//! let measures = Measures { input_tokens: Some(812), output_tokens: Some(96), ..Measures::default() };
//! let timestamp = "2026-11-22T12:00:00Z".parse()?;
//! batch.push(&Event { timestamp, dimensions, measures, id: "call-1", ..Event::default() });
//! let body = batch.take(); // the body of a POST; the encoder is empty again
//! assert!(body.starts_with(b"tlyB\x01"));
//! # Ok::<(), tallyring::engine::time::TimeError>(())
//! ```

mod bytes;
mod decode;
mod encode;
#[cfg(test)]
mod tests;

pub use bytes::Malformed;
pub use decode::Decoded;
pub use decode::Named;
pub use decode::Strings;
pub use encode::Encoder;

/// The content type of a batch.
pub const MEDIA_TYPE: &str = "application/vnd.tallyring.batch";

/// What a batch begins with.
const MAGIC: [u8; 4] = *b"tlyB";
/// Raised when the bytes change their meaning.
const VERSION: u8 = 1;
/// The most calls of a batch, whatever the receiver allows.
const MAX_ROWS: usize = 1 << 24;

/// The kind of a dimension that is a label; kinds below are those of
/// [`Dimension::FIXED`](crate::engine::event::Dimension::FIXED), by place.
const LABEL: u8 = 6;

/// What a column is of. A bit in the shape of a call tells whether it has one.
pub(crate) mod column {
    /// Figures have the tags up to here: latency, time to the first token, tokens.
    pub(crate) const FIGURES: usize = 8;
    pub(crate) const COST: u8 = 8;
    pub(crate) const ID: u8 = 9;
    pub(crate) const JOB_ID: u8 = 10;
    pub(crate) const ERROR: u8 = 11;
    pub(crate) const TIMESTAMP: u8 = 12;
    /// No column: nothing follows.
    pub(crate) const END: u8 = 255;
}

/// Which calls have a value in a column.
const ALL: u8 = 1;
const SOME: u8 = 2;
