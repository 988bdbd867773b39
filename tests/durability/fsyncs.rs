//! The order of system calls, as strace sees it: an answer comes after the sync of its frame, and a
//! new name is made durable before anything relies on it.

use crate::kit::Client;
use crate::kit::DEADLINE;
use crate::kit::Server;
use crate::kit::busy_files;
use crate::kit::serve;
use crate::kit::signal;
use crate::ledger::Ledger;
use crate::skipping;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;
use std::time::Instant;

const CALLS: &str =
    "openat,creat,write,writev,pwrite64,pwritev,pwritev2,fsync,fdatasync,rename,renameat,renameat2,sendto,sendmsg";

/// Kinds of frames, as in their header.
const MARK: u8 = 2;
const SNAPSHOT: u8 = 3;

#[test]
fn answers_come_after_syncs_and_names_are_synced() {
    let test = "answers_come_after_syncs_and_names_are_synced";
    if !skipping::have(&["strace"], test) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("trace"));
    let answers = run_traced(&data, &log);
    let audit = Audit::of(&fs::read_to_string(&log).unwrap(), &data);
    println!("{} answers, {} segments or snapshots published", audit.answers, audit.published);
    assert!(audit.faults.is_empty(), "{:#?}", audit.faults);
    assert_eq!(audit.answers, answers, "each answer was seen");
    assert!(audit.published >= 4, "{} names published", audit.published);
}

/// Sends requests one after the other, so that it is clear which frame an answer is for.
fn run_traced(data: &Path, log: &Path) -> u64 {
    let plain = serve(data, &busy_files());
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-qq", "-s", "300", "-e", "signal=none", "-e"]).arg(format!("trace={CALLS}"));
    command.arg("-o").arg(log).arg("--").arg(plain.get_program()).args(plain.get_args());
    for (name, _) in plain.get_envs().filter(|(_, value)| value.is_none()) {
        command.env_remove(name);
    }
    let mut server = Server::start(command).unwrap_or_else(|(status, log)| panic!("{status} {log}"));
    assert!(server.wait_until_ready());
    let ledger = Ledger::new();
    let mut client = Client::connect(&server.address).unwrap();
    let began = Instant::now();
    let mut answers = 0;
    while began.elapsed() < Duration::from_secs(4) || answers < 30 {
        assert!(began.elapsed() < DEADLINE);
        assert!(ledger.send(&mut client, ledger.request(1 + answers % 3 * 2_000, answers % 5 == 0)));
        answers += 1;
        thread::sleep(Duration::from_millis(30));
    }
    assert_eq!(ledger.unknown().len(), 0);
    drop(client);
    // The child of strace is the server; strace ends with it.
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", server.id())).unwrap();
    let child: u32 = children.split_whitespace().next().unwrap().parse().unwrap();
    signal(child, "TERM");
    server.end();
    answers
}

/// A write that holds one frame, and not a request's: an idle journal marks what is synced, a snapshot
/// is entered. Either may come between the sync that an answer waited for and the answer.
fn is_of_no_request(call: &str) -> bool {
    let Some(bytes) = call.strip_prefix("pwrite64(").and_then(written) else { return false };
    let Some(header) = bytes.first_chunk::<12>().filter(|header| header.starts_with(b"tlyF")) else { return false };
    let stored = u32::from_le_bytes([header[8], header[9], header[10], header[11]]);
    let alone = format!(", {}, ", 116 + stored);
    matches!(header[4], MARK | SNAPSHOT) && call.rsplit_once('"').is_some_and(|(_, rest)| rest.contains(&alone))
}

/// The beginning of what a call writes, out of strace's escapes.
fn written(call: &str) -> Option<Vec<u8>> {
    let text = call.split_once('"')?.1.as_bytes();
    let (mut bytes, mut at) = (Vec::new(), 0);
    while *text.get(at)? != b'"' {
        let digits = text[at + 1..].iter().take(3).take_while(|digit| digit.is_ascii_digit()).count();
        let (byte, len) = match (text[at], text.get(at + 1)?) {
            (b'\\', b'0'..=b'7') => {
                let octal = text[at + 1..][..digits].iter().fold(0, |sum, digit| sum * 8 + u32::from(digit - b'0'));
                (u8::try_from(octal).ok()?, 1 + digits)
            }
            (b'\\', letter) => {
                let place = b"tnvfr\"\\".iter().position(|known| known == letter)?;
                (b"\t\n\x0b\x0c\r\"\\"[place], 2)
            }
            (byte, _) => (byte, 1),
        };
        bytes.push(byte);
        at += len;
    }
    Some(bytes)
}

#[test]
fn frames_of_no_request_are_told_by_their_header() {
    let frame = |kind, stored: &str, len| {
        is_of_no_request(&format!(
            r#"pwrite64(9</d/journal/0.seg>, "tlyF\{kind}\0\0\0{stored}\0\0\0\"\\..."..., {len}, 4096"#
        ))
    };
    assert!(frame(2, r"\0", 116) && frame(3, "A", 116 + 65) && frame(3, r"\n", 126) && frame(3, r"\177", 243));
    assert!(!frame(1, "A", 181), "of a request");
    assert!(!frame(3, "A", 400), "with a request's behind it");
    assert!(!is_of_no_request(r#"write(9</d/snapshots/0.snap>, "tlyS", 4)"#));
}

/// What the trace shows.
#[derive(Default)]
struct Audit {
    answers: u64,
    published: u64,
    faults: Vec<String>,
    /// Files written and not synced since.
    dirty: BTreeSet<String>,
    /// Folders with new names that were not synced since.
    unsynced: BTreeMap<String, String>,
    /// Whether a segment was written since the last answer.
    framed: bool,
    /// Calls under way, by thread.
    begun: BTreeMap<String, String>,
}

impl Audit {
    fn of(trace: &str, data: &Path) -> Self {
        let data = fs::canonicalize(data).unwrap().display().to_string();
        let mut audit = Self::default();
        for line in trace.lines() {
            audit.line(line, &data);
        }
        for (folder, name) in std::mem::take(&mut audit.unsynced) {
            audit.faults.push(format!("{folder} was never synced after {name}"));
        }
        audit
    }

    /// A write counts from its beginning, a sync from its end.
    fn line(&mut self, line: &str, data: &str) {
        let (thread, call) = line.split_once(' ').unwrap_or_default();
        let call = call.trim();
        if let Some(begun) = call.strip_suffix("<unfinished ...>") {
            self.begins(begun, data);
            self.begun.insert(thread.to_owned(), begun.to_owned());
        } else if let Some(rest) = call.strip_prefix("<... ") {
            let begun = self.begun.remove(thread).unwrap_or_default();
            let rest = rest.split_once("resumed>").map_or("", |(_, rest)| rest);
            self.ends(&format!("{begun}{rest}"), data);
        } else {
            self.begins(call, data);
            self.ends(call, data);
        }
    }

    fn begins(&mut self, call: &str, data: &str) {
        let name = call.split('(').next().unwrap_or_default();
        match name {
            "write" | "writev" | "pwrite64" | "pwritev" | "pwritev2" | "sendto" | "sendmsg" => {
                if is_of_no_request(call) {
                    return;
                }
                if let Some(file) = file_in(call, data) {
                    self.framed |= file.ends_with(".seg");
                    self.dirty.insert(file);
                } else if call.contains("HTTP/1.1 200") && call.contains("accepted") {
                    self.answer(call);
                }
            }
            "rename" | "renameat" | "renameat2" => self.rename(call, data),
            _ => {}
        }
    }

    fn answer(&mut self, call: &str) {
        self.answers += 1;
        if !self.framed {
            self.faults.push(format!("answered, and no frame was written: {call}"));
        }
        self.framed = false;
        let unsynced: Vec<&String> = self.dirty.iter().filter(|file| file.ends_with(".seg")).collect();
        if !unsynced.is_empty() {
            self.faults.push(format!("answered before {unsynced:?} was synced"));
        }
        if let Some(name) = self.unsynced.get("journal") {
            self.faults.push(format!("answered before the name {name} was synced"));
        }
    }

    fn rename(&mut self, call: &str, data: &str) {
        let names: Vec<&str> = call.split('"').skip(1).step_by(2).collect();
        let [from, to] = names[..] else { return };
        let Some(inside) = to.strip_prefix(data).map(|inside| inside.trim_start_matches('/')) else { return };
        self.published += 1;
        if self.dirty.contains(from) {
            self.faults.push(format!("{from} was renamed before it was synced"));
        }
        let folder = inside.rsplit_once('/').map_or("", |(folder, _)| folder);
        self.unsynced.insert(folder.to_owned(), inside.to_owned());
    }

    fn ends(&mut self, call: &str, data: &str) {
        let is_sync = call.starts_with("fsync(") || call.starts_with("fdatasync(");
        if is_sync && call.ends_with("= 0") {
            if let Some(file) = file_in(call, data) {
                self.unsynced.remove(file.strip_prefix(data).unwrap_or_default().trim_start_matches('/'));
                self.dirty.remove(&file);
            }
        } else if call.starts_with("openat(") && call.contains("O_CREAT") {
            self.create(call, data);
        }
    }

    /// A file made under its final name: its folder is synced too. Those made aside are renamed; the
    /// lock is empty, and may be made again.
    fn create(&mut self, call: &str, data: &str) {
        let Some(path) = call.split('"').nth(1) else { return };
        let Some(inside) = path.strip_prefix(data).map(|inside| inside.trim_start_matches('/')) else { return };
        if !(inside.ends_with(".tmp") || inside == "lock" || call.contains("= -1")) {
            let folder = inside.rsplit_once('/').map_or("", |(folder, _)| folder);
            self.unsynced.insert(folder.to_owned(), inside.to_owned());
        }
    }
}

/// The file of a call's descriptor, `5</path>`, if it is one of ours.
fn file_in(call: &str, data: &str) -> Option<String> {
    let path = call.split_once('<')?.1.split_once('>')?.0;
    path.starts_with(data).then(|| path.to_owned())
}
