//! The parameters of the document are those that the handlers take, by their own account: each
//! names all it knows when it is given one that it does not.

use crate::operation::Document;
use crate::operation::Operation;
use crate::operation::site;
use crate::site::Site;
use std::collections::BTreeSet;
use tallyring::engine::config::Config;

const UNKNOWN: &str = "zz_unknown";
/// Routes for probes and for browsers, which may be asked with anything.
const DEAF: [&str; 10] = [
    "/livez",
    "/readyz",
    "/version",
    "/v1/caller",
    "/v1/status",
    "/openapi.json",
    "/",
    "/assets/{path}",
    "/reference",
    "/reference/{file}",
];

/// What a handler says it knows.
fn known(site: &Site, operation: &Operation<'_>) -> BTreeSet<String> {
    let target = format!("{}?{UNKNOWN}=1", operation.example_path());
    let reply = if operation.method == "GET" { site.get(&target) } else { site.post(&target, "") };
    if DEAF.contains(&operation.path) {
        assert_eq!(reply.status, 200, "{target}: {}", reply.body);
        return BTreeSet::new();
    }
    assert_eq!(reply.status, 400, "{target}: {}", reply.body);
    let problem = reply.json();
    assert_eq!(problem["parameter"], UNKNOWN, "{problem}");
    listed(problem["detail"].as_str().unwrap())
}

/// The names in "…; known are a, b; filters are c" and in "the parameters here are: a".
fn listed(detail: &str) -> BTreeSet<String> {
    let lists = detail.split("; ").filter_map(|part| {
        ["known are ", "filters are ", "the parameters here are: "].iter().find_map(|begin| part.strip_prefix(begin))
    });
    lists.flat_map(|list| list.split(", ")).map(str::to_owned).collect()
}

#[test]
fn every_parameter_is_known_and_every_known_one_is_told() {
    let site = site();
    for operation in Document::of(&site).operations() {
        let told: BTreeSet<String> = operation.of("query").map(|(name, _)| name.to_owned()).collect();
        assert_eq!(told, known(&site, &operation), "{} {}", operation.method, operation.path);
    }
}

/// Otherwise a question could mean either.
#[test]
fn no_label_goes_by_the_name_of_a_parameter() {
    let site = site();
    let document = Document::of(&site);
    let mut names: BTreeSet<String> = BTreeSet::new();
    for operation in
        document.operations().iter().filter(|operation| operation.of("query").any(|(name, _)| name == "team"))
    {
        names.extend(operation.of("query").map(|(name, _)| name.to_owned()).filter(|name| name != "team"));
    }
    assert!(names.contains("group_by"), "{names:?}");
    for name in names {
        let config = Config { labels: vec![name.clone()], ..Config::default() };
        assert!(config.validate().is_err(), "{name} must be refused as a label");
    }
}
