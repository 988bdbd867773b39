//! `snapshot diff`: what two snapshots count, compared figure by figure and group by group.
//!
//! Both are asked for everything they keep, in all and by each dimension, so every sum, amount and
//! extreme is compared. Quantiles are too: equal calls give equal bins.

use super::source::Past;
use super::source::Source;
use crate::cli::Global;
use crate::cli::answer::Node;
use crate::cli::exit::Exit;
use crate::cli::exit::Failure;
use crate::cli::output;
use crate::cli::table::Cell;
use crate::cli::table::Table;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// Everything counted; a share says nothing that its parts do not.
const METRICS: &str = "requests,successes,failures,input_tokens,output_tokens,cache_read_tokens,cache_write_tokens,\
                       reasoning_tokens,total_tokens,cost,unpriced,latency_ms,ttft_ms";
/// Groups of one page.
const PAGE: usize = 10_000;
/// The most rows of a table for people; `--json` has all.
const MAX_ROWS: usize = 100;

/// Figures by name, of one group.
type Figures = BTreeMap<String, String>;

/// All of them, by dimension and value; those of all calls under no dimension.
type Everything = BTreeMap<(String, Option<String>), Figures>;

/// One figure that is not the same.
struct Difference {
    dimension: String,
    /// `None` is "calls without one".
    value: Option<String>,
    figure: String,
    sides: [Option<String>; 2],
}

pub(super) fn run(source: &Source, ids: [&str; 2], as_json: bool, global: &Global) -> Result<Exit, Failure> {
    // One after the other: a server keeps one snapshot in memory at a time, and so does this.
    let [a, b] = ids.map(|id| source.past(id).and_then(|past| everything(&past)));
    let differences = compare(&a?, &b?);
    if as_json {
        output::print_json(&told(ids, &differences))?;
    } else {
        print(&differences, global)?;
    }
    Ok(if differences.is_empty() { Exit::Ok } else { Exit::Negative })
}

fn everything(past: &Past<'_>) -> Result<Everything, Failure> {
    let mut all = Everything::new();
    let totals = past.usage(&parameters(None, None))?;
    let totals = Node::parse(&totals)?.get("totals").map(Node::row).unwrap_or_default();
    all.insert((String::new(), None), figures(totals));
    let dimensions = past.dimensions()?;
    let dimensions = Node::parse(&dimensions)?.get("dimensions").and_then(Node::items).unwrap_or_default();
    for name in dimensions.iter().filter_map(|dimension| dimension.get("name").and_then(Node::text)) {
        groups(past, &name, &mut all)?;
    }
    Ok(all)
}

/// The groups of one dimension, page by page.
fn groups(past: &Past<'_>, name: &str, all: &mut Everything) -> Result<(), Failure> {
    let mut cursor = None;
    loop {
        let page = past.usage(&parameters(Some(name), cursor))?;
        let page = Node::parse(&page)?;
        for group in page.get("data").and_then(Node::items).unwrap_or_default() {
            let value = group.get("group").and_then(|group| group.get(name)).and_then(Node::text);
            let row = group.row().into_iter().filter(|(figure, _)| figure != name).collect();
            all.insert((name.to_owned(), value), figures(row));
        }
        cursor = page.get("next_cursor").and_then(Node::text);
        if cursor.is_none() {
            return Ok(());
        }
    }
}

fn parameters(group_by: Option<&str>, cursor: Option<String>) -> Vec<(&'static str, String)> {
    let mut parameters = vec![
        ("from", "1970-01-01T00:00:00Z".to_owned()),
        ("metrics", METRICS.to_owned()),
        ("order_by", "name".to_owned()),
        ("limit", PAGE.to_string()),
    ];
    parameters.extend(group_by.map(|name| ("group_by", name.to_owned())));
    parameters.extend(cursor.map(|cursor| ("cursor", cursor)));
    parameters
}

fn figures(row: Vec<(String, Cell)>) -> Figures {
    row.into_iter().map(|(name, cell)| (name, cell.raw().to_owned())).collect()
}

fn compare(a: &Everything, b: &Everything) -> Vec<Difference> {
    let mut differences = Vec::new();
    let nothing = Figures::new();
    let groups: BTreeSet<_> = a.keys().chain(b.keys()).collect();
    for group in groups {
        let sides = [a, b].map(|side| side.get(group).unwrap_or(&nothing));
        let names: BTreeSet<&String> = sides.iter().flat_map(|side| side.keys()).collect();
        for figure in names {
            let told = sides.map(|side| side.get(figure).cloned());
            if told[0] != told[1] {
                let (dimension, value) = group.clone();
                differences.push(Difference { dimension, value, figure: figure.clone(), sides: told });
            }
        }
    }
    differences
}

fn told(ids: [&str; 2], differences: &[Difference]) -> Value {
    let rows: Vec<Value> = differences
        .iter()
        .map(|difference| {
            let dimension = Some(&difference.dimension).filter(|name| !name.is_empty());
            let Difference { value, figure, sides: [a, b], .. } = difference;
            json!({ "dimension": dimension, "value": value, "figure": figure, "a": a, "b": b })
        })
        .collect();
    json!({ "a": ids[0], "b": ids[1], "equal": rows.is_empty(), "differences": rows })
}

fn print(differences: &[Difference], global: &Global) -> Result<Exit, Failure> {
    if differences.is_empty() {
        output::message("they count the same");
        return Ok(Exit::Ok);
    }
    let mut table = Table::default();
    for Difference { dimension, value, figure, sides: [a, b] } in differences.iter().take(MAX_ROWS) {
        let name = if dimension.is_empty() { "(total)" } else { dimension };
        let value = value.as_deref().unwrap_or(if dimension.is_empty() { "" } else { "(none)" });
        let side = |side: &Option<String>| side.as_deref().map_or_else(Cell::default, Cell::number);
        table.push([
            ("dimension".to_owned(), Cell::text(name)),
            ("value".to_owned(), Cell::text(value)),
            ("figure".to_owned(), Cell::text(figure.as_str())),
            ("a".to_owned(), side(a)),
            ("b".to_owned(), side(b)),
        ]);
    }
    output::print_bytes(table.render(global.color.stdout()).as_bytes())?;
    if differences.len() > MAX_ROWS {
        output::message(&format!("and {} more; --json has all", differences.len() - MAX_ROWS));
    }
    Ok(Exit::Negative)
}
