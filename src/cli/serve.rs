//! `serve`: the server, until SIGTERM or Ctrl-C.
//!
//! It listens before it opens its data folder, so that whoever starts it sees a recovery under way
//! rather than nothing.

use super::Global;
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
use crate::server::Startup;
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
    let keyring = Arc::new(keyring(&config)?);
    let listening = Listening::new(&config, global)?;
    let startup = Startup::default();
    let opening = opening::app(config.clone(), keyring, startup.clone(), !global.quiet);
    listening
        .until_stopped(|listener, stop| server::serve_once_open(listener, startup, opening, config.server, stop.wait()))
}

fn keyring(config: &Config) -> Result<Keyring, Failure> {
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
    listener: TcpListener,
    stop: Stop,
    /// `http://127.0.0.1:8723`.
    pub(super) address: String,
}

impl Listening {
    /// Listens and says where.
    pub(super) fn new(config: &Config, global: &Global) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|fault| Failure::file("runtime", &fault))?;
        let fault = |fault: io::Error| Failure::file(format!("listening on {}", config.listen), &fault);
        let listener = runtime.block_on(TcpListener::bind(config.listen)).map_err(fault)?;
        // Before anybody is told that the server is there: a signal that came sooner would kill it.
        let stop = runtime.block_on(async { Stop::new() }).map_err(fault)?;
        // The first line of all, and always plain: scripts that ask for port 0 read it.
        let address = format!("http://{}", listener.local_addr().map_err(fault)?);
        output::message(&format!("listening on {address}"));
        logging::start(config, global);
        if config.keys == Keys::Plain {
            tracing::warn!("API keys are stored and shown as they come (keys = \"plain\")");
        }
        if !config.listen.ip().is_loopback() {
            tracing::warn!("other machines can reach this server, and it asks nobody for a token");
        }
        Ok(Self { runtime, listener, stop, address })
    }

    /// Where tasks beside the server run.
    pub(super) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// Serves with a store that is open, until it is told to stop.
    pub(super) fn serve(self, config: &Config, app: App) -> Result<Exit, Failure> {
        let (settings, store, clock) = (config.server.clone(), app.store.clone(), Arc::clone(&app.clock));
        let done = self.until_stopped(|listener, stop| server::serve(listener, app, settings, stop.wait()));
        if done.is_ok()
            && let Err(failed) = store.close(clock.now())
        {
            tracing::warn!("the last snapshot failed: {failed}");
        }
        done
    }

    fn until_stopped<F: Future<Output = Result<(), Ended>>>(
        self,
        serve: impl FnOnce(TcpListener, Stop) -> F,
    ) -> Result<Exit, Failure> {
        let ended = self.runtime.block_on(serve(self.listener, self.stop));
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
