//! Two builds in one run: the other one's rows and this one's, in turns, and their ratio.
//!
//! Machines change their speed from one minute to the next. Figures of two runs say little about
//! each other; figures taken in turns do.

use super::Group;
use super::row;
use super::row::Row;
use crate::cli::exit::Exit;
use crate::cli::exit::Failure;
use crate::cli::output;
use crate::cli::table::Cell;
use crate::cli::table::Table;
use clap::ValueEnum;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// How often each build is measured.
const TURNS: usize = 3;

/// One row of both builds.
struct Pair {
    other: Row,
    this: Row,
}

/// Measures both and prints the table.
pub(super) fn run(other: &Path, only: &[Group], quick: bool, color: bool) -> Result<Exit, Failure> {
    let this = std::env::current_exe().map_err(|fault| Failure::file("this program", &fault))?;
    let mut taken = [Vec::new(), Vec::new()];
    for turn in 1..=TURNS {
        for (build, taken) in [other, &*this].into_iter().zip(&mut taken) {
            output::message(&format!("turn {turn} of {TURNS}: {}", build.display()));
            taken.push(measure(build, only, quick)?);
        }
    }
    let [others, these] = taken;
    output::print_bytes(table(&pairs(&others, &these)).render(color).as_bytes())
}

fn measure(build: &Path, only: &[Group], quick: bool) -> Result<Value, Failure> {
    let mut command = Command::new(build);
    command.args(["bench", "--json", "--quiet"]).args(quick.then_some("--quick"));
    for group in only {
        let value = group.to_possible_value().expect("no group is skipped");
        command.args(["--only", value.get_name()]);
    }
    let done = command.output().map_err(|fault| Failure::file(build.display(), &fault))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        return Err(Failure::usage(format!("{}: {}", build.display(), said.trim())));
    }
    let told = serde_json::from_slice(&done.stdout);
    told.map_err(|fault| Failure::usage(format!("{}: it printed no table: {fault}", build.display())))
}

/// The rows that both have, in this build's order; a round is a turn's median.
fn pairs(others: &[Value], these: &[Value]) -> Vec<Pair> {
    let rows = |told: &Value| told["rows"].as_array().cloned().unwrap_or_default();
    let medians = |turns: &[Value], name: &Value| -> Vec<f64> {
        let found = turns.iter().filter_map(|told| rows(told).into_iter().find(|row| row["name"] == *name));
        found.filter_map(|row| row["median"].as_f64()).collect()
    };
    let pair = |row: Value| {
        let row_of = |turns| {
            let rounds = medians(turns, &row["name"]);
            (!rounds.is_empty()).then(|| Row::new(row["name"].as_str().unwrap_or_default(), "", rounds))
        };
        Some(Pair { other: row_of(others)?, this: row_of(these)? })
    };
    these.first().map(rows).unwrap_or_default().into_iter().filter_map(pair).collect()
}

fn table(pairs: &[Pair]) -> Table {
    let mut table = Table::titled(format!("medians of {TURNS} turns; ratio: this build's figure by the other's\n "));
    for Pair { other, this } in pairs {
        let apart = this.min() > other.max() || this.max() < other.min();
        let cells = [
            ("row", Cell::text(&this.name)),
            ("other", Cell::figure(row::shown(other.median()))),
            ("this", Cell::figure(row::shown(this.median()))),
            ("ratio", Cell::figure(format!("{:.2}", this.median() / other.median()))),
            ("", Cell::text(if apart { "" } else { "within the spread" })),
        ];
        table.push(cells.map(|(name, cell)| (name.to_owned(), cell)));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(rows: &[(&str, f64)]) -> Value {
        let rows: Vec<Value> = rows.iter().map(|(name, median)| json!({ "name": name, "median": median })).collect();
        json!({ "rows": rows })
    }

    #[test]
    fn rows_are_paired_by_name_and_a_spread_that_overlaps_is_said() {
        let others = [told(&[("a", 1.0), ("b", 5.0), ("gone", 1.0)]), told(&[("a", 2.0), ("b", 6.0)])];
        let these = [told(&[("a", 3.0), ("b", 5.5), ("new", 1.0)]), told(&[("a", 4.0), ("b", 9.0)])];
        let text = table(&pairs(&others, &these)).render(false);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert!(lines.contains(&vec!["a", "2.00", "4.00", "2.00"]), "{text}");
        assert!(lines.contains(&vec!["b", "6.00", "9.00", "1.50", "within", "the", "spread"]), "{text}");
        assert!(!text.contains("gone") && !text.contains("new"), "{text}");
    }
}
