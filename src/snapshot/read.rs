//! Reading a snapshot that anything may have happened to.

use super::FORMAT;
use super::Head;
use super::Lean;
use super::MAX_SECTION;
use super::Section;
use super::SnapshotError;
use super::layout::BadHead;
use super::layout::HASH;
use super::layout::HEAD;
use super::layout::LEAN;
use super::layout::ROW;
use super::layout::SECTION;
use super::layout::TAIL;
use super::layout::Tail;
use super::name;
use crate::storage::File;
use crate::storage::Storage;
use crate::storage::read_full_at;

/// How much is read at a time while checking.
const CHUNK: usize = 1 << 20;

/// A snapshot whose head and index are whole. What is in its sections is checked as it is read.
pub struct Snapshot {
    name: String,
    described: String,
    file: Box<dyn File>,
    bytes: u64,
    head: Head,
    sections: Vec<Section>,
    leans: Vec<Lean>,
    blake3: [u8; 32],
    footer: Vec<u8>, // index, leans
}

impl Snapshot {
    /// Opens a snapshot by its name without the folder, and reads its head and its index.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn open(storage: &dyn Storage, name: &str) -> Result<Self, SnapshotError> {
        let described = storage.describe(&name::path(name));
        let Some(named) = name::read(name) else {
            return Err(SnapshotError::Foreign { name: described, detail: "this is no name of a snapshot".into() });
        };
        let fault = |fault| SnapshotError::Io { name: described.clone(), fault };
        let file = storage.open(&name::path(name)).map_err(fault)?;
        let bytes = file.size().map_err(fault)?;
        let source = Source { file: &*file, name: &described };
        let head = source.head(bytes)?;
        if (head.place.frames, head.place.events) != named {
            return Err(source.damaged("it covers another place than its name tells"));
        }
        let footer = source.footer(bytes)?;
        let Footer { sections, leans, blake3, bytes: footer } = footer;
        Ok(Self { name: name.to_owned(), described, file, bytes, head, sections, leans, blake3, footer })
    }

    /// Its name, without the folder.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its size.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What it is of.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Its sections, in order.
    #[must_use]
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The snapshots it leans on.
    #[must_use]
    pub fn leans(&self) -> &[Lean] {
        &self.leans
    }

    /// The BLAKE3 it tells of itself; [`check`](Self::check) proves it.
    #[must_use]
    pub fn blake3(&self) -> &[u8; 32] {
        &self.blake3
    }

    /// Reads the whole file and checks every checksum and the BLAKE3. Knows nothing of what is in
    /// the sections, and nothing of other files.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn check(&self) -> Result<(), SnapshotError> {
        let source = self.source();
        let mut hasher = blake3::Hasher::new();
        let largest = self.sections.iter().map(|section| section.stored).max().unwrap_or(0);
        let mut buffer = vec![0; usize::try_from(largest).map_or(CHUNK, |largest| largest.min(CHUNK))];
        hasher.update(&source.read::<HEAD>(0)?);
        for (place, section) in self.sections.iter().enumerate() {
            hasher.update(&self.header(section, place)?);
            let mut crc = 0;
            let mut at = section.offset;
            let end = section.offset + section.stored;
            while at < end {
                let part = usize::try_from(end - at).map_or(buffer.len(), |left| left.min(buffer.len()));
                source.fill(&mut buffer[..part], at)?;
                hasher.update(&buffer[..part]);
                crc = crc32c::crc32c_append(crc, &buffer[..part]);
                at += part as u64;
            }
            if crc != section.crc {
                return Err(self.damaged(&format!("the checksum of section {place} is wrong")));
            }
        }
        hasher.update(&self.footer);
        if *hasher.finalize().as_bytes() != self.blake3 {
            return Err(self.damaged("its BLAKE3 is wrong"));
        }
        Ok(())
    }

    /// Reads a section, decompressed, after checking its checksum.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn read(&self, place: usize) -> Result<Vec<u8>, SnapshotError> {
        let Some(section) = self.sections.get(place) else {
            return Err(self.damaged(&format!("there is no section {place}")));
        };
        self.header(section, place)?;
        let size = |n: u64| usize::try_from(n).ok().filter(|n| *n <= MAX_SECTION).expect("checked with the index");
        let mut body = vec![0; size(section.stored)];
        self.source().fill(&mut body, section.offset)?;
        if crc32c::crc32c(&body) != section.crc {
            return Err(self.damaged(&format!("the checksum of section {place} is wrong")));
        }
        if !section.zstd {
            return Ok(body);
        }
        let raw = zstd::bulk::decompress(&body, size(section.raw)).unwrap_or_default();
        if raw.len() as u64 != section.raw {
            return Err(self.damaged(&format!("section {place} can't be decompressed")));
        }
        Ok(raw)
    }

    /// What stands before a section, which must say what the index says.
    fn header(&self, section: &Section, place: usize) -> Result<[u8; SECTION], SnapshotError> {
        let header = self.source().read(section.offset - SECTION as u64)?;
        if header[..] != section.header() {
            return Err(self.damaged(&format!("the head of section {place} is wrong")));
        }
        Ok(header)
    }

    fn source(&self) -> Source<'_> {
        Source { file: &*self.file, name: &self.described }
    }

    /// An error that names the file.
    #[must_use]
    pub fn damaged(&self, detail: &str) -> SnapshotError {
        self.source().damaged(detail)
    }

    /// An error that names the file.
    #[must_use]
    pub fn foreign(&self, detail: &str) -> SnapshotError {
        SnapshotError::Foreign { name: self.described.clone(), detail: detail.to_owned() }
    }
}

/// What stands after the sections.
struct Footer {
    sections: Vec<Section>,
    leans: Vec<Lean>,
    blake3: [u8; 32],
    bytes: Vec<u8>,
}

/// A file and what to call it.
struct Source<'a> {
    file: &'a dyn File,
    name: &'a str,
}

impl Source<'_> {
    fn damaged(&self, detail: &str) -> SnapshotError {
        SnapshotError::Damaged { name: self.name.to_owned(), detail: detail.to_owned() }
    }

    fn fill(&self, buffer: &mut [u8], offset: u64) -> Result<(), SnapshotError> {
        let read = read_full_at(self.file, buffer, offset);
        match read.map_err(|fault| SnapshotError::Io { name: self.name.to_owned(), fault })? {
            read if read == buffer.len() => Ok(()),
            _ => Err(self.damaged("it ends too early")),
        }
    }

    fn read<const N: usize>(&self, offset: u64) -> Result<[u8; N], SnapshotError> {
        let mut part = [0; N];
        self.fill(&mut part, offset)?;
        Ok(part)
    }

    fn head(&self, bytes: u64) -> Result<Head, SnapshotError> {
        if bytes < (HEAD + HASH + TAIL) as u64 {
            return Err(self.damaged(&format!("it is only {bytes} bytes long")));
        }
        Head::from_bytes(&self.read(0)?).map_err(|bad| match bad {
            BadHead::Damaged(detail) => self.damaged(detail),
            BadHead::Newer(format) => SnapshotError::Foreign {
                name: self.name.to_owned(),
                detail: format!(
                    "written by a newer release in format {format}, and this one reads up to {FORMAT}: start that release"
                ),
            },
        })
    }

    /// The index and what follows it. Everything between the head and the index must be told by it.
    fn footer(&self, bytes: u64) -> Result<Footer, SnapshotError> {
        let Some(tail) = Tail::from_bytes(&self.read(bytes - TAIL as u64)?) else {
            return Err(self.damaged("it does not end as a snapshot does"));
        };
        let room = bytes - (HEAD + HASH + TAIL) as u64;
        let size = tail.index_bytes();
        let Some(len) = usize::try_from(size).ok().filter(|len| size <= room && *len <= MAX_SECTION) else {
            return Err(self.damaged("its index is larger than the file"));
        };
        let begin = HEAD as u64 + room - size;
        let mut index = vec![0; len];
        self.fill(&mut index, begin)?;
        let blake3: [u8; HASH] = self.read(begin + size)?;
        let crc = crc32c::crc32c_append(crc32c::crc32c(&index), &blake3);
        if crc32c::crc32c_append(crc, &tail.counts()) != tail.crc {
            return Err(self.damaged("the checksum of its index is wrong"));
        }
        let (rows, leans) = index.split_at(tail.rows as usize * ROW);
        let sections = sections(rows, begin).ok_or_else(|| self.damaged("its index does not tell the whole file"))?;
        let leans = leans.as_chunks::<LEAN>().0.iter().map(Lean::from_bytes).collect();
        Ok(Footer { sections, leans, blake3, bytes: index })
    }
}

/// The sections of an index, if they stand one after another from the head to `end`.
fn sections(rows: &[u8], end: u64) -> Option<Vec<Section>> {
    let mut at = HEAD as u64;
    let rows = rows.as_chunks::<ROW>().0.iter();
    let sections = rows.map(|row| {
        let section = Section::from_row(row).filter(|section| section.offset == at + SECTION as u64)?;
        at = section.offset + section.stored;
        Some(section)
    });
    let sections = sections.collect::<Option<Vec<Section>>>()?;
    (at == end).then_some(sections)
}
