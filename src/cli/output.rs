//! What goes to stdout and stderr, and how.

use super::exit::Exit;
use super::exit::Failure;
use super::table::printable;
use clap::ValueEnum;
use serde_json::Value;
use std::io;
use std::io::ErrorKind;
use std::io::IsTerminal;
use std::io::Write;

/// When output has colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Color {
    pub(super) fn stdout(self) -> bool {
        self.on(io::stdout().is_terminal())
    }

    pub(super) fn stderr(self) -> bool {
        self.on(io::stderr().is_terminal())
    }

    fn on(self, terminal: bool) -> bool {
        match self {
            Self::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// The format of an answer.
#[derive(clap::Args, Clone, Copy, Debug)]
#[group(multiple = false)]
pub(super) struct Format {
    /// The answer as the server gives it
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Comma-separated values
    #[arg(long, global = true)]
    pub(super) csv: bool,
    /// A table for people (the default)
    #[arg(long, global = true)]
    plain: bool,
}

/// Bytes that end with a line.
pub(super) fn with_line_end(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.last() != Some(&b'\n') {
        bytes.push(b'\n');
    }
    bytes
}

/// Prints JSON, indented.
pub(super) fn print_json(answer: &Value) -> Result<Exit, Failure> {
    print_bytes(format!("{answer:#}\n").as_bytes())
}

/// Writes to stdout. A reader that has seen enough (`| head`) is no failure.
pub(super) fn print_bytes(bytes: &[u8]) -> Result<Exit, Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(fault) if fault.kind() != ErrorKind::BrokenPipe => Err(Failure::file("stdout", &fault)),
        _ => Ok(Exit::Ok),
    }
}

/// Tells a failure on stderr.
pub(super) fn message_error(color: Color, text: &str) {
    let name = if color.stderr() { "\x1b[1;31merror:\x1b[0m" } else { "error:" };
    tell(&format!("{name} {}", safe(text)));
}

/// Tells something on stderr.
pub(super) fn message(text: &str) {
    tell(&safe(text));
}

/// That stderr is closed is no reason to stop.
fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Messages quote servers and files: control characters are shown escaped, line breaks stay.
fn safe(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}
