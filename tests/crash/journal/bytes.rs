//! The bytes of segments, read and forged by hand: a second opinion on the format.

use std::ops::Range;

/// Bytes of a frame before its payload.
pub(crate) const HEADER: usize = 116;
const MAGIC: &[u8] = b"tlyF";

/// A frame as its header tells.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) kind: u8,
    pub(crate) number: u64,
    pub(crate) position: u64,
    pub(crate) events: u64,
    /// Frames it says were synced.
    pub(crate) durable: u64,
    pub(crate) chain: [u8; 32],
}

/// Where frames begin.
pub(crate) fn begin(segment: &[u8]) -> usize {
    100 + usize::try_from(u32_at(segment, 12)).unwrap()
}

/// The frames of a segment that nobody damaged.
pub(crate) fn frames(segment: &[u8]) -> Vec<Frame> {
    let (mut frames, mut start) = (Vec::new(), begin(segment));
    while segment.get(start..).is_some_and(|rest| rest.starts_with(MAGIC)) {
        let end = start + HEADER + usize::try_from(u32_at(segment, start + 8)).unwrap();
        frames.push(Frame {
            start,
            end,
            kind: segment[start + 4],
            number: u64_at(segment, start + 24),
            position: u64_at(segment, start + 32),
            events: u64::from(u32_at(segment, start + 16)),
            durable: u64_at(segment, start + 64),
            chain: segment[start + 80..start + 112].try_into().unwrap(),
        });
        start = end;
    }
    frames
}

impl Frame {
    pub(crate) fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// A frame that nobody appended, with every checksum right.
pub(crate) struct Forged<'a> {
    pub(crate) kind: u8,
    pub(crate) compression: u8,
    pub(crate) raw: u32,
    pub(crate) number: u64,
    pub(crate) position: u64,
    pub(crate) durable: u64,
    /// The chain before it.
    pub(crate) before: [u8; 32],
    pub(crate) instance: [u8; 16],
    pub(crate) payload: &'a [u8],
}

impl<'a> Forged<'a> {
    /// The frame that could follow another.
    pub(crate) fn after(frame: &Frame, instance: [u8; 16], payload: &'a [u8]) -> Self {
        Self {
            kind: 1,
            compression: 0,
            raw: u32::try_from(payload.len()).unwrap(),
            number: frame.number + 1,
            position: frame.position + frame.events,
            durable: 0,
            before: frame.chain,
            instance,
            payload,
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([self.kind, self.compression, 0, 0]);
        bytes.extend(u32::try_from(self.payload.len()).unwrap().to_le_bytes());
        bytes.extend(self.raw.to_le_bytes());
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend(crc32c::crc32c(self.payload).to_le_bytes());
        for field in [self.number, self.position, 0, 0, 0, self.durable, self.durable] {
            bytes.extend(field.to_le_bytes());
        }
        let chain = blake3::hash(&[&self.before[..], &bytes, self.payload].concat());
        bytes.extend(chain.as_bytes());
        bytes.extend(crc32c::crc32c(&[&self.seed(), &bytes[..]].concat()).to_le_bytes());
        bytes.extend(self.payload);
        bytes
    }

    /// The CRC of a header begins with the instance.
    fn seed(&self) -> [u8; 16] {
        self.instance
    }
}

/// Makes the checksum of a changed head right.
pub(crate) fn mend_head(segment: &mut [u8]) {
    let end = begin(segment);
    let crc = crc32c::crc32c(&segment[..end - 4]);
    segment[end - 4..end].copy_from_slice(&crc.to_le_bytes());
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}
