//! `demo`: a server that feeds itself realistic traffic, for a look around.
//!
//! History is filled in before the first answer, with the clock of the engine moving along, so
//! that it is counted just as it would have been live: all calls of the last hour, one in twenty of
//! the last day, one in 400 of the days before.

mod catalog;
mod random;
mod traffic;

use super::Global;
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
use crate::engine::time::DAY;
use crate::engine::time::Timestamp;
use crate::privacy::Keyring;
use crate::server::App;
use crate::server::Startup;
use crate::store::Batch;
use crate::store::Committed;
use crate::store::Store;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;
use traffic::Call;
use traffic::Traffic;

/// How often live calls are handed over.
const TICK: Duration = Duration::from_millis(100);
/// Calls of one batch of history …
const BATCH_CALLS: usize = 512;
/// … and the longest span of one, well within the open seconds of the engine.
const BATCH_SECS: i64 = 20;

#[derive(clap::Args)]
pub(super) struct Args {
    /// The same seed gives the same users, keys and models
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Days of history to begin with
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(0..=400))]
    history_days: u16,
    /// Calls a second, averaged over a week
    #[arg(long, value_name = "N", default_value_t = 50.0, value_parser = rate)]
    rate: f64,
    #[command(flatten)]
    settings: Settings,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "expected a number such as 50")?;
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
    let listening = Listening::new(&config, global)?;
    let store = if kept { stored(&config)? } else { in_memory(&config)? };
    let traffic = Traffic::new(args.seed, &keyring);
    let feed =
        Feed { store: store.clone(), traffic, rate: args.rate, next: Timestamp::MIN, batch: Vec::new(), sent: None };
    let feed = feed.start(i64::from(args.history_days), &listening.address);
    listening.runtime().spawn(feed.live());
    listening.serve(&config, App { store, keyring, clock: Arc::new(System) })
}

/// By default the demo writes no files.
fn in_memory(config: &Config) -> Result<Store, Failure> {
    let engine = Engine::new(config.store.engine.clone()).map_err(|fault| Failure::usage(fault.to_string()))?;
    Ok(Store::in_memory(engine))
}

fn stored(config: &Config) -> Result<Store, Failure> {
    opening::store(config, &Startup::default()).map_err(|fault| Failure::unreachable(fault.to_string()))
}

/// Calls on their way to a store.
struct Feed {
    store: Store,
    traffic: Traffic,
    rate: f64,
    /// When the next call comes.
    next: Timestamp,
    batch: Vec<Call>,
    /// The batch before, which may not be on the disk yet.
    sent: Option<Committed>,
}

impl Feed {
    /// Fills the history in, unless there is one, and says what there is to see.
    fn start(mut self, days: i64, address: &str) -> Self {
        let told = if self.store.position() > 0 {
            self.next = System.now();
            format!("{} calls are there already", self.store.position())
        } else {
            output::message(&format!("filling in {days} days of history; answers wait until it is there"));
            let began = Instant::now();
            let count = self.history(days, System.now());
            let secs = began.elapsed().as_secs_f64();
            format!("{count} calls of the last {days} days counted in {secs:.1} s")
        };
        let hints = hints(address, self.traffic.busiest_key());
        output::message(&format!("{told}; now about {} a second\n{hints}", self.rate));
        self
    }

    fn history(&mut self, days: i64, now: Timestamp) -> usize {
        self.next = now.plus_secs(-days * DAY);
        self.until(now, |age| match age {
            ..=3_600 => 1.0,
            3_601..=DAY => 0.05,
            _ => 0.0025,
        })
    }

    /// Counts the calls that come before `now`; `share` says how many of them, by their age in
    /// seconds.
    fn until(&mut self, now: Timestamp, share: impl Fn(i64) -> f64) -> usize {
        let mut count = 0;
        while self.next < now {
            count += 1;
            let call = self.traffic.call(self.next);
            let first = self.batch.first().map_or(self.next, Call::at);
            if self.batch.len() >= BATCH_CALLS || self.next.secs() - first.secs() > BATCH_SECS {
                self.hand_over();
            }
            self.batch.push(call);
            let rate = self.rate * share(now.secs() - self.next.secs());
            let wait = self.traffic.wait_secs(rate, self.next);
            let next = self.next.micros().saturating_add((wait * 1e6) as i64 + 1);
            self.next = Timestamp::from_micros(next).unwrap_or(Timestamp::MAX);
        }
        self.hand_over();
        count
    }

    fn hand_over(&mut self) {
        let Some(last) = self.batch.last().map(Call::at) else {
            return;
        };
        let mut batch = Batch::new(|pointer| pointer);
        for (index, call) in (0..).zip(&self.batch) {
            batch.push(index, self.traffic.event(call), true);
        }
        let mut intake = self.store.intake("", last);
        intake.push(batch);
        // The disk has as long for a batch as the next one takes to be made up.
        let before = self.sent.take().map_or_else(|| Ok(Default::default()), Committed::wait);
        let sent = before.and_then(|receipt| {
            receipt.errors.iter().for_each(|error| tracing::warn!("a call of the demo was rejected: {}", error.detail));
            intake.commit(false)
        });
        match sent {
            Ok(sent) => self.sent = Some(sent),
            Err(refused) => tracing::warn!("calls of the demo were refused: {refused}"),
        }
        self.batch.clear();
    }

    async fn live(mut self) {
        let mut ticks = tokio::time::interval(TICK);
        loop {
            ticks.tick().await;
            self.until(System.now(), |_| 1.0);
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::query::Query;

    #[test]
    fn history_is_counted_as_if_it_had_been_live() {
        let engine = Engine::new(Default::default()).unwrap();
        let traffic = Traffic::new(1, &Keyring::plain());
        let now = Timestamp::from_secs(1_795_324_556);
        let store = Store::in_memory(engine.clone());
        let mut feed = Feed { store, traffic, rate: 2.0, next: Timestamp::MIN, batch: Vec::new(), sent: None };
        let count = feed.history(3, now) as u64;
        let stats = engine.stats();
        assert_eq!((stats.accepted, stats.late, stats.rejected), (count, 0, [0; 4]));
        let requests = |secs| engine.query(&Query::window(secs), now).unwrap().totals.sums.requests;
        assert_eq!(requests(4 * 86_400), count);
        // A Sunday at five in the morning: a third of the mean.
        assert!((2_000..3_000).contains(&requests(3_600)), "{}", requests(3_600));
    }
}
