//! The parts of the document, put together.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

const HEAD: &str = include_str!("openapi.json");
const SCHEMAS: &str = include_str!("schemas.json");
const PATHS: [&str; 9] = [
    include_str!("paths/ingest.json"),
    include_str!("paths/usage.json"),
    include_str!("paths/calls.json"),
    include_str!("paths/live.json"),
    include_str!("paths/reports.json"),
    include_str!("paths/gemini.json"),
    include_str!("paths/snapshots.json"),
    include_str!("paths/operations.json"),
    include_str!("paths/pages.json"),
];

/// Answers that any route may give: its status, and its name among the shared responses.
const AROUND_ALL: [(&str, &str); 4] =
    [("414", "HeadTooLong"), ("421", "Misdirected"), ("431", "HeadTooLong"), ("500", "Bug")];
/// Answers of every route but the one that is there before all others.
const UNLESS_ALIVE: [(&str, &str); 1] = [("503", "Unavailable")];
const ALIVE: &str = "/livez";
/// Answers of every route that asks for a token.
const AROUND_SCOPED: [(&str, &str); 2] = [("401", "Unauthorized"), ("403", "Forbidden")];

/// The whole document, its `{{names}}` not yet filled in, of a server that asks for `tokens` or not.
pub(super) fn document(tokens: bool) -> Value {
    let mut document = part(HEAD);
    document["components"]["schemas"] = part(SCHEMAS);
    let mut paths = Map::new();
    for (path, methods) in PATHS.into_iter().flat_map(|paths| members(part(paths))) {
        let place = paths.entry(path).or_insert_with(|| json!({}));
        for (method, operation) in members(methods) {
            place[method] = operation;
        }
    }
    for (path, methods) in &mut paths {
        methods.as_object_mut().into_iter().flatten().for_each(|(_, operation)| surround(path, operation, tokens));
    }
    document["paths"] = Value::Object(paths);
    document
}

fn part(text: &str) -> Value {
    serde_json::from_str(text).expect("the parts of the document are JSON; a test reads them")
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// Adds to an operation what the server does around its route.
fn surround(path: &str, operation: &mut Value, tokens: bool) {
    let scope = operation["x-scope"].as_str().unwrap_or_default().to_owned();
    let scoped = scope != "open";
    operation["security"] = match (scoped, tokens) {
        (false, _) => json!([]),
        (true, true) => json!([{ "bearer": [scope] }]),
        (true, false) => json!([{}, { "bearer": [scope] }]), // one may be shown
    };
    let mut around = AROUND_ALL.to_vec();
    if path != ALIVE {
        around.extend(UNLESS_ALIVE);
    }
    if scoped {
        around.extend(AROUND_SCOPED);
    }
    for (status, name) in around {
        let told = &mut operation["responses"][status];
        if told.is_null() {
            *told = json!({ "$ref": format!("#/components/responses/{name}") });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a name that comes twice in an object, the last would count, unseen.
    #[test]
    fn no_operation_and_no_schema_is_told_twice() {
        let document = document(false);
        let written: usize = PATHS.iter().map(|paths| paths.matches("\"operationId\"").count()).sum();
        let paths = document["paths"].as_object().unwrap().values();
        let told: usize = paths.map(|methods| methods.as_object().unwrap().len()).sum();
        assert_eq!(told, written);
        let names = SCHEMAS.lines().filter(|line| line.starts_with("  \"") && line.contains("\": {")).count();
        assert_eq!(document["components"]["schemas"].as_object().unwrap().len(), names);
    }
}
