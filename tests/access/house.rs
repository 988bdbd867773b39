//! A server in this process, with tokens of its own and a clock that stands still.

use axum::Router;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::Request;
use http_body_util::BodyExt;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use tallyring::clock::Manual;
use tallyring::engine::Engine;
use tallyring::engine::config::Config;
use tallyring::engine::time::Timestamp;
use tallyring::privacy::Keyring;
use tallyring::server;
use tallyring::server::App;
use tallyring::server::Route;
use tallyring::server::access::Access;
use tallyring::server::access::Grant;
use tallyring::server::access::Only;
use tallyring::server::access::Token;
use tallyring::server::access::secret::Digest;
use tallyring::server::access::secret::Secret;
use tallyring::server::access::write_tokens;
use tallyring::store::Settings;
use tallyring::store::Store;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt;

/// The instant of all questions.
pub(crate) const NOON: &str = "2026-11-22T12:00:00Z";

pub(crate) fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn keyring() -> Arc<Keyring> {
    Arc::new(Keyring::new([7; 32]))
}

/// A token and what its holder sends.
pub(crate) fn token(name: &str, grants: &[Grant], only: &Only, expires: Option<&str>) -> (Token, String) {
    let (id, secret) = (Secret::new_id().unwrap(), Secret::random().unwrap());
    let token = Token::new(&id, name, Digest::of(&secret), instant(NOON)).unwrap();
    let token = token.meant_for(grants.to_vec(), only.clone(), expires.map(instant)).unwrap();
    (token, secret.reveal(&id))
}

pub(crate) fn only(pairs: &[(&str, &str)]) -> Only {
    let mut only = Only::new();
    for (name, value) in pairs {
        only.entry((*name).to_owned()).or_default().push((*value).to_owned());
    }
    only
}

pub(crate) struct House {
    pub(crate) app: App,
    _folder: TempDir,
    router: Router,
    runtime: Runtime,
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|fault| panic!("{fault}: {}", self.text()))
    }
}

impl House {
    /// One that asks nobody.
    pub(crate) fn open() -> Self {
        Self::with(Access::open(), tempfile::tempdir().unwrap(), false)
    }

    /// One that asks for these tokens.
    pub(crate) fn guarded(tokens: &[Token]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_tokens(&folder.path().join("tokens.toml"), tokens).unwrap();
        let access = Self::access(&folder);
        Self::with(access, folder, false)
    }

    /// The same with its calls on the disk.
    pub(crate) fn durable(tokens: Option<&[Token]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if let Some(tokens) = tokens {
            write_tokens(&folder.path().join("tokens.toml"), tokens).unwrap();
        }
        let access = Self::access(&folder);
        Self::with(access, folder, true)
    }

    fn access(folder: &TempDir) -> Access {
        let file: PathBuf = folder.path().join("tokens.toml");
        Access::with_tokens(file, "127.0.0.1".parse().unwrap(), &[]).unwrap()
    }

    fn with(access: Access, folder: TempDir, durable: bool) -> Self {
        let engine = Config { labels: vec!["team".to_owned()], ..Config::default() };
        let store = if durable {
            let settings = Settings { engine, ..Settings::default() };
            Store::open(&folder.path().join("data"), settings, instant(NOON), &mut |_| {}).unwrap().0
        } else {
            Store::in_memory(Engine::new(engine).unwrap())
        };
        let mut app = App::new(store, keyring(), Arc::new(Manual::at(instant(NOON))));
        app.access = Arc::new(access);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Self { router: server::router(app.clone()), app, _folder: folder, runtime }
    }

    pub(crate) fn routes(&self) -> Vec<Route> {
        server::routes(&self.app)
    }

    /// The status alone; the body may never end.
    pub(crate) fn status(&self, method: &str, path: &str, headers: &[(&str, &[u8])]) -> (u16, HeaderMap) {
        let answer = self.runtime.block_on(self.router.clone().oneshot(request(method, path, headers, b""))).unwrap();
        (answer.status().as_u16(), answer.headers().clone())
    }

    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &[u8])], body: &[u8]) -> Reply {
        let router = self.router.clone();
        let request = request(method, path, headers, body);
        self.runtime.block_on(async {
            let (head, body) = router.oneshot(request).await.unwrap().into_parts();
            let body = body.collect().await.unwrap().to_bytes().to_vec();
            Reply { status: head.status.as_u16(), headers: head.headers, body }
        })
    }

    pub(crate) fn get(&self, path: &str, token: &str) -> Reply {
        self.ask("GET", path, &[("authorization", format!("Bearer {token}").as_bytes())], b"")
    }

    /// Sends events as NDJSON.
    pub(crate) fn send(&self, token: &str, lines: &str) -> Reply {
        let bearer = format!("Bearer {token}");
        let headers: [(&str, &[u8]); 2] =
            [("authorization", bearer.as_bytes()), ("content-type", b"application/x-ndjson")];
        self.ask("POST", "/v1/events", &headers, lines.as_bytes())
    }
}

fn request(method: &str, path: &str, headers: &[(&str, &[u8])], body: &[u8]) -> Request<Body> {
    let request = Request::builder().method(method).uri(path).header("host", "127.0.0.1");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(Body::from(body.to_vec())).unwrap()
}
