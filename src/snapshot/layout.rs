//! The fixed parts of a file, byte by byte; numbers are little-endian.
//!
//! ```text
//! head     88  magic 8 │ format u16 │ 0 u16 │ instance 16 │ frames u64 │ events u64 │ chain 32 │ taken i64 │ CRC u32
//! section  32  kind u32 │ version u16 │ flags u16 │ raw u64 │ stored u64 │ CRC of the body u32 │ CRC u32
//! row      36  kind u32 │ version u16 │ flags u16 │ offset u64 │ raw u64 │ stored u64 │ CRC of the body u32
//! lean     48  frames u64 │ events u64 │ BLAKE3 32
//! tail     20  rows u32 │ leans u32 │ CRC of everything since the index u32 │ magic 8
//! ```
//!
//! The first ten bytes and the place of the head's CRC stay as they are in every format to come, so
//! that a newer file is told from a damaged one.

use super::FORMAT;
use super::Head;
use super::MAX_SECTION;
use crate::journal::Place;

pub(super) const HEAD: usize = 88;
pub(super) const SECTION: usize = 32;
pub(super) const ROW: usize = 36;
pub(super) const LEAN: usize = 48;
pub(super) const TAIL: usize = 20;
/// The hash before the tail.
pub(super) const HASH: usize = 32;

/// Begins with a byte that is no text and ends with line ends, so that a copy made "as text" shows.
const MAGIC: [u8; 8] = *b"\x89TRSNA\r\n";
const END: [u8; 8] = *b"TRSNEND\n";

/// The only flag: the body is compressed with zstd.
const ZSTD: u16 = 1;

/// The largest section that is compressed: it bounds what a few bytes can blow up to.
pub(super) const MAX_ZSTD: usize = 4 << 20;

/// A snapshot that another one leans on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lean {
    /// Frames it covers.
    pub frames: u64,
    /// Events it covers.
    pub events: u64,
    /// Its BLAKE3.
    pub blake3: [u8; 32],
}

/// A section by the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// What is in it.
    pub kind: u32,
    /// The version of what is in it.
    pub version: u16,
    /// Whether its body is compressed.
    pub zstd: bool,
    /// Where its body begins.
    pub offset: u64,
    /// Bytes of the body, decompressed.
    pub raw: u64,
    /// Bytes of the body in the file.
    pub stored: u64,
    pub(super) crc: u32, // of the body in the file
}

/// What the tail tells.
pub(super) struct Tail {
    pub(super) rows: u32,
    pub(super) leans: u32,
    pub(super) crc: u32,
}

/// What is wrong with a head.
pub(super) enum BadHead {
    Damaged(&'static str),
    Newer(u16),
}

/// Takes fixed parts off the front of some bytes that are long enough.
struct Take<'a>(&'a [u8]);

impl Take<'_> {
    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let (front, rest) = self.0.split_first_chunk().expect("the caller gives a whole part");
        self.0 = rest;
        *front
    }

    fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.bytes())
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.bytes())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }
}

fn with_crc(mut bytes: Vec<u8>) -> Vec<u8> {
    let crc = crc32c::crc32c(&bytes);
    bytes.extend(crc.to_le_bytes());
    bytes
}

impl Head {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let Self { instance, place, taken_us } = self;
        let mut bytes = Vec::with_capacity(HEAD);
        bytes.extend(MAGIC);
        bytes.extend(FORMAT.to_le_bytes());
        bytes.extend([0; 2]);
        bytes.extend(instance);
        bytes.extend(place.frames.to_le_bytes());
        bytes.extend(place.events.to_le_bytes());
        bytes.extend(place.chain);
        bytes.extend(taken_us.to_le_bytes());
        with_crc(bytes)
    }

    pub(super) fn from_bytes(bytes: &[u8; HEAD]) -> Result<Self, BadHead> {
        let mut take = Take(bytes);
        if take.bytes() != MAGIC {
            return Err(BadHead::Damaged("it does not begin as a snapshot does"));
        }
        let format = take.u16();
        let reserved = take.u16();
        let instance = take.bytes();
        let (frames, events) = (take.u64(), take.u64());
        let place = Place { frames, events, chain: take.bytes() };
        let taken_us = i64::from_le_bytes(take.bytes());
        if take.u32() != crc32c::crc32c(&bytes[..HEAD - 4]) {
            return Err(BadHead::Damaged("the checksum of its head is wrong"));
        }
        match format {
            FORMAT if reserved == 0 => Ok(Self { instance, place, taken_us }),
            0..=FORMAT => Err(BadHead::Damaged("its head tells what no release has written")),
            newer => Err(BadHead::Newer(newer)),
        }
    }
}

impl Section {
    fn flags(&self) -> u16 {
        if self.zstd { ZSTD } else { 0 }
    }

    /// What stands before the body.
    pub(super) fn header(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SECTION);
        bytes.extend(self.kind.to_le_bytes());
        bytes.extend(self.version.to_le_bytes());
        bytes.extend(self.flags().to_le_bytes());
        bytes.extend(self.raw.to_le_bytes());
        bytes.extend(self.stored.to_le_bytes());
        bytes.extend(self.crc.to_le_bytes());
        with_crc(bytes)
    }

    /// Its row in the index.
    pub(super) fn row(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(ROW);
        bytes.extend(self.kind.to_le_bytes());
        bytes.extend(self.version.to_le_bytes());
        bytes.extend(self.flags().to_le_bytes());
        bytes.extend(self.offset.to_le_bytes());
        bytes.extend(self.raw.to_le_bytes());
        bytes.extend(self.stored.to_le_bytes());
        bytes.extend(self.crc.to_le_bytes());
        bytes
    }

    /// Reads a row of the index; `None` where no writer writes such a one.
    pub(super) fn from_row(row: &[u8; ROW]) -> Option<Self> {
        let mut take = Take(row);
        let (kind, version, flags) = (take.u32(), take.u16(), take.u16());
        let (offset, raw, stored) = (take.u64(), take.u64(), take.u64());
        let possible = match flags {
            0 => stored == raw && raw <= MAX_SECTION as u64,
            ZSTD => stored < raw && raw <= MAX_ZSTD as u64,
            _ => false,
        };
        possible.then_some(Self { kind, version, zstd: flags == ZSTD, offset, raw, stored, crc: take.u32() })
    }
}

impl Lean {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        [&self.frames.to_le_bytes()[..], &self.events.to_le_bytes(), &self.blake3].concat()
    }

    pub(super) fn from_bytes(bytes: &[u8; LEAN]) -> Self {
        let mut take = Take(bytes);
        Self { frames: take.u64(), events: take.u64(), blake3: take.bytes() }
    }
}

impl Tail {
    /// Bytes of the index and the leans.
    pub(super) fn index_bytes(&self) -> u64 {
        u64::from(self.rows) * ROW as u64 + u64::from(self.leans) * LEAN as u64
    }

    /// The two counts, which the checksum of the index covers too.
    pub(super) fn counts(&self) -> Vec<u8> {
        [self.rows.to_le_bytes(), self.leans.to_le_bytes()].concat()
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        [&self.counts()[..], &self.crc.to_le_bytes(), &END].concat()
    }

    pub(super) fn from_bytes(bytes: &[u8; TAIL]) -> Option<Self> {
        let mut take = Take(bytes);
        let tail = Self { rows: take.u32(), leans: take.u32(), crc: take.u32() };
        (take.bytes() == END).then_some(tail)
    }
}
