//! `man`: the manual pages, out of the same words as `--help`.

use super::exit::Exit;
use super::exit::Failure;
use super::output;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct Args {
    /// Write a page for the program and one for each command into this folder; it is made if it is
    /// not there. Without it, the program's own page goes to stdout; e.g. `tallyring man | man -l -`
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn run(args: &Args, command: clap::Command) -> Result<Exit, Failure> {
    match &args.dir {
        Some(folder) => all(command, folder),
        None => one(command),
    }
}

fn one(command: clap::Command) -> Result<Exit, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page).map_err(|fault| Failure::file("the page", &fault))?;
    output::print_bytes(&page)
}

fn all(command: clap::Command, folder: &Path) -> Result<Exit, Failure> {
    let written = fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
    written.map_err(|fault| Failure::file(folder.display(), &fault))?;
    output::message(&format!("wrote the manual pages to {}", folder.display()));
    Ok(Exit::Ok)
}
