//! `fsck DIR`: what a start would do with a data folder, and what can be saved of a damaged one.

use super::Global;
use super::answer;
use super::exit::Exit;
use super::exit::Failure;
use super::output;
use super::table::Cell;
use super::table::printable;
use super::verify;
use crate::audit;
use crate::audit::Diagnosis;
use crate::audit::Salvaged;
use crate::storage::Shared;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct Args {
    /// The data folder; nothing in it is changed
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Write a new data folder with everything that is whole, and `salvage.txt`, which tells what
    /// is lost; it must be empty, or not there
    #[arg(long, value_name = "OUT")]
    salvage: Option<PathBuf>,
}

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let storage = verify::open(&args.folder)?;
    match args.salvage.as_deref() {
        Some(out) => save(&storage, &args.folder, out),
        None => look(&storage, global),
    }
}

fn look(storage: &Shared, global: &Global) -> Result<Exit, Failure> {
    let diagnosis = audit::diagnose(storage)?;
    output::print_bytes(to_text(&diagnosis, global.color.stdout()).as_bytes())?;
    Ok(if diagnosis.is_sound() { Exit::Ok } else { Exit::Negative })
}

fn to_text(diagnosis: &Diagnosis, bold: bool) -> String {
    let snapshot = diagnosis.snapshot.as_deref().map_or("none", |name| name.trim_end_matches(".snap"));
    let mut rows = vec![("snapshot", snapshot.to_owned()), ("journal from", verify::place(&diagnosis.from))];
    if diagnosis.refused.is_none() {
        rows.push(("journal to", verify::place(&diagnosis.end)));
    }
    let rows = rows.into_iter().map(|(name, text)| (name.to_owned(), Cell::text(text))).collect();
    let mut text = answer::pairs(rows, ["a start finds", "what"]).render(bold);
    for why in &diagnosis.passed_over {
        text += &format!("passed over: {}\n", printable(why));
    }
    text + &verdict(diagnosis) + "\n"
}

fn verdict(diagnosis: &Diagnosis) -> String {
    match (&diagnosis.refused, &diagnosis.torn) {
        (Some(fault), _) => format!("a start would refuse: {}", printable(&fault.to_string())),
        (None, Some((file, offset, bytes))) => format!(
            "a start would copy aside and cut a torn tail, never acknowledged: {}, byte {offset}, {bytes} bytes",
            printable(file)
        ),
        (None, None) => "a start would go on from here: clean".to_owned(),
    }
}

fn save(storage: &Shared, folder: &Path, out: &Path) -> Result<Exit, Failure> {
    check_out(folder, out)?;
    let salvaged = audit::salvage(storage, out)?;
    output::print_bytes(printed(&salvaged).as_bytes())?;
    output::message(&format!(
        "{}: a data folder with what is whole; {} was not touched",
        out.display(),
        folder.display()
    ));
    Ok(if salvaged.is_whole() { Exit::Ok } else { Exit::Negative })
}

fn printed(salvaged: &Salvaged) -> String {
    salvaged.to_text().lines().map(|line| printable(line) + "\n").collect()
}

/// Nothing is written into the folder that is to be saved, nor over anything.
fn check_out(folder: &Path, out: &Path) -> Result<(), Failure> {
    let inside = fs::canonicalize(folder).is_ok_and(|folder| {
        let above = out.ancestors().find_map(|part| fs::canonicalize(part).ok());
        above.is_some_and(|above| above.starts_with(folder))
    });
    if inside {
        return Err(Failure::usage(format!("{} lies in the folder that is to be saved", out.display())));
    }
    match fs::read_dir(out).map(|mut entries| entries.next().is_some()) {
        Ok(true) => Err(Failure::usage(format!("{} is not empty", out.display()))),
        _ => Ok(()),
    }
}
