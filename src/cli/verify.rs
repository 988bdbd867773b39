//! `verify DIR`: the proof over a data folder, without a server.

use super::Global;
use super::answer;
use super::exit::Exit;
use super::exit::Failure;
use super::output;
use super::table::Cell;
use super::table::printable;
use crate::audit;
use crate::audit::Checkpoint;
use crate::audit::Place;
use crate::audit::Report;
use crate::audit::Unreadable;
use crate::audit::hex;
use crate::storage::Disk;
use crate::storage::Shared;
use serde_json::Value;
use serde_json::json;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(clap::Args)]
pub(super) struct Args {
    /// The data folder; a server may be running on it
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// A checkpoint noted before: what it covers must still be there, unchanged
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Note a checkpoint, if nothing is wrong; keep it where nobody who can write DIR can reach it
    #[arg(long, value_name = "FILE")]
    write_checkpoint: Option<PathBuf>,
    /// The report as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let noted = args.checkpoint.as_deref().map(read).transpose()?;
    check_target(args)?;
    let storage = open(&args.folder)?;
    let report = audit::verify(&storage, noted.as_ref())?;
    if args.json {
        output::print_json(&to_json(&report))?;
    } else {
        let text = to_text(&report, noted.as_ref(), global.color.stdout());
        output::print_bytes(text.as_bytes())?;
    }
    if !report.faults.is_empty() {
        return Ok(Exit::Negative);
    }
    args.write_checkpoint.as_deref().map_or(Ok(Exit::Ok), |file| write(file, &report))
}

/// A data folder, to read only.
pub(super) fn open(folder: &Path) -> Result<Shared, Failure> {
    let disk =
        Disk::read_only(folder).map_err(|fault| Failure::file(folder.display(), &fault).with(Exit::Unreachable))?;
    Ok(Arc::new(disk))
}

impl From<Unreadable> for Failure {
    fn from(fault: Unreadable) -> Self {
        Self::unreachable(fault.to_string())
    }
}

fn read(file: &Path) -> Result<Checkpoint, Failure> {
    let name = file.display();
    let text = fs::read_to_string(file).map_err(|fault| Failure::file(name, &fault))?;
    text.parse().map_err(|fault| Failure::usage(format!("{}: {fault}", file.display())))
}

/// A checkpoint that was not checked is not written over: it may be the only one that knows.
fn check_target(args: &Args) -> Result<(), Failure> {
    let Some(file) = args.write_checkpoint.as_deref().filter(|file| file.exists()) else { return Ok(()) };
    if args.checkpoint.as_deref().is_some_and(|checked| checked == file) {
        return Ok(());
    }
    let name = file.display();
    Err(Failure::usage(format!("{name} is there already: name it with --checkpoint too, so that it is checked first")))
}

fn write(file: &Path, report: &Report) -> Result<Exit, Failure> {
    let Some(checkpoint) = &report.checkpoint else {
        return Err(Failure::usage("nothing in the journal is known to be synced yet: try again later"));
    };
    fs::write(file, checkpoint.to_string()).map_err(|fault| Failure::file(file.display(), &fault))?;
    output::message(&format!("{}: a checkpoint of position {}", file.display(), checkpoint.place.events));
    Ok(Exit::Ok)
}

fn to_text(report: &Report, noted: Option<&Checkpoint>, bold: bool) -> String {
    let mut text = answer::pairs(rows(report, noted), ["figure", "value"]).render(bold);
    for note in &report.notes {
        text += &format!("note: {}\n", printable(note));
    }
    for fault in &report.faults {
        text += &format!("fault: {}\n", printable(&fault.to_string()));
    }
    let verdict = match report.faults.len() {
        0 => "nothing is wrong".to_owned(),
        1 => "1 fault".to_owned(),
        faults => format!("{faults} faults"),
    };
    text + &verdict + "\n"
}

fn rows(report: &Report, noted: Option<&Checkpoint>) -> Vec<(String, Cell)> {
    let number = |number: u64| Cell::text(number.to_string()); // among texts, which stand to the left
    let mut rows = vec![
        ("instance", Cell::text(report.instance.map_or("none".to_owned(), |instance| hex::of(&instance)))),
        ("segments", number(report.segments as u64)),
        ("frames", number(report.frames)),
        ("events", number(report.events)),
        ("journal bytes", number(report.bytes)),
        ("MB/s", number(report.megabytes_a_second())),
        ("first place", Cell::text(place(&report.first))),
        ("last place", Cell::text(place(&report.end))),
    ];
    for (index, whole) in report.snapshots.iter().enumerate() {
        let head = if index == 0 { "snapshots" } else { "" };
        let named = if whole.named { "" } else { ", not named by the journal" };
        let name = whole.name.trim_end_matches(".snap");
        rows.push((head, Cell::text(format!("{name}, of {}, whole{named}", whole.taken))));
    }
    if let Some((first, latest)) = report.arrived {
        rows.push(("requests from", Cell::text(first.to_string())));
        rows.push(("requests to", Cell::text(latest.to_string())));
    }
    if report.tail > 0 {
        rows.push(("in use or torn", Cell::text(format!("{} bytes after the last frame", report.tail))));
    }
    if let (Some(noted), Some(standing)) = (noted, report.standing) {
        let word = standing.word();
        rows.push(("checkpoint", Cell::text(format!("{word}: {}", place(&noted.place)))));
    }
    rows.into_iter().map(|(name, cell)| (name.to_owned(), cell)).collect()
}

/// A place in one line.
pub(super) fn place(place: &Place) -> String {
    format!("frame {}, position {}, chain {}", place.frames, place.events, hex::of(&place.chain))
}

fn to_json(report: &Report) -> Value {
    let fault = |fault: &audit::Fault| {
        json!({ "file": fault.file, "offset": fault.offset, "position": fault.position,
            "what": fault.what, "advice": fault.advice })
    };
    let snapshot = |whole: &audit::Whole| {
        json!({ "name": whole.name.trim_end_matches(".snap"), "place": place_json(&whole.place), "bytes": whole.bytes,
            "taken": whole.taken.to_string(), "blake3": hex::of(&whole.blake3), "named": whole.named })
    };
    json!({
        "ok": report.faults.is_empty(),
        "instance": report.instance.map(|instance| hex::of(&instance)),
        "segments": report.segments,
        "frames": report.frames,
        "events": report.events,
        "bytes": report.bytes,
        "megabytes_per_second": report.megabytes_a_second(),
        "first": place_json(&report.first),
        "last": place_json(&report.end),
        "requests_from": report.arrived.map(|(first, _)| first.to_string()),
        "requests_to": report.arrived.map(|(_, latest)| latest.to_string()),
        "in_use_or_torn_bytes": report.tail,
        "snapshots": report.snapshots.iter().map(snapshot).collect::<Vec<_>>(),
        "checkpoint": report.standing.map(audit::Standing::word),
        "faults": report.faults.iter().map(fault).collect::<Vec<_>>(),
        "notes": report.notes,
    })
}

/// A place as JSON.
pub(super) fn place_json(place: &Place) -> Value {
    json!({ "frames": place.frames, "position": place.events, "chain": hex::of(&place.chain) })
}
