//! Who may name whom: the arrows between modules, held by reading the source.
//!
//! Arrows point down only, so that the engine can be understood, tested and embedded alone. A new
//! module must be given its place here before it compiles its first test. Unit tests at the foot
//! of a file may name what they like.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// `module -> the modules it may name`, besides itself.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("engine", &[]),
    ("privacy", &[]),
    ("clock", &["engine"]),
    ("call", &["engine", "clock"]),
    ("batch", &["engine"]),
    ("dedupe", &["engine"]),
    ("failpoint", &[]),
    ("storage", &[]),
    ("journal", &["storage", "failpoint"]),
    ("snapshot", &["storage", "journal", "failpoint"]),
    ("codec", &["engine"]),
    ("store", &["engine", "dedupe", "clock", "storage", "journal", "snapshot", "codec", "failpoint"]),
    ("audit", &["engine", "storage", "journal", "snapshot", "store", "dedupe", "prices"]),
    ("prices", &["engine"]),
    ("config", &["engine", "store", "server"]),
    ("server", &["batch", "store", "engine", "privacy", "clock", "config"]),
    (
        "cli",
        &[
            "engine", "privacy", "clock", "call", "batch", "dedupe", "store", "config", "server", "storage", "audit",
            "prices",
        ],
    ),
];

/// Modules of the engine, from the bottom up: each may name those before it.
const ENGINE: &[&str] = &[
    // Words.
    "rfc3339",
    "time",
    "money",
    "event",
    "postings",
    "values",
    "numbers",
    "histogram",
    "aggregate",
    "config",
    "combination",
    "series",
    "known",
    "query",
    "outcome",
    // Where calls are kept.
    "column",
    "entry",
    "recent",
    "recent_log",
    "bins",
    "cell",
    "combinations",
    "log",
    "block",
    "bits",
    "packed",
    "forwards",
    "ids",
    "times",
    "slice",
    "rows",
    "wide",
    "columns",
    "sums",
    "merge",
    "plain_column",
    "plain",
    "sound",
    "table",
    "gather",
    "open",
    "renumber",
    "ring",
    "tiers",
    "rollup",
    "stripe",
    "grown",
    // Counting and answering.
    "rank",
    "plan",
    "scan",
    "spin",
    "core",
    "live",
    "view",
    "seal",
    "answer",
    "canonical",
    "tell",
    "arrivals",
    // The face.
    "handle",
    "mod",
    "reports",
    // The state as a whole.
    "image",
    "restore",
];

/// `mod` hands out the reports of an engine, which ask it: the one arrow up.
const UPWARD: &[(&str, &str)] = &[("mod", "reports")];

/// What the engine never names: it has no clock, no files, no threads, no environment.
const IMPURE: &[&str] =
    &["std::fs", "std::thread", "std::net", "std::env", "std::process", "SystemTime", "Instant", "tokio", "serde_json"];

/// The exceptions, each with its line: how many stripes to have by default.
const PURE_ENOUGH: &[(&str, &str)] = &[("config.rs", "std::thread::available_parallelism()")];

/// Rust source without comments, texts and unit tests.
fn code(source: &str) -> String {
    let mut code = String::new();
    let mut rest = source.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek()) {
            ('/', Some('/')) => while rest.next_if(|c| *c != '\n').is_some() {},
            ('\'', Some('"')) => drop(rest.next()), // the character, not the start of a text
            ('"', _) => skip_text(&mut rest),
            _ => code.push(c),
        }
    }
    let tests = code.find("#[cfg(test)]\nmod tests {").unwrap_or(code.len());
    code.truncate(tests);
    code
}

/// Up to the closing quote of a text.
fn skip_text(rest: &mut impl Iterator<Item = char>) {
    while let Some(c) = rest.next() {
        match c {
            '\\' => drop(rest.next()),
            '"' => return,
            _ => {}
        }
    }
}

/// Every path in some code, with `use` groups written out: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn paths(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let mut prefixes: Vec<String> = Vec::new();
    let mut path = String::new();
    for c in code.chars().chain([' ']) {
        match c {
            c if c.is_alphanumeric() || c == '_' || c == ':' => path.push(c),
            '{' if path.ends_with("::") => prefixes.push(prefixed(&prefixes, &std::mem::take(&mut path))),
            _ => {
                if !path.is_empty() {
                    paths.push(prefixed(&prefixes, &std::mem::take(&mut path)));
                }
                if c == '}' {
                    prefixes.pop();
                } else if c == '{' && !prefixes.is_empty() {
                    prefixes.push(String::new());
                }
            }
        }
    }
    paths
}

fn prefixed(prefixes: &[String], path: &str) -> String {
    format!("{}{path}", prefixes.last().map_or("", String::as_str))
}

/// The first segment of a path after a prefix.
fn after<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    path.strip_prefix(prefix).and_then(|rest| rest.split("::").next()).filter(|name| !name.is_empty())
}

/// The top-level modules that a file names and may not.
fn strangers(module: &str, source: &str) -> BTreeSet<String> {
    let allies = MAY_NAME.iter().find(|(name, _)| *name == module).map(|(_, allies)| *allies);
    let allies = allies.unwrap_or_else(|| panic!("give `{module}` its place in MAY_NAME"));
    let named = paths(&code(source));
    let named = named.iter().filter_map(|path| after(path, "crate::").or_else(|| after(path, "tallyring::")));
    named.filter(|name| *name != module && !allies.contains(name)).map(str::to_owned).collect()
}

/// The modules of the engine that a file of it names and may not: those above it.
fn above(module: &str, source: &str) -> BTreeSet<String> {
    let place = |name: &str| ENGINE.iter().position(|known| *known == name);
    let own = place(module).unwrap_or_else(|| panic!("give `engine::{module}` its place in ENGINE"));
    let up = if module == "mod" { "" } else { "super::" };
    let named = paths(&code(source));
    let named = named.iter().filter_map(|path| match after(path, "crate::engine::") {
        Some(name) => Some(name),
        None if module == "mod" => path.split("::").next().filter(|name| place(name).is_some() && path.contains("::")),
        None => after(path, up),
    });
    let named = named.map(|name| if name.starts_with(char::is_uppercase) { "mod" } else { name });
    let allowed = |name: &str| place(name).is_some_and(|place| place <= own) || UPWARD.contains(&(module, name));
    named.filter(|name| !allowed(name)).map(str::to_owned).collect()
}

/// What a file of the engine names that has a clock, files or threads.
fn impurities(file: &str, source: &str) -> Vec<String> {
    let mut code = code(source);
    for (_, allowed) in PURE_ENOUGH.iter().filter(|(known, _)| file == *known) {
        code = code.replacen(allowed, "", 1);
    }
    let impure = |path: &String| {
        IMPURE.iter().any(|banned| {
            let banned: Vec<&str> = banned.split("::").collect();
            let segments: Vec<&str> = path.split("::").collect();
            segments.windows(banned.len()).any(|window| window == banned.as_slice())
        })
    };
    paths(&code).into_iter().filter(impure).collect()
}

fn source_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every Rust file under a folder; files and folders of unit tests aside.
fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("a folder of sources");
    let paths = entries.map(|entry| entry.expect("readable").path()).filter(|path| !path.ends_with("tests"));
    let files = paths.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs")).collect()
}

/// The module a file belongs to, counted from a folder.
fn module_of(file: &Path, dir: &Path) -> String {
    let inside = file.strip_prefix(dir).expect("inside the folder");
    let first = inside.iter().next().and_then(|name| name.to_str()).expect("a plain name");
    first.trim_end_matches(".rs").to_owned()
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

#[test]
fn modules_name_only_their_allies() {
    let src = source_dir();
    let files = rust_files(&src);
    assert!(files.len() > 10, "the sources were found");
    for file in files {
        let module = module_of(&file, &src);
        if !matches!(module.as_str(), "lib" | "main") {
            assert_eq!(strangers(&module, &read(&file)), BTreeSet::new(), "{} names strangers", file.display());
        }
    }
}

#[test]
fn the_engine_names_downward_only() {
    let engine = source_dir().join("engine");
    for file in rust_files(&engine) {
        let module = module_of(&file, &engine);
        assert_eq!(above(&module, &read(&file)), BTreeSet::new(), "{} names what lies above it", file.display());
    }
}

#[test]
fn the_engine_has_no_clock_no_files_and_no_threads() {
    let engine = source_dir().join("engine");
    for file in rust_files(&engine) {
        let name = file.file_name().and_then(|name| name.to_str()).expect("a plain name");
        assert_eq!(impurities(name, &read(&file)), Vec::<String>::new(), "{}", file.display());
    }
}

/// Only the binary ends the process or reads its arguments and environment; failpoints do, in
/// debug builds.
#[test]
fn only_main_and_the_command_line_touch_the_process() {
    let src = source_dir();
    for file in rust_files(&src) {
        if matches!(module_of(&file, &src).as_str(), "main" | "cli" | "failpoint") {
            continue;
        }
        let paths = paths(&code(&read(&file)));
        let touches: Vec<_> =
            paths.iter().filter(|path| path.contains("process::exit") || path.starts_with("std::env")).collect();
        assert_eq!(touches, Vec::<&String>::new(), "{}", file.display());
    }
}

#[test]
fn a_planted_violation_is_found() {
    let found = |module, source| strangers(module, source).into_iter().collect::<Vec<_>>();
    assert_eq!(found("engine", "use crate::store::Store;"), ["store"]);
    assert_eq!(found("engine", "use crate::{engine::time, server::{read, error}};"), ["server"]);
    assert_eq!(found("server", "fn f() -> crate::cli::Args { todo!() }"), ["cli"]);
    assert_eq!(found("clock", "use crate::engine::time::Timestamp;"), Vec::<String>::new());
    assert_eq!(
        found("store", "/// [`crate::server`]\n// crate::cli\nconst A: &str = \"crate::cli\";"),
        Vec::<String>::new()
    );
    assert_eq!(
        found("privacy", "fn f() {}\n#[cfg(test)]\nmod tests {\n use crate::engine::Engine;\n}"),
        Vec::<String>::new()
    );
}

#[test]
fn a_planted_arrow_up_is_found() {
    let found = |module, source| above(module, source).into_iter().collect::<Vec<_>>();
    assert_eq!(found("time", "use super::event::Event;"), ["event"]);
    assert_eq!(found("event", "use super::{time::Timestamp, query::Query};"), ["query"]);
    assert_eq!(found("query", "use super::Engine;"), ["mod"]);
    assert_eq!(found("aggregate", "use crate::engine::reports::Scope;"), ["reports"]);
    assert_eq!(found("query", "use super::event::Dimension;"), Vec::<String>::new());
    assert_eq!(found("mod", "use reports::Reports;\nuse query::Query;"), Vec::<String>::new());
    assert_eq!(found("reports", "use super::Engine;"), Vec::<String>::new());
}

#[test]
fn a_planted_clock_file_or_thread_is_found() {
    let found = |source: &str| impurities("ring.rs", source).len();
    assert_eq!(found("use std::fs;"), 1);
    assert_eq!(found("use std::{sync::Arc, thread};"), 1);
    assert_eq!(found("let t = std::time::Instant::now();"), 1);
    assert_eq!(found("use std::time::SystemTime;"), 1);
    assert_eq!(found("std::thread::available_parallelism()"), 1, "allowed in config.rs alone");
    assert_eq!(found("let quote = '\"'; use std::fs;"), 1);
    assert_eq!(found("// std::fs\nlet s = \"a \\\" std::fs\"; use std::sync::Mutex;"), 0);
    assert_eq!(impurities("config.rs", "std::thread::available_parallelism()"), Vec::<String>::new());
    assert_eq!(impurities("config.rs", "std::thread::spawn(f)").len(), 1);
}
