//! What the figures should be, by the design: a second table under the first.

use super::row;
use super::row::Row;
use crate::cli::table::Cell;
use crate::cli::table::Table;

/// One figure that was promised.
struct Budget {
    what: &'static str,
    row: &'static str,
    unit: &'static str,
    goal: Goal,
}

#[derive(Clone, Copy)]
enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

use Goal::AtLeast;
use Goal::AtMost;

const RATE: &str = "M events/s";
const CPU: &str = "server CPU s / M events";

const BUDGETS: &[Budget] = &[
    budget("a handle records, 1k series", "record: 1k series, handles, 1 thread", RATE, AtLeast(10.0)),
    budget("a handle records, 50k series", "record: 50k series, handles, 1 thread", RATE, AtLeast(6.0)),
    budget("a handle records, 1M series", "record: 1M series, handles, 1 thread", RATE, AtLeast(3.0)),
    budget("NDJSON over HTTP, synced", "http: ack = fsync, 1000 events a request, 8 connections", CPU, AtMost(1.0)),
    budget(
        "single events, synced",
        "http: ack = fsync, 1 event a request, 8 connections: rate",
        "% of the empty handler's",
        AtLeast(80.0),
    ),
    budget(
        "single events, not synced",
        "http: ack = memory, 1 event a request, 8 connections: rate",
        "% of the empty handler's",
        AtLeast(80.0),
    ),
    budget("a window on a rollup", "read: total, 1 h", "µs", AtMost(1.0)),
    budget("the same while ingesting, p99", "read: total, 1 h, while ingesting, p99", "µs", AtMost(5.0)),
    budget("/v1/usage while ingesting, p99", "http: /v1/usage, 1 h by model, while ingesting, p99", "ms", AtMost(5.0)),
    budget("two dimensions, 24 h, 50k series", "read: by key × model, 24 h", "µs", AtMost(20_000.0)),
    budget("an idle series", "memory: series, idle for 3 days, own account", "bytes", AtMost(150.0)),
    budget("an occupied series-second", "memory: series-second, occupied, own account", "bytes", AtMost(24.0)),
    budget("recovery of 10 M events", "recovery: 10 M events from the journal alone", "s", AtMost(15.0)),
    budget("a snapshot's pause, 1M series", "snapshot: 1M series, ingestion held up for", "ms", AtMost(5.0)),
];

const fn budget(what: &'static str, row: &'static str, unit: &'static str, goal: Goal) -> Budget {
    Budget { what, row, unit, goal }
}

impl Goal {
    fn is_reached(self, figure: f64) -> bool {
        match self {
            AtLeast(goal) => figure >= goal,
            AtMost(goal) => figure <= goal,
        }
    }

    fn told(self, unit: &str) -> String {
        match self {
            AtLeast(goal) => format!(">= {goal} {unit}"),
            AtMost(goal) => format!("<= {goal} {unit}"),
        }
    }
}

/// The budgets of rows that were measured; nothing where none was.
pub(super) fn table(rows: &[Row]) -> Option<Table> {
    let mut table = Table::titled("\nagainst the budgets\n ");
    let mut any = false;
    for Budget { what, row, unit, goal } in BUDGETS {
        let Some(found) = rows.iter().find(|found| found.name == *row && found.unit == *unit) else { continue };
        any = true;
        let cells = [
            ("what", Cell::text(*what)),
            ("budget", Cell::text(goal.told(found.unit))),
            ("measured", Cell::figure(row::shown(found.median()))),
            ("", Cell::text(if goal.is_reached(found.median()) { "reached" } else { "missed" })),
        ];
        table.push(cells.map(|(name, cell)| (name.to_owned(), cell)));
    }
    any.then_some(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_told_of_rows_that_were_measured() {
        assert!(table(&[Row::new("some other row", "ms", [1.0])]).is_none());
        let row = |figure| Row::new("record: 1k series, handles, 1 thread", "M events/s", [figure]);
        let text = |figure| table(&[row(figure)]).expect("it has a budget").render(false);
        assert!(text(10.0).contains(">= 10 M events/s") && text(10.0).contains("reached"), "{}", text(10.0));
        assert!(text(9.9).contains("missed"), "{}", text(9.9));
        assert!(AtMost(5.0).is_reached(5.0) && !AtMost(5.0).is_reached(5.1));
    }
}
