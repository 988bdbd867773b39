//! Totals as figures.

use crate::audit::Rebuilt;
use crate::audit::hex;
use crate::cli::answer;
use crate::cli::table::Cell;
use crate::cli::table::Table;
use crate::cli::verify;
use crate::engine::aggregate::Aggregate;
use crate::engine::money::decimal;
use crate::engine::query::Usage;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

type Row = Vec<(String, Cell)>;

pub(super) fn to_text(rebuilt: &Rebuilt, usage: &Usage, group_by: &[String], bold: bool) -> String {
    let text = |name: &str, text: String| (name.to_owned(), Cell::text(text));
    let origin = rebuilt.origin.as_deref().map_or("the beginning", |name| name.trim_end_matches(".snap"));
    let rows = vec![
        text("counted from", format!("{origin}, position {}", rebuilt.begin.events)),
        text("place", verify::place(&rebuilt.place)),
        text("as of", rebuilt.now.to_string()),
        text("hash", hex::of(&rebuilt.hash())),
        text("kept from", usage.from.to_string()),
    ];
    let mut table = answer::pairs(rows, ["state", "value"]).render(bold);
    table += &format!("\n{}", answer::pairs(sums(&usage.totals.sums), ["figure", "value"]).render(bold));
    if !group_by.is_empty() {
        table += &format!("\n{}", groups(usage, group_by).render(bold));
    }
    table
}

fn groups(usage: &Usage, group_by: &[String]) -> Table {
    let mut table = Table::default();
    for group in &usage.groups {
        let name = |value: &Option<_>| Cell::text(value.as_deref().unwrap_or("(none)"));
        let names = group_by.iter().zip(&group.name).map(|(head, value)| (head.clone(), name(value)));
        table.push(names.chain(sums(&group.totals.sums)));
    }
    if usage.other.groups > 0 {
        let name = Cell::text(format!("({} more)", usage.other.groups));
        table.push(std::iter::once((group_by[0].clone(), name)).chain(sums(&usage.other.totals.sums)));
    }
    table
}

fn sums(sums: &Aggregate) -> Row {
    let number = |(name, number): (&'static str, u128)| (name.to_owned(), Cell::number(number.to_string()));
    let mut row: Row = counts(sums).into_iter().map(number).collect();
    for cost in sums.cost.by_currency() {
        row.push((format!("cost_{}", cost.currency.code()), Cell::money(decimal(cost.nanos))));
    }
    row
}

fn counts(sums: &Aggregate) -> [(&'static str, u128); 8] {
    [
        ("requests", sums.requests.into()),
        ("failures", sums.failures.into()),
        ("input_tokens", sums.input_tokens),
        ("output_tokens", sums.output_tokens),
        ("cache_read_tokens", sums.cache_read_tokens),
        ("cache_write_tokens", sums.cache_write_tokens),
        ("reasoning_tokens", sums.reasoning_tokens),
        ("unpriced", sums.unpriced().into()),
    ]
}

pub(super) fn to_json(rebuilt: &Rebuilt, usage: &Usage, group_by: &[String]) -> Value {
    let group = |group: &crate::engine::query::Group| {
        let names = group_by.iter().zip(&group.name).map(|(head, value)| (head.clone(), json!(value.as_deref())));
        json!({ "group": names.collect::<Map<_, _>>(), "totals": sums_json(&group.totals.sums) })
    };
    json!({
        "counted_from": { "snapshot": rebuilt.origin, "place": verify::place_json(&rebuilt.begin) },
        "place": verify::place_json(&rebuilt.place),
        "as_of": rebuilt.now.to_string(),
        "state": hex::of(&rebuilt.hash()),
        "kept_from": usage.from.to_string(),
        "totals": sums_json(&usage.totals.sums),
        "data": usage.groups.iter().map(group).collect::<Vec<_>>(),
        "other": { "groups": usage.other.groups, "totals": sums_json(&usage.other.totals.sums) },
    })
}

/// Token sums may pass what a JSON number holds exactly; then they are texts.
fn sums_json(sums: &Aggregate) -> Value {
    let number =
        |number: u128| u64::try_from(number).map_or_else(|_| json!(number.to_string()), |number| json!(number));
    let counts = counts(sums).into_iter().map(|(name, count)| (name.to_owned(), number(count)));
    let costs = sums.cost.by_currency().into_iter();
    let costs: Map<_, _> = costs.map(|cost| (cost.currency.code().to_owned(), json!(decimal(cost.nanos)))).collect();
    counts.chain([("cost".to_owned(), Value::Object(costs))]).collect::<Map<_, _>>().into()
}
