//! A snapshot held against the journal, told.

use crate::audit::Comparison;
use crate::audit::Difference;
use crate::audit::hex;
use crate::cli::exit::Exit;
use crate::cli::exit::Failure;
use crate::cli::output;
use crate::cli::table::printable;
use crate::cli::verify;
use serde_json::Value;
use serde_json::json;

pub(super) fn print(comparison: &Comparison, as_json: bool) -> Result<Exit, Failure> {
    if as_json {
        output::print_json(&to_json(comparison))?;
    } else {
        output::print_bytes(to_text(comparison).as_bytes())?;
    }
    let equal = matches!(comparison, Comparison::Equal { .. });
    Ok(if equal { Exit::Ok } else { Exit::Negative })
}

fn to_text(comparison: &Comparison) -> String {
    match comparison {
        Comparison::Equal { origin, place, hash } => {
            let origin = origin.as_deref().map_or("the beginning", |name| name.trim_end_matches(".snap"));
            format!("equal\ncounted from {origin}\n{}\nstate {}\n", verify::place(place), hex::of(hash))
        }
        Comparison::Different { differences, count } => {
            let lines = differences.iter().map(|difference| format!("{}\n", printable(&difference.to_string())));
            let more = count.saturating_sub(differences.len());
            let more = if more > 0 { format!("and {more} more\n") } else { String::new() };
            format!("different: {count} figures\n{}{more}", lines.collect::<String>())
        }
        Comparison::NotProvable(why) => format!("not provable: {why}\n"),
    }
}

fn to_json(comparison: &Comparison) -> Value {
    match comparison {
        Comparison::Equal { origin, place, hash } => json!({
            "result": "equal", "counted_from": origin, "place": verify::place_json(place), "state": hex::of(hash)
        }),
        Comparison::Different { differences, count } => {
            let listed: Vec<Value> = differences.iter().map(difference).collect();
            json!({ "result": "different", "count": count, "differences": listed })
        }
        Comparison::NotProvable(why) => json!({ "result": "not provable", "why": why }),
    }
}

fn difference(found: &Difference) -> Value {
    json!({
        "from": found.bucket.map(|(from, _)| from.to_string()),
        "to": found.bucket.map(|(_, to)| to.to_string()),
        "series": found.series,
        "figure": found.figure,
        "snapshot": found.snapshot,
        "replay": found.replay,
    })
}
