//! Secrets come from files: what stands on a command line can be read by everyone through `ps`.

use super::exit::Failure;
use std::fs::File;
use std::io;
use std::io::Read;
use std::path::Path;

/// Longer than any API key.
const MAX_BYTES: u64 = 4_096;

/// The first line of a file; `-` is stdin.
pub(super) fn read(file: Option<&Path>) -> Result<Option<String>, Failure> {
    let Some(path) = file else {
        return Ok(None);
    };
    let fault = |fault: io::Error| Failure::file(path.display(), &fault);
    let reader: Box<dyn Read> =
        if path == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(path).map_err(fault)?) };
    let mut text = String::new();
    reader.take(MAX_BYTES).read_to_string(&mut text).map_err(fault)?;
    match text.lines().next().map(str::trim).filter(|line| !line.is_empty()) {
        Some(line) => Ok(Some(line.to_owned())),
        None => Err(Failure::usage(format!("{}: expected a secret on the first line", path.display()))),
    }
}
