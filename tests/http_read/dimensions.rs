//! `/v1/dimensions` and their values.

use crate::site::NOON;
use crate::site::Site;
use crate::site::escaped;
use crate::site::nothing;
use serde_json::Value;
use serde_json::json;
use tallyring::engine::config::Config;
use tallyring::engine::event::Dimension::Key;
use tallyring::engine::event::Dimension::Label;
use tallyring::engine::event::Dimension::Model;
use tallyring::engine::event::Dimension::User;

fn site() -> Site {
    let labels = vec!["team".to_string()];
    let site =
        Site::with(NOON, Config { labels, max_identities: 50, max_values: 40, max_series: 99, ..Config::default() });
    for (model, user, key) in [("gpt-4", "ann", "sk-1"), ("gpt-4", "bob", "sk-1"), ("GPT-5", "ann", "sk-2")] {
        let of = [(Model, model), (User, user), (Key, key), (Label(0), "red")];
        site.call("2026-11-22T11:30:00Z", &of, nothing());
        site.call("2026-11-22T11:31:00Z", &of, nothing());
    }
    site
}

#[test]
fn dimensions_tell_how_near_they_are_to_their_limits() {
    let told = site().json("/v1/dimensions");
    let dimension = |name, values, limit| json!({ "name": name, "values": values, "limit": limit });
    let expected = [
        dimension("key", 2, 50),
        dimension("user", 2, 50),
        dimension("model", 2, 40),
        dimension("provider", 0, 40),
        dimension("endpoint", 0, 40),
        dimension("status", 0, 40),
        dimension("team", 1, 40),
    ];
    assert_eq!(told["dimensions"], json!(expected));
    assert_eq!((&told["series"], &told["series_limit"]), (&json!(3), &json!(99)));
}

fn values(answer: &Value) -> Vec<(String, u64)> {
    let value = |row: &Value| (row["value"].as_str().unwrap().to_string(), row["series"].as_u64().unwrap());
    answer["values"].as_array().unwrap().iter().map(value).collect()
}

#[test]
fn values_are_searched_in_any_case_and_counted_by_series() {
    let site = site();
    let all = site.json("/v1/dimensions/model/values");
    assert_eq!(values(&all), [("GPT-5".to_string(), 1), ("gpt-4".to_string(), 2)]);
    assert_eq!((&all["dimension"], &all["more"]), (&json!("model"), &json!(false)));
    let some = site.json("/v1/dimensions/model/values?q=gPt&limit=1");
    assert_eq!((values(&some).len(), &some["more"]), (1, &json!(true)));
    assert_eq!(values(&site.json("/v1/dimensions/team/values?q=e")), [("red".to_string(), 3)]);
    assert_eq!(values(&site.json("/v1/dimensions/user/values?q=zoe")), []);
}

#[test]
fn a_key_is_found_by_its_raw_name_but_never_told() {
    let site = site();
    let reply = site.get("/v1/dimensions/key/values?q=sk-1");
    assert_eq!(values(&reply.json()), [(site.name("sk-1"), 2)]);
    assert!(!reply.body.contains("sk-1"), "{}", reply.body);
    let fingerprint = site.name("sk-2");
    let part = escaped(&fingerprint[fingerprint.len() - 10..]);
    assert_eq!(values(&site.json(&format!("/v1/dimensions/key/values?q={part}"))), [(fingerprint, 1)]);
}

#[test]
fn an_unknown_dimension_is_not_found() {
    let reply = site().get("/v1/dimensions/color/values");
    assert_eq!((reply.status, reply.header("content-type")), (404, Some("application/problem+json")));
    let detail = reply.json()["detail"].as_str().unwrap().to_string();
    assert_eq!(detail, "no such dimension; known are key, user, model, provider, endpoint, status, team");
}
