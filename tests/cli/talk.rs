//! `query`, `report`, and what every command says when something is wrong.

use crate::kit::Server;
use crate::kit::run;

/// Five calls just now: three of ann, two of bob; one fails; money in two currencies.
const CALLS: &str = r#"
{"id":"1","key":"k1","user":"ann","model":"gpt-4o","endpoint":"/v1/chat","status":200,"latency_ms":100,"input_tokens":10,"output_tokens":5,"cost":"0.000000001","currency":"USD"}
{"id":"2","key":"k1","user":"ann","model":"gpt-4o","endpoint":"/v1/chat","status":200,"latency_ms":300,"input_tokens":10,"output_tokens":5,"cost":"1.5","currency":"USD"}
{"id":"3","key":"k1","user":"ann","model":"qwen","endpoint":"/v1/chat","status":429}
{"id":"4","key":"k2","user":"bob","model":"qwen","endpoint":"/v1/chat","status":"SUCCEED","latency_ms":7.5,"cost":"2","currency":"CNY"}
{"id":"5","key":"k2","user":"b,o\"b\u001b[31m","model":"qwen","endpoint":"/v1/emb","status":200}
"#;

fn server() -> Server {
    let server = Server::start_with(&["serve", "--keys", "plain"]);
    let said = server.import("calls.ndjson", CALLS, &["--json"]).json();
    assert_eq!(said["accepted"], 5, "{said}");
    server
}

#[test]
fn query_shows_groups_others_and_totals() {
    let server = server();
    let table = server.run(&["query", "--group-by", "user", "--limit", "1", "--order-by=-requests"]);
    let lines: Vec<&str> = table.out.lines().collect();
    assert!(lines[0].contains(" .. ") && lines[0].contains("resolution 1s"), "{table:?}");
    let cells = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let head = cells(lines[2]);
    assert_eq!(head[..3], ["user", "requests", "failures"], "{table:?}");
    let usd = head.iter().position(|name| name == "cost_USD").unwrap();
    let ann = cells(lines[3]);
    assert_eq!(ann[..3], ["ann", "3", "1"], "{table:?}");
    assert!(ann.contains(&"1.500000001".to_owned()), "{table:?}");
    assert!(lines[4].starts_with("(2 others)") && lines[5].starts_with("(total)"), "{table:?}");
    assert!(usd > 0 && table.err.contains("--cursor"), "{table:?}");
}

#[test]
fn quantiles_rise_to_the_largest() {
    let server = server();
    let table = server.run(&["query", "--metrics", "requests,latency_ms", "--quantiles", "0.5,0.9"]).ok();
    let head = table.lines().find(|line| line.starts_with("requests")).unwrap();
    let names: Vec<&str> = head.split_whitespace().collect();
    assert_eq!(names, ["requests", "latency_ms_p50", "latency_ms_p90", "latency_ms_max"], "{table}");
}

#[test]
fn query_passes_every_parameter_on() {
    let server = server();
    let json = |args: &[&str]| server.run(&[&["query", "--json"], args].concat()).json();
    assert_eq!(json(&["--filter", "model=qwen", "--filter", "user=ann"])["totals"]["requests"], 1);
    assert_eq!(json(&["--filter", "model=qwen", "--filter", "model=gpt-4o"])["totals"]["requests"], 5);
    assert_eq!(json(&["--from", "2020-01-01T00:00:00Z", "--to", "2020-01-02T00:00:00Z"])["totals"]["requests"], 0);
    let all = json(&["--window", "2h", "--tz", "Asia/Kathmandu", "--interval", "1h", "--quantiles", "0.9"]);
    assert_eq!(all["tz"], "Asia/Kathmandu");
    assert!(all["series"].as_array().is_some_and(|points| points.len() >= 2), "{all}");
    assert!(all["totals"]["latency_ms"]["p90"].is_number(), "{all}");
    let some = json(&["--metrics", "requests,cost", "--compare"]);
    assert_eq!(some["totals"]["cost"]["CNY"], "2.000000000");
    assert!(some["previous"].is_object() && some["totals"].get("failures").is_none(), "{some}");
}

#[test]
fn series_have_a_row_for_each_interval() {
    let server = server();
    let table = server.run(&["query", "--window", "2h", "--interval", "1h", "--group-by", "model"]).ok();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    let head = rows.iter().find(|row| row[0] == "model").unwrap();
    assert_eq!(head[..3], ["model", "from", "requests"], "{table}");
    let qwen: Vec<u64> = rows.iter().filter(|row| row[0] == "qwen").map(|row| row[2].parse().unwrap()).collect();
    assert!((2..=3).contains(&qwen.len()) && qwen.iter().sum::<u64>() == 3, "{table}");
}

#[test]
fn csv_is_quoted_and_a_terminal_is_safe() {
    let server = server();
    let csv = server.run(&["query", "--group-by", "user", "--csv"]).ok();
    let mut rows = csv::Reader::from_reader(csv.as_bytes());
    let users: Vec<String> = rows.records().map(|row| row.unwrap()[0].to_owned()).collect();
    assert!(users.contains(&"b,o\"b\u{1b}[31m".to_owned()), "{users:?}");
    let table = server.run(&["query", "--group-by", "user", "--color", "never"]).ok();
    assert!(!table.contains('\u{1b}') && table.contains("\\u{1b}[31m"), "{table:?}");
    let error = server.run(&["query", "--filter", "\u{1b}[31m=x", "--color", "never"]).err;
    assert!(!error.contains('\u{1b}'), "{error:?}");
    let bold = server.run(&["query", "--color", "always"]).ok();
    assert!(bold.contains("\u{1b}[1m"), "{bold:?}");
}

#[test]
fn every_report_answers_in_three_formats() {
    let server = server();
    let reports: [(&[&str], &str, &str); 9] = [
        (&["summary", "--user", "ann"], "calls_1h", "window,total,success,failure\ncalls_1m,3,2,1\n"),
        (&["calls", "--limit", "2"], "latency_ms", "timestamp,key,"),
        (&["key-usage", "--key", "k1"], "gpt-4o", "model,calls\ngpt-4o,2\nqwen,1\n"),
        (&["user", "ann"], "success_rate", "figure,value\ntotal_calls,3\nsuccessful_calls,2\nfailed_calls,1\n"),
        (&["daily", "--days", "2", "--tz", "Asia/Shanghai"], "total_calls", "date,total_calls,successful_calls,"),
        (&["cost-trend"], "CNY", "date,cost_CNY,cost_USD\n"),
        (&["top-users", "--limit", "1", "--order-by", "requests"], "ann", "user_id,"),
        (&["endpoints"], "/v1/chat", "endpoint,total_calls"),
        (&["attention-keys", "--status-code", "429"], "k1", "key,count,status_code\nk1,1,429\n"),
    ];
    for (args, word, csv) in reports {
        let args = [&["report"], args].concat();
        let table = server.run(&args).ok();
        assert!(table.contains(word), "{args:?}: {table}");
        let json = server.run(&[&args[..], &["--json"]].concat()).json();
        assert!(json.to_string().contains(word), "{args:?}: {json}");
        let rows = server.run(&[&args[..], &["--csv"]].concat()).ok();
        assert!(rows.starts_with(csv), "{args:?}: {rows}");
    }
    let flat = server.run(&["report", "summary", "--shape", "flat", "--csv"]).ok();
    assert!(flat.starts_with("window,total\ncalls_1m,5\n"), "{flat}");
}

#[test]
fn reports_pass_every_parameter_on() {
    let server = server();
    let json = |args: &[&str]| server.run(&[&["report"], args, &["--json"]].concat()).json();
    let calls =
        json(&["calls", "--user", "ann", "--model", "qwen", "--endpoint", "/v1/chat", "--tz", "Asia/Kathmandu"]);
    assert_eq!(calls["calls"].as_array().map(Vec::len), Some(1), "{calls}");
    assert!(calls["calls"][0]["timestamp"].as_str().unwrap().ends_with("+05:45"), "{calls}");
    let span = ["--start", "2026-01-01", "--tz", "Asia/Kathmandu"];
    for report in [&["user", "ann"][..], &["top-users"], &["endpoints"]] {
        let answer = json(&[report, &span].concat());
        assert_eq!(answer["tz"], "Asia/Kathmandu", "{answer}");
    }
    let days = json(&["cost-trend", "--days", "3", "--fill"]);
    assert_eq!(days["days"].as_array().map(Vec::len), Some(3), "{days}");
}

#[test]
fn the_next_page_is_named() {
    let server = server();
    let first = server.run(&["report", "calls", "--limit", "3"]);
    let cursor = first.err.trim().strip_prefix("more calls: --cursor ").unwrap_or_else(|| panic!("{first:?}"));
    let second = server.run(&["report", "calls", "--limit", "3", "--cursor", cursor, "--json"]);
    assert_eq!(second.json()["calls"].as_array().unwrap().len(), 2);
}

#[test]
fn what_is_wrong_is_explained_with_exit_code_2() {
    let server = server();
    let cases: [(&[&str], &str); 10] = [
        (&["query", "--window", "soon"], "`window`"),
        (&["query", "--filter", "colour=red"], "colour"),
        (&["query", "--filter", "model"], "NAME=VALUE"),
        (&["query", "--window", "1h", "--from", "0"], "--window"),
        (&["query", "--tz", "Mars/Base"], "`tz`"),
        (&["query", "--json", "--csv"], "--csv"),
        (&["report", "nothing"], "nothing"),
        (&["report", "key-usage"], "--key-file"),
        (&["report", "calls", "--period", "2h"], "`period`"),
        (&["query", "--url", "ftp://example.org"], "http://"),
    ];
    for (args, word) in cases {
        let said = server.run(args);
        assert_eq!(said.code, 2, "{args:?}: {said:?}");
        assert!(said.err.contains(word), "{args:?}: {said:?}");
        assert_eq!(said.out, "", "{args:?}");
    }
    assert_eq!(run(&[]).code, 2);
    assert_eq!(run(&["fly"]).code, 2);
}

#[test]
fn a_server_that_is_not_there_has_exit_code_3() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let file = std::env::temp_dir().join(format!("tallyring-{port}.ndjson"));
    std::fs::write(&file, "{\"user\":\"ann\"}\n").unwrap();
    for args in [&["query"][..], &["report", "summary"], &["import", file.to_str().unwrap()]] {
        let said = run(&[args, &["--url", &url]].concat());
        assert_eq!(said.code, 3, "{said:?}");
        assert!(said.err.contains(&url) && said.err.contains("tallyring serve"), "{said:?}");
    }
    std::fs::remove_file(file).unwrap();
}

#[test]
fn completions_and_help_are_there() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["completions", shell]).ok();
        assert!(script.contains("tallyring") && script.contains("import"), "{shell}");
    }
    assert!(run(&["--version"]).ok().starts_with("tallyring 0."));
    let help = run(&["--help"]).ok();
    for word in ["serve", "demo", "query", "report", "import", "config", "completions", "Exit codes"] {
        assert!(help.contains(word), "{word}");
    }
}
