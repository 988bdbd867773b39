//! `bench`: the shape of what it prints, never how fast anything is.

use crate::kit::run;

#[test]
fn bench_measures_what_it_is_asked_for() {
    let told = run(&["bench", "--quick", "--only", "parse", "--json"]);
    assert_eq!(told.err, "measuring parse …\n");
    let told = told.json();
    assert!(told["machine"]["cores"].as_u64().unwrap() > 0, "{told}");
    assert_eq!(told["machine"]["version"], env!("CARGO_PKG_VERSION"));
    let rows = told["rows"].as_array().unwrap();
    assert!(rows.len() >= 2, "{told}");
    for row in rows {
        assert!(row["name"].as_str().unwrap().starts_with("parse: "), "{row}");
        assert!(row["rounds"].as_u64().unwrap() >= 5, "{row}");
        let figure = |name: &str| row[name].as_f64().unwrap();
        assert!(0.0 < figure("min") && figure("min") <= figure("median") && figure("median") <= figure("max"), "{row}");
    }
}

#[test]
fn bench_starts_servers_of_its_own() {
    let table = run(&["bench", "--quick", "--quiet", "--only", "http"]).ok();
    for row in ["http: ack = fsync, 1000 events a request, 8 connections", "http: an empty handler, 8 connections"] {
        assert!(table.contains(row), "{table}");
    }
    assert_eq!(run(&["bench", "--only", "everything"]).code, 2);
}
