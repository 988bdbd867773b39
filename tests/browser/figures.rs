//! What the page shows is what the API answers.

use crate::office::Hour;
use crate::office::call;
use crate::office::office;
use crate::office::send;
use crate::support::Server;
use crate::tab::Tab;
use serde_json::Value;
use serde_json::json;

#[test]
fn cards_and_tables_show_what_the_api_answers() {
    let Some(tab) = Tab::new("cards_and_tables_show_what_the_api_answers") else { return };
    let (server, hour) = (Server::start(), Hour::past());
    send(&server, &office(&hour));
    tab.open(&server, &format!("/?{}", hour.page()));
    compare(&tab, &server, &hour, "");
    assert_eq!((tab.number("requests"), tab.number("error_rate")), (Some(12.0), Some(2.0 / 12.0)));
    assert!(tab.text("[data-figure=requests]").contains("12"), "{}", tab.text("[data-figure=requests]"));
    assert_eq!(tab.rows("top"), ["ann", "bo", "", "cy"]);
    tab.quiet(false);
}

/// Cards and the table of users against `/v1/usage` of the hour, under filters such as `&user=bo`.
#[track_caller]
pub(crate) fn compare(tab: &Tab, server: &Server, hour: &Hour, filters: &str) {
    let told = server.get(&format!("/v1/usage?{}&group_by=user{filters}", hour.question())).json();
    let totals = &told["totals"];
    assert_eq!(tab.number("requests"), totals["requests"].as_f64(), "{filters}");
    assert_eq!(tab.number("error_rate"), totals["error_rate"].as_f64(), "{filters}");
    assert_eq!(tab.number("latency_p95"), totals["latency_ms"]["p95"].as_f64(), "{filters}");
    assert_eq!(tab.number("ttft_p95"), totals["ttft_ms"]["p95"].as_f64(), "{filters}");
    assert_eq!(tab.number("tokens_per_minute"), totals["total_tokens"].as_f64().map(|tokens| tokens / 60.0));
    let (cost, costs) = (tab.figure("cost"), totals["cost"].as_object().unwrap());
    assert!(costs.values().any(|amount| *amount == cost) || costs.is_empty() && cost.is_null(), "{cost} of {costs:?}");
    for row in told["data"].as_array().unwrap() {
        let name = row["group"]["user"].as_str().unwrap_or("");
        let cells = cells(tab, name);
        let number = |name: &str| cells[name].as_str().and_then(|text| text.parse::<f64>().ok());
        assert_eq!(number("requests"), row["requests"].as_f64(), "{name}");
        assert_eq!(number("failures"), row["failures"].as_f64(), "{name}");
        assert_eq!(number("p95"), row["latency_ms"]["p95"].as_f64(), "{name}");
        assert_eq!(number("tokens"), row["total_tokens"].as_f64(), "{name}");
        for currency in costs.keys() {
            let told = row["cost"][currency].as_str().unwrap_or("");
            assert_eq!(cells[format!("cost_{currency}")], told, "{name} in {currency}");
        }
    }
}

/// `data-value` of the cells of one row of the table, by metric.
fn cells(tab: &Tab, row: &str) -> Value {
    tab.js_with(
        "Object.fromEntries([...[...document.querySelectorAll('[data-panel=top] tr[data-row]')]
            .find((row) => row.dataset.row === arguments[0]).querySelectorAll('td[data-metric]')]
            .map((cell) => [cell.dataset.metric, cell.dataset.value]))",
        vec![json!(row)],
    )
}

#[test]
fn what_is_on_no_row_is_told_as_the_rest() {
    let Some(tab) = Tab::new("what_is_on_no_row_is_told_as_the_rest") else { return };
    let (server, hour) = (Server::start(), Hour::past());
    let calls: Vec<_> = (0..40_u64)
        .flat_map(|user| (0..=user).map(move |i| (user, i)))
        .map(|(user, i)| call(hour.from + i, &json!({ "user": format!("user {user:02}") })))
        .collect();
    send(&server, &calls);
    tab.open(&server, &format!("/?{}", hour.page()));
    let rows = tab.rows("top");
    assert_eq!((rows.len(), rows[0].as_str(), rows[10].as_str()), (11, "user 39", "__rest__"));
    let rest: u64 = (1..=30).sum();
    assert_eq!(cells(&tab, "__rest__")["requests"], rest.to_string());
    tab.click("[data-control=more-rows]");
    tab.until("25 rows and the rest", "document.querySelectorAll('[data-panel=top] tr[data-row]').length === 26");
    tab.quiet(false);
}

#[test]
fn an_empty_server_says_so_everywhere() {
    let Some(tab) = Tab::new("an_empty_server_says_so_everywhere") else { return };
    let server = Server::start();
    tab.open(&server, "/");
    let states = tab.js("Object.fromEntries([...document.querySelectorAll('[data-panel]')].map((panel) => [panel.dataset.panel, panel.dataset.state]))");
    for panel in ["cards", "requests", "attention", "latency", "top", "cost", "tokens", "calls"] {
        assert_eq!(states[panel], "empty", "{panel} of {states}");
        assert_ne!(tab.text(&format!("[data-panel={panel}]")), "", "{panel} says something");
    }
    assert!(states.as_object().unwrap().values().all(|state| *state != "error"), "{states}");
    assert_eq!(tab.figure("requests"), Value::Null, "nothing is not 0");
    tab.quiet(false);
}
