//! A server that is running while its tokens change.

use crate::commands::tallyring;
use crate::headers::make;
use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

/// A server whose log can be read while it runs; killed when dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) url: String,
    log: Arc<Mutex<String>>,
}

impl Running {
    pub(crate) fn start(data: &Path, args: &[&str]) -> Self {
        let mut child = tallyring(&["serve", "--data-dir", data.to_str().unwrap()])
            .args(args)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let first = lines.next().unwrap_or_default();
        let url = first.strip_prefix("listening on ").unwrap_or_else(|| panic!("{first}")).to_owned();
        let log = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&log);
        std::thread::spawn(move || lines.for_each(|line| *kept.lock().unwrap() += &(line + "\n")));
        let running = Self { child, url, log };
        wait_until("it serves", || running.log().contains("serving"));
        running
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    /// Ends it, so that its log is whole.
    pub(crate) fn stop(&mut self) -> String {
        self.signal("TERM");
        assert!(self.child.wait().unwrap().success(), "{}", self.log());
        wait_until("the end is logged", || self.log().contains("stopped"));
        self.log()
    }

    pub(crate) fn port(&self) -> &str {
        self.url.rsplit(':').next().unwrap()
    }

    /// The status of a question with a token.
    fn status(&self, token: &str) -> u16 {
        let agent = ureq::Agent::new_with_config(ureq::Agent::config_builder().http_status_as_error(false).build());
        let url = format!("http://127.0.0.1:{}/v1/usage", self.port());
        agent.get(url).header("authorization", format!("Bearer {token}")).call().unwrap().status().as_u16()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits up to half a minute for something to become true.
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < Duration::from_secs(30), "waited 30 s until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn tokens_come_and_go_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let server = Running::start(data, &["--listen", "127.0.0.1:0"]);
    assert_eq!(server.status("none"), 200, "nobody is asked yet");
    let first = make(data, &["--name", "first", "--scope", "read"]);
    wait_until("tokens are asked for", || server.status("none") == 401);
    assert_eq!(server.status(&first), 200);
    let second = make(data, &["--name", "second", "--scope", "read"]);
    wait_until("the second is known", || server.status(&second) == 200);
    let revoke = tallyring(&["token", "revoke", "first", "--data-dir", data.to_str().unwrap()]).output().unwrap();
    assert!(revoke.status.success());
    wait_until("the first is refused", || server.status(&first) == 401);
    assert_eq!(server.status(&second), 200);
}

#[test]
fn a_file_that_can_t_be_read_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens.toml");
    let token = make(folder.path(), &["--name", "a", "--scope", "read"]);
    let good = fs::read(&file).unwrap();
    let server = Running::start(folder.path(), &["--listen", "127.0.0.1:0"]);
    fs::write(&file, "[[token]]\nid = 'x'\n").unwrap();
    wait_until("it is told", || server.log().contains("can't be read"));
    assert_eq!((server.status(&token), server.status("none")), (200, 401));
    fs::remove_file(&file).unwrap();
    wait_until("it is told", || server.log().contains("is gone"));
    assert_eq!((server.status(&token), server.status("none")), (200, 401), "nobody is let in by a file that goes");
    fs::write(&file, "").unwrap();
    wait_until("a file without tokens lets nobody in", || server.status(&token) == 401);
    fs::write(&file, good).unwrap();
    server.signal("HUP");
    wait_until("it is back", || server.status(&token) == 200);
}

#[test]
fn a_public_address_is_served_with_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("elsewhere/tokens");
    let elsewhere = file.to_str().unwrap();
    let token = make(folder.path(), &["--name", "a", "--scope", "read", "--tokens-file", elsewhere]);
    let server = Running::start(folder.path(), &["--listen", "0.0.0.0:0", "--tokens-file", elsewhere]);
    assert_eq!((server.status(&token), server.status("none")), (200, 401));
    wait_until("it is told", || server.log().contains("in the clear"));
}
