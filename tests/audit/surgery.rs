//! The journal's format a second time, written from its description: segments taken apart into
//! frames, and put together again with as much made right as a forger cares to.
//!
//! ```text
//! head   magic 8 │ version u16 │ 0 u16 │ schema len u32 │ instance 16 │ first frame u64 │ events u64 │ chain 32
//!        │ previous segment u64 │ arrived i64 │ schema │ CRC32C u32
//! frame  magic 4 │ kind u8 │ compression u8 │ 0 u16 │ stored u32 │ raw u32 │ events u32 │ payload CRC u32
//!        │ number u64 │ position u64 │ arrived i64 │ span i64 × 2 │ durable u64 × 2 │ chain 32 │ CRC u32 │ payload
//! ```

use std::collections::BTreeMap;
use std::path::PathBuf;

pub(crate) const HEAD: usize = 96;
pub(crate) const HEADER: usize = 116;

/// A frame; its header is kept as the bytes it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) header: [u8; HEADER],
    pub(crate) payload: Vec<u8>,
}

/// A segment: the head up to its checksum, frames, and what is left of the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Segment {
    pub(crate) head: Vec<u8>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) rest: usize,
}

/// What a forger makes right again. Checksums always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forged {
    /// Nothing else.
    Checksums,
    /// Numbers and positions of frames, and heads of segments.
    Numbers,
    /// All of it: a journal that is whole in itself.
    Chain,
}

pub(crate) type Files = BTreeMap<PathBuf, Vec<u8>>;

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

pub(crate) fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    bytes[at..at + field.len()].copy_from_slice(field);
}

/// The segments among some files, in order.
pub(crate) fn read(files: &Files) -> Vec<Segment> {
    let segments = files.iter().filter(|(name, _)| name.extension().is_some_and(|end| end == "seg"));
    segments.map(|(_, bytes)| segment(bytes)).collect()
}

fn segment(bytes: &[u8]) -> Segment {
    assert_eq!(&bytes[..8], b"tallyJNL");
    let head = HEAD + u32_at(bytes, 12) as usize;
    assert_eq!(u32_at(bytes, head), crc32c::crc32c(&bytes[..head]));
    let (mut at, mut frames) = (head + 4, Vec::new());
    while bytes.get(at..at + 4) == Some(b"tlyF") {
        let header: [u8; HEADER] = bytes[at..at + HEADER].try_into().unwrap();
        let stored = u32_at(&header, 8) as usize;
        let payload = bytes[at + HEADER..at + HEADER + stored].to_vec();
        at += HEADER + stored;
        frames.push(Frame { header, payload });
    }
    assert!(bytes[at..].iter().all(|byte| *byte == 0));
    Segment { head: bytes[..head].to_vec(), frames, rest: bytes.len() - at }
}

impl Frame {
    pub(crate) fn events(&self) -> u32 {
        u32_at(&self.header, 16)
    }

    fn chain(&self, before: &[u8; 32]) -> [u8; 32] {
        *blake3::hash(&[&before[..], &self.header[..80], &self.payload].concat()).as_bytes()
    }
}

/// Puts segments together again; every checksum is right afterwards.
pub(crate) fn write(mut segments: Vec<Segment>, forged: Forged) -> Files {
    if forged != Forged::Checksums {
        renumber(&mut segments, forged == Forged::Chain);
    }
    segments.iter().map(|segment| (name(segment), bytes(segment))).collect()
}

fn name(segment: &Segment) -> PathBuf {
    format!("journal/{:020}.seg", u64_at(&segment.head, 32)).into()
}

fn bytes(segment: &Segment) -> Vec<u8> {
    let seed = crc32c::crc32c(&segment.head[16..32]);
    let mut bytes = segment.head.clone();
    bytes.extend(crc32c::crc32c(&segment.head).to_le_bytes());
    for frame in &segment.frames {
        let mut header = frame.header;
        put(&mut header, 8, &u32::try_from(frame.payload.len()).unwrap().to_le_bytes());
        put(&mut header, 20, &crc32c::crc32c(&frame.payload).to_le_bytes());
        let crc = crc32c::crc32c_append(seed, &header[..HEADER - 4]);
        put(&mut header, HEADER - 4, &crc.to_le_bytes());
        bytes.extend(header);
        bytes.extend(&frame.payload);
    }
    bytes.resize(bytes.len() + segment.rest, 0);
    bytes
}

/// Numbers all frames from where the first segment begins.
fn renumber(segments: &mut [Segment], chained: bool) {
    let Some(first) = segments.first() else { return };
    let (mut number, mut events) = (u64_at(&first.head, 32), u64_at(&first.head, 40));
    let mut chain: [u8; 32] = first.head[48..80].try_into().unwrap();
    let (mut previous, mut arrived) = (u64_at(&first.head, 80), u64_at(&first.head, 88).cast_signed());
    for segment in segments {
        put(&mut segment.head, 32, &number.to_le_bytes());
        put(&mut segment.head, 40, &events.to_le_bytes());
        put(&mut segment.head, 80, &previous.to_le_bytes());
        put(&mut segment.head, 88, &arrived.to_le_bytes());
        if chained {
            put(&mut segment.head, 48, &chain);
        }
        previous = number;
        for frame in &mut segment.frames {
            put(&mut frame.header, 24, &number.to_le_bytes());
            put(&mut frame.header, 32, &events.to_le_bytes());
            let durable = u64_at(&frame.header, 64).min(number);
            put(&mut frame.header, 64, &durable.to_le_bytes());
            let len = u32::try_from(frame.payload.len()).unwrap();
            put(&mut frame.header, 8, &len.to_le_bytes());
            put(&mut frame.header, 20, &crc32c::crc32c(&frame.payload).to_le_bytes());
            if chained {
                chain = frame.chain(&chain);
                put(&mut frame.header, 80, &chain);
            }
            arrived = arrived.max(u64_at(&frame.header, 40).cast_signed());
            number += 1;
            events += u64::from(frame.events());
        }
    }
}

/// A snapshot after a change, with every checksum and its hash made right again.
///
/// ```text
/// head 88, CRC last │ … │ index │ BLAKE3 32 │ rows u32 │ leans u32 │ CRC u32 │ magic 8
/// ```
pub(crate) fn snapshot_with(bytes: &[u8], change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    change(&mut bytes);
    let head = crc32c::crc32c(&bytes[..84]);
    put(&mut bytes, 84, &head.to_le_bytes());
    let tail = bytes.len() - 20;
    let index = u32_at(&bytes, tail) as usize * 36 + u32_at(&bytes, tail + 4) as usize * 48;
    let hash = blake3::hash(&bytes[..tail - 32]);
    put(&mut bytes, tail - 32, hash.as_bytes());
    let crc = crc32c::crc32c(&bytes[tail - 32 - index..tail + 8]);
    put(&mut bytes, tail + 8, &crc.to_le_bytes());
    bytes
}
