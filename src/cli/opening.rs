//! Opening the data folder of a server that listens already, and telling how far it has come.

use crate::clock::Clock;
use crate::clock::System;
use crate::config::Config;
use crate::privacy::Keyring;
use crate::server::App;
use crate::server::Recovery;
use crate::server::Startup;
use crate::store::OpenError;
use crate::store::Store;
use indicatif::ProgressBar;
use std::io;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use tokio::task::JoinError;

/// How long it may take before anything is said about it, and how often a terminal is told more.
const SECOND: Duration = Duration::from_secs(1);
/// Seconds between two lines of the log.
const LINE_SECS: u64 = 5;

/// Opens the store on the pool for blocking work.
pub(super) async fn app(config: Config, keyring: Arc<Keyring>, startup: Startup, loud: bool) -> Result<App, OpenError> {
    let notes = startup.clone();
    let mut opening = tokio::task::spawn_blocking(move || store(&config, &notes));
    let mut progress = Progress::new(loud);
    let opened = loop {
        tokio::select! {
            opened = &mut opening => break opened,
            () = tokio::time::sleep(SECOND) => progress.tell(&startup),
        }
    };
    progress.end();
    let (store, recovery) = match opened {
        Ok(opened) => opened?,
        Err(failed) => return panicked(failed).await,
    };
    Ok(App { recovery: Some(Arc::new(recovery)), ..App::new(store, keyring, Arc::new(System)) })
}

/// A panic goes on; a task cut off by the end of the program has nobody left to tell.
async fn panicked(failed: JoinError) -> Result<App, OpenError> {
    match failed.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => std::future::pending().await,
    }
}

/// Opens the store of the data folder and tells what was found.
pub(super) fn store(config: &Config, startup: &Startup) -> Result<(Store, Recovery), OpenError> {
    let began = Instant::now();
    let mut told = |phase| startup.note(phase);
    let (store, opened) = Store::open(&config.data_dir, config.store.clone(), System.now(), &mut told)?;
    let recovery = Recovery { opened, took: began.elapsed() };
    tell(&recovery);
    Ok((store, recovery))
}

fn tell(Recovery { opened, took }: &Recovery) {
    for damaged in &opened.passed_over {
        tracing::warn!("a snapshot was passed over: {damaged}");
    }
    if opened.torn_bytes > 0 {
        tracing::warn!(
            bytes = opened.torn_bytes,
            copied_to = opened.torn_file.as_deref().unwrap_or("nowhere"),
            "the journal ended in a write that was cut off, and that nobody was told had succeeded; it was copied \
             aside and removed"
        );
    }
    tracing::info!(
        position = opened.position,
        snapshot = opened.snapshot.as_deref().unwrap_or("none"),
        replayed = opened.replayed,
        seconds = took.as_secs_f64(),
        "the data folder is open"
    );
}

/// How far it has come, on a terminal in place and elsewhere as lines of the log.
struct Progress {
    bar: Option<ProgressBar>,
    secs: u64,
}

impl Progress {
    fn new(loud: bool) -> Self {
        Self { bar: (loud && io::stderr().is_terminal()).then(ProgressBar::new_spinner), secs: 0 }
    }

    /// Once a second.
    fn tell(&mut self, startup: &Startup) {
        self.secs += 1;
        match &self.bar {
            Some(bar) => {
                bar.set_message(startup.to_string());
                bar.tick();
            }
            None if self.secs % LINE_SECS == 1 => tracing::info!("{startup}"),
            None => {}
        }
    }

    fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
