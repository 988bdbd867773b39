//! One browser for all tests of this program, one test at a time.
//!
//! `chromedriver` is started by a shell that reads from a pipe: the pipe closes when the tests end,
//! however they do, and the shell ends the driver. The browser ends with its driver, because it
//! talks to it over a pipe too.

use fantoccini::Client;
use fantoccini::ClientBuilder;
use fantoccini::error::CmdError;
use hyper_util::client::legacy::connect::HttpConnector;
use parking_lot::Mutex;
use parking_lot::MutexGuard;
use serde_json::Value;
use serde_json::json;
use std::future::Future;
use std::io::BufRead;
use std::io::BufReader;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use tokio::runtime::Runtime;

const SHELL: &str = "
    profile=$(mktemp -d) || exit
    echo \"$profile\"
    chromedriver --port=0 &
    driver=$!
    read -r _
    kill $driver
    wait $driver
    until rm -rf \"$profile\" 2>/dev/null; do sleep 0.1; done";

const READY: &str = "ChromeDriver was started successfully on port ";

static SHARED: Mutex<Option<Browser>> = Mutex::new(None);

/// The browser, alone. It is started by the first test that asks for it.
pub(crate) fn take() -> MutexGuard<'static, Option<Browser>> {
    let mut shared = SHARED.lock();
    if shared.is_none() {
        *shared = Some(Browser::start());
    }
    shared
}

pub(crate) struct Browser {
    runtime: Runtime,
    pub(crate) client: Client,
    /// Where its session is asked for what WebDriver has no words for.
    session: String,
    _shell: Child, // until its stdin is closed
}

impl Browser {
    fn start() -> Self {
        let mut shell = Command::new("sh")
            .args(["-c", SHELL])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines().map_while(Result::ok);
        let profile = lines.next().expect("a folder for the browser");
        let port = lines.find_map(|line| line.strip_prefix(READY).map(|port| port.trim_end_matches('.').to_owned()));
        let driver = format!("http://127.0.0.1:{}", port.expect("chromedriver starts"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let connecting = async {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            builder.capabilities(capabilities(&profile)).connect(&driver).await
        };
        let client = runtime.block_on(connecting).expect("the browser starts");
        let id = runtime.block_on(client.session_id()).unwrap().expect("a session");
        Self { runtime, client, session: format!("{driver}/session/{id}"), _shell: shell }
    }

    /// Waits for a command.
    #[track_caller]
    pub(crate) fn wait<T>(&self, command: impl Future<Output = Result<T, CmdError>>) -> T {
        self.try_wait(command).unwrap_or_else(|fault| panic!("the browser: {fault}"))
    }

    pub(crate) fn try_wait<T>(&self, command: impl Future<Output = Result<T, CmdError>>) -> Result<T, CmdError> {
        self.runtime.block_on(command)
    }

    /// A command of the DevTools protocol.
    pub(crate) fn devtools(&self, command: &str, params: &Value) -> Value {
        self.post("goog/cdp/execute", &json!({ "cmd": command, "params": params }))
    }

    /// What the browser has logged since it was last asked.
    pub(crate) fn log(&self) -> Vec<Value> {
        self.post("se/log", &json!({ "type": "browser" })).as_array().unwrap().clone()
    }

    fn post(&self, command: &str, body: &Value) -> Value {
        let answer = ureq::post(format!("{}/{command}", self.session)).send_json(body);
        let mut answer = answer.unwrap_or_else(|fault| panic!("{command} {body}: {fault}"));
        answer.body_mut().read_json::<Value>().unwrap()["value"].take()
    }
}

fn capabilities(profile: &str) -> fantoccini::wd::Capabilities {
    let profile = format!("--user-data-dir={profile}");
    let args = [
        "--headless=new",
        "--remote-debugging-pipe",
        "--no-sandbox", // root can't have one
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--lang=en-US",
        &profile,
    ];
    let asked = json!({
        "goog:loggingPrefs": { "browser": "ALL" },
        "goog:chromeOptions": { "args": args },
    });
    asked.as_object().unwrap().clone()
}
