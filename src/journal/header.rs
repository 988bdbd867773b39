//! The header of a frame as bytes.
//!
//! ```text
//! 0   magic u32           16  events u32          48  span min i64, max i64
//! 4   kind u8             20  payload CRC32C u32  64  durable frames u64, events u64
//! 5   compression u8      24  frame number u64    80  chain [32]
//! 6   zero u16            32  position u64        112 header CRC32C u32
//! 8   stored len u32      40  arrived i64         116 stored payload
//! 12  raw len u32
//! ```
//!
//! The chain is BLAKE3 over the chain before, the header up to here and the stored payload. The
//! header's CRC begins with the instance: bytes that a client sent, or that another installation
//! left on the disk, do not pass for a frame of this journal.

use super::Draft;
use super::Kind;
use super::Place;
use super::fields::Fields;
use super::pack;
use super::pack::Packed;

/// Bytes of a header.
pub(super) const LEN: usize = 116;
pub(super) const MAGIC: [u8; 4] = *b"tlyF";
/// The longest payload, decompressed.
pub(super) const RAW_MAX: u32 = 64 << 20;
/// What the chain is computed over.
const CHAINED: usize = 80;

/// Frames, and events in them, that were known synced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Watermark {
    pub(super) frames: u64,
    pub(super) events: u64,
}

/// A header; `chain` is the one after the frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: u8,
    pub(super) compression: u8,
    pub(super) stored: u32,
    pub(super) raw: u32,
    pub(super) events: u32,
    pub(super) payload_crc: u32,
    pub(super) number: u64,
    pub(super) position: u64,
    pub(super) arrived: i64,
    pub(super) span: (i64, i64),
    pub(super) durable: Watermark,
    pub(super) chain: [u8; 32],
}

/// What the CRCs of headers begin with.
pub(super) fn seed(instance: &[u8; 16]) -> u32 {
    crc32c::crc32c(instance)
}

/// A frame with its payload packed, before it has a place.
pub(super) struct Ready {
    header: Header,
    payload: Packed,
}

impl Ready {
    /// Packs a payload: the costly part, done by who appends. `None` where it is too long.
    pub(super) fn new(draft: Draft) -> Option<Self> {
        let payload = pack::pack(draft.payload);
        let raw = u32::try_from(payload.raw).ok().filter(|raw| *raw <= RAW_MAX)?;
        let header = Header {
            kind: draft.kind as u8,
            compression: payload.compression,
            stored: u32::try_from(payload.stored.len()).ok()?,
            raw,
            events: draft.events,
            payload_crc: crc32c::crc32c(&payload.stored),
            number: 0,
            position: 0,
            arrived: draft.arrived,
            span: draft.span,
            durable: Watermark::default(),
            chain: [0; 32],
        };
        Some(Self { header, payload })
    }

    /// Bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        LEN + self.payload.stored.len()
    }

    pub(super) fn kind(&self) -> u8 {
        self.header.kind
    }

    pub(super) fn arrived(&self) -> i64 {
        self.header.arrived
    }

    /// Writes it to the end of a buffer, as the frame after a place; tells the place after it.
    pub(super) fn write(mut self, before: Place, durable: Watermark, seed: u32, buffer: &mut Vec<u8>) -> Place {
        (self.header.number, self.header.position, self.header.durable) = (before.frames, before.events, durable);
        self.header.chain = self.header.link(&before.chain, &self.payload.stored);
        buffer.extend_from_slice(&self.header.encode(seed));
        buffer.extend_from_slice(&self.payload.stored);
        self.header.after()
    }
}

impl Header {
    /// Bytes of the whole frame.
    pub(super) fn frame_bytes(&self) -> usize {
        LEN + self.stored as usize
    }

    /// The place after the frame.
    pub(super) fn after(&self) -> Place {
        let events = self.position.saturating_add(u64::from(self.events));
        Place { frames: self.number.saturating_add(1), events, chain: self.chain }
    }

    /// Whether it is written for nothing but its watermark.
    pub(super) fn is_mark(&self) -> bool {
        self.kind == Kind::Mark as u8
    }

    /// The chain after the frame.
    pub(super) fn link(&self, before: &[u8; 32], stored: &[u8]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(before).update(&self.encode(0)[..CHAINED]).update(stored);
        *hasher.finalize().as_bytes()
    }

    pub(super) fn encode(&self, seed: u32) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        let mut rest = &mut bytes[..];
        let mut put = |field: &[u8]| {
            let (place, left) = std::mem::take(&mut rest).split_at_mut(field.len());
            place.copy_from_slice(field);
            rest = left;
        };
        put(&MAGIC);
        put(&[self.kind, self.compression, 0, 0]);
        [self.stored, self.raw, self.events, self.payload_crc].iter().for_each(|field| put(&field.to_le_bytes()));
        [self.number, self.position].iter().for_each(|field| put(&field.to_le_bytes()));
        [self.arrived, self.span.0, self.span.1].iter().for_each(|field| put(&field.to_le_bytes()));
        [self.durable.frames, self.durable.events].iter().for_each(|field| put(&field.to_le_bytes()));
        put(&self.chain);
        let crc = crc32c::crc32c_append(seed, &bytes[..LEN - 4]);
        bytes[LEN - 4..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// A whole header within the limits; `None` where the bytes are none.
    pub(super) fn decode(bytes: &[u8], seed: u32) -> Option<Self> {
        let bytes: &[u8; LEN] = bytes.first_chunk()?;
        let (told, crc) = bytes.split_at(LEN - 4);
        if !told.starts_with(&MAGIC) || crc != crc32c::crc32c_append(seed, told).to_le_bytes() {
            return None;
        }
        Self::fields(Fields(&told[MAGIC.len()..])).filter(Self::is_sound)
    }

    fn fields(mut from: Fields<'_>) -> Option<Self> {
        let (kind, compression) = (from.u8()?, from.u8()?);
        from.u16().filter(|zero| *zero == 0)?;
        Some(Self {
            kind,
            compression,
            stored: from.u32()?,
            raw: from.u32()?,
            events: from.u32()?,
            payload_crc: from.u32()?,
            number: from.u64()?,
            position: from.u64()?,
            arrived: from.i64()?,
            span: (from.i64()?, from.i64()?),
            durable: Watermark { frames: from.u64()?, events: from.u64()? },
            chain: from.bytes()?,
        })
    }

    /// Nothing is allocated for a payload before this was asked.
    fn is_sound(&self) -> bool {
        self.raw <= RAW_MAX && self.stored <= self.raw && self.durable.frames <= self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        let durable = Watermark { frames: 3, events: 2 };
        Header {
            kind: 1,
            compression: 1,
            stored: 10,
            raw: 20,
            events: 30,
            payload_crc: 40,
            number: 50,
            position: 60,
            arrived: -70,
            span: (-80, 90),
            durable,
            chain: [7; 32],
        }
    }

    #[test]
    fn a_header_is_read_as_written() {
        let bytes = header().encode(5);
        assert_eq!(Header::decode(&bytes, 5), Some(header()));
        assert_eq!(Header::decode(&bytes, 6), None, "of another installation");
        assert_eq!(Header::decode(&bytes[..LEN - 1], 5), None);
    }

    #[test]
    fn no_bit_can_be_flipped() {
        let bytes = header().encode(5);
        for bit in 0..LEN * 8 {
            let mut bytes = bytes;
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&bytes, 5), None, "bit {bit}");
        }
    }

    #[test]
    fn a_header_beyond_the_limits_is_none() {
        for broken in [
            Header { raw: RAW_MAX + 1, ..header() },
            Header { stored: 21, ..header() },
            Header { durable: Watermark { frames: 51, events: 0 }, ..header() },
        ] {
            assert_eq!(Header::decode(&broken.encode(5), 5), None);
        }
    }
}
