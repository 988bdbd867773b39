//! Time series: steps, calendar days and months in any zone.

use crate::site::NOON;
use crate::site::Site;
use crate::site::nothing;
use serde_json::Value;
use serde_json::json;
use tallyring::engine::event::Dimension::Model;

fn points(answer: &Value) -> Vec<(String, String, u64)> {
    let text = |point: &Value, name: &str| point[name].as_str().unwrap().to_string();
    let point = |point: &Value| (text(point, "from"), text(point, "to"), point["requests"].as_u64().unwrap());
    answer["series"].as_array().expect("a series").iter().map(point).collect()
}

fn expected(rows: &[(&str, &str, u64)]) -> Vec<(String, String, u64)> {
    rows.iter().map(|(from, to, requests)| (from.to_string(), to.to_string(), *requests)).collect()
}

fn calls(site: &Site, instants: &[&str]) {
    for at in instants {
        site.call(at, &[(Model, "gpt")], nothing());
    }
}

#[test]
fn a_step_cuts_the_span_and_empty_intervals_are_told() {
    let site = Site::at(NOON);
    calls(&site, &["2026-11-22T11:00:00Z", "2026-11-22T11:09:59.999Z", "2026-11-22T11:10:00Z"]);
    let span = "from=2026-11-22T11:00:00Z&to=2026-11-22T11:12:00Z";
    let answer = site.json(&format!("/v1/usage?{span}&interval=5m&group_by=model&metrics=requests"));
    let rows = [
        ("2026-11-22T11:00:00Z", "2026-11-22T11:05:00Z", 1),
        ("2026-11-22T11:05:00Z", "2026-11-22T11:10:00Z", 1),
        ("2026-11-22T11:10:00Z", "2026-11-22T11:12:00Z", 1),
    ];
    assert_eq!(points(&answer), expected(&rows));
    assert_eq!(points(&answer["data"][0]), expected(&rows), "each group has its own series");
    let quiet = site.json("/v1/usage?from=2026-11-22T11:05:00Z&to=2026-11-22T11:07:00Z&interval=1m");
    let counts: Vec<_> = points(&quiet).into_iter().map(|(_, _, requests)| requests).collect();
    assert_eq!(counts, [0, 0]);
    assert_eq!(site.json(&format!("/v1/usage?{span}")).get("series"), None, "without an interval, no series");
}

#[test]
fn a_day_in_kathmandu_begins_at_a_quarter_past_six_in_the_evening() {
    let site = Site::at(NOON);
    calls(&site, &["2026-11-20T18:14:59Z", "2026-11-20T18:15:00Z", "2026-11-21T18:14:59Z", "2026-11-21T18:15:00Z"]);
    let answer = site.json("/v1/usage?from=2026-11-20&to=2026-11-23&tz=Asia/Kathmandu&interval=1d");
    let rows = [
        ("2026-11-20T00:00:00+05:45", "2026-11-21T00:00:00+05:45", 1),
        ("2026-11-21T00:00:00+05:45", "2026-11-22T00:00:00+05:45", 2),
        ("2026-11-22T00:00:00+05:45", "2026-11-22T17:45:01+05:45", 1), // up to now
    ];
    assert_eq!(points(&answer), expected(&rows));
    assert_eq!((&answer["tz"], &answer["resolution"]), (&json!("Asia/Kathmandu"), &json!("15m")));
}

#[test]
fn a_day_of_25_hours_holds_them_all() {
    let site = Site::at("2026-11-02T12:00:00Z");
    let instants: Vec<_> = (0..27).map(|hour| 1_793_502_000 + hour * 3_600).collect(); // from 23:00 of October 31st
    instants.iter().for_each(|second: &i64| calls(&site, &[&second.to_string()]));
    let answer = site.json("/v1/usage?from=2026-10-31&to=2026-11-03&tz=America/New_York&interval=1d");
    let rows = [
        ("2026-10-31T00:00:00-04:00", "2026-11-01T00:00:00-04:00", 1),
        ("2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00", 25),
        ("2026-11-02T00:00:00-05:00", "2026-11-02T07:00:01-05:00", 1),
    ];
    assert_eq!(points(&answer), expected(&rows));
}

#[test]
fn a_day_of_23_hours_holds_no_more() {
    let site = Site::at("2026-03-10T12:00:00Z");
    let instants: Vec<_> = (0..25).map(|hour| 1_772_942_400 + hour * 3_600).collect(); // from 23:00 of March 7th
    instants.iter().for_each(|second: &i64| calls(&site, &[&second.to_string()]));
    let answer = site.json("/v1/usage?from=2026-03-07&to=2026-03-10&tz=America/New_York&interval=1d");
    let rows = [
        ("2026-03-07T00:00:00-05:00", "2026-03-08T00:00:00-05:00", 1),
        ("2026-03-08T00:00:00-05:00", "2026-03-09T00:00:00-04:00", 23),
        ("2026-03-09T00:00:00-04:00", "2026-03-10T00:00:00-04:00", 1),
    ];
    assert_eq!(points(&answer), expected(&rows));
}

#[test]
fn months_are_cut_where_the_zone_cuts_them() {
    let site = Site::at(NOON);
    calls(&site, &["2026-10-31T15:59:59Z", "2026-10-31T16:00:00Z"]); // midnight in Shanghai between them
    let answer = site.json("/v1/usage?from=2026-10-15&to=2026-11-15&tz=Asia/Shanghai&interval=1mo");
    let rows = [
        ("2026-10-15T00:00:00+08:00", "2026-11-01T00:00:00+08:00", 1),
        ("2026-11-01T00:00:00+08:00", "2026-11-15T00:00:00+08:00", 1),
    ];
    assert_eq!(points(&answer), expected(&rows));
}

#[test]
fn auto_gives_a_chart_about_a_hundred_points() {
    let site = Site::at(NOON);
    for window in ["90s", "15m", "1h", "24h", "7d", "30d", "400d"] {
        let answer = site.json(&format!("/v1/usage?window={window}&interval=auto"));
        let count = points(&answer).len();
        assert!((14..=122).contains(&count), "{window}: {count}");
    }
}

#[test]
fn the_plus_of_an_offset_need_not_be_escaped() {
    let site = Site::at(NOON);
    let answer = site.json("/v1/usage?from=2026-11-22T18:00:00+08:00&to=1795345200&tz=Asia/Shanghai");
    let told = (answer["from"].as_str().unwrap(), answer["to"].as_str().unwrap());
    assert_eq!(told, ("2026-11-22T18:00:00+08:00", "2026-11-22T19:00:00+08:00"));
}
