//! `serve`: the server, until SIGTERM or Ctrl-C.
//!
//! It listens before it opens its data folder, so that whoever starts it sees a recovery under way
//! rather than nothing.

use super::Global;
use super::access;
use super::access::Doors;
use super::exit::Exit;
use super::exit::Failure;
use super::logging;
use super::opening;
use super::output;
use super::settings::Settings;
use crate::config::Config;
use crate::config::Keys;
use crate::privacy::Keyring;
use crate::server;
use crate::server::App;
use crate::server::Ended;
use crate::server::Listener;
use crate::server::Startup;
use crate::store::OpenError;
use std::fs;
use std::future::Future;
use std::io;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The file in the data folder that key fingerprints depend on.
const PEPPER_FILE: &str = "key-pepper";

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    settings: Settings,
}

pub(super) fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    let config = args.settings.load_valid()?.config;
    let doors = Doors::open(&config, Some(access::tokens_file(&config)))?;
    let renamed = lost_pepper(&config);
    let keyring = Arc::new(keyring(&config)?);
    let access = Arc::clone(&doors.access);
    let listening = Listening::new(&config, doors, global)?;
    if renamed {
        tracing::warn!(
            "{PEPPER_FILE} is missing from a data folder that has calls, and was made anew: from now on keys have other \
             names than before. If there is a copy, stop the server and put it back"
        );
    }
    let startup = Startup::default();
    let opening = opening::app(config.clone(), keyring, startup.clone(), !global.quiet);
    let opening = async { opening.await.map(|app| App { access, ..app }) };
    listening.serve(startup, opening, config.server)
}

/// Whether keys were named with a secret that is no longer there, as after a restore without it.
fn lost_pepper(config: &Config) -> bool {
    let folder = &config.data_dir;
    config.keys == Keys::Fingerprint && folder.join("journal").is_dir() && !folder.join(PEPPER_FILE).exists()
}

/// Names keys as the server of this configuration does.
pub(super) fn keyring(config: &Config) -> Result<Keyring, Failure> {
    if config.keys == Keys::Plain {
        return Ok(Keyring::plain());
    }
    let folder = &config.data_dir;
    fs::create_dir_all(folder).map_err(|fault| Failure::file(folder.display(), &fault))?;
    let file = folder.join(PEPPER_FILE);
    Keyring::load_or_create(&file).map_err(|fault| Failure::file(file.display(), &fault))
}

/// A server that listens, and has answered nobody yet.
pub(super) struct Listening {
    runtime: Runtime,
    listener: Listener,
    stop: Stop,
    /// `http://127.0.0.1:8723`.
    pub(super) address: String,
}

impl Listening {
    /// Listens and says where.
    pub(super) fn new(config: &Config, doors: Doors, global: &Global) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|fault| Failure::file("runtime", &fault))?;
        let fault = |fault: io::Error| Failure::file(format!("listening on {}", config.listen), &fault);
        let listener = runtime.block_on(TcpListener::bind(config.listen)).map_err(fault)?;
        // Before anybody is told that the server is there: a signal that came sooner would kill it.
        let (stop, hangup) = runtime.block_on(async { Ok((Stop::new()?, Hangup::new()?)) }).map_err(fault)?;
        // The first line of all, and always plain: scripts that ask for port 0 read it.
        let address = format!("{}://{}", doors.scheme(), listener.local_addr().map_err(fault)?);
        output::message(&format!("listening on {address}"));
        logging::start(config, global);
        if config.keys == Keys::Plain {
            tracing::warn!("API keys are stored and shown as they come (keys = \"plain\")");
        }
        warn_of_strangers(config, &doors);
        let listener = Listener::new(listener, doors.tls.clone());
        runtime.spawn(hangup.each(doors));
        Ok(Self { runtime, listener, stop, address })
    }

    /// Serves, once the store is open, until it is told to stop.
    pub(super) fn serve(
        self,
        startup: Startup,
        opening: impl Future<Output = Result<App, OpenError>>,
        settings: server::Settings,
    ) -> Result<Exit, Failure> {
        let stop = self.stop.wait();
        let ended = self.runtime.block_on(server::serve_once_open(self.listener, startup, opening, settings, stop));
        // A recovery that was told to stop is not waited for: a crash in it would do no harm either.
        self.runtime.shutdown_background();
        ended.map_err(failure)?;
        tracing::info!("stopped");
        Ok(Exit::Ok)
    }
}

fn failure(ended: Ended) -> Failure {
    match ended {
        Ended::Listener(fault) => Failure::file("listening", &fault),
        Ended::NotOpened(fault) => Failure::unreachable(fault.to_string()),
        Ended::Failed(_) => Failure::disk(ended.to_string()),
    }
}

fn warn_of_strangers(config: &Config, doors: &Doors) {
    if config.listen.ip().to_canonical().is_loopback() {
        return;
    }
    if !doors.access.asks_for_tokens() {
        tracing::warn!("other machines can reach this server, and it asks nobody for a token");
    } else if doors.tls.is_none() {
        tracing::warn!("tokens cross the network in the clear: name tls_cert and tls_key, or put a proxy in front");
    }
}

/// Told to read tokens and certificates again: SIGHUP.
#[cfg(unix)]
struct Hangup(tokio::signal::unix::Signal);

#[cfg(unix)]
impl Hangup {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::SignalKind;
        use tokio::signal::unix::signal;
        Ok(Self(signal(SignalKind::hangup())?))
    }

    async fn each(mut self, doors: Doors) {
        while self.0.recv().await.is_some() {
            let doors = doors.clone();
            if tokio::task::spawn_blocking(move || doors.reload()).await.is_err() {
                tracing::error!("reading tokens and certificates failed: a bug in the server");
            }
        }
    }
}

#[cfg(not(unix))]
struct Hangup;

#[cfg(not(unix))]
impl Hangup {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn each(self, _: Doors) {}
}

/// Told to stop: SIGTERM, or Ctrl-C.
#[cfg(unix)]
struct Stop {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Stop {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::SignalKind;
        use tokio::signal::unix::signal;
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn wait(mut self) {
        let signal = tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "Ctrl-C",
        };
        tracing::info!(signal, "stopping");
    }
}

#[cfg(not(unix))]
struct Stop;

#[cfg(not(unix))]
impl Stop {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn wait(self) {
        // Where Ctrl-C can't be listened for, the server runs until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        tracing::info!("stopping");
    }
}
