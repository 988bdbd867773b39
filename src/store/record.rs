//! The payload of a journal frame: the accepted events of one request, and whose they are.
//!
//! ```text
//! version │ writer │ key? │ rejected × 4 │ duplicates │ columns
//! ```
//!
//! The bytes are described in docs/FORMAT.md. What is counted is read from a record, live as in
//! replay, so that both count the same. There is one encoding of each record: what decodes is
//! encoded to the same bytes again.

use super::columns::Columns;
use super::varint::Malformed;
use super::varint::Reader;
use super::varint::put;
use super::varint::put_text;

/// Raised when the bytes change their meaning.
const VERSION: u8 = 1;

/// One request, as it is journalled.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    /// Whose ids these are.
    pub(crate) writer: String,
    /// The request's `Idempotency-Key` and the hash of its body.
    pub(crate) key: Option<(String, u64)>,
    /// Faults since the last record, in the order of [`Reason::ALL`](crate::engine::event::Reason::ALL):
    /// they are told with every answer, after a restart too.
    pub(crate) rejected: [u64; 4],
    /// Duplicates since the last record.
    pub(crate) duplicates: u64,
    /// The events.
    pub(crate) columns: Columns,
}

impl Record {
    /// A record of a request that has no key.
    pub(crate) fn of(writer: &str, columns: Columns) -> Self {
        Self { writer: writer.to_owned(), key: None, rejected: [0; 4], duplicates: 0, columns }
    }

    /// As bytes, not compressed.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + self.columns.bytes() / 2);
        out.push(VERSION);
        put_text(&mut out, &self.writer);
        out.push(u8::from(self.key.is_some()));
        if let Some((key, body)) = &self.key {
            put_text(&mut out, key);
            out.extend_from_slice(&body.to_le_bytes());
        }
        self.rejected.iter().chain([&self.duplicates]).for_each(|count| put(&mut out, *count));
        self.columns.encode(&mut out);
        out
    }

    /// Reads any bytes; never panics, and reserves at most a small multiple of their length.
    ///
    /// # Errors
    /// [`Malformed`] where they are not what [`encode`](Self::encode) writes.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes)?;
        if reader.byte()? != VERSION {
            return Err(reader.fail("a version that this release does not know"));
        }
        let writer = reader.text()?.to_owned();
        let key = match reader.byte()? {
            0 => None,
            1 => Some((reader.text()?.to_owned(), reader.fixed()?)),
            _ => return Err(reader.fail("neither with a key nor without")),
        };
        let mut rejected = [0; 4];
        for count in &mut rejected {
            *count = reader.integer()?;
        }
        let duplicates = reader.integer()?;
        let columns = Columns::decode(&mut reader)?;
        reader.finish()?;
        Ok(Self { writer, key, rejected, duplicates, columns })
    }
}

#[cfg(test)]
mod tests;
