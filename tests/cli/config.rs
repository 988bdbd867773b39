//! `config`, and which layer wins.

use crate::kit::run;
use crate::kit::tallyring;
use std::fs;
use std::path::Path;

fn file(folder: &Path, text: &str) -> String {
    let file = folder.join("t.toml");
    fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn flags_win_over_env_over_file_over_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path(), "max_series = 300\nmax_values = 30\nopen_secs = \"30s\"\n");
    let mut show = tallyring(&["config", "show", "--json", "--config", &file, "--max-series", "100"]);
    let output = show
        .env("TALLYRING_MAX_SERIES", "200")
        .env("TALLYRING_MAX_VALUES", "20")
        .env("TALLYRING_MAX_SERIE", "1")
        .output()
        .unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let warned = String::from_utf8(output.stderr).unwrap();
    assert_eq!(warned, "warning: TALLYRING_MAX_SERIE is no setting; ignored\n");
    let entry = |key: &str| (shown[key]["value"].clone(), shown[key]["origin"].as_str().unwrap().to_owned());
    assert_eq!(entry("max_series"), (100.into(), "flag --max-series".to_owned()));
    assert_eq!(entry("max_values"), (20.into(), "env TALLYRING_MAX_VALUES".to_owned()));
    assert_eq!(entry("open_secs"), ("30s".into(), format!("file {file}")));
    assert_eq!(entry("listen"), ("127.0.0.1:8723".into(), "default".to_owned()));
}

#[test]
fn what_init_writes_is_valid_and_what_show_prints_is_too() {
    let folder = tempfile::tempdir().unwrap();
    let init = || tallyring(&["config", "init"]).current_dir(folder.path()).output().unwrap();
    assert!(init().status.success());
    let file = folder.path().join("tallyring.toml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("# max_series = 1000000"), "{text}");
    assert_eq!(init().status.code(), Some(2), "an existing file is left alone");
    assert_eq!(run(&["config", "check", file.to_str().unwrap()]).code, 0);
    assert_eq!(run(&["config", "init", "-"]).ok(), text);

    let shown = run(&["config", "show", "--config", file.to_str().unwrap()]).ok();
    fs::write(&file, shown).unwrap();
    assert_eq!(run(&["config", "check", file.to_str().unwrap()]).code, 0);
}

#[test]
fn check_names_the_key_at_fault() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        ("max_serie = 5", "unknown setting `max_serie`; did you mean `max_series`?"),
        ("[server]\nlisten = 'x'", "unknown setting `server`"),
        ("max_series = 'lots'", "`max_series`"),
        ("listen = '0.0.0.0:80'", "`listen`"),
        ("listen = 'localhost'", "`listen`"),
        ("tiers = ['1s x 1h', '1m x 30m']", "`tiers`"),
        ("labels = ['model']", "`labels`"),
        ("rollups = ['colour']", "`rollups`"),
        ("memory_bytes = '1KiB'", "`memory_bytes`"),
        ("max_body_bytes = '1GiB'", "`max_decompressed_bytes`"),
        ("header_timeout = '0s'", "`header_timeout`"),
        ("log = 'loud'", "`log`"),
        ("keys = 'hidden'", "`keys`"),
        ("ack = 'never'", "expected fsync, write or memory"),
        ("max_events = 0", "`max_events`"),
        ("max_events = 1000001", "`max_events`"),
        ("max_decompressed_bytes = '63MiB'", "an entry of the journal"),
        ("max_atomic_events = 5", "unknown setting `max_atomic_events`"),
        ("journal_segment_bytes = '1KiB'", "`journal_segment_bytes`"),
        ("journal_max_bytes = '64MiB'", "`journal_max_bytes`"),
        ("queue_bytes = 0", "`queue_bytes`"),
        ("flush_interval = '0s'", "`flush_interval`"),
        ("flush_interval = '1us'", "whole milliseconds"),
        ("snapshot_every = '100ms'", "whole seconds"),
        ("id_horizon = 0", "`id_horizon`"),
        ("listen = ", "not valid TOML"),
    ];
    for (text, word) in cases {
        let said = run(&["config", "check", &file(folder.path(), text)]);
        assert_eq!(said.code, 1, "{text}: {said:?}");
        assert!(said.err.contains(word), "{text}: {said:?}");
    }
    let said = run(&["serve", "--config", &file(folder.path(), "max_serie = 5")]);
    assert_eq!(said.code, 2, "a server does not start with it: {said:?}");
    assert_eq!(run(&["serve", "--config", "/nowhere/t.toml"]).code, 2);
}

#[test]
fn the_settings_of_the_data_folder_are_shown_as_they_are_written() {
    let args = ["--ack=write", "--snapshot-every", "90s", "--flush-interval=250ms", "--journal-max-age", "7d"];
    let shown = run(&[&["config", "show"], &args[..], &["--min-free-bytes", "1GiB"]].concat()).ok();
    let lines = [
        "ack = \"write\"",
        "snapshot_every = \"90s\"",
        "flush_interval = \"250ms\"",
        "journal_max_age = \"7d\"",
        "min_free_bytes = \"1GiB\"",
        "journal_max_bytes = \"8GiB\"",
        "id_horizon = 1000000",
        "max_events = 100000",
    ];
    for line in lines {
        assert!(shown.lines().any(|shown| shown.starts_with(&format!("{line} "))), "{line}: {shown}");
    }
}

#[test]
fn every_setting_is_a_flag() {
    let help = run(&["serve", "--help"]).ok();
    let shown = run(&["config", "show"]).ok();
    for line in shown.lines() {
        let key = line.split(" = ").next().unwrap();
        assert!(help.contains(&format!("--{}", key.replace('_', "-"))), "{key}");
    }
}
