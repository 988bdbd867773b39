//! Python programs, from the folder that `tests/run` installs them into, or from the system.

use crate::skipping;
use std::path::Path;
use std::path::PathBuf;

/// Where a program is. Where it is absent the test is skipped, by name.
pub(crate) fn find(name: &str, test: &str) -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python/bin").join(name);
    if own.is_file() {
        return Some(own);
    }
    skipping::have(&[name], test).then(|| PathBuf::from(name))
}
