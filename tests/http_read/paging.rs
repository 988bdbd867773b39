//! Pages: each adds up to the same totals, and together they are all groups, each once.

use crate::site::NOON;
use crate::site::Site;
use crate::site::cost;
use crate::site::nothing;
use serde_json::Value;
use tallyring::engine::event::Dimension::Model;
use tallyring::engine::event::Dimension::User;

const QUERY: &str = "group_by=user&order_by=-cost&metrics=requests,cost,input_tokens";

/// User `u00` has one call of 1 dollar, `u01` two calls of 2 dollars each, and so on to `u09`.
fn crowd() -> Site {
    let site = Site::at(NOON);
    for n in 0..10 {
        for _ in 0..=n {
            let user = format!("u{n:02}");
            site.call("2026-11-22T11:30:00Z", &[(User, &user)], cost(&(n + 1).to_string(), "USD"));
        }
    }
    site
}

fn dollars(figures: &Value) -> u64 {
    let Some(text) = figures["cost"]["USD"].as_str() else { return 0 };
    text.strip_suffix(".000000000").expect("whole dollars").parse().unwrap()
}

/// What the groups of a page and the others have in all: requests and dollars.
fn parts(page: &Value) -> (u64, u64) {
    let all = page["data"].as_array().unwrap().iter().chain([&page["other"]]);
    all.fold((0, 0), |(requests, cost), part| (requests + part["requests"].as_u64().unwrap(), cost + dollars(part)))
}

fn users(page: &Value) -> Vec<String> {
    let user = |group: &Value| group["group"]["user"].as_str().unwrap().to_string();
    page["data"].as_array().unwrap().iter().map(user).collect()
}

#[test]
fn pages_add_up_and_hold_every_group_once() {
    let site = crowd();
    let (mut cursor, mut seen, mut pages) = (String::new(), Vec::new(), 0);
    for _ in 0..9 {
        let page = site.json(&format!("/v1/usage?{QUERY}&limit=4{cursor}"));
        assert_eq!(parts(&page), (55, 385), "groups and others are the totals");
        assert_eq!((page["totals"]["requests"].as_u64(), dollars(&page["totals"])), (Some(55), 385));
        assert_eq!(page["groups"], 10);
        assert_eq!(page["other"]["groups"].as_u64().unwrap(), 10 - page["data"].as_array().unwrap().len() as u64);
        seen.extend(users(&page));
        pages += 1;
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let expected: Vec<_> = (0..10).rev().map(|n| format!("u{n:02}")).collect();
    assert_eq!((seen, pages), (expected, 3));
}

#[test]
fn a_cursor_keeps_the_span_of_its_first_page() {
    let site = crowd();
    let query = format!("{QUERY}&window=31m");
    let first = site.json(&format!("/v1/usage?{query}&limit=4"));
    site.set_clock("2026-11-22T12:20:00Z"); // the window itself has now left all calls behind
    site.call("2026-11-22T12:10:00Z", &[(User, "late")], cost("1000", "USD"));
    let next = first["next_cursor"].as_str().unwrap();
    let second = site.json(&format!("/v1/usage?{query}&limit=20&cursor={next}"));
    assert_eq!((&second["from"], &second["to"]), (&first["from"], &first["to"]));
    assert_eq!(users(&second).join(" "), "u05 u04 u03 u02 u01 u00");
    assert_eq!(parts(&second), (55, 385));
    assert_eq!(site.json(&format!("/v1/usage?{query}"))["groups"], 1, "without a cursor, the window moves");
}

#[test]
fn a_cursor_whose_span_is_no_longer_kept_to_the_second_is_refused() {
    let site = crowd();
    site.set_clock("2026-11-22T12:00:30Z");
    let first = site.json(&format!("/v1/usage?{QUERY}&limit=4"));
    assert_eq!((&first["from"], &first["resolution"]), (&"2026-11-22T11:00:30Z".into(), &"1s".into()));
    let target = format!("/v1/usage?{QUERY}&limit=4&cursor={}", first["next_cursor"].as_str().unwrap());
    assert_eq!(users(&site.json(&target)).len(), 4);
    site.set_clock("2026-11-22T12:12:00Z");
    site.call("2026-11-22T12:12:00Z", &[(User, "late")], nothing());
    assert!(site.refusal(&target).starts_with("cursor: `cursor` is too old"));
}

#[test]
fn a_cursor_of_another_query_is_refused() {
    let site = crowd();
    let next = site.json(&format!("/v1/usage?{QUERY}&limit=4"));
    let next = next["next_cursor"].as_str().unwrap();
    let refused = "cursor: `cursor` must be one that this same query gave with its page before";
    for other in ["/v1/usage?group_by=user", "/v1/usage?group_by=model&order_by=-cost", "/v1/events?"] {
        let target = format!("{other}&cursor={next}").replace("?&", "?");
        assert_eq!(site.refusal(&target), refused, "{target}");
    }
}

#[test]
fn calls_are_paged_to_the_end_though_new_ones_come() {
    let site = Site::at(NOON);
    for n in 0..25 {
        // Five calls in each of five seconds: ties go by arrival, the latest first.
        let at = format!("2026-11-22T11:59:{:02}Z", n / 5);
        site.call_named(&at, &[(Model, "gpt")], nothing(), [&format!("c{n:02}"), "", ""]);
    }
    let (mut cursor, mut seen) = (String::new(), Vec::new());
    for _ in 0..9 {
        let page = site.json(&format!("/v1/events?limit=7&model=gpt{cursor}"));
        let id = |call: &Value| call["id"].as_str().unwrap().to_string();
        seen.extend(page["calls"].as_array().unwrap().iter().map(id));
        site.call_named("2026-11-22T12:00:00Z", &[(Model, "gpt")], nothing(), ["new", "", ""]);
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let expected: Vec<_> = (0..25).rev().map(|n| format!("c{n:02}")).collect();
    assert_eq!(seen, expected);
}
