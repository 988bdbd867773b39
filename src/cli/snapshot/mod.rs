//! `snapshot create|list|show|verify|diff`: over a server's API, or from a data folder without one.

mod diff;
mod source;

use super::Global;
use super::answer;
use super::answer::Node;
use super::client::Server;
use super::exit::Exit;
use super::exit::Failure;
use super::output;
use super::table::Table;
use clap::Subcommand;
use source::Source;
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  tallyring snapshot create
  tallyring snapshot list --data-dir tallyring-data
  tallyring query --window 24h --group-by model --snapshot 00000000000000000004-00000000000000000512";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    /// Reads this data folder itself; no server needs to run, and one that does is not disturbed
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The answer as JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

#[derive(Subcommand)]
enum Command {
    /// Take a snapshot now
    Create {
        /// One that needs no older file
        #[arg(long)]
        full: bool,
    },
    /// List the snapshots there are, newest first
    List,
    /// Show one
    Show {
        /// Its id, as `list` shows it
        id: String,
    },
    /// Read one whole and check every byte of it; exits with 1 if it is damaged
    Verify {
        /// Its id
        id: String,
    },
    /// Compare what two count, by every dimension; exits with 1 if they differ
    Diff {
        /// The id of one
        a: String,
        /// The id of the other
        b: String,
    },
}

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let source = Source::open(args.data_dir.as_deref(), &args.server)?;
    match &args.command {
        Command::Create { full } => args.print(&source.create(*full)?, answer::figures, global),
        Command::List => args.print(&source.list()?, list, global),
        Command::Show { id } => args.print(&source.show(id)?, answer::figures, global),
        Command::Verify { id } => args.verify(&source.verify(id)?, global),
        Command::Diff { a, b } => diff::run(&source, [a, b], args.json, global),
    }
}

impl Args {
    fn print(&self, answer: &[u8], table: fn(Node<'_>) -> Table, global: &Global) -> Result<Exit, Failure> {
        if self.json {
            return output::print_bytes(&output::with_line_end(answer.to_vec()));
        }
        output::print_bytes(table(Node::parse(answer)?).render(global.color.stdout()).as_bytes())
    }

    fn verify(&self, answer: &[u8], global: &Global) -> Result<Exit, Failure> {
        let node = Node::parse(answer)?;
        let text = |name| node.get(name).and_then(Node::text);
        self.print(answer, verified, global)?;
        if text("valid").as_deref() == Some("true") {
            return Ok(Exit::Ok);
        }
        output::message(&text("detail").unwrap_or_else(|| "it is damaged".to_owned()));
        Ok(Exit::Negative)
    }
}

/// A row each; their hashes are for `show`.
fn list(answer: Node<'_>) -> Table {
    let mut table = Table::default();
    for snapshot in answer.get("snapshots").and_then(Node::items).unwrap_or_default() {
        table.push(snapshot.row().into_iter().filter(|(name, _)| !matches!(name.as_str(), "chain" | "blake3")));
    }
    table
}

/// Whether it is valid, and if so what it is.
fn verified(answer: Node<'_>) -> Table {
    let mut rows = answer.row();
    rows.retain(|(name, _)| matches!(name.as_str(), "id" | "valid"));
    let told = answer.get("snapshot").map(Node::row).unwrap_or_default();
    rows.extend(told.into_iter().filter(|(name, _)| name != "id"));
    answer::pairs(rows, ["figure", "value"])
}
