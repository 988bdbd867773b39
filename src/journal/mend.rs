//! Cutting a torn tail, once it is copied aside.

use super::JournalError;
use super::error::at;
use crate::failpoint;
use crate::storage::File;
use crate::storage::Storage;
use crate::storage::read_full_at;
use crate::storage::write_all_at;
use std::io;
use std::ops::Range;

/// Copied at once.
const CHUNK: usize = 256 << 10;

/// Cuts a torn tail and reserves the room again; answers the file it was copied to.
pub(super) fn cut(
    storage: &dyn Storage,
    name: &str,
    file: &dyn File,
    tail: Range<u64>,
    bytes: u64,
) -> Result<String, JournalError> {
    failpoint::hit("journal.torn.found");
    let copy = copy_aside(storage, name, file, &tail)?;
    failpoint::hit("journal.torn.copied");
    shorten(file, tail.start, bytes).map_err(at(storage, name))?;
    Ok(copy)
}

/// The cut is durable before room is reserved: zeros and old bytes can't mix.
fn shorten(file: &dyn File, len: u64, bytes: u64) -> io::Result<()> {
    file.set_len(len)?;
    file.sync()?;
    failpoint::hit("journal.torn.cut");
    file.reserve(bytes)?;
    file.sync()?;
    failpoint::hit("journal.torn.reserved");
    Ok(())
}

fn copy_aside(storage: &dyn Storage, name: &str, file: &dyn File, tail: &Range<u64>) -> Result<String, JournalError> {
    let (folder, _) = name.rsplit_once('/').unwrap_or_default();
    let copy = free_name(storage, folder, &format!("{name}.{}", tail.start))?;
    let fill = || {
        let aside = storage.create(&copy)?;
        copy_bytes(file, &*aside, tail)?;
        aside.sync()?;
        storage.sync_folder(folder)
    };
    fill().map_err(at(storage, &copy))?;
    Ok(copy)
}

/// A name that no file has: an earlier tail cut at the same offset is kept too.
fn free_name(storage: &dyn Storage, folder: &str, stem: &str) -> Result<String, JournalError> {
    let taken = storage.list(folder).map_err(at(storage, folder))?;
    let is_free =
        |name: &String| !taken.iter().any(|taken| name.strip_prefix(folder).is_some_and(|own| &own[1..] == taken));
    let names = (1_u64..).map(|n| if n == 1 { format!("{stem}.torn") } else { format!("{stem}.{n}.torn") });
    Ok(names.into_iter().find(is_free).expect("a folder has fewer files than there are numbers"))
}

fn copy_bytes(from: &dyn File, to: &dyn File, range: &Range<u64>) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    let mut offset = range.start;
    while offset < range.end {
        let room = usize::try_from(range.end - offset).map_or(CHUNK, |left| left.min(CHUNK));
        let read = read_full_at(from, &mut buffer[..room], offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        write_all_at(to, &buffer[..read], offset - range.start)?;
        offset += read as u64;
    }
    Ok(())
}
