//! What a series costs, and whether memory stays under its ceiling: bytes by the engine's own account,
//! and by the system's.
//!
//! Each case is measured in a process of its own, this program started again, so that none finds the
//! memory that another one has freed, and its peak is its own. The system's figure includes what the
//! allocator keeps for itself. One round: the account does not vary.

mod ceiling;
mod day;
mod series;

use super::Effort;
use super::machine;
use super::row::Row;
use super::traffic::START;
use crate::cli::exit::Exit;
use crate::cli::exit::Failure;
use crate::cli::output;
use crate::engine::Engine;
use crate::engine::time::Timestamp;
use clap::ValueEnum;
use serde_json::Value;
use std::io;
use std::process::Command;
use std::process::Stdio;

/// What is measured in one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Case {
    /// Series that were seen once
    Idle,
    /// Series that are busy each second
    Occupied,
    /// Names without end under a budget
    Names,
    /// A day of traffic
    Day,
}

const MIB: f64 = 1_048_576.0;

/// Units of the rows here.
const UNITS: [&str; 4] = ["bytes", "MiB", "M events/s", "s"];

/// Bytes held: by the engine's account, by the system's.
#[derive(Clone, Copy)]
struct Held(u64, u64);

impl Held {
    fn by(engine: &Engine) -> Self {
        Self(engine.stats().memory_bytes, machine::resident_bytes())
    }

    /// What one of `count` things costs since `before`.
    fn rows(self, before: Self, what: &str, count: usize) -> [Row; 2] {
        let each = |now: u64, then: u64| now.saturating_sub(then) as f64 / count as f64;
        [
            Row::new(format!("memory: {what}, own account"), "bytes", [each(self.0, before.0)]),
            Row::new(format!("memory: {what}, resident"), "bytes", [each(self.1, before.1)]),
        ]
    }
}

/// The engine's second so many seconds after [`START`].
fn after(seconds: usize) -> Timestamp {
    Timestamp::from_secs(START).plus_secs(i64::try_from(seconds).expect("a few days"))
}

/// The highest the account has been, and the most that was resident.
fn peaks(what: &str, account: u64) -> [Row; 2] {
    [
        Row::new(format!("memory: {what}: own account, highest"), "MiB", [account as f64 / MIB]),
        Row::new(format!("memory: {what}: resident, highest"), "MiB", [machine::peak_bytes() as f64 / MIB]),
    ]
}

pub(super) fn rows(effort: Effort) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for case in Case::value_variants() {
        rows.extend(elsewhere(*case, effort)?);
    }
    Ok(rows)
}

/// Measures a case in another process.
fn elsewhere(case: Case, effort: Effort) -> Result<Vec<Row>, Failure> {
    let fault = |fault: io::Error| Failure::file("starting a process to measure in", &fault);
    let name = case.to_possible_value().expect("none is skipped");
    let mut command = Command::new(std::env::current_exe().map_err(fault)?);
    command.args(["bench", "--memory-case", name.get_name()]).args(effort.quick.then_some("--quick"));
    let output = command.stderr(Stdio::inherit()).output().map_err(fault)?;
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let rows: Option<Vec<Row>> = rows.iter().map(read).collect();
    let rows = rows.filter(|rows| !rows.is_empty() && output.status.success());
    rows.ok_or_else(|| Failure::unreachable(format!("measuring {} failed: {}", name.get_name(), output.status)))
}

fn read(row: &Value) -> Option<Row> {
    let unit = UNITS.into_iter().find(|unit| row["unit"] == *unit)?;
    Some(Row::new(row["name"].as_str()?, unit, [row["median"].as_f64()?]))
}

/// Measures a case in this process, and tells its rows as JSON.
pub(super) fn run(case: Case, effort: Effort) -> Result<Exit, Failure> {
    let rows = match case {
        Case::Idle => series::idle(effort.of(200_000, 50_000)),
        Case::Occupied => series::occupied(effort.of(120, 30)),
        Case::Names => ceiling::rows(effort.of(10, 1)),
        Case::Day => day::rows(effort.of(24, 2)),
    };
    output::print_json(&Value::Array(rows.iter().map(Row::json).collect()))
}
