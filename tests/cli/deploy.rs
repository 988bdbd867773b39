//! The files of `deploy/` fit the program: the service's command line is understood, its limits leave
//! room for what the server does, and its filter allows every system call that a server makes.

use crate::kit::Server;
use crate::kit::tallyring;
use crate::kit::wait_until;
use crate::skipping;
use std::collections::BTreeSet;
use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

fn unit() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/systemd/tallyring.service")).unwrap()
}

/// Every value of a setting of the service.
fn values(name: &str) -> Vec<String> {
    let unit = unit();
    let lines = unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    lines.map(str::to_owned).collect()
}

#[test]
fn the_service_starts_what_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let start = values("ExecStart").remove(0);
    let args: Vec<&str> = start.split(' ').skip(1).collect();
    assert_eq!((args[0], args[1], args[3]), ("serve", "--config", "--data-dir"), "{start}");
    let config = folder.path().join("tallyring.toml");
    fs::write(&config, "").unwrap();
    let server = Server::start_in(folder, &["serve", args[1], config.to_str().unwrap()]);
    assert_eq!(server.requests(), 0);
}

#[test]
fn the_service_waits_longer_than_the_server_needs() {
    let limit: u64 = values("TimeoutStopSec")[0].trim_end_matches('s').parse().unwrap();
    let told = tallyring(&["config", "show"]).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    let needed = told.lines().find_map(|line| line.strip_prefix("shutdown_timeout = \"")).unwrap();
    let needed: u64 = needed.split('s').next().unwrap().parse().unwrap();
    assert!(limit > 2 * needed, "{limit} s, {needed} s");
    assert_eq!(values("RestartPreventExitStatus"), ["2 3"], "what a new start would not change");
}

/// Whether this machine has systemd. Nobody installs it for a test, so it is never required.
fn systemd(test: &str) -> bool {
    let there = Command::new("systemd-analyze").arg("--version").output().is_ok();
    if !there {
        skipping::skipped(test, "there is no systemd-analyze");
    }
    there
}

#[test]
fn the_unit_is_valid() {
    if !systemd("the_unit_is_valid") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tallyring.service");
    // As on a machine where the program is installed, its manual page aside.
    let unit = unit().replace("/usr/bin/tallyring", env!("CARGO_BIN_EXE_tallyring"));
    let unit = unit.replace("Documentation=man:tallyring(1)\n", "");
    fs::write(&file, unit).unwrap();
    let found = Command::new("systemd-analyze").arg("verify").arg(&file).output().unwrap();
    let told = String::from_utf8_lossy(&found.stderr).into_owned();
    let own: Vec<_> = told.lines().filter(|line| line.contains("tallyring")).collect();
    assert_eq!(own, Vec::<&str>::new(), "{told}");
}

/// A process that does not outlive its test.
struct Watched(String);

impl Watched {
    fn signal(&self, name: &str) -> bool {
        Command::new("kill").args([name, &self.0]).stderr(Stdio::null()).status().unwrap().success()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.signal("-KILL");
    }
}

/// The system calls of a set, such as `@system-service`.
fn set(name: &str) -> BTreeSet<String> {
    let told = Command::new("systemd-analyze").args(["syscall-filter", name]).output().unwrap();
    assert!(told.status.success(), "{name}");
    let told = String::from_utf8(told.stdout).unwrap();
    let entries = told.lines().skip(1).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    entries.flat_map(|entry| if entry.starts_with('@') { set(entry) } else { [entry.to_owned()].into() }).collect()
}

/// What the filters of the service leave.
fn allowed() -> BTreeSet<String> {
    let mut allowed = BTreeSet::new();
    for filter in values("SystemCallFilter") {
        let names = |filter: &str| filter.split(' ').flat_map(set).collect::<BTreeSet<_>>();
        match filter.strip_prefix('~') {
            Some(denied) => allowed = &allowed - &names(denied),
            None => allowed.extend(names(&filter)),
        }
    }
    allowed
}

#[test]
fn the_filter_of_the_service_allows_what_a_server_calls() {
    let test = "the_filter_of_the_service_allows_what_a_server_calls";
    if !systemd(test) || !skipping::have(&["strace"], test) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let mut child = Command::new("strace")
        .args(["-f", "-qq", "-o"])
        .arg(&trace)
        .args([env!("CARGO_BIN_EXE_tallyring"), "serve", "--listen", "127.0.0.1:0", "--snapshot-every", "1s"])
        .args(["--journal-segment-bytes", "1MiB", "--data-dir"])
        .arg(folder.path().join("data"))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    // strace may have something to say before.
    let mut said = lines.by_ref().inspect(|line| println!("{line}"));
    let url = said.find_map(|line| line.strip_prefix("listening on ").map(str::to_owned)).unwrap();
    let log = std::thread::spawn(move || lines.collect::<Vec<_>>().join("\n"));
    // strace tells who makes a call first of all.
    let server = Watched(fs::read_to_string(&trace).unwrap().split(' ').next().unwrap().to_owned());
    let agent = ureq::Agent::new_with_defaults();
    wait_until("it is ready", || agent.get(format!("{url}/readyz")).call().is_ok());
    for round in 0..40 {
        let lines: String = (0..2_000).map(|n| format!("{{\"id\":\"{round}-{n}\",\"user\":\"u-{n}\"}}\n")).collect();
        agent.post(format!("{url}/v1/events")).content_type("application/x-ndjson").send(lines).unwrap();
    }
    agent.post(format!("{url}/v1/snapshots")).send_empty().unwrap();
    for path in ["/v1/usage?group_by=user", "/v1/events", "/v1/status", "/"] {
        agent.get(format!("{url}{path}")).call().unwrap();
    }
    assert!(server.signal("-HUP") && server.signal("-TERM"));
    assert_eq!(child.wait().unwrap().code(), Some(0), "{}", log.join().unwrap());
    let told = fs::read_to_string(&trace).unwrap();
    let calls = told.lines().filter_map(|line| line.split_once(' ')?.1.trim_start().split_once('('));
    let plain = |name: &&str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    let used: BTreeSet<String> = calls.map(|(name, _)| name).filter(plain).map(str::to_owned).collect();
    assert!(used.contains("fdatasync") && used.len() > 30, "{used:?}");
    assert_eq!(&used - &allowed(), BTreeSet::new());
}
