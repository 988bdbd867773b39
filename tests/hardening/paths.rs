//! Test 46: paths that try to leave, on every route with a variable part.

use crate::kit::beside_others;
use crate::kit::has;
use crate::kit::skipped;
use crate::kit::wait_until;
use crate::support::Server;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use tallyring::clock::System;
use tallyring::engine::Engine;
use tallyring::engine::config::Config;
use tallyring::privacy::Keyring;
use tallyring::server::App;
use tallyring::server::routes;
use tallyring::store::Store;

const NAMES: &[&str] = &[
    "../../../../../../etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "%252e%252e%252fetc%252fpasswd",
    "..%c0%af..%c0%afetc%c0%afpasswd",
    "%2e%2e/%2e%2e/key-pepper",
    "..%2fkey-pepper",
    "..\\..\\key-pepper",
    "%00",
    "key-pepper%00.snap",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "C:%5cWindows%5cwin.ini",
    "file:%2f%2f%2fetc%2fpasswd",
    ".",
    "..",
    "%ff%fe",
    "00000000000000000001-00000000000000000001.snap",
    "00000000000000000001-00000000000000000001%2f..%2f..%2fkey-pepper",
];

/// Every route with a variable part, from the router itself, and the parameter that names a file.
fn places() -> Vec<(&'static str, String)> {
    let store = Store::in_memory(Engine::new(Config::default()).unwrap());
    let app = App::new(store, Arc::new(Keyring::plain()), Arc::new(System));
    let varied = routes(&app).into_iter().filter(|route| route.path.contains('{'));
    let mut places: Vec<_> = varied.map(|route| (route.method, route.path.to_owned())).collect();
    places.push(("GET", "/v1/usage?snapshot={id}".to_owned()));
    assert!(places.len() >= 5, "{places:?}");
    places
}

fn filled(place: &str, name: &str) -> String {
    let (before, rest) = place.split_once('{').unwrap();
    format!("{before}{name}{}", rest.split_once('}').unwrap().1)
}

/// Asks for every name everywhere. No answer holds anything of a file.
fn ask_everywhere(server: &Server) {
    let long = "a".repeat(4_096);
    for (method, place) in places() {
        for name in NAMES.iter().copied().chain([long.as_str()]) {
            let answer = server.request(method, &filled(&place, name), &[], b"");
            let text = answer.text();
            assert!(!text.contains("root:") && answer.status != 500, "{method} {place} {name}: {answer:?}");
            // A key may have any name; nothing is known of these.
            let known = answer.status == 200 && !(place.contains("key-usage") && text.trim() == "{}");
            assert!(!known, "{method} {place} {name}: {answer:?}");
            assert!(matches!(answer.status, 200 | 400 | 404 | 405 | 414), "{method} {place} {name}: {answer:?}");
        }
    }
}

#[test]
fn no_path_leads_out() {
    let _running = beside_others();
    ask_everywhere(&Server::start());
}

/// What a running server opens, as strace tells.
struct Watched {
    strace: Child,
    log: std::path::PathBuf,
}

impl Watched {
    fn attach(server: &Server, folder: &Path) -> Self {
        let log = folder.join("strace");
        let strace = Command::new("strace")
            .args(["-f", "-y", "-e", "trace=open,openat,openat2,creat,readlink,readlinkat", "-o"])
            .arg(&log)
            .args(["-p", &server.id().to_string()])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let traced = |task: &Path| {
            let status = fs::read_to_string(task.join("status")).unwrap_or_default();
            !status.contains("TracerPid:\t0\n")
        };
        let tasks = format!("/proc/{}/task", server.id());
        wait_until("strace is attached", || fs::read_dir(&tasks).unwrap().all(|task| traced(&task.unwrap().path())));
        Self { strace, log }
    }

    /// The files that could be opened, where they really are.
    fn opened(mut self) -> BTreeSet<String> {
        assert!(Command::new("kill").args(["-INT", &self.strace.id().to_string()]).status().unwrap().success());
        self.strace.wait().unwrap();
        let log = fs::read_to_string(&self.log).unwrap();
        // `openat(…, "name", …) = 9</where/it/is>`
        let path =
            |line: &str| Some(line.rsplit_once(" = ")?.1.split_once('<')?.1.trim_end().strip_suffix('>')?.to_owned());
        log.lines().filter(|line| line.contains("open")).filter_map(path).collect()
    }
}

#[test]
fn nothing_outside_of_the_data_folder_is_opened() {
    let _running = beside_others();
    if !has("strace") {
        return skipped("nothing_outside_of_the_data_folder_is_opened", "no strace");
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start_in(&data, &["--snapshot-every", "0s"], None);
    server.post("/v1/events", r#"{"model":"m"}"#).counts(200);
    let taken = server.request("POST", "/v1/snapshots", &[], b"");
    assert_eq!(taken.status, 201, "{taken:?}");

    // Files outside, one of them a snapshot as good as any, and links to them among the snapshots.
    let secret = folder.path().join("secret");
    fs::write(&secret, "root: not yours").unwrap();
    let id = taken.json()["id"].as_str().unwrap().to_owned();
    let stolen = folder.path().join("stolen.snap");
    fs::copy(data.join(format!("snapshots/{id}.snap")), &stolen).unwrap();
    let [first, second] = [71, 72].map(|n| format!("{n:020}-{n:020}"));
    symlink(&secret, data.join(format!("snapshots/{first}.snap"))).unwrap();
    symlink(&stolen, data.join(format!("snapshots/{second}.snap"))).unwrap();

    let watched = Watched::attach(&server, folder.path());
    ask_everywhere(&server);
    for link in [&first, &second] {
        for path in [format!("/v1/snapshots/{link}"), format!("/v1/usage?snapshot={link}")] {
            let answer = server.get(&path);
            assert!(answer.status >= 400 && !answer.text().contains("not yours"), "{answer:?}");
        }
        let answer = server.request("POST", &format!("/v1/snapshots/{link}/verify"), &[], b"");
        assert!(!answer.text().contains("\"valid\":true"), "{answer:?}");
    }
    let listed = server.get("/v1/snapshots");
    assert!(!listed.text().contains(&second), "{listed:?}");
    assert_eq!(server.get(&format!("/v1/snapshots/{id}")).status, 200, "the true one is found beside them");

    let opened = watched.opened();
    let inside = data.to_str().unwrap();
    let outside: Vec<_> = opened.iter().filter(|path| !path.starts_with(inside)).collect();
    assert!(outside.is_empty(), "{outside:?}");
    assert!(opened.iter().any(|path| path.ends_with(&format!("{id}.snap"))), "the watch sees what is opened");
}
