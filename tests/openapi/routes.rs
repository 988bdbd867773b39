//! The paths, methods and scopes of the document are those of the router.

use crate::operation::Document;
use crate::operation::app;
use crate::operation::site;
use std::collections::BTreeSet;
use tallyring::server;
use tallyring::server::Route;
use tallyring::server::access::Scope;

fn word(scope: Scope) -> &'static str {
    match scope {
        Scope::Open => "open",
        Scope::Ingest => "ingest",
        Scope::Read => "read",
        Scope::ReadAll => "read-all",
        Scope::Admin => "admin",
    }
}

#[test]
fn every_route_is_there_with_its_scope_and_no_other() {
    // A wildcard of the router is a plain variable of a path here.
    let line = |route: &Route| format!("{} {} {}", route.method, route.path.replace("{*", "{"), word(route.scope));
    let routes: BTreeSet<String> = server::routes(&app()).iter().map(line).collect();
    let (site, mut told) = (site(), BTreeSet::new());
    for operation in Document::of(&site).operations() {
        let scope = operation.told["x-scope"].as_str().unwrap();
        assert!(told.insert(format!("{} {} {scope}", operation.method, operation.path)));
        let security = if scope == "open" { "[]".to_owned() } else { format!("[{{}},{{\"bearer\":[\"{scope}\"]}}]") };
        assert_eq!(operation.told["security"].to_string(), security, "{}", operation.path);
    }
    assert_eq!(told, routes);
}

#[test]
fn every_operation_and_parameter_says_what_it_is() {
    let site = site();
    let document = Document::of(&site);
    let tags: Vec<&str> =
        document.0["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    let mut ids = BTreeSet::new();
    for operation in document.operations() {
        let (told, place) = (operation.told, format!("{} {}", operation.method, operation.path));
        assert!(ids.insert(told["operationId"].as_str().unwrap().to_owned()), "{place}");
        assert!(told["summary"].is_string(), "{place}");
        assert!(tags.contains(&told["tags"][0].as_str().unwrap()), "{place}");
        let mut names = BTreeSet::new();
        for parameter in &operation.parameters {
            let name = parameter["name"].as_str().unwrap();
            assert!(names.insert(name), "{place}: {name} twice");
            assert!(parameter["description"].as_str().is_some_and(|text| text.ends_with('.')), "{place}: {name}");
            assert!(parameter["schema"].is_object(), "{place}: {name}");
        }
        for (status, response) in told["responses"].as_object().unwrap() {
            assert!(document.follow(response)["description"].is_string(), "{place}: {status}");
        }
        assert!(told["responses"].as_object().unwrap().contains_key("200"), "{place}");
    }
}

#[test]
fn every_name_is_filled_in_and_every_reference_leads_somewhere() {
    let site = site();
    let document = Document::of(&site);
    let text = document.0.to_string();
    assert!(!text.contains("{{"), "{text}");
    let references = text.split("\"$ref\":\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    for reference in references {
        document.follow(&serde_json::json!({ "$ref": reference }));
    }
    assert_eq!(document.0["info"]["version"], env!("CARGO_PKG_VERSION"));
    let dimensions = document.0["components"]["schemas"]["DimensionName"]["enum"].to_string();
    assert!(dimensions.contains("\"team\""), "{dimensions}");
}

#[test]
fn who_has_seen_it_is_told_so() {
    let site = site();
    let first = site.get("/openapi.json");
    assert_eq!((first.status, first.header("content-type")), (200, Some("application/json")));
    let seen = format!("if-none-match: {}\r\n", first.header("etag").unwrap());
    let again = site.get_with("/openapi.json", &seen);
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    assert_eq!(site.get_with("/openapi.json", "if-none-match: \"other\"\r\n").status, 200);
}
