//! Where the bytes come from: a file, or stdin, which may have to be read twice.

use crate::cli::exit::Failure;
use indicatif::ProgressBar;
use indicatif::ProgressStyle;
use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::path::Path;

/// The most that is kept of stdin in a temporary file to be read twice.
const MAX_SPOOL_BYTES: u64 = 4 << 30;

/// A file or stdin.
pub(super) struct Source {
    name: String,
    file: Option<File>, // None is stdin, read once
}

impl Source {
    /// Opens a file; `twice` says that it will be read twice.
    pub(super) fn open(path: &Path, twice: bool) -> Result<Self, Failure> {
        if path == Path::new("-") {
            let file = if twice { Some(spool(io::stdin().lock())?) } else { None };
            return Ok(Self { name: "stdin".to_owned(), file });
        }
        let shown = path.display();
        let file = File::open(path).map_err(|fault| Failure::file(&shown, &fault))?;
        if file.metadata().is_ok_and(|about| about.is_dir()) {
            return Err(Failure::usage(format!("{shown} is a folder")));
        }
        if !twice || file.metadata().is_ok_and(|about| about.is_file()) {
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            return Ok(Self { name, file: Some(file) });
        }
        // A pipe or device under a name of its own, such as /dev/fd/63.
        Ok(Self { name: shown.to_string(), file: Some(spool(file)?) })
    }

    /// The file's name without its folders, so that ids do not depend on where it lies.
    pub(super) fn name(&self) -> String {
        self.name.clone()
    }

    /// Reads from the beginning; the bar follows.
    pub(super) fn reader(&mut self, bar: &ProgressBar) -> Result<Box<dyn Read + '_>, Failure> {
        let Some(file) = &mut self.file else {
            return Ok(Box::new(bar.wrap_read(io::stdin().lock())));
        };
        // What can't be rewound has not been read yet: it is opened once.
        let _ = file.rewind();
        Ok(Box::new(bar.wrap_read(&*file)))
    }

    /// A bar on a terminal, nothing elsewhere.
    pub(super) fn progress(&self, quiet: bool, doing: &'static str) -> ProgressBar {
        if quiet {
            return ProgressBar::hidden();
        }
        let length = self.file.as_ref().and_then(|file| file.metadata().ok()).map(|about| about.len());
        let (bar, style) = match length.filter(|bytes| *bytes > 0) {
            Some(bytes) => (ProgressBar::new(bytes), "{msg} {wide_bar} {bytes}/{total_bytes} {eta}"),
            None => (ProgressBar::new_spinner(), "{msg} {spinner} {bytes} {bytes_per_sec}"),
        };
        let style = ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.with_style(style).with_message(doing)
    }
}

/// Copies what can be read only once into a nameless temporary file.
fn spool(reader: impl Read) -> Result<File, Failure> {
    let fault = |fault: io::Error| Failure::file("temporary copy of the input", &fault);
    let mut file = tempfile::tempfile().map_err(fault)?;
    let copied = io::copy(&mut reader.take(MAX_SPOOL_BYTES + 1), &mut file).map_err(fault)?;
    if copied > MAX_SPOOL_BYTES {
        return Err(Failure::usage("the input is above 4 GiB: save it to a file to read it twice"));
    }
    Ok(file)
}
