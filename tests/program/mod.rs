//! The binary as a user without any settings runs it: variables of whoever runs the tests are left out.

#![allow(dead_code, reason = "each test needs a part of it")]

use std::process::Command;

/// The binary, to be given its arguments.
pub(crate) fn tallyring() -> Command {
    plain(env!("CARGO_BIN_EXE_tallyring"))
}

/// Any program that may start it.
pub(crate) fn plain(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TALLYRING_")) {
        command.env_remove(name);
    }
    command
}
