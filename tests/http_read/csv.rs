//! `/v1/usage` as CSV.

use crate::site::NOON;
use crate::site::Site;
use crate::site::cost;
use crate::site::nothing;
use crate::site::took;
use tallyring::engine::event::Dimension::Model;
use tallyring::engine::event::Dimension::User;

#[test]
fn accept_or_format_ask_for_csv() {
    let site = Site::at(NOON);
    site.call("2026-11-22T11:30:00Z", &[(Model, "gpt")], cost("1.5", "USD"));
    let expected = "model,from,to,requests,cost_USD\n\
                    gpt,2026-11-22T11:00:00Z,2026-11-22T12:00:01Z,1,1.500000000\n";
    let target = "/v1/usage?group_by=model&metrics=requests,cost";
    let accepted = site.get_with(target, "accept: text/csv\r\n");
    assert_eq!((accepted.status, accepted.body.as_str()), (200, expected));
    assert_eq!(accepted.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(accepted.header("vary"), Some("accept"));
    assert_eq!(site.get(&format!("{target}&format=csv")).body, expected);
    let json = site.get_with(&format!("{target}&format=json"), "accept: text/csv\r\n");
    assert_eq!(json.header("content-type"), Some("application/json"), "the parameter goes before the header");
}

#[test]
fn values_that_begin_like_a_formula_become_text() {
    let site = Site::at(NOON);
    let users = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "a\"b", "plain"];
    for user in users {
        site.call("2026-11-22T11:30:00Z", &[(User, user)], nothing());
    }
    let body = site.get("/v1/usage?group_by=user&metrics=requests&order_by=name&format=csv").body;
    let mut rows: Vec<Vec<String>> = Vec::new();
    for row in ::csv::Reader::from_reader(body.as_bytes()).records() {
        rows.push(row.unwrap().iter().map(String::from).collect());
    }
    let mut told: Vec<_> = rows.iter().map(|row| row[0].as_str()).collect();
    let mut expected = ["'=cmd|' /C calc'!A0", "'+1", "'-1", "'@SUM(A1)", "'\t=1", "'\r=1", "a\"b", "plain"];
    told.sort_unstable();
    expected.sort_unstable();
    assert_eq!(told, expected);
    assert!(rows.iter().all(|row| row.last().unwrap() == "1"));
}

#[test]
fn counts_between_bounds_are_columns() {
    let site = Site::at(NOON);
    for ms in [1, 20, 20, 9_000] {
        site.call("2026-11-22T11:30:00Z", &[(User, "ann")], took(ms));
    }
    let body = site.get("/v1/usage?group_by=user&metrics=latency_ms&quantiles=1&bins=0.5,1,1000&format=csv").body;
    let expected = "user,from,to,latency_ms_count,latency_ms_mean,latency_ms_min,latency_ms_max,latency_ms_p100,\
                    latency_ms_bin_0.5,latency_ms_bin_1,latency_ms_bin_1000,latency_ms_bin_above\n\
                    ann,2026-11-22T11:00:00Z,2026-11-22T12:00:01Z,4,2260.25,1,9000,9000,0,1,2,1\n";
    assert_eq!(body, expected);
}

#[test]
fn pages_and_what_was_before_fit_into_csv_too() {
    let site = Site::at(NOON);
    for (user, at) in [("ann", "11:30:00"), ("ann", "10:30:00"), ("bob", "11:30:00"), ("cat", "11:30:00")] {
        site.call(&format!("2026-11-22T{at}Z"), &[(User, user)], took(20));
    }
    let query = "/v1/usage?group_by=user&metrics=requests,latency_ms&quantiles=0.5&from=2026-11-22T11:00:00Z\
                 &compare=previous&order_by=name&format=csv&limit=2";
    let first = site.get(query);
    let expected = "user,from,to,requests,latency_ms_count,latency_ms_mean,latency_ms_min,latency_ms_max,\
                    latency_ms_p50,previous_requests,previous_latency_ms_count,previous_latency_ms_mean,\
                    previous_latency_ms_min,previous_latency_ms_max,previous_latency_ms_p50\n\
                    ann,2026-11-22T11:00:00Z,2026-11-22T12:00:01Z,1,1,20,20,20,20,1,1,20,20,20,20\n\
                    bob,2026-11-22T11:00:00Z,2026-11-22T12:00:01Z,1,1,20,20,20,20,0,0,,,,\n";
    assert_eq!(first.body, expected);
    // The cursor is read from the JSON of the same query: the header's case is lost to this client.
    let json = site.json(&query.replace("format=csv&", ""));
    let next = json["next_cursor"].as_str().unwrap();
    assert_eq!(first.header("next-cursor"), Some(next.to_ascii_lowercase().as_str()));
    let second = site.get(&format!("{query}&cursor={next}"));
    assert_eq!((second.body.lines().count(), second.body.contains("\ncat,")), (2, true));
    assert_eq!(second.header("next-cursor"), None);
}

#[test]
fn a_series_has_a_row_for_each_interval() {
    let site = Site::at(NOON);
    site.call("2026-11-22T11:30:30Z", &[(User, "ann")], nothing());
    let span = "from=2026-11-22T11:30:00Z&to=2026-11-22T11:32:00Z&interval=1m&metrics=requests";
    let body = site.get(&format!("/v1/usage?{span}&format=csv")).body;
    let expected = "from,to,requests\n\
                    2026-11-22T11:30:00Z,2026-11-22T11:31:00Z,1\n\
                    2026-11-22T11:31:00Z,2026-11-22T11:32:00Z,0\n";
    assert_eq!(body, expected);
}
