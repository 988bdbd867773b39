//! Tests that can't run here say so by name, so that nobody takes them for passed.

#![allow(dead_code, reason = "every test file uses a part of it")]

use std::env;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

/// Says that a test could not run.
pub(crate) fn skipped(test: &str, why: &str) {
    println!("skipped: {test}: {why}");
    // Past the capture of the test harness.
    let _ = io::stderr().write_all(format!("skipped: {test}: {why}\n").as_bytes());
}

/// Whether all of some programs are there. If not, the test is skipped, or fails where
/// `TALLYRING_REQUIRE` says that everything has been installed.
pub(crate) fn have(programs: &[&str], test: &str) -> bool {
    programs.iter().all(|program| find(program, test).is_some())
}

/// Where a program is, under the same rule: in a folder of `PATH`, or where `tests/run` puts those
/// that it does not install.
pub(crate) fn find(program: &str, test: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target");
    let own = ["python/bin", "programs/usr/bin"].map(|folder| target.join(folder));
    let found =
        own.into_iter().chain(env::split_paths(&path)).map(|folder| folder.join(program)).find(|file| file.is_file());
    if found.is_none() {
        let why = format!("{program} is not installed; `tests/run` installs what it can");
        assert!(env::var_os("TALLYRING_REQUIRE").is_none(), "{test}: {why}");
        skipped(test, &why);
    }
    found
}
