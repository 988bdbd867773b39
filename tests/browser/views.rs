//! What is shown is in the address, and everything that narrows it narrows everything.

use crate::figures::compare;
use crate::office::Hour;
use crate::office::call;
use crate::office::office;
use crate::office::send;
use crate::support::Server;
use crate::support::now;
use crate::tab::Tab;
use serde_json::Value;
use serde_json::json;

#[test]
fn a_click_on_a_row_narrows_everything() {
    let Some(tab) = Tab::new("a_click_on_a_row_narrows_everything") else { return };
    let (server, hour) = (Server::start(), Hour::past());
    send(&server, &office(&hour));
    tab.open(&server, &format!("/?{}", hour.page()));
    tab.click("[data-panel=top] [data-row=bo] button");
    tab.until_figure("requests", 4);
    tab.settle();
    compare(&tab, &server, &hour, "&user=bo");
    assert_eq!(tab.js("document.querySelector('[data-chip=user]').dataset.value"), "[\"bo\"]");
    assert_eq!(tab.rows("top"), ["bo"]);
    assert_eq!(tab.rows("calls").len(), 4);

    tab.reload();
    compare(&tab, &server, &hour, "&user=bo");
    assert_eq!(tab.js("document.querySelector('[data-chip=user]').dataset.value"), "[\"bo\"]", "the address tells it");
    tab.back();
    tab.until_figure("requests", 12);
    tab.settle();
    compare(&tab, &server, &hour, "");
    assert_eq!(tab.js("document.querySelectorAll('[data-chip]').length"), 0);
    tab.quiet(false);
}

#[test]
fn filters_of_two_dimensions_must_both_hold_and_calls_without_a_value_can_be_asked_for() {
    let Some(tab) = Tab::new("filters_of_two_dimensions_must_both_hold") else { return };
    let (server, hour) = (Server::start(), Hour::past());
    send(&server, &office(&hour));
    for (page, question, requests) in [
        ("&f.user=ann&f.user=bo", "&user=ann&user=bo", 10),
        ("&f.user=bo&f.user=cy&f.status=timeout", "&user=bo&user=cy&status=timeout", 1),
        ("&f.user=", "&user=", 1),
    ] {
        tab.open(&server, &format!("/?{}{page}", hour.page()));
        tab.until_figure("requests", requests);
        compare(&tab, &server, &hour, question);
    }
    tab.click("[data-control=clear-filters]");
    tab.until_figure("requests", 12);
    tab.quiet(false);
}

/// Drags over a part of a chart, from and to in shares of its width.
fn drag(tab: &Tab, chart: &str, from: f64, to: f64) {
    let place = tab.js(&format!(
        "((chart) => {{ chart.scrollIntoView({{ block: 'center', behavior: 'instant' }}); return chart.getBoundingClientRect().toJSON(); }})
         (document.querySelector('[data-chart={chart}]'))"
    ));
    let side = |name: &str| place[name].as_f64().unwrap();
    let y = side("top") + side("height") / 2.0;
    let mouse = |kind: &str, share: f64, buttons: u8| {
        let x = side("left") + side("width") * share;
        let event = json!({ "type": kind, "x": x, "y": y, "button": "left", "buttons": buttons, "clickCount": 1 });
        tab.devtools("Input.dispatchMouseEvent", &event);
    };
    mouse("mouseMoved", from, 0);
    mouse("mousePressed", from, 1);
    mouse("mouseMoved", f64::midpoint(from, to), 1);
    mouse("mouseMoved", to, 1);
    mouse("mouseReleased", to, 0);
}

#[test]
fn a_part_of_a_chart_becomes_the_range() {
    let Some(tab) = Tab::new("a_part_of_a_chart_becomes_the_range") else { return };
    let (server, hour) = (Server::start(), Hour::past());
    send(&server, &office(&hour));
    tab.open(&server, &format!("/?{}", hour.page()));
    drag(&tab, "requests", 0.4, 0.7);
    let edge = |name: &str| {
        let text = tab.js(&format!("new URLSearchParams(location.search).get('{name}')"));
        text.as_str().unwrap().parse::<u64>().unwrap() / 1_000
    };
    tab.until("another range", &format!("!location.search.includes('from={}')", hour.from * 1_000));
    tab.settle();
    let (from, to) = (edge("from"), edge("to"));
    assert!(hour.from < from && from < to && to < hour.to(), "{from} to {to} of {}", hour.from);
    let told = server.get(&format!("/v1/usage?from={from}&to={to}")).json();
    assert_eq!(told["totals"]["requests"], 4, "those of bo lie there");
    tab.until_figure("requests", 4);
    tab.reload();
    tab.until_figure("requests", 4);
    assert_eq!((edge("from"), edge("to")), (from, to));
    tab.quiet(false);
}

#[test]
fn days_are_those_of_the_zone() {
    let Some(tab) = Tab::new("days_are_those_of_the_zone") else { return };
    let server = Server::start();
    // The n-th hour has n tokens, so that each day of 24 hours has a sum of its own.
    let first = (now() / 3_600 - 72) * 3_600;
    let calls: Vec<_> =
        (0..72).map(|n| call(first + n * 3_600, &json!({ "user": "ann", "input_tokens": n }))).collect();
    send(&server, &calls);
    let date = |zone: &str| jiff::Timestamp::now().in_tz(zone).unwrap().date();
    let shown = |zone: &str| {
        tab.until("the zone", &format!("document.querySelector('[data-control=zone]').dataset.value === '{zone}'"));
        tab.settle();
        let today = date(zone);
        let (from, to) = (today.yesterday().unwrap(), today);
        let told = server.get(&format!("/v1/usage?from={from}&to={to}&tz={zone}")).json()["totals"].clone();
        let tokens = told["total_tokens"].as_f64().unwrap();
        let expression = format!(
            "Math.abs(document.querySelector('[data-figure=tokens_per_minute]').dataset.value * 1440 - {tokens}) < 0.001"
        );
        tab.until(&format!("{tokens} tokens in {zone} on {from}"), &expression);
        assert_eq!(told["requests"], 24);
        tokens
    };
    tab.open(&server, "/?range=yesterday&tz=UTC");
    let utc = shown("UTC");
    tab.click("[data-control=zone]");
    tab.press("kiritimati");
    tab.until("it is found", "document.querySelector('[role=option]')?.dataset.value === 'Pacific/Kiritimati'");
    tab.press("\u{e007}");
    let kiritimati = shown("Pacific/Kiritimati");
    assert_ne!(utc, kiritimati, "14 hours apart");
    assert!(tab.js("location.search").as_str().unwrap().contains("tz=Pacific/Kiritimati"));
    tab.reload();
    assert_eq!(shown("Pacific/Kiritimati"), kiritimati);
    tab.quiet(false);
}

#[test]
fn what_the_table_ranks_and_by_what_is_in_the_address() {
    let Some(tab) = Tab::new("what_the_table_ranks_and_by_what_is_in_the_address") else { return };
    let (server, hour) = (Server::start(), Hour::past());
    send(&server, &office(&hour));
    tab.open(&server, &format!("/?{}", hour.page()));
    tab.click("[data-control=top] [data-value=model]");
    tab.until(
        "models",
        "[...document.querySelectorAll('[data-panel=top] [data-row]')].some((row) => row.dataset.row === 'qwen-plus')",
    );
    assert_eq!(tab.rows("top"), ["gpt-4o", "qwen-plus"]);
    tab.click("[data-control=sort][data-sort='latency_ms.p95']");
    tab.until("the slow first", "document.querySelector('[data-panel=top] [data-row]').dataset.row === 'qwen-plus'");
    tab.reload();
    assert_eq!(tab.rows("top"), ["qwen-plus", "gpt-4o"]);
    assert_ne!(tab.js("location.search"), Value::Null);
    tab.quiet(false);
}
