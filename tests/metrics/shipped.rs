//! The rules and the dashboard that are shipped: valid, tested, and of metrics that there are.

use crate::kit::Told;
use crate::kit::once_counted;
use crate::skipping::find;
use crate::support::Server;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

fn shipped(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(file)
}

fn text(file: &str) -> String {
    std::fs::read_to_string(shipped(file)).unwrap()
}

/// Every metric there can be.
fn names() -> BTreeSet<String> {
    let server = Server::start();
    let call = json!({ "model": "m", "provider": "p", "endpoint": "/e", "status": 200, "latency_ms": 5, "ttft_ms": 1, "cost": "1", "input_tokens": 1 });
    server.post("/v1/events", call.to_string()).counts(200);
    server.request("POST", "/v1/snapshots", &[], b"");
    once_counted(&server, 1);
    Told::of(&server).names().into_iter().map(str::to_owned).collect()
}

/// Words of an expression that are names of metrics of ours, or of a process.
fn used(expression: &str) -> BTreeSet<String> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
    let ours = words.filter(|word| word.starts_with("tallyring_") || word.starts_with("process_"));
    ours.map(str::to_owned).collect()
}

/// The expressions of the rules: what stands behind `expr:`, on its line or indented below.
fn expressions(rules: &str) -> String {
    let mut found = String::new();
    let mut inside = None;
    for line in rules.lines() {
        let indent = line.len() - line.trim_start().len();
        if inside.is_some_and(|outer| indent <= outer) {
            inside = None;
        }
        if let Some(expression) = line.trim_start().strip_prefix("expr:") {
            inside = Some(indent);
            found += expression;
        } else if inside.is_some() {
            found += line;
        }
        found.push('\n');
    }
    found
}

#[test]
fn rules_and_dashboard_use_metrics_that_exist() {
    let names = names();
    let rules = used(&expressions(&text("prometheus/rules.yml")));
    assert!(rules.len() > 15, "{rules:?}");
    let dashboard: Value = serde_json::from_str(&text("grafana/tallyring.json")).unwrap();
    let mut shown = String::new();
    let mut panels = 0;
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            shown += target["expr"].as_str().unwrap();
            shown.push('\n');
            panels += 1;
        }
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        shown += variable["query"]["query"].as_str().unwrap_or("");
    }
    assert!(panels > 20);
    for name in rules.iter().chain(&used(&shown)) {
        assert!(names.contains(name), "{name} is told by no server; there are {names:?}");
    }
    // The other way round: what is documented is what there is.
    let documented = std::fs::read_to_string(shipped("../docs/METRICS.md")).unwrap();
    for name in &names {
        let family = ["_bucket", "_sum", "_count"].into_iter().find_map(|suffix| name.strip_suffix(suffix));
        let name = family.filter(|name| name.ends_with("_seconds")).unwrap_or(name);
        let general = ["model", "provider", "endpoint", "status"]
            .into_iter()
            .find_map(|by| name.strip_prefix(&format!("tallyring_{by}_")))
            .map_or_else(|| name.to_owned(), |what| format!("tallyring_*_{what}"));
        assert!(documented.contains(&format!("`{general}`")), "docs/METRICS.md does not tell of {general}");
    }
    for name in used(&documented).iter().filter(|name| !name.ends_with('_')) {
        let known = names.contains(name) || names.contains(&format!("{name}_count"));
        assert!(known || name.starts_with("tallyring_operation_"), "docs/METRICS.md tells of {name}");
    }
}

#[test]
fn each_panel_has_a_place_and_an_id_of_its_own() {
    let dashboard: Value = serde_json::from_str(&text("grafana/tallyring.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    let mut taken = BTreeSet::new();
    for panel in panels {
        let at = |of: &str| panel["gridPos"][of].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24, "{}", panel["title"]);
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "{} lies over another panel", panel["title"]);
            }
        }
    }
}

#[test]
fn promtool_runs_the_rules_and_their_tests() {
    let Some(promtool) = find("promtool", "promtool_runs_the_rules_and_their_tests") else { return };
    for arguments in
        [["check", "rules", "rules.yml"], ["check", "config", "prometheus.yml"], ["test", "rules", "rules_test.yml"]]
    {
        let said = Command::new(&promtool).args(arguments).current_dir(shipped("prometheus")).output().unwrap();
        let text = String::from_utf8_lossy(&said.stdout).into_owned() + &String::from_utf8_lossy(&said.stderr);
        assert!(said.status.success(), "{arguments:?}: {text}");
    }
}
