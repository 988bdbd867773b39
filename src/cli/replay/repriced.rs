//! Calls at two prices, told by model.

use crate::audit::Repriced;
use crate::audit::Sums;
use crate::cli::Global;
use crate::cli::exit::Exit;
use crate::cli::exit::Failure;
use crate::cli::output;
use crate::cli::table::Cell;
use crate::cli::table::Table;
use crate::cli::verify;
use crate::engine::aggregate::Costs;
use crate::engine::money::decimal;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

pub(super) fn print(repriced: &Repriced, as_json: bool, global: &Global) -> Result<Exit, Failure> {
    if as_json {
        return output::print_json(&to_json(repriced));
    }
    output::print_bytes(to_table(repriced).render(global.color.stdout()).as_bytes())?;
    warn(&repriced.all);
    Ok(Exit::Ok)
}

/// What the sums leave out is said again where nobody can miss it.
fn warn(all: &Sums) {
    if all.no_price > 0 {
        output::message(&format!(
            "{} of {} calls have no price in this table: they are in no sum",
            all.no_price, all.calls
        ));
    }
    if all.no_tokens > 0 {
        output::message(&format!("{} calls tell no tokens: nothing can be charged for", all.no_tokens));
    }
    if all.odd > 0 {
        output::message(&format!("{} calls tell more cached or reasoning tokens than tokens in all", all.odd));
    }
}

fn to_table(repriced: &Repriced) -> Table {
    let span = format!("positions {} to {}", repriced.from.events, repriced.to.events);
    let mut table = Table::titled(span);
    for (model, sums) in &repriced.models {
        table.push(row(if model.is_empty() { "(none)" } else { model }, sums));
    }
    table.push(row("all", &repriced.all));
    table
}

fn row(model: &str, sums: &Sums) -> Vec<(String, Cell)> {
    let number = |number: u64| Cell::number(number.to_string());
    let some = |number: u64| if number > 0 { Cell::number(number.to_string()) } else { Cell::default() };
    let mut row = vec![("model".to_owned(), Cell::text(model)), ("calls".to_owned(), number(sums.calls))];
    row.extend(money("recorded", &sums.recorded));
    row.extend(money("repriced", &sums.repriced));
    row.push(("no price".to_owned(), some(sums.no_price)));
    row.push(("no tokens".to_owned(), some(sums.no_tokens)));
    row
}

/// Each sum with the calls that are in it: two sums of other calls are not to be compared.
fn money(name: &str, costs: &Costs) -> Vec<(String, Cell)> {
    let cells = costs.by_currency().into_iter().flat_map(|cost| {
        let code = cost.currency.code().to_owned();
        [
            (format!("{name}_{code}"), Cell::money(decimal(cost.nanos))),
            (format!("{name}_{code}_calls"), Cell::number(cost.calls.to_string())),
        ]
    });
    cells.collect()
}

fn to_json(repriced: &Repriced) -> Value {
    let models = repriced.models.iter().map(|(model, sums)| {
        let mut told = sums_json(sums);
        told.insert("model".to_owned(), json!((!model.is_empty()).then_some(model)));
        Value::Object(told)
    });
    json!({
        "from": verify::place_json(&repriced.from),
        "to": verify::place_json(&repriced.to),
        "totals": sums_json(&repriced.all),
        "data": models.collect::<Vec<_>>(),
    })
}

fn sums_json(sums: &Sums) -> Map<String, Value> {
    let costs = |costs: &Costs| -> Value {
        let told = costs.by_currency().into_iter().map(|cost| {
            (cost.currency.code().to_owned(), json!({ "amount": decimal(cost.nanos), "calls": cost.calls }))
        });
        Value::Object(told.collect())
    };
    let told = [
        ("calls", json!(sums.calls)),
        ("recorded", costs(&sums.recorded)),
        ("repriced", costs(&sums.repriced)),
        ("no_price", json!(sums.no_price)),
        ("no_tokens", json!(sums.no_tokens)),
        ("odd", json!(sums.odd)),
    ];
    told.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
