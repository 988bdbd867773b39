//! What a server does by the clock: it tells the engine the time, lets the store take snapshots and
//! look at the disk, and notices when the journal has failed.

use super::App;
use crate::store::SnapshotInfo;
use crate::store::Store;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tokio::time::Interval;
use tokio::time::MissedTickBehavior;

/// How often the engine is told the time, and the journal is asked whether it has failed.
const TICK: Duration = Duration::from_millis(250);
/// How often the file of access tokens is looked at.
const TOKENS: Duration = Duration::from_millis(500);
/// How often the store may look after its files.
const MAINTAIN: Duration = Duration::from_secs(1);
/// How often the same trouble is told again.
const REMIND: Duration = Duration::from_secs(60);

fn every(period: Duration) -> Interval {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Tells the engine the time, a few times a second, on a thread where folding may take a while.
pub(super) async fn advance(app: App) {
    let mut ticks = every(TICK);
    loop {
        ticks.tick().await;
        let app = app.clone();
        let advance = move || {
            app.store.engine().advance(app.clock.now());
            app.store.look(); // here too: a snapshot under way must not hide that the disk fills up
        };
        if spawn_blocking(advance).await.is_err() {
            tracing::error!("the engine failed to advance");
        }
    }
}

/// Notices that the file of access tokens is another one: a token that was revoked is refused
/// within a second.
pub(super) async fn tokens(app: App) {
    let mut ticks = every(TOKENS);
    loop {
        ticks.tick().await;
        let access = Arc::clone(&app.access);
        if spawn_blocking(move || access.refresh()).await.is_err() {
            tracing::error!("reading the access tokens failed: a bug in the server");
        }
    }
}

/// Lets the store do what is due. It is apart from [`advance`], since writing a snapshot takes
/// longer than a tick.
pub(super) async fn maintain(app: App) {
    let (mut ticks, mut trouble) = (every(MAINTAIN), Trouble::default());
    loop {
        ticks.tick().await;
        let done = {
            let app = app.clone();
            spawn_blocking(move || app.store.maintain(app.clock.now())).await
        };
        match done {
            Ok(Ok(taken)) => {
                trouble = Trouble::default();
                taken.iter().for_each(tell);
            }
            Ok(Err(failed)) => trouble.tell(failed.to_string()),
            Err(_) => tracing::error!("looking after the data folder failed: a bug in the server"),
        }
    }
}

fn tell(taken: &SnapshotInfo) {
    tracing::info!(snapshot = taken.name, bytes = taken.bytes, "a snapshot was taken");
}

/// What went wrong last, and when it was told: a disk that stays full is no news each second.
#[derive(Default)]
struct Trouble(Option<(String, Instant)>);

impl Trouble {
    fn tell(&mut self, text: String) {
        let told = self.0.as_ref().is_some_and(|(last, at)| *last == text && at.elapsed() < REMIND);
        if !told {
            tracing::warn!("looking after the data folder failed, it is tried again: {text}");
            self.0 = Some((text, Instant::now()));
        }
    }
}

/// Ready when the journal has failed: why. Then nothing is acknowledged any more, and only a new
/// start can tell what is on the disk.
pub(super) async fn failure(store: &Store) -> String {
    let mut ticks = every(TICK);
    loop {
        ticks.tick().await;
        if let Some(failure) = store.failure() {
            return failure;
        }
    }
}

/// Closes the store. That its last snapshot failed loses nothing: the journal has it all.
pub(super) async fn close(app: App) {
    let now = app.clock.now();
    match spawn_blocking(move || app.store.close(now)).await {
        Ok(Ok(())) => {}
        Ok(Err(failed)) => tracing::warn!("the last snapshot failed, the next start takes longer: {failed}"),
        Err(_) => tracing::error!("closing the data folder failed: a bug in the server"),
    }
}
