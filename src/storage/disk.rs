//! The real disk.

use super::File;
use super::Storage;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

/// Held locked, in the root, by the process that writes.
const LOCK: &str = "lock";

/// A data folder on the real disk. One that was [locked](Disk::lock) belongs to one process; one
/// opened [to read only](Disk::read_only) refuses to write.
///
/// Folders are made for their owner only (0700), and so are files (0600). The last part of a name
/// is never followed where it is a symbolic link: nothing outside of the folder is opened.
#[derive(Debug)]
pub struct Disk {
    root: PathBuf,
    lock: Option<fs::File>,
}

impl Disk {
    /// Opens a data folder to write, making it if need be, and takes its lock.
    ///
    /// # Errors
    /// Of the file system; `WouldBlock` where another process has the folder.
    pub fn lock(root: &Path) -> io::Result<Self> {
        make_folder(root)?;
        let lock = to_open().read(true).write(true).create(true).open(root.join(LOCK))?;
        lock.try_lock().map_err(|fault| match fault {
            fs::TryLockError::WouldBlock => {
                io::Error::new(io::ErrorKind::WouldBlock, "another process is using the data folder")
            }
            fs::TryLockError::Error(fault) => fault,
        })?;
        Ok(Self { root: root.to_owned(), lock: Some(lock) })
    }

    /// Opens a data folder to read only; takes no lock and writes nothing.
    ///
    /// # Errors
    /// Of the file system.
    pub fn read_only(root: &Path) -> io::Result<Self> {
        if !fs::metadata(root)?.is_dir() {
            return Err(io::Error::new(io::ErrorKind::NotADirectory, "not a folder"));
        }
        Ok(Self { root: root.to_owned(), lock: None })
    }

    fn path(&self, name: &str) -> io::Result<PathBuf> {
        let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        if plain { Ok(self.root.join(name)) } else { Err(invalid("not a name inside the data folder")) }
    }

    /// The path, if this process may write there.
    fn path_to_write(&self, name: &str) -> io::Result<PathBuf> {
        match self.lock {
            Some(_) => self.path(name),
            None => Err(io::Error::new(io::ErrorKind::PermissionDenied, "the data folder was opened to read only")),
        }
    }
}

impl Storage for Disk {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.path(folder)?) {
            Ok(entries) => entries,
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(fault) => return Err(fault),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            // A name that is no text is none of ours.
            if let (true, Ok(name)) = (entry.file_type()?.is_file(), entry.file_name().into_string()) {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn create_folder(&self, folder: &str) -> io::Result<()> {
        make_folder(&self.path_to_write(folder)?)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        opened(to_open().read(true).open(self.path(name)?)?)
    }

    fn open_to_write(&self, name: &str) -> io::Result<Box<dyn File>> {
        let path = self.path_to_write(name)?;
        match to_open().read(true).write(true).open(path) {
            Ok(file) => opened(file),
            Err(fault) if fault.kind() == io::ErrorKind::IsADirectory => Err(is_a_folder()),
            Err(fault) => Err(fault),
        }
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn File>> {
        let path = self.path_to_write(name)?;
        opened(to_open().read(true).write(true).create(true).truncate(true).open(path)?)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path_to_write(from)?, self.path_to_write(to)?)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path_to_write(name)?)
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        sync_folder(&self.path(folder)?)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let told = rustix::fs::statvfs(&self.root)?;
        Ok(told.f_bavail.saturating_mul(told.f_frsize))
    }

    fn describe(&self, name: &str) -> String {
        self.root.join(name).display().to_string()
    }
}

/// What all files are opened with.
fn to_open() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    let flags = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).expect("a flag of open(2) is an int");
    options.mode(0o600).custom_flags(flags);
    options
}

fn opened(file: fs::File) -> io::Result<Box<dyn File>> {
    if file.metadata()?.is_dir() { Err(is_a_folder()) } else { Ok(Box::new(file)) }
}

fn is_a_folder() -> io::Error {
    invalid("is a folder")
}

fn invalid(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

/// Makes a folder and those it is in, unless they are there; each is durable in the one above.
fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let above = match path.parent() {
        Some(above) if above != Path::new("") => above,
        _ => Path::new("."),
    };
    make_folder(above)?;
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(fault) if fault.kind() != io::ErrorKind::AlreadyExists => Err(fault),
        _ => sync_folder(above),
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    fs::File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::read_full_at;
    use crate::storage::write_all_at;
    use std::os::unix::fs::MetadataExt;
    use std::thread;
    use std::time::Duration;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_folder_belongs_to_one_process_and_one_owner() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("deep/data");
        let disk = Disk::lock(&root).unwrap();
        assert_eq!(Disk::lock(&root).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        disk.create_folder("journal").unwrap();
        disk.create("journal/a").unwrap();
        assert_eq!((mode(&root), mode(&root.join("journal")), mode(&root.join("journal/a"))), (0o700, 0o700, 0o600));
        drop(disk);
        // A process that another test starts at this moment has the lock until it runs.
        let unlocked = |_| Disk::lock(&root).inspect_err(|_| thread::sleep(Duration::from_millis(10))).is_ok();
        assert!((0..500).any(unlocked));
    }

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::lock(dir.path()).unwrap();
        let file = disk.create("a").unwrap();
        file.reserve(8_192).unwrap();
        assert_eq!(file.size().unwrap(), 8_192);
        file.reserve(100).unwrap();
        assert_eq!(file.size().unwrap(), 8_192, "it is only lengthened");
        write_all_at(&*file, b"hello", 4).unwrap();
        file.sync().unwrap();
        let mut bytes = [1; 10];
        assert_eq!(read_full_at(&*disk.open("a").unwrap(), &mut bytes, 0).unwrap(), 10);
        assert_eq!(&bytes, b"\0\0\0\0hello\0");
        disk.rename("a", "b").unwrap();
        disk.sync_folder("").unwrap();
        disk.create_folder("folder").unwrap();
        assert_eq!(disk.list("").unwrap(), ["b", "lock"], "files only");
        assert!(disk.list("nothing").unwrap().is_empty());
        assert!(disk.free_bytes().unwrap() > 0);
    }

    #[test]
    fn folders_links_and_other_places_are_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::lock(dir.path()).unwrap();
        disk.create_folder("folder").unwrap();
        for fault in [disk.open("folder").err(), disk.open_to_write("folder").err(), disk.open("../x").err()] {
            assert_eq!(fault.unwrap().kind(), io::ErrorKind::InvalidInput);
        }
        std::os::unix::fs::symlink("/etc/hostname", dir.path().join("link")).unwrap();
        assert!(disk.open("link").is_err());
        assert!(disk.create("link").is_err());
    }

    #[test]
    fn a_folder_opened_to_read_is_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::read_only(dir.path()).unwrap();
        assert_eq!(disk.create("a").err().unwrap().kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(disk.create_folder("a").unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
