//! The cells of the table, for the screen and for `--once`.

use super::super::table::Cell;
use super::super::table::Table;
use super::super::table::printable;
use super::figures::Row;
use super::figures::duration;
use super::figures::money;
use super::figures::share;
use super::figures::short;
use super::state::Sort;
use super::state::State;

/// The columns behind the name: their heads and what they sort by.
pub(super) const COLUMNS: [(&str, Option<Sort>); 9] = [
    ("CALLS", Some(Sort::Requests)),
    ("/S", None),
    ("FAILED", None),
    ("ERRORS", Some(Sort::Errors)),
    ("TOKENS", Some(Sort::Tokens)),
    ("COST", Some(Sort::Cost)),
    ("P50", Some(Sort::P50)),
    ("P95", Some(Sort::P95)),
    ("TTFT P95", Some(Sort::Ttft)),
];

/// The cells of a row behind its name.
pub(super) fn cells(row: &Row, window_secs: u32) -> [String; COLUMNS.len()] {
    [
        short(row.requests as f64),
        short(row.requests as f64 / f64::from(window_secs)),
        short(row.failures as f64),
        share(row.error_rate()),
        short(row.tokens as f64),
        money(&row.cost),
        duration(row.p50_ms),
        duration(row.p95_ms),
        duration(row.ttft_ms),
    ]
}

/// A name that moves no cursor.
pub(super) fn name(row: &Row) -> String {
    printable(row.name())
}

/// What is filtered by.
pub(super) fn filters(state: &State) -> String {
    let shown = |(name, value): &(String, String)| {
        let value = if value.is_empty() { "(none)" } else { value };
        printable(&format!("{name}={value}"))
    };
    state.filters.iter().map(shown).collect::<Vec<_>>().join(" ")
}

/// The table as text, once.
pub(super) fn plain(state: &State, bold: bool) -> String {
    let mut title = format!("last {} by {}", state.window.name(), state.by.name());
    if !state.filters.is_empty() {
        title += &format!(", {}", filters(state));
    }
    let mut table = Table::titled(title);
    let mut push = |name: String, row: &Row| {
        let rest = COLUMNS.iter().zip(cells(row, state.window.secs()));
        let rest = rest.map(|((head, _), text)| ((*head).to_owned(), Cell::figure(text)));
        table.push([(state.by.name().to_uppercase(), Cell::text(name))].into_iter().chain(rest));
    };
    state.rows.iter().for_each(|row| push(name(row), row));
    if let Some(total) = &state.total {
        push("(total)".to_owned(), total);
    }
    table.render(bold)
}
