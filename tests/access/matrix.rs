//! Every route of the router's own list against every kind of caller. What is expected comes from
//! the scope that the route declares, so a new route is covered by itself.

use crate::house::House;
use crate::house::only;
use crate::house::token;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use tallyring::server::Route;
use tallyring::server::access::Grant;
use tallyring::server::access::Only;
use tallyring::server::access::Scope;
use tallyring::server::counters::Refusal;

/// What a caller shows, and what it is good for.
struct Case {
    name: &'static str,
    headers: Vec<Vec<u8>>, // of `authorization`
    grants: &'static [Grant],
    confined: bool,
}

impl Case {
    fn new(name: &'static str, header: impl Into<Vec<u8>>, grants: &'static [Grant]) -> Self {
        Self { name, headers: vec![header.into()], grants, confined: false }
    }

    fn expected(&self, scope: Scope) -> u16 {
        let has = |grant| self.grants.contains(&grant) || self.grants.contains(&Grant::Admin);
        let may = match scope {
            Scope::Open => return 200,
            Scope::Ingest => has(Grant::Ingest),
            Scope::Read => has(Grant::Read),
            Scope::ReadAll => has(Grant::Read) && !self.confined,
            Scope::Admin => has(Grant::Admin) && !self.confined,
        };
        match (self.grants.is_empty(), may) {
            (true, _) => 401,
            (false, true) => 200,
            (false, false) => 403,
        }
    }
}

fn house() -> (House, Vec<Case>) {
    const ALL: &[Grant] = &[Grant::Ingest, Grant::Read];
    let none = Only::new();
    let (ingest, ingest_text) = token("ingest", &[Grant::Ingest], &none, None);
    let (read, read_text) = token("read", &[Grant::Read], &none, None);
    let (both, both_text) = token("both", ALL, &none, None);
    let (confined, confined_text) = token("confined", &[Grant::Read], &only(&[("user", "ann")]), None);
    let (admin, admin_text) = token("admin", &[Grant::Admin], &none, None);
    let (expired, expired_text) = token("expired", &[Grant::Admin], &none, Some("2026-11-22T12:00:00Z"));
    let (lasting, lasting_text) = token("lasting", &[Grant::Read], &none, Some("2026-11-22T12:00:01Z"));
    let (_, revoked_text) = token("revoked", &[Grant::Admin], &none, None);
    let house = House::guarded(&[ingest, read, both, confined, admin, expired, lasting]);
    let bearer = |text: &str| format!("Bearer {text}");
    // The id of one and the secret of another.
    let crossed = format!("{}_{}", &admin_text[..11], &read_text[12..]);
    let half = &admin_text[..admin_text.len() - 1];
    let mut cases = vec![
        Case::new("ingest", bearer(&ingest_text), &[Grant::Ingest]),
        Case::new("read", bearer(&read_text), &[Grant::Read]),
        Case::new("both", bearer(&both_text), ALL),
        Case { confined: true, ..Case::new("confined", bearer(&confined_text), &[Grant::Read]) },
        Case::new("admin", bearer(&admin_text), &[Grant::Admin]),
        Case::new("lasting", bearer(&lasting_text), &[Grant::Read]),
        Case::new("the scheme in small letters", format!("bearer {read_text}"), &[Grant::Read]),
        Case::new("the scheme in any letters", format!("BEARER  {read_text}"), &[Grant::Read]),
        Case::new("expired", bearer(&expired_text), &[]),
        Case::new("revoked", bearer(&revoked_text), &[]),
        Case::new("an id and another's secret", bearer(&crossed), &[]),
        Case::new("cut off", bearer(half), &[]),
        Case::new("too long", bearer(&format!("{admin_text}0")), &[]),
        Case::new("in capitals", bearer(&admin_text.to_uppercase()), &[]),
        Case::new("no scheme", admin_text.clone(), &[]),
        Case::new("another scheme", format!("Basic {admin_text}"), &[]),
        Case::new("a tab", format!("Bearer\t{admin_text}"), &[]),
        Case::new("something behind", bearer(&format!("{admin_text}, x")), &[]),
        Case::new("empty", "", &[]),
        Case::new("the scheme alone", "Bearer ", &[]),
        Case::new("not ASCII", [b"Bearer \xff\xfe".as_slice(), admin_text.as_bytes()].concat(), &[]),
        Case::new("1 MB", bearer(&"a".repeat(1 << 20)), &[]),
    ];
    cases.push(Case { headers: Vec::new(), ..Case::new("none", "", &[]) });
    let two = vec![bearer(&admin_text).into_bytes(), bearer(&admin_text).into_bytes()];
    cases.push(Case { headers: two, ..Case::new("two headers", "", &[]) });
    (house, cases)
}

/// A path that the route matches.
pub(crate) fn path_of(route: &Route) -> String {
    let part = |part: &str| match part {
        "{dim}" => "user".to_owned(),
        part if part.starts_with('{') => "x".to_owned(),
        part => part.to_owned(),
    };
    route.path.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[test]
fn every_route_lets_in_whom_it_says() {
    let (house, cases) = house();
    let routes = house.routes();
    assert!(routes.len() > 20, "{}", routes.len());
    for scope in [Scope::Open, Scope::Ingest, Scope::Read, Scope::ReadAll, Scope::Admin] {
        assert!(routes.iter().any(|route| route.scope == scope), "{scope:?} is tried");
    }
    let (mut unknown, mut denied) = (0, 0);
    for route in &routes {
        let path = path_of(route);
        let methods: &[&str] = if route.method == "GET" { &["GET", "HEAD"] } else { &[route.method] };
        for (case, method) in cases.iter().flat_map(|case| methods.iter().map(move |method| (case, method))) {
            let headers: Vec<(&str, &[u8])> = case.headers.iter().map(|value| ("authorization", &value[..])).collect();
            let (status, told) = house.status(method, &path, &headers);
            let (expected, what) =
                (case.expected(route.scope), format!("{method} {path} with {}: {status}", case.name));
            match expected {
                401 => {
                    assert_eq!(status, 401, "{what}");
                    assert_eq!(told["www-authenticate"], "Bearer", "{what}");
                    unknown += 1;
                }
                403 => {
                    assert_eq!(status, 403, "{what}");
                    denied += 1;
                }
                // Whatever else is wrong with the request is for the handler to say.
                _ => assert!(
                    !matches!(status, 401 | 403 | 404 | 405 | 421) || is_about_the_path(route, status),
                    "{what}"
                ),
            }
        }
    }
    let counters = &house.app.counters;
    assert_eq!((counters.refused(Refusal::Unauthorized), counters.refused(Refusal::Forbidden)), (unknown, denied));
}

/// What a path names need not be there.
fn is_about_the_path(route: &Route, status: u16) -> bool {
    route.path.contains('{') && status == 404
}

#[test]
fn a_refusal_says_what_is_missing_and_nothing_else() {
    let (house, cases) = house();
    let told = |name: &str, method: &str, path: &str| {
        let case = cases.iter().find(|case| case.name == name).unwrap();
        let headers: Vec<(&str, &[u8])> = case.headers.iter().map(|value| ("authorization", &value[..])).collect();
        let reply = house.ask(method, path, &headers, b"");
        assert_eq!(reply.headers["content-type"], "application/problem+json");
        reply.json()["detail"].as_str().unwrap().to_owned()
    };
    assert!(told("read", "POST", "/v1/events").contains("the scope ingest"));
    assert!(told("ingest", "GET", "/v1/usage").contains("the scope read"));
    assert!(told("both", "POST", "/v1/snapshots").contains("the scope admin"));
    let confined = told("confined", "GET", "/v1/status");
    assert!(confined.contains("user") && !confined.contains("ann"), "{confined}");
    let reasons: Vec<String> =
        ["none", "expired", "revoked", "cut off", "two headers"].map(|name| told(name, "GET", "/v1/usage")).into();
    assert!(reasons.windows(2).all(|two| two[0] == two[1]), "no hint which: {reasons:?}");
}

#[test]
fn a_method_that_is_not_there_is_told_to_everybody() {
    let (house, _) = house();
    for (method, path) in [("DELETE", "/v1/usage"), ("PUT", "/v1/events"), ("OPTIONS", "/v1/status")] {
        assert_eq!(house.status(method, path, &[]).0, 405, "{method} {path}");
    }
    assert_eq!(house.status("GET", "/nowhere", &[]).0, 404);
}

#[test]
fn a_page_of_another_origin_changes_nothing() {
    let (guarded, _) = house();
    let (open, evil) = (House::open(), [("origin", b"http://evil.example".as_slice())]);
    for route in open.routes().iter().filter(|route| route.method != "GET") {
        let reply = open.ask(route.method, &path_of(route), &evil, b"{}");
        assert_eq!(reply.status, 403, "{}: {}", route.path, reply.text());
        assert!(reply.text().contains("another origin"), "{}", reply.text());
        assert_eq!(guarded.ask(route.method, &path_of(route), &evil, b"{}").status, 401, "{}", route.path);
    }
    assert!(open.app.counters.refused(Refusal::Forbidden) > 2);
}

#[test]
fn who_asks_is_told() {
    let (house, cases) = house();
    let told = |name: &str| {
        let case = cases.iter().find(|case| case.name == name).unwrap();
        house.ask("GET", "/v1/caller", &[("authorization", &case.headers[0])], b"").text()
    };
    assert_eq!(told("confined"), r#"{"name":"confined","scopes":["read"],"only":{"user":["ann"]}}"#);
    assert_eq!(told("both"), r#"{"name":"both","scopes":["ingest","read"],"only":{}}"#);
    assert_eq!(told("admin"), r#"{"name":"admin","scopes":["admin"],"only":{}}"#);
    let open = House::open().get("/v1/caller", "whatever").text();
    assert_eq!(open, r#"{"name":"","scopes":["ingest","read","admin"],"only":{}}"#);
}

/// Where routers may be made: the list itself, and what is answered before there is a store.
const MAKERS: [&str; 3] = ["routes.rs", "startup.rs", "dashboard/mod.rs"];

#[test]
fn no_route_is_made_outside_the_list() {
    let ways = ["Router::new(", "Router::default(", "Router::<", ".nest(", ".route_service(", ".nest_service("];
    let mut sources = Vec::new();
    rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server"), &mut sources);
    assert!(sources.len() > 20);
    for file in sources.iter().filter(|file| !MAKERS.iter().any(|maker| file.ends_with(maker))) {
        let source = fs::read_to_string(file).unwrap();
        let code = source.split("#[cfg(test)]").next().unwrap();
        let found: Vec<_> = code.lines().filter(|line| ways.iter().any(|way| line.contains(way))).collect();
        assert!(found.is_empty(), "{}: {found:?}", file.display());
    }
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}
