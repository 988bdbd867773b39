//! `tail`: calls as they come, over `/v1/stream`.

use super::Global;
use super::client::Client;
use super::client::Server;
use super::exit::Exit;
use super::exit::Failure;
use super::output;
use super::query::filter;
use super::stream::Events;
use super::table::printable;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::io;
use std::io::ErrorKind;
use std::io::Write;
use std::time::Duration;
use unicode_width::UnicodeWidthStr;

/// Waits between two attempts to connect again: doubled up to the last.
const WAITS: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8)];

/// The columns of a line: the member of a call, its head, and the width that most values fit into.
const COLUMNS: [(&str, &str, usize); 9] = [
    ("timestamp", "TIME", 27),
    ("status_value", "STATUS", 9),
    ("latency_ms", "MS", 9),
    ("ttft_ms", "TTFT", 8),
    ("model", "MODEL", 24),
    ("user", "USER", 16),
    ("total_tokens", "TOKENS", 8),
    ("cost", "COST", 13),
    ("error", "ERROR", 0),
];

const EXAMPLES: &str = "Examples:
  tallyring tail --failures
  tallyring tail --filter model=gpt-4o --filter user=ann --json | jq .latency_ms";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Only calls with this value; repeat a name for "or", other names for "and"
    #[arg(long, value_name = "NAME=VALUE", value_parser = filter)]
    filter: Vec<(String, String)>,
    /// Only calls that failed
    #[arg(long)]
    failures: bool,
    /// The zone of the times
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    /// A JSON object a line, as the server gives it
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

/// Some calls, as the stream tells them.
#[derive(Deserialize)]
struct Calls<'a> {
    #[serde(borrow)]
    calls: Vec<&'a RawValue>,
    skipped: u64,
}

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let client = Client::new(&args.server)?;
    let mut told = Told { json: args.json, color: global.color.stdout(), quiet: global.quiet, head: false };
    let mut waits = None; // none before the first connection: whoever mistypes an address is told at once
    loop {
        let lost = match client.follow("/v1/stream", &args.parameters()) {
            Ok(stream) => {
                waits = Some(WAITS.into_iter());
                match told.all(Events::new(stream)) {
                    Ok(lost) => lost,
                    Err(fault) if fault.kind() == ErrorKind::BrokenPipe => return Ok(Exit::Ok),
                    Err(fault) => return Err(Failure::file("stdout", &fault)),
                }
            }
            // Refused is refused: only a server that does not answer may come back.
            Err(failure) if waits.is_none() || failure.exit != Exit::Unreachable => return Err(failure),
            Err(failure) => failure.to_string(),
        };
        let wait = waits.as_mut().and_then(Iterator::next).unwrap_or(WAITS[WAITS.len() - 1]);
        if !global.quiet {
            output::message(&format!("{lost}; connecting again in {} s, calls until then are missed", wait.as_secs()));
        }
        std::thread::sleep(wait);
    }
}

impl Args {
    fn parameters(&self) -> Vec<(String, String)> {
        let mut parameters = self.filter.clone();
        let mut add = |name: &str, value: &str| parameters.push((name.to_owned(), value.to_owned()));
        add("calls", "true");
        if self.failures {
            add("outcome", "failure");
        }
        if let Some(tz) = &self.tz {
            add("tz", tz);
        }
        parameters
    }
}

/// How calls are told.
struct Told {
    json: bool,
    color: bool,
    quiet: bool,
    head: bool,
}

impl Told {
    /// Tells what comes until the stream is lost, and answers how. `Err` is stdout's.
    fn all(&mut self, events: Events<impl io::Read>) -> io::Result<String> {
        for event in events {
            let event = match event {
                Ok(event) => event,
                Err(fault) => return Ok(format!("the stream is lost: {fault}")),
            };
            match event.name.as_str() {
                "calls" => self.calls(&event.data)?,
                "end" => return Ok(format!("the server ended the stream: {}", reason(&event.data))),
                _ => {}
            }
        }
        Ok("the stream is lost".to_owned())
    }

    fn calls(&mut self, data: &str) -> io::Result<()> {
        let Ok(Calls { calls, skipped }) = serde_json::from_str(data) else { return Ok(()) };
        let mut text = String::new();
        if !self.json && !std::mem::replace(&mut self.head, true) {
            text += &head(self.color);
        }
        for call in calls {
            text += &if self.json { format!("{}\n", call.get()) } else { line(call.get(), self.color) };
        }
        if skipped > 0 && !self.quiet {
            output::message(&format!("({skipped} more calls in this second, not told)"));
        }
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()
    }
}

fn reason(data: &str) -> String {
    let data: Value = serde_json::from_str(data).unwrap_or_default();
    data["reason"].as_str().unwrap_or("no reason told").to_owned()
}

fn head(color: bool) -> String {
    let names = COLUMNS.map(|(_, head, width)| padded(head, width));
    let line = names.join("  ");
    if color { format!("\x1b[1m{}\x1b[0m\n", line.trim_end()) } else { format!("{}\n", line.trim_end()) }
}

/// One call as a line. Its texts are outsiders': control characters are shown escaped.
fn line(call: &str, color: bool) -> String {
    let call: Value = serde_json::from_str(call).unwrap_or_default();
    let cells = COLUMNS.map(|(name, _, width)| padded(&printable(&text(&call[name])), width));
    let line = cells.join("  ");
    let failed = color && call["status"] == "failure";
    if failed { format!("\x1b[31m{}\x1b[0m\n", line.trim_end()) } else { format!("{}\n", line.trim_end()) }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Wider ones stay whole: a cut name is another name.
fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_call_is_one_line_whatever_it_is_named() {
        let call = json!({
            "timestamp": "2026-11-22T14:30:11.4Z", "status": "failure", "status_value": "429", "latency_ms": 35.5,
            "model": "a\nb\u{1b}[2J", "user": null, "total_tokens": 7, "cost": "0.5", "error": "\u{9b}31m\r\nevil"
        });
        let told = line(&call.to_string(), false);
        assert_eq!(told.matches('\n').count(), 1, "{told:?}");
        assert!(!told.trim_end().chars().any(char::is_control), "{told:?}");
        assert!(told.contains("429") && told.contains("35.5") && told.contains("\\n"), "{told:?}");
        assert!(line(&call.to_string(), true).starts_with("\x1b[31m"), "a failure stands out");
    }
}
