//! A server on a free port, and the dullest client that can ask it.

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use tallyring::Engine;
use tallyring::clock::Clock;
use tallyring::clock::Manual;
use tallyring::engine::config::Config;
use tallyring::engine::event::Dimension;
use tallyring::engine::event::Dimensions;
use tallyring::engine::event::Event;
use tallyring::engine::event::Measures;
use tallyring::engine::money::Currency;
use tallyring::engine::money::Money;
use tallyring::engine::time::Timestamp;
use tallyring::privacy::Keyring;
use tallyring::server;
use tallyring::server::App;
use tallyring::store::Settings;
use tallyring::store::Store;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The instant at which most tests ask.
pub(crate) const NOON: &str = "2026-11-22T12:00:00Z";

pub(crate) struct Site {
    store: Store,
    keyring: Arc<Keyring>,
    clock: Arc<Manual>,
    address: SocketAddr,
    _runtime: Runtime,
    folder: Option<TempDir>,
}

impl Site {
    pub(crate) fn at(now: &str) -> Self {
        Self::with(now, Config { labels: vec!["team".to_string()], ..Config::default() })
    }

    pub(crate) fn with(now: &str, config: Config) -> Self {
        Self::around(Store::in_memory(Engine::new(config).unwrap()), now, None)
    }

    /// With a data folder.
    pub(crate) fn durable(now: &str, engine: Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { engine, ..Settings::default() };
        let (store, _) = Store::open(folder.path(), settings, instant(now), &mut |_| {}).unwrap();
        Self::around(store, now, Some(folder))
    }

    fn around(store: Store, now: &str, folder: Option<TempDir>) -> Self {
        let keyring = Arc::new(Keyring::new([7; 32]));
        let clock = Arc::new(Manual::at(instant(now)));
        let app = App::new(store.clone(), Arc::clone(&keyring), clock.clone());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(accept(listener, server::router(app)));
        Self { store, keyring, clock, address, _runtime: runtime, folder }
    }

    /// Where its files are.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.as_ref().unwrap().path()
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.store.engine()
    }

    /// The public name of a raw key.
    pub(crate) fn name(&self, key: &str) -> String {
        self.keyring.public_name(key)
    }

    pub(crate) fn set_clock(&self, now: &str) {
        self.clock.set(instant(now));
    }

    /// Counts a call; keys are raw here.
    pub(crate) fn call(&self, at: &str, dimensions: &[(Dimension, &str)], measures: Measures) {
        self.call_named(at, dimensions, measures, ["", "", ""]);
    }

    /// The same with an id, a job and an error.
    pub(crate) fn call_named(&self, at: &str, of: &[(Dimension, &str)], measures: Measures, named: [&str; 3]) {
        let key = of.iter().find(|(dimension, _)| *dimension == Dimension::Key).map_or("", |(_, key)| key);
        let key = self.name(key);
        let mut dimensions = Dimensions::default();
        for (dimension, value) in of {
            dimensions = dimensions.with(*dimension, if *dimension == Dimension::Key { &key } else { value });
        }
        let [id, job_id, error] = named;
        let event = Event { timestamp: instant(at), dimensions, measures, id, job_id, error };
        if self.folder.is_some() {
            assert_eq!(self.store.record(&event, self.clock.now()).unwrap().accepted, 1);
        } else {
            let _ = self.engine().record(&event, self.clock.now()).unwrap();
        }
    }

    pub(crate) fn get(&self, target: &str) -> Reply {
        self.get_with(target, "")
    }

    /// With header lines, each ending in CR LF.
    pub(crate) fn get_with(&self, target: &str, headers: &str) -> Reply {
        self.ask("GET", target, headers, "")
    }

    /// POST without a body.
    pub(crate) fn post(&self, target: &str, headers: &str) -> Reply {
        self.ask("POST", target, headers, "")
    }

    /// POST with a body.
    #[allow(dead_code, reason = "the tests of reading send none")]
    pub(crate) fn send(&self, target: &str, headers: &str, body: &str) -> Reply {
        self.ask("POST", target, &format!("{headers}content-length: {}\r\n", body.len()), body)
    }

    fn ask(&self, method: &str, target: &str, headers: &str, body: &str) -> Reply {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let head = format!("{method} {target} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{headers}\r\n");
        stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).expect("UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        Reply { status: head[9..12].parse().unwrap(), head: head.to_ascii_lowercase(), body: body.to_string() }
    }

    /// The body of a 200 as JSON.
    pub(crate) fn json(&self, target: &str) -> Value {
        let reply = self.get(target);
        assert_eq!(reply.status, 200, "{target}: {}", reply.body);
        assert_eq!(reply.header("content-type"), Some("application/json"), "{target}");
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{target}");
        reply.json()
    }

    /// `parameter: detail` of a 400.
    pub(crate) fn refusal(&self, target: &str) -> String {
        let reply = self.get(target);
        assert_eq!(reply.status, 400, "{target}: {}", reply.body);
        assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{target}");
        let problem = reply.json();
        format!("{}: {}", problem["parameter"].as_str().unwrap_or("?"), problem["detail"].as_str().unwrap())
    }
}

async fn accept(listener: TcpListener, router: axum::Router) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// Every byte escaped that is not a letter or a digit.
pub(crate) fn escaped(text: &str) -> String {
    let byte = |b: u8| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") };
    text.bytes().map(byte).collect()
}

pub(crate) fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn nothing() -> Measures {
    Measures::default()
}

pub(crate) fn took(ms: u64) -> Measures {
    Measures { latency_us: Some(ms * 1000), ..nothing() }
}

pub(crate) fn cost(amount: &str, currency: &str) -> Measures {
    let currency = Currency::parse(currency).unwrap();
    Measures { cost: Some(Money::parse(amount, currency).unwrap()), ..nothing() }
}
