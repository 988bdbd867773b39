//! `tail` and `top`: the real binary against real servers.

use crate::kit::batch;
use crate::skipping::find;
use crate::support::Server;
use serde_json::Value;
use serde_json::json;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::channel;
use std::time::Duration;
use std::time::Instant;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(90);

fn tallyring(address: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tallyring"));
    command.args(args).env("TALLYRING_URL", format!("http://{address}"));
    command
}

/// A command under way, killed when dropped; its lines as they come.
struct Running {
    child: Child,
    out: Receiver<String>,
    messages: Receiver<String>,
}

impl Running {
    fn start(address: &str, args: &[&str]) -> Self {
        let mut child = tallyring(address, args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let (out, messages) = (lines(child.stdout.take().unwrap()), lines(child.stderr.take().unwrap()));
        Self { child, out, messages }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (told, lines) = channel();
    std::thread::spawn(move || BufReader::new(from).lines().map_while(Result::ok).try_for_each(|line| told.send(line)));
    lines
}

/// Sends some calls, where a server is there to take them.
fn post(address: &str, body: &str) {
    let Ok(mut stream) = TcpStream::connect(address) else { return };
    let head = "connection: close\r\ncontent-type: application/json";
    let request = format!(
        "POST /v1/events HTTP/1.1\r\nhost: {address}\r\n{head}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.set_read_timeout(Some(LONG));
    let _ = stream.write_all(request.as_bytes());
    let _ = stream.read_to_end(&mut Vec::new());
}

/// Sends calls until the first of them is seen: a stream tells what comes after it began.
fn send_until_seen(address: &str, tail: &Running, call: impl Fn(u64) -> Value) -> String {
    let since = Instant::now();
    for n in 0.. {
        post(address, &call(n).to_string());
        if let Ok(line) = tail.out.recv_timeout(Duration::from_millis(500)) {
            return line;
        }
        assert!(since.elapsed() < LONG, "nothing is told");
    }
    unreachable!()
}

#[test]
fn tail_prints_calls_as_they_come() {
    let server = Server::start();
    let tail = Running::start(&server.address, &["tail"]);
    let evil = "m\u{1b}[2J\n";
    let head = send_until_seen(
        &server.address,
        &tail,
        |n| json!({ "model": evil, "status": 200, "latency_ms": n, "user": "ann" }),
    );
    assert!(head.starts_with("TIME ") && head.contains("STATUS"), "{head}");
    let line = tail.out.recv_timeout(LONG).unwrap();
    assert!(line.contains("m\\u{1b}[2J\\n") && line.contains(" ann "), "{line:?}");
    assert!(!line.contains('\u{1b}'), "{line:?}");
}

#[test]
fn tail_tells_failures_of_a_filter_as_json() {
    let server = Server::start();
    let tail = Running::start(&server.address, &["tail", "--json", "--failures", "--filter", "model=b"]);
    let calls = |n: u64| {
        let call = |model: &str, status: u32| json!({ "model": model, "status": status, "id": format!("{model}{status}-{n}") });
        json!([call("a", 500), call("b", 200), call("b", 500)])
    };
    let line = send_until_seen(&server.address, &tail, calls);
    let call: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&call["model"], &call["status_code"]), (&"b".into(), &500.into()));
    for line in tail.out.try_iter() {
        assert!(line.contains("\"id\":\"b500-"), "{line}");
    }
}

#[test]
fn tail_connects_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start_in(&data, &[], None);
    let address = server.address.clone();
    let tail = Running::start(&address, &["tail", "--json"]);
    send_until_seen(&server.address, &tail, |n| json!({ "model": "before", "status": 200, "latency_ms": n }));
    server.stop();
    let message = tail.messages.recv_timeout(LONG).unwrap();
    assert!(message.contains("shutdown") && message.contains("connecting again"), "{message}");
    let again =
        tallyring(&address, &["serve", "--listen", &address, "--quiet", "--data-dir"]).arg(&data).spawn().unwrap();
    let _again = Running { child: again, out: channel().1, messages: channel().1 };
    let _ = tail.out.try_iter().count();
    let line = send_until_seen(&address, &tail, |n| json!({ "model": "after", "status": 200, "latency_ms": n }));
    assert!(line.contains("after"), "{line}");
}

/// Nothing is waited for where there is nothing to come back.
#[test]
fn a_wrong_address_or_question_ends_tail_and_top() {
    let server = Server::start();
    for command in ["tail", "top"] {
        let once = if command == "top" { &["--once"][..] } else { &[] };
        let failed = |address: &str, more: &[&str]| {
            let said = tallyring(address, &[&[command], once, more].concat()).output().unwrap();
            (said.status.code(), String::from_utf8(said.stderr).unwrap())
        };
        let (code, said) = failed("127.0.0.1:1", &[]);
        assert!(code == Some(3) && said.contains("no answer from"), "{code:?} {said}");
        let (code, said) = failed(&server.address, &["--filter", "modle=x"]);
        assert!(code == Some(2) && said.contains("unknown parameter `modle`"), "{code:?} {said}");
    }
}

#[test]
fn tail_ends_with_its_reader() {
    let server = Server::start();
    let mut tail = Running::start(&server.address, &["tail", "--json"]);
    let head = tallyring(&server.address, &["tail", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut head = Running { out: channel().1, messages: channel().1, child: head };
    // The reader of the lines is what `head` would be: it goes after the first.
    let mut reader = BufReader::new(head.child.stdout.take().unwrap());
    let first = std::thread::spawn(move || {
        let mut first = String::new();
        reader.read_line(&mut first).map(|_| first)
    });
    send_until_seen(&server.address, &tail, |n| json!({ "model": "m", "status": 200, "latency_ms": n }));
    let since = Instant::now();
    while head.child.try_wait().unwrap().is_none() {
        server.post("/v1/events", batch("m", since.elapsed().subsec_micros().into(), 1));
        assert!(since.elapsed() < LONG, "it goes on for nobody");
        std::thread::sleep(Duration::from_millis(200));
    }
    let first = first.join().unwrap().unwrap();
    assert!(first.contains("\"model\":\"m\""), "{first}");
    assert_eq!(head.child.wait().unwrap().code(), Some(0));
    assert!(tail.child.try_wait().unwrap().is_none(), "the other one goes on");
}

#[test]
fn top_prints_its_table_once() {
    let server = Server::start();
    server.post("/v1/events", batch("gpt-4o", 0, 10)).counts(200);
    server.post("/v1/events", batch("claude", 0, 20)).counts(200);
    let said = |args: &[&str]| {
        let said = tallyring(&server.address, args).output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).unwrap()
    };
    let table = said(&["top", "--once"]);
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].starts_with("last 5m by model") && lines[1].starts_with("MODEL"), "{table}");
    assert!(lines[2].starts_with("claude") && lines[2].contains(" 20 ") && lines[2].contains("10.0%"), "{table}");
    assert!(lines[3].starts_with("gpt-4o") && lines[4].starts_with("(total)"), "{table}");
    let table = said(&["top", "--plain", "--by", "user", "--filter", "model=claude", "--window", "1h"]);
    assert!(table.starts_with("last 1h by user, model=claude\n") && table.contains("\nann "), "{table}");
}

#[test]
fn top_needs_a_terminal() {
    let server = Server::start();
    let said = tallyring(&server.address, &["top"]).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8(said.stderr).unwrap();
    assert!(said.status.code() == Some(2) && text.contains("--once"), "{text}");
    assert!(said.stdout.is_empty(), "no escape sequences for nobody");
}

/// In a terminal of its own: keys are taken, and it is left as it was.
const PTY: &str = r#"
import os, pty, select, sys, termios, time
pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm-256color"
    os.execv(sys.argv[1], sys.argv[1:])
import fcntl, struct
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))

seen = b""
def until(text):
    global seen
    end = time.time() + 60
    while text not in seen:
        if time.time() > end:
            sys.exit("never shown: %r in %r" % (text, seen[-3000:]))
        if select.select([fd], [], [], 1)[0]:
            try:
                seen += os.read(fd, 65536)
            except OSError:
                sys.exit("it ended: %r" % seen[-3000:])
    seen = seen[seen.index(text) + len(text):]
until(b"gpt-4o")
os.write(fd, b"\r")
until(b"model=gpt-4o")
until(b"ann")
os.write(fd, b"?")
until(b"into the row")
os.write(fd, sys.stdin.read().encode())
end = time.time() + 60
while True:
    if select.select([fd], [], [], 1)[0]:
        try:
            part = os.read(fd, 65536)
        except OSError:
            part = b""
        if not part:
            break
        seen += part
    if time.time() > end:
        sys.exit("it does not end")
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
assert b"\x1b[?1049l" in seen, "the screen is not given back"
assert b"\x1b[?25h" in seen, "the cursor is not given back"
sys.exit(code)
"#;

#[test]
fn top_takes_keys_and_gives_the_terminal_back() {
    let Some(python) = find("python3", "top_takes_keys_and_gives_the_terminal_back") else { return };
    let server = Server::start();
    server.post("/v1/events", batch("gpt-4o", 0, 10)).counts(200);
    for leave in ["q", "\u{3}"] {
        let mut run = Command::new(&python)
            .args(["-c", PTY, env!("CARGO_BIN_EXE_tallyring"), "top"])
            .env("TALLYRING_URL", format!("http://{}", server.address))
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        run.stdin.take().unwrap().write_all(leave.as_bytes()).unwrap();
        let said = run.wait_with_output().unwrap();
        assert!(said.status.success(), "{leave:?}: {}", String::from_utf8_lossy(&said.stderr));
    }
}
