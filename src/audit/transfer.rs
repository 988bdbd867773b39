//! Files from one data folder to a new one.

use super::fault::Unreadable;
use super::salvaged::Salvaged;
use crate::storage::Disk;
use crate::storage::Shared;
use crate::storage::read_full_at;
use crate::storage::write_all_at;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Copied at once.
const CHUNK: usize = 1 << 20;
/// Made anew by whoever opens the folder.
const LOCK: &str = "lock";
const REPORT: &str = "salvage.txt";

/// A new data folder; one that has anything in it is refused.
pub(super) fn empty_folder(out: &Path) -> Result<Shared, Unreadable> {
    let fault = |fault: io::Error| Unreadable::Io { name: out.display().to_string(), fault };
    match fs::read_dir(out).map(|mut entries| entries.next().is_none()) {
        Ok(true) => {}
        Ok(false) => return Err(fault(io::Error::new(io::ErrorKind::DirectoryNotEmpty, "it is not empty"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(fault(error)),
    }
    Ok(Arc::new(Disk::lock(out).map_err(fault)?))
}

/// Copies the beginning of a file, durably.
pub(super) fn copy(from: &Shared, to: &Shared, name: &str, bytes: u64) -> Result<(), Unreadable> {
    let (folder, _) = name.rsplit_once('/').unwrap_or_default();
    let work = || {
        let source = from.open(name)?;
        if !folder.is_empty() {
            to.create_folder(folder)?;
        }
        let target = to.create(name)?;
        let end = source.size()?.min(bytes);
        let (mut buffer, mut at) = (vec![0; CHUNK], 0);
        while at < end {
            let room = usize::try_from(end - at).map_or(CHUNK, |left| left.min(CHUNK));
            let read = read_full_at(&*source, &mut buffer[..room], at)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            write_all_at(&*target, &buffer[..read], at)?;
            at += read as u64;
        }
        target.sync()?;
        to.sync_folder(folder)
    };
    work().map_err(|fault| Unreadable::Io { name: from.describe(name), fault })
}

/// Copies what lies beside journal and snapshots, such as the secret that keys are named with.
pub(super) fn copy_loose_files(from: &Shared, to: &Shared) -> Result<(), Unreadable> {
    let names = from.list("").map_err(|fault| Unreadable::Io { name: from.describe(""), fault })?;
    let names = names.iter().filter(|name| *name != LOCK && *name != REPORT);
    names.into_iter().try_for_each(|name| copy(from, to, name, u64::MAX))
}

/// Writes the report beside what was saved.
pub(super) fn write_report(out: &Path, told: &Salvaged) -> Result<(), Unreadable> {
    let file = out.join(REPORT);
    fs::write(&file, told.to_text()).map_err(|fault| Unreadable::Io { name: file.display().to_string(), fault })
}
