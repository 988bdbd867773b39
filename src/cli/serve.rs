//! `serve`: the server, until SIGTERM or Ctrl-C.

use super::Global;
use super::exit::Exit;
use super::exit::Failure;
use super::logging;
use super::output;
use super::settings::Settings;
use crate::clock::System;
use crate::config::Config;
use crate::config::Keys;
use crate::engine::Engine;
use crate::privacy::Keyring;
use crate::server;
use crate::server::App;
use crate::store::Store;
use std::fs;
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
    let app = app(&config, keyring(&config)?)?;
    serve(&config, app, global, |_, _| Ok(()))
}

/// What handlers share, around an empty engine.
pub(super) fn app(config: &Config, keyring: Keyring) -> Result<App, Failure> {
    let engine = Engine::new(config.engine.clone()).map_err(|fault| Failure::usage(fault.to_string()))?;
    Ok(App { store: Store::new(engine), keyring: Arc::new(keyring), clock: Arc::new(System) })
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

/// Listens, says where, does `first`, and serves until it is told to stop.
pub(super) fn serve(
    config: &Config,
    app: App,
    global: &Global,
    first: impl FnOnce(&Runtime, &str) -> Result<(), Failure>,
) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|fault| Failure::file("runtime", &fault))?;
    let listener = runtime.block_on(TcpListener::bind(config.listen));
    let fault = |fault: io::Error| Failure::file(format!("listening on {}", config.listen), &fault);
    let listener = listener.map_err(fault)?;
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
    first(&runtime, &address)?;
    let settings = config.server.clone();
    runtime.block_on(server::serve(listener, app, settings, stop.wait())).map_err(fault)?;
    tracing::info!("stopped");
    Ok(Exit::Ok)
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
