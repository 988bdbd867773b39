//! `demo`: a server that feeds itself realistic traffic, for a look around.
//!
//! It listens at once, and says how far it is while it fills in its history.

mod catalog;
mod feed;
mod random;
mod traffic;

use super::Global;
use super::access;
use super::access::Doors;
use super::exit::Exit;
use super::exit::Failure;
use super::opening;
use super::output;
use super::serve::Listening;
use super::settings::Settings;
use crate::clock::Clock;
use crate::clock::System;
use crate::config::Config;
use crate::config::layers::Origin;
use crate::engine::Engine;
use crate::privacy::Keyring;
use crate::server::App;
use crate::server::Startup;
use crate::store::Store;
use feed::Feed;
use indicatif::ProgressBar;
use std::io;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Instant;
use tokio::task::spawn_blocking;
use traffic::Traffic;

#[derive(clap::Args)]
pub(super) struct Args {
    /// The same seed gives the same users, keys and models
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Days of history to begin with
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(0..=400))]
    history_days: u16,
    /// Calls a second, averaged over a week
    #[arg(long, value_name = "N", default_value_t = 2.0, value_parser = rate)]
    rate: f64,
    #[command(flatten)]
    settings: Settings,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "expected a number such as 2")?;
    if (0.01..=10_000.0).contains(&rate) { Ok(rate) } else { Err("expected 0.01 to 10000".to_owned()) }
}

pub(super) fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    let loaded = args.settings.load_valid()?;
    // Only a flag can mean it: a file of settings may name the folder of a real server.
    let kept = loaded.origin("data_dir").is_some_and(|origin| matches!(origin, Origin::Flag(_)));
    let config = loaded.config;
    // Its keys are made up, and so is the secret that names them.
    let mut pepper = [0; 32];
    pepper[..8].copy_from_slice(&args.seed.to_le_bytes());
    let keyring = Arc::new(Keyring::new(pepper));
    // A demo in memory has no tokens, unless a file of them is named: those of the folder are a real
    // server's.
    let tokens = if kept { Some(access::tokens_file(&config)) } else { config.tokens_file.clone() };
    let doors = Doors::open(&config, tokens)?;
    let access = Arc::clone(&doors.access);
    let listening = Listening::new(&config, doors, global)?;
    let store = if kept { stored(&config)? } else { in_memory(&config)? };
    let there = store.position();
    if there > 0 {
        output::message(&format!("{there} calls are there already"));
    }
    let past = Past {
        feed: Feed::new(store.clone(), Traffic::new(args.seed, &keyring), args.rate),
        days: if there > 0 { 0 } else { i64::from(args.history_days) },
        loud: !global.quiet,
        startup: Startup::default(),
        address: listening.address.clone(),
        key: Traffic::new(args.seed, &keyring).busiest_key().to_owned(),
    };
    let (startup, settings) = (past.startup.clone(), config.server.clone());
    let opening = async move {
        let feed = spawn_blocking(|| past.fill_in()).await.unwrap_or_else(|fault| panic!("the demo failed: {fault}"));
        tokio::spawn(feed.live());
        Ok(App { access, ..App::new(store, keyring, Arc::new(System)) })
    };
    listening.serve(startup, opening, settings)
}

/// By default the demo writes no files.
fn in_memory(config: &Config) -> Result<Store, Failure> {
    let engine = Engine::new(config.store.engine.clone()).map_err(|fault| Failure::usage(fault.to_string()))?;
    Ok(Store::in_memory(engine))
}

fn stored(config: &Config) -> Result<Store, Failure> {
    opening::store(config, &Startup::default())
        .map(|(store, _)| store)
        .map_err(|fault| Failure::unreachable(fault.to_string()))
}

/// What is there before the first answer.
struct Past {
    feed: Feed,
    days: i64,
    loud: bool,
    startup: Startup,
    address: String,
    key: String,
}

impl Past {
    /// Fills the history in, and says what there is to see.
    fn fill_in(mut self) -> Feed {
        output::message(&format!("the dashboard: {}/", self.address));
        let bar = (self.loud && io::stderr().is_terminal()).then(|| ProgressBar::new(self.days.unsigned_abs()));
        let (began, days) = (Instant::now(), self.days);
        let startup = &self.startup;
        let count = self.feed.history(days, System.now(), |day| {
            startup.note_words(format!("filling in {days} days of history, {day} are there"));
            bar.iter().for_each(|bar| bar.set_position(day.unsigned_abs()));
        });
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        if days > 0 {
            let secs = began.elapsed().as_secs_f64();
            output::message(&format!("{count} calls of the last {days} days counted in {secs:.1} s"));
        }
        output::message(&hints(&self.address, &self.key));
        self.feed
    }
}

fn hints(address: &str, key: &str) -> String {
    format!(
        "try:
  curl '{address}/v1/usage?window=1h&group_by=model'
  curl '{address}/v1/usage?window=24h&interval=1h&metrics=requests,error_rate,cost'
  curl '{address}/v1/reports/summary'
  curl '{address}/v1/reports/key-usage?key={key}'
  curl '{address}/v1/reports/attention-keys?status_code=429'
  tallyring report daily --url {address}
  tallyring query --url {address} --group-by user --order-by -cost:USD --limit 10
stop with Ctrl-C"
    )
}
