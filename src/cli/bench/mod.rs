//! `bench`: how fast this build is on this machine, in one table.
//!
//! ```text
//! memory ─┐                       ┌─ one file per group of rows
//! record  ├─▶ Row: rounds of one figure ─▶ table of medians and spread, or JSON
//! …       ┘
//! ```
//!
//! Simulated time is used wherever the engine is asked directly, so that sealing and folding are
//! part of what is measured. The HTTP rows start this same program as a server in another process.

mod against;
mod budget;
mod durable;
mod growth;
mod http;
mod machine;
mod memory;
mod parse;
mod reads;
mod record;
mod row;
mod scaling;
pub mod traffic;

use super::Global;
use super::exit::Exit;
use super::exit::Failure;
use super::output;
use super::table::Cell;
use super::table::Table;
use clap::ValueEnum;
use machine::Machine;
use row::Row;
use serde_json::Value;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

/// How often each figure is taken.
const ROUNDS: usize = 5;

#[derive(clap::Args)]
pub(super) struct Args {
    /// Shorter rounds: done in 20 seconds, and less steady
    #[arg(long)]
    quick: bool,
    /// Only these rows
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<Group>,
    /// One JSON object
    #[arg(long)]
    json: bool,
    /// Compare with another build of this program: both are measured in turns
    #[arg(long, value_name = "PROGRAM", conflicts_with = "json")]
    against: Option<PathBuf>,
    /// Serve empty answers: what the HTTP rows are compared with
    #[arg(long, hide = true)]
    empty_server: bool,
    /// Measure one case of memory here, and tell its rows
    #[arg(long, hide = true)]
    memory_case: Option<memory::Case>,
}

/// Rows that are measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Group {
    /// Bytes held
    Memory,
    /// Calls counted by an embedded engine
    Record,
    /// NDJSON read
    Parse,
    /// Questions answered by an embedded engine
    Reads,
    /// What more cores would do
    Scaling,
    /// Calls kept: acknowledgements, snapshots, recovery, proofs
    Durable,
    /// Events taken and questions answered over HTTP
    Http,
    /// The same under five times the load
    Overload,
}

/// How much time a figure may take.
#[derive(Clone, Copy)]
struct Effort {
    quick: bool,
}

impl Effort {
    /// The length of a round that is measured by time.
    fn round(self) -> Duration {
        Duration::from_millis(if self.quick { 60 } else { 400 })
    }

    /// The full number, or a smaller one.
    fn of(self, full: usize, quick: usize) -> usize {
        if self.quick { quick } else { full }
    }
}

impl Group {
    fn rows(self, effort: Effort) -> Result<Vec<Row>, Failure> {
        Ok(match self {
            Self::Memory => return memory::rows(effort),
            Self::Record => record::rows(effort),
            Self::Parse => parse::rows(effort),
            Self::Reads => reads::rows(effort),
            Self::Scaling => scaling::rows(effort),
            Self::Durable => return durable::rows(effort),
            Self::Http => return http::rows(effort),
            Self::Overload => return http::overload_rows(effort),
        })
    }
}

pub(super) fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    if args.empty_server {
        return http::serve_empty();
    }
    if let Some(case) = args.memory_case {
        return memory::run(case, Effort { quick: args.quick });
    }
    if let Some(other) = &args.against {
        return against::run(other, &args.only, args.quick, global.color.stdout());
    }
    let (began, machine) = (Instant::now(), Machine::now());
    let effort = Effort { quick: args.quick };
    let mut rows = Vec::new();
    for group in Group::value_variants().iter().filter(|group| args.only.is_empty() || args.only.contains(group)) {
        if !global.quiet {
            output::message(&format!("measuring {group:?} …").to_lowercase());
        }
        rows.extend(group.rows(effort)?);
    }
    if args.json { output::print_json(&json(&machine, &rows)) } else { print(&machine, &rows, began, global) }
}

fn json(machine: &Machine, rows: &[Row]) -> Value {
    json!({ "machine": machine.json(), "rows": rows.iter().map(Row::json).collect::<Vec<_>>() })
}

fn print(machine: &Machine, rows: &[Row], began: Instant, global: &Global) -> Result<Exit, Failure> {
    let title =
        format!("{machine}\nmedians of {ROUNDS} rounds and more; {:.0} s in all\n ", began.elapsed().as_secs_f64());
    let mut table = Table::titled(title);
    for row in rows {
        let cells = [
            ("row", Cell::text(&row.name)),
            ("median", Cell::number(row::shown(row.median()))),
            ("min", Cell::number(row::shown(row.min()))),
            ("max", Cell::number(row::shown(row.max()))),
            ("unit", Cell::text(row.unit)),
        ];
        table.push(cells.map(|(name, cell)| (name.to_owned(), cell)));
    }
    let mut text = table.render(global.color.stdout());
    text.extend(budget::table(rows).map(|table| table.render(global.color.stdout())));
    output::print_bytes(text.as_bytes())
}
