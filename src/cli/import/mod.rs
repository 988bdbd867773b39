//! `import FILE|-`: sends the calls of a file to a server.
//!
//! ```text
//! source ── records ── edits ── pace ── batches ── sink ── tally
//! file or   lines or   zone,    wait    1,000 or   HTTP,   counts and
//! stdin     CSV rows   set, …   if due  1 MiB      or dry  first faults
//! ```
//!
//! Nothing holds the whole file: a record goes through before the next is read. What needs to know
//! the whole file first (`--shift-to-now`, `--speed`) reads it twice.

mod csv_rows;
mod edits;
mod fields;
mod ndjson;
mod pace;
mod sink;
mod source;
mod tally;

use super::Global;
use super::client::Server;
use super::exit::Exit;
use super::exit::Failure;
use crate::clock::Clock;
use crate::clock::System;
use crate::engine::time::Zone;
use edits::Edits;
use fields::Assignment;
use fields::Record;
use pace::Bounds;
use pace::Pace;
use sink::Sink;
use source::Source;
use std::io::Read;
use std::path::PathBuf;
use tally::Tally;

/// Events of one request.
const BATCH_EVENTS: usize = 1_000;
/// A server names the first 100 faults of a request: with so few events it names all.
const NAMED_EVENTS: usize = 100;
/// A batch is sent when it has so many bytes; well below the largest body a server takes.
const BATCH_BYTES: usize = 1 << 20;

const EXAMPLES: &str = "Examples:
  tallyring import calls.ndjson
  gateway-log | tallyring import -
  tallyring import requests.csv --map timestamp=created --map user=customer --map latency_s=took \\
      --tz Asia/Shanghai --success SUCCEED --set endpoint=/v1/images --dry-run
  tallyring import trace.ndjson --shift-to-now --speed 60

Columns of a CSV file that have the name of an event's field need no --map. Fields: timestamp, key, user, model, \
provider, endpoint, status, latency_ms, latency_s, latency_us, ttft_ms, ttft_s, ttft_us, input_tokens, output_tokens, \
cache_read_tokens, cache_write_tokens, reasoning_tokens, total_tokens, cost, currency, id, job_id, error, label.NAME.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The file to read; `-` is stdin
    file: PathBuf,
    /// How it is written; by default `csv` for *.csv, else `ndjson`: one event a line
    #[arg(long, value_enum)]
    format: Option<FileFormat>,
    /// Reads a field of the event from a column of the CSV file
    #[arg(long, value_name = "FIELD=COLUMN", value_parser = fields::assignment)]
    map: Vec<Assignment>,
    /// Gives a field of every event the same value
    #[arg(long, value_name = "FIELD=VALUE", value_parser = fields::assignment)]
    set: Vec<Assignment>,
    /// The zone of times without an offset, such as `2024-11-15 16:57:50`
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    tz: Option<Zone>,
    /// A status that counts as a success; others stay as they are
    #[arg(long, value_name = "WORD")]
    success: Vec<String>,
    /// Reads and judges everything here, sends nothing
    #[arg(long)]
    dry_run: bool,
    /// Moves all times by the same span, so that the newest call ends now
    #[arg(long)]
    shift_to_now: bool,
    /// Plays the calls in time, N times faster, in the order of the file; with --shift-to-now
    /// every call gets the time at which it is played
    #[arg(long, value_name = "N", value_parser = speed)]
    speed: Option<f64>,
    /// Gives every event without an id one made of the file's name and the line, so that a second
    /// import of the same file counts nothing twice
    #[arg(long)]
    ids: bool,
    /// The result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FileFormat {
    /// One JSON event a line
    Ndjson,
    /// Comma-separated values with a head line
    Csv,
}

fn zone(name: &str) -> Result<Zone, String> {
    Zone::parse(name).map_err(|fault| fault.to_string())
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.trim_end_matches(['x', 'X']).parse().map_err(|_| "expected a number such as 60")?;
    if speed.is_finite() && speed > 0.0 { Ok(speed) } else { Err("expected a number above 0".to_owned()) }
}

/// What becomes of a record before it is sent: a record, or the line and why it is none.
type Judged = Result<Record, tally::Fault>;

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let format = args.format();
    if format == FileFormat::Ndjson && !args.map.is_empty() {
        return Err(Failure::usage("--map is for CSV files; for others see --format"));
    }
    let mut source = Source::open(&args.file, args.shift_to_now || args.speed.is_some())?;
    let mut edits = Edits::new(&args.set, args.success.clone(), args.tz.clone(), args.ids.then(|| source.name()));
    let pace = args.pace(&mut source, format, &mut edits, global)?;
    let mut sink = if args.dry_run { Sink::dry()? } else { Sink::remote(&args.server)? };
    let mut tally = Tally::default();
    let bar = source.progress(global.quiet, if args.dry_run { "checking" } else { "sending" });
    let sent = send(args.records(source.reader(&bar)?, format)?, &edits, &pace, &mut sink, &mut tally);
    bar.finish_and_clear();
    if let Err(failure) = sent {
        return Err(tally.interrupted(&failure));
    }
    tally.print(args, global)
}

impl Args {
    fn format(&self) -> FileFormat {
        let csv = self.file.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv"));
        self.format.unwrap_or(if csv { FileFormat::Csv } else { FileFormat::Ndjson })
    }

    fn records<'a>(
        &self,
        reader: impl Read + 'a,
        format: FileFormat,
    ) -> Result<Box<dyn Iterator<Item = Result<Judged, Failure>> + 'a>, Failure> {
        Ok(match format {
            FileFormat::Ndjson => Box::new(ndjson::records(reader)),
            FileFormat::Csv => Box::new(csv_rows::records(reader, &self.map)?),
        })
    }

    /// Finds the first and the last instant, where it must be known before anything is sent.
    fn pace(
        &self,
        source: &mut Source,
        format: FileFormat,
        edits: &mut Edits,
        global: &Global,
    ) -> Result<Pace, Failure> {
        if !self.shift_to_now && self.speed.is_none() {
            return Ok(Pace::AtOnce);
        }
        let bar = source.progress(global.quiet, "reading");
        let mut bounds = Bounds::default();
        for record in self.records(source.reader(&bar)?, format)? {
            if let Ok(record) = record? {
                bounds.add(edits.time(&record));
            }
        }
        bar.finish_and_clear();
        let (rebase, pace) = bounds.plan(System.now(), self.shift_to_now, self.speed.filter(|_| !self.dry_run));
        edits.rebase = rebase;
        edits.timed = matches!(pace, Pace::InTime { .. });
        Ok(pace)
    }
}

/// Runs every record through, in batches.
fn send(
    records: impl Iterator<Item = Result<Judged, Failure>>,
    edits: &Edits,
    pace: &Pace,
    sink: &mut Sink,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let mut batch = Batch { most: sink.batch_events(), ..Batch::default() };
    for record in records {
        let line = match record?.and_then(|record| edits.line(record)) {
            Ok(line) => line,
            Err(fault) => {
                tally.reject(fault);
                continue;
            }
        };
        if let Some(wait) = line.time.and_then(|time| pace.wait(time)) {
            batch.send(sink, tally)?;
            std::thread::sleep(wait);
        }
        batch.push(&line);
        if batch.lines.len() >= batch.most || batch.body.len() >= BATCH_BYTES {
            batch.send(sink, tally)?;
        }
    }
    batch.send(sink, tally)
}

/// Events of one request, and the line each came from.
#[derive(Default)]
struct Batch {
    body: Vec<u8>,
    lines: Vec<u64>,
    /// The most events of the batch.
    most: usize,
}

impl Batch {
    fn push(&mut self, line: &edits::Line) {
        self.body.extend_from_slice(&line.json);
        self.body.push(b'\n');
        self.lines.push(line.number);
    }

    fn send(&mut self, sink: &mut Sink, tally: &mut Tally) -> Result<(), Failure> {
        if !self.lines.is_empty() {
            let answer = sink.send(&self.body)?;
            if tally.add(&answer, &self.lines) > 0 {
                self.most = NAMED_EVENTS;
            }
            self.body.clear();
            self.lines.clear();
        }
        Ok(())
    }
}
