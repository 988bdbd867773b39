//! Segments: files of frames, named by the number of their first, and their heads.
//!
//! ```text
//! 0   magic [8]             32  first frame u64      88  latest arrival before it i64
//! 8   version u16           40  events before it u64 96  schema [schema len]
//! 10  zero u16              48  chain before it [32]  …   CRC32C u32
//! 12  schema len u32        80  previous segment u64  …   frames
//! 16  instance [16]
//! ```
//!
//! A segment is made aside, synced and renamed, so one with its final name has a whole head. It
//! names the segment before it: one that is missing between others is noticed without reading
//! frames.

use super::Identity;
use super::JournalError;
use super::Place;
use super::error::at;
use super::error::foreign;
use super::fields::Fields;
use crate::failpoint;
use crate::storage::File;
use crate::storage::Shared;
use crate::storage::Storage;
use crate::storage::read_full_at;
use crate::storage::write_all_at;
use std::io;

/// The folder of the segments in a data folder.
pub const FOLDER: &str = "journal";
/// The next segment, until it has its name.
const ASIDE: &str = "journal/next.tmp";
const MAGIC: [u8; 8] = *b"tallyJNL";
const VERSION: u16 = 1;
/// A head without its schema.
const FIXED: usize = 100;
const SCHEMA_MAX: usize = 3_900;
const HEAD_MAX: usize = FIXED + SCHEMA_MAX;

/// A segment by its head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Its file.
    pub name: String,
    /// The place before its first frame.
    pub first: Place,
    /// Its bytes.
    pub bytes: u64,
    /// When the latest request before its first frame came, in µs; `i64::MIN` if there was none.
    pub arrived: i64,
}

/// What the head of a segment tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) identity: Identity,
    pub(super) first: Place,
    /// The first frame of the segment before; its own where it is the first ever.
    pub(super) previous: u64,
    pub(super) arrived: i64,
}

/// A segment, opened to read.
pub(super) struct Segment {
    pub(super) name: String,
    pub(super) head: Head,
    /// Where its frames begin.
    pub(super) begin: u64,
    pub(super) file: Box<dyn File>,
    pub(super) bytes: u64,
}

impl Head {
    pub(super) fn encode(&self) -> Vec<u8> {
        let schema_len = u32::try_from(self.identity.schema.len()).expect("checked when the journal was opened");
        let mut bytes = Vec::with_capacity(FIXED + self.identity.schema.len());
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&[0; 2]);
        bytes.extend_from_slice(&schema_len.to_le_bytes());
        bytes.extend_from_slice(&self.identity.instance);
        bytes.extend_from_slice(&self.first.frames.to_le_bytes());
        bytes.extend_from_slice(&self.first.events.to_le_bytes());
        bytes.extend_from_slice(&self.first.chain);
        bytes.extend_from_slice(&self.previous.to_le_bytes());
        bytes.extend_from_slice(&self.arrived.to_le_bytes());
        bytes.extend_from_slice(&self.identity.schema);
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// A head and its length; `None` where the bytes are none.
    fn decode(bytes: &[u8]) -> Option<(Self, usize)> {
        let mut from = Fields(bytes.strip_prefix(&MAGIC)?);
        from.u16().filter(|version| *version == VERSION)?;
        from.u16().filter(|zero| *zero == 0)?;
        let schema_len = usize::try_from(from.u32()?).ok().filter(|len| *len <= SCHEMA_MAX)?;
        let instance = from.bytes()?;
        let first = Place { frames: from.u64()?, events: from.u64()?, chain: from.bytes()? };
        let (previous, arrived) = (from.u64()?, from.i64()?);
        let schema = from.0.get(..schema_len)?.to_vec();
        let len = FIXED + schema_len;
        let (told, crc) = bytes.get(..len)?.split_at(len - 4);
        let head = Self { identity: Identity { instance, schema }, first, previous, arrived };
        (crc == crc32c::crc32c(told).to_le_bytes()).then_some((head, len))
    }

    /// Whether a schema fits.
    pub(super) fn holds(schema: &[u8]) -> bool {
        schema.len() <= SCHEMA_MAX
    }

    /// Of another version, if it is.
    fn version(bytes: &[u8]) -> Option<u16> {
        Fields(bytes.strip_prefix(&MAGIC)?).u16().filter(|version| *version != VERSION)
    }
}

impl Segment {
    /// Opens the segment that begins with a frame, and checks its head.
    pub(super) fn open(storage: &dyn Storage, number: u64) -> Result<Self, JournalError> {
        let name = name(number);
        let fault = at(storage, &name);
        let file = storage.open(&name).map_err(&fault)?;
        let bytes = file.size().map_err(&fault)?;
        let mut buffer = vec![0; HEAD_MAX];
        let read = read_full_at(&*file, &mut buffer, 0).map_err(&fault)?;
        drop(fault);
        buffer.truncate(read);
        match Head::decode(&buffer) {
            Some((head, len)) if head.first.frames == number => Ok(Self { name, head, begin: len as u64, file, bytes }),
            Some((head, _)) => Err(bad_head(storage, &name, format!("it begins with frame {}", head.first.frames))),
            None => Err(match Head::version(&buffer) {
                Some(version) => {
                    foreign(storage, &name, format!("a journal of version {version}; this program knows {VERSION}"))
                }
                None => bad_head(storage, &name, "the head of the segment is not whole".to_owned()),
            }),
        }
    }

    pub(super) fn info(&self) -> SegmentInfo {
        let Head { first, arrived, .. } = self.head;
        SegmentInfo { name: self.name.clone(), first, bytes: self.bytes, arrived }
    }
}

/// The file of the segment that begins with a frame.
pub(super) fn name(number: u64) -> String {
    format!("{FOLDER}/{number:020}.seg")
}

fn bad_head(storage: &dyn Storage, name: &str, detail: String) -> JournalError {
    JournalError::Damaged { name: storage.describe(name), offset: 0, position: 0, detail }
}

/// The first frames of all segments, in order.
pub(super) fn numbers(storage: &dyn Storage) -> Result<Vec<u64>, JournalError> {
    let names = storage.list(FOLDER).map_err(at(storage, FOLDER))?;
    Ok(names.iter().filter_map(|name| number(name)).collect())
}

/// The first frame by the name of a file in the folder, if that is a segment.
fn number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".seg").filter(|digits| digits.len() == 20)?;
    digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// All segments, oldest first, each following the one before and of one instance.
pub(super) fn all(storage: &dyn Storage) -> Result<Vec<(Head, SegmentInfo)>, JournalError> {
    let mut found: Vec<(Head, SegmentInfo)> = Vec::new();
    for number in numbers(storage)? {
        let segment = match Segment::open(storage, number) {
            // Pruned since the folder was listed, by the process that writes.
            Err(JournalError::Io { fault, .. }) if found.is_empty() && fault.kind() == io::ErrorKind::NotFound => {
                continue;
            }
            segment => segment?,
        };
        if let Some((before, _)) = found.last() {
            check_follows(storage, before, &segment)?;
        }
        found.push((segment.head.clone(), segment.info()));
    }
    Ok(found)
}

/// Whether a segment follows another, as far as heads tell.
pub(super) fn check_follows(storage: &dyn Storage, before: &Head, segment: &Segment) -> Result<(), JournalError> {
    let head = &segment.head;
    if head.identity.instance != before.identity.instance {
        return Err(foreign(storage, &segment.name, "it is of another installation than the segment before"));
    }
    if head.previous != before.first.frames || head.first.events < before.first.events {
        let missing = format!("the segment before it, which begins with frame {}, is missing", head.previous);
        return Err(bad_head(storage, &segment.name, missing));
    }
    Ok(())
}

/// Makes a segment, durably; one that has no frames yet may be in its place.
pub(super) fn make(storage: &dyn Storage, head: &Head, bytes: u64) -> Result<(Box<dyn File>, u64), JournalError> {
    let name = name(head.first.frames);
    let made = fill(storage, head, bytes).map_err(at(storage, ASIDE))?;
    publish(storage, &name).map_err(at(storage, &name))?;
    Ok(made)
}

fn fill(storage: &dyn Storage, head: &Head, bytes: u64) -> io::Result<(Box<dyn File>, u64)> {
    let head = head.encode();
    let file = storage.create(ASIDE)?;
    file.reserve(bytes.max(head.len() as u64))?;
    write_all_at(&*file, &head, 0)?;
    failpoint::hit("journal.segment.written");
    file.sync()?;
    failpoint::hit("journal.segment.synced");
    Ok((file, head.len() as u64))
}

fn publish(storage: &dyn Storage, name: &str) -> io::Result<()> {
    storage.rename(ASIDE, name)?;
    failpoint::hit("journal.segment.renamed");
    storage.sync_folder(FOLDER)?;
    failpoint::hit("journal.segment.durable");
    Ok(())
}

/// The segments of a journal, oldest first, by their heads.
///
/// # Errors
/// [`JournalError`] where a head is damaged, foreign, or does not follow the one before.
pub fn segments(storage: &Shared) -> Result<Vec<SegmentInfo>, JournalError> {
    Ok(all(&**storage)?.into_iter().map(|(_, info)| info).collect())
}

/// Who the journal belongs to by its newest segment; `None` where there is no journal yet.
///
/// # Errors
/// [`JournalError`] where that segment can't be read.
pub fn identity(storage: &Shared) -> Result<Option<Identity>, JournalError> {
    let newest = numbers(&**storage)?.pop();
    newest.map(|number| Ok(Segment::open(&**storage, number)?.head.identity)).transpose()
}
