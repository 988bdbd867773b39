//! How the program ends.

use crate::config::ConfigError;
use std::fmt;
use std::io;
use std::process::ExitCode;

/// The exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// Done.
    Ok = 0,
    /// Done, and the answer is no.
    Negative = 1,
    /// A flag, a file or a setting can't be used.
    Usage = 2,
    /// The server does not answer, or fails; a data folder can't be opened.
    Unreachable = 3,
    /// Some events were rejected, the others counted.
    Partly = 4,
    /// The disk failed under a running server; `EX_IOERR` of sysexits, so that whatever supervises it
    /// starts it again.
    Disk = 74,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command ended early: the exit code, and a sentence for stderr.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    message: String,
}

impl Failure {
    /// A flag, a file or a setting can't be used.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    /// The server does not answer, or fails.
    pub(super) fn unreachable(message: impl Into<String>) -> Self {
        Self { exit: Exit::Unreachable, message: message.into() }
    }

    /// The disk failed under a running server.
    pub(super) fn disk(message: impl Into<String>) -> Self {
        Self { exit: Exit::Disk, message: message.into() }
    }

    /// A file or folder can't be used.
    pub(super) fn file(name: impl fmt::Display, fault: &io::Error) -> Self {
        Self::usage(format!("{name}: {fault}"))
    }

    /// The same failure with another exit code.
    pub(super) fn with(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<ConfigError> for Failure {
    fn from(fault: ConfigError) -> Self {
        Self::usage(fault.to_string())
    }
}
