//! Servers in processes of their own: this program, serving; and one that answers nothing, to
//! compare with.

use super::client;
use super::client::Connection;
use crate::cli::bench::machine;
use crate::cli::exit::Exit;
use crate::cli::exit::Failure;
use crate::cli::output;
use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::get;
use axum::routing::post;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use std::hint::black_box;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::net::SocketAddr;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;
use tempfile::TempDir;
use tokio::net::TcpListener;

/// How long a server may take to open an empty folder.
const READY: Duration = Duration::from_secs(60);

/// A server in another process; stopped when it is dropped.
pub(super) struct Server {
    child: Child,
    pub(super) address: SocketAddr,
    _folder: TempDir,
}

impl Server {
    /// `tallyring serve` as it is by default, in a folder of its own, but for the promise.
    pub(super) fn start(ack: &str) -> Result<Self, Failure> {
        let server = Self::run(&["serve", "--quiet", "--listen", "127.0.0.1:0", "--ack", ack])?;
        let question = client::get("/readyz");
        let ready = || Connection::open(server.address).and_then(|mut connection| connection.ask(&question).map(drop));
        let began = Instant::now();
        while let Err(fault) = ready() {
            if began.elapsed() > READY {
                return Err(Failure::unreachable(format!("the server under test does not get ready: {fault}")));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(server)
    }

    /// An axum handler that reads its body and answers nothing.
    pub(super) fn start_empty() -> Result<Self, Failure> {
        Self::run(&["bench", "--empty-server"])
    }

    fn run(args: &[&str]) -> Result<Self, Failure> {
        let fault = |fault: io::Error| Failure::file("starting a server", &fault);
        let folder = tempfile::tempdir().map_err(fault)?;
        let mut command = Command::new(std::env::current_exe().map_err(fault)?);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TALLYRING_")) {
            command.env_remove(name);
        }
        let command = command.args(args).current_dir(folder.path()).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(fault)?;
        let mut line = String::new();
        if let Some(stderr) = child.stderr.as_mut() {
            BufReader::new(stderr).read_line(&mut line).map_err(fault)?;
        }
        let address = line.trim().strip_prefix("listening on http://").and_then(|address| address.parse().ok());
        let address = address.ok_or_else(|| Failure::unreachable(format!("no server: {}", line.trim())));
        match address {
            Ok(address) => Ok(Self { child, address, _folder: folder }),
            Err(failure) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(failure)
            }
        }
    }

    /// Processor time it has used.
    pub(super) fn cpu_seconds(&self) -> f64 {
        machine::cpu_seconds(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// So much arithmetic as takes a millisecond of a processor that nobody interrupts.
#[derive(Clone, Copy)]
struct Millisecond {
    turns: u64,
}

impl Millisecond {
    /// By the quickest of many tries: the others were interrupted.
    fn measured() -> Self {
        const TURNS: u64 = 100_000;
        let spent = |_| {
            let began = Instant::now();
            Self { turns: TURNS }.spend();
            began.elapsed()
        };
        let quickest = (0..200).map(spent).min().unwrap_or_default();
        Self { turns: (TURNS as f64 / quickest.as_secs_f64().max(1e-6) / 1e3) as u64 }
    }

    fn spend(self) {
        black_box((0..self.turns).fold(1_u64, |number, turn| black_box(number.rotate_left(7) ^ turn)));
    }
}

/// Serves until it is killed.
pub(in crate::cli::bench) fn serve_empty() -> Result<Exit, Failure> {
    let fault = |fault: io::Error| Failure::file("serving", &fault);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(fault)?;
    let millisecond = Millisecond::measured();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(fault)?;
        output::message(&format!("listening on http://{}", listener.local_addr().map_err(fault)?));
        let router = Router::new()
            .route("/v1/events", post(async |_: Bytes| StatusCode::OK))
            .route("/millisecond", get(async move || millisecond.spend()));
        loop {
            let (stream, _) = listener.accept().await.map_err(fault)?;
            let _ = stream.set_nodelay(true);
            let service = TowerToHyperService::new(router.clone());
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    })
}
