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
use super::output;
use super::serve;
use super::settings::Settings;
use crate::clock::Clock;
use crate::clock::System;
use crate::engine::Engine;
use crate::engine::time::DAY;
use crate::engine::time::Timestamp;
use crate::privacy::Keyring;
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
    let config = args.settings.load_valid()?.config;
    // The demo writes no files: its keys are made up, and so is the secret that names them.
    let mut pepper = [0; 32];
    pepper[..8].copy_from_slice(&args.seed.to_le_bytes());
    let app = serve::app(&config, Keyring::new(pepper))?;
    let engine = app.store.engine().clone();
    let traffic = Traffic::new(args.seed, &app.keyring);
    let feed = Feed { engine, traffic, rate: args.rate, next: Timestamp::MIN, batch: Vec::new() };
    serve::serve(&config, app, global, |runtime, address| {
        runtime.spawn(feed.start(i64::from(args.history_days), address).live());
        Ok(())
    })
}

/// Calls on their way to an engine.
struct Feed {
    engine: Engine,
    traffic: Traffic,
    rate: f64,
    /// When the next call comes.
    next: Timestamp,
    batch: Vec<Call>,
}

impl Feed {
    /// Fills the history in and says what there is to see.
    fn start(mut self, days: i64, address: &str) -> Self {
        output::message(&format!("filling in {days} days of history; answers wait until it is there"));
        let began = Instant::now();
        let count = self.history(days, System.now());
        output::message(&format!(
            "{count} calls of the last {days} days counted in {:.1} s; now about {} a second\n{}",
            began.elapsed().as_secs_f64(),
            self.rate,
            hints(address, self.traffic.busiest_key())
        ));
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
        let events: Vec<_> = self.batch.iter().map(|call| self.traffic.event(call)).collect();
        for rejected in self.engine.apply(&events, last).into_iter().filter_map(Result::err) {
            tracing::warn!("a call of the demo was rejected: {rejected}");
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
    use crate::engine::config::Config;
    use crate::engine::query::Query;

    #[test]
    fn history_is_counted_as_if_it_had_been_live() {
        let engine = Engine::new(Config::default()).unwrap();
        let traffic = Traffic::new(1, &Keyring::plain());
        let now = Timestamp::from_secs(1_795_324_556);
        let mut feed = Feed { engine: engine.clone(), traffic, rate: 2.0, next: Timestamp::MIN, batch: Vec::new() };
        let count = feed.history(3, now) as u64;
        let stats = engine.stats();
        assert_eq!((stats.accepted, stats.late, stats.rejected), (count, 0, [0; 4]));
        let requests = |secs| engine.query(&Query::window(secs), now).unwrap().totals.sums.requests;
        assert_eq!(requests(4 * 86_400), count);
        // A Sunday at five in the morning: a third of the mean.
        assert!((2_000..3_000).contains(&requests(3_600)), "{}", requests(3_600));
    }
}
