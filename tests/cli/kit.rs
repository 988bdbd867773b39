//! A server to talk to, and commands to talk with.

use crate::program;
use crate::skipping::skipped;
use serde_json::Value;
use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::ChildStderr;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Output;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;
use tempfile::TempDir;

/// The binary, without the settings of whoever runs the tests.
pub(crate) fn tallyring(args: &[&str]) -> Command {
    let mut command = program::tallyring();
    command.args(args).stdin(Stdio::null());
    command
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("not killed by a signal"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    /// The answer of a command that succeeds.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|fault| panic!("{fault}: {self:?}"))
    }
}

/// Runs a command that needs no server.
pub(crate) fn run(args: &[&str]) -> Said {
    tallyring(args).output().unwrap().into()
}

/// A server in a folder of its own; killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    pub(crate) folder: TempDir,
    log: Arc<Mutex<String>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with(&["serve"])
    }

    /// Starts `serve` or `demo` with more flags, in a folder of its own; `serve` keeps its files in
    /// `data` there.
    pub(crate) fn start_with(args: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), args)
    }

    /// The same in a folder that may hold data already.
    pub(crate) fn start_in(folder: TempDir, args: &[&str]) -> Self {
        let mut command = tallyring(args);
        command.args(["--listen", "127.0.0.1:0"]);
        if args[0] == "serve" {
            command.arg("--data-dir").arg(folder.path().join("data"));
        }
        let mut child = command.current_dir(folder.path()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        lines.read_line(&mut first).unwrap();
        let url = first.strip_prefix("listening on ").unwrap_or_else(|| panic!("{first}")).trim().to_owned();
        let log = Arc::new(Mutex::new(String::new()));
        std::thread::spawn({
            let log = log.clone();
            move || keep(lines, &log)
        });
        let mut server = Self { child, url, folder, log };
        server.wait_until_ready();
        server
    }

    /// Until it answers questions, or has ended.
    fn wait_until_ready(&mut self) {
        let agent = ureq::Agent::new_with_defaults();
        let ready = format!("{}/readyz", self.url);
        wait_until("it is ready", || agent.get(&ready).call().is_ok() || self.child.try_wait().unwrap().is_some());
    }

    /// Stops it, and gives back its folder.
    pub(crate) fn into_folder(mut self) -> TempDir {
        assert_eq!(self.stop("TERM").code(), Some(0), "{}", self.log());
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }

    /// Runs a client command against this server.
    pub(crate) fn run(&self, args: &[&str]) -> Said {
        tallyring(args).env("TALLYRING_URL", &self.url).output().unwrap().into()
    }

    /// Writes a file and imports it.
    pub(crate) fn import(&self, name: &str, text: &str, args: &[&str]) -> Said {
        let file = self.write(name, text);
        self.run(&[&["import", file.to_str().unwrap()], args].concat())
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.folder.path().join(name);
        fs::write(&file, text).unwrap();
        file
    }

    /// The totals of everything counted.
    pub(crate) fn totals(&self) -> Value {
        self.run(&["query", "--window", "400d", "--json"]).json()["totals"].clone()
    }

    pub(crate) fn requests(&self) -> u64 {
        self.totals()["requests"].as_u64().unwrap()
    }

    /// What it has logged so far, without the first line.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Sends a signal and waits for the end.
    pub(crate) fn stop(&mut self, signal: &str) -> ExitStatus {
        let kill = Command::new("sh").args(["-c", &format!("kill -{signal} {}", self.child.id())]).status();
        assert!(kill.unwrap().success());
        wait_until("the server ends", || self.child.try_wait().unwrap().is_some());
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn keep(lines: BufReader<ChildStderr>, log: &Mutex<String>) {
    for line in lines.lines().map_while(Result::ok) {
        *log.lock().unwrap() += &(line + "\n");
    }
}

/// Waits up to a minute for something to become true.
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(60), "waited a minute until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The request trace that some tests read; it is not part of the project. `None` where it is not
/// there, with a line that says which test was skipped.
pub(crate) fn trace(test: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/gentd26-requests.csv");
    let path = std::env::var_os("GENTD26_CSV").map_or(beside, PathBuf::from);
    if !path.is_file() {
        skipped(test, &format!("there is no {}", path.display()));
        return None;
    }
    Some(path)
}
