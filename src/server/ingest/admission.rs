//! Who may have events counted now: as many as will be done soon.
//!
//! ```text
//! head ─ admission: is there room? ─▶ body arrives ─ admission: is there still? ─▶ counted ─▶ synced
//!              ├─ waits at the door                     └─▶ 503
//!              └─▶ 503, and the body is thrown away
//! ```
//!
//! A few requests are counted at a time, in the order in which their bodies were whole. How long a
//! new one would wait is estimated: from the work of those before it, and from how long others took
//! for the work they had found. Where that is longer than [`Settings::max_wait`], it is turned away, and
//! those that were let in do not wait for long. It is not turned away at once, but waits at the door for a little
//! while: clients that send again at once have a body read only to be thrown away, while one that the server has
//! not begun to read waits with its sender, and costs nothing. Since few are
//! counted at a time, other tasks of the runtime, such as turning somebody away, have their turn
//! soon; and since it costs little, nearly all the processors' time goes to what is counted.
//!
//! A body under way does not count as work: it may be a slow one, or never come.

use super::request::Encoding;
use crate::server::Settings;
use crate::server::error::Problem;
use crate::server::settings::processors;
use crate::server::turns;
use crate::server::turns::Turns;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

/// The work of a request, in nominal nanoseconds: what they come to is measured.
const REQUEST_NS: u64 = 30_000;
const BYTE_NS: u64 = 8;
/// A compressed byte stands for about this many.
const UNPACKED: u64 = 8;
/// So many requests for each processor are let in however long they take: a few long ones are no
/// overload.
const ALWAYS: usize = 4;
/// How long a request waits at the door before it is turned away, who has to be told within 50 ms; and how often
/// it looks meanwhile.
const AT_THE_DOOR: Duration = Duration::from_millis(20);
const LOOKS: u32 = 4;
/// The newest of so many requests makes the difference of one in what is measured.
const MEMORY: u64 = 16;
/// Requests in the upper bits, their work in the lower ones.
const ONE: u64 = 1 << 48;
const WORK: u64 = ONE - 1;

/// Lets requests in, or turns them away.
pub(super) struct Admission {
    max_wait: u64,
    always: u64,
    turns: Arc<Turns>,
    under_way: AtomicU64,
    /// What requests took lately, and the work they had found under way, in ns. Their ratio is what
    /// a nominal nanosecond takes. They are two stores, and may be lost to another's: it is a guess.
    took: AtomicU64,
    found: AtomicU64,
}

/// The work of a request that waits or is being counted; done when this is dropped.
struct Claim {
    admission: Arc<Admission>,
    work: u64,
}

/// A request being counted, until this is dropped. It goes where the counting is done: work that nobody waits for any
/// more is work.
pub(super) struct Turn {
    claim: Claim,
    since: Instant,
    found: u64,
    _turn: turns::Turn,
}

impl Admission {
    pub(super) fn new(settings: &Settings, turns: Arc<Turns>) -> Self {
        let max_wait = u64::try_from(settings.max_wait.as_nanos()).unwrap_or(u64::MAX);
        let guess = || AtomicU64::new(REQUEST_NS);
        Self {
            max_wait,
            always: (ALWAYS * processors()) as u64,
            turns,
            under_way: AtomicU64::new(0),
            took: guess(),
            found: guess(),
        }
    }

    /// Waits until a request would find room. Nothing is promised by it.
    ///
    /// # Errors
    /// 503 where there was none for [`AT_THE_DOOR`].
    pub(super) async fn wait_at_the_door(&self) -> Result<(), Problem> {
        for _ in 0..LOOKS {
            if self.look().is_ok() {
                return Ok(());
            }
            tokio::time::sleep(AT_THE_DOOR / LOOKS).await;
        }
        self.look()
    }

    /// Whether a request would find room now.
    fn look(&self) -> Result<(), Problem> {
        self.judge(self.under_way.load(Ordering::Relaxed))
    }

    /// Lets a request in whose body is whole, once it is its turn.
    ///
    /// # Errors
    /// 503 where it would have to wait for too long.
    pub(super) async fn enter(self: &Arc<Self>, bytes: usize, encoding: Encoding) -> Result<Turn, Problem> {
        let unpacked = if encoding == Encoding::Identity { 1 } else { UNPACKED };
        let work = (REQUEST_NS + bytes as u64 * unpacked * BYTE_NS).min(WORK >> 16);
        let before = self.under_way.fetch_add(ONE | work, Ordering::Relaxed);
        let claim = Claim { admission: Arc::clone(self), work };
        self.judge(before)?;
        let since = Instant::now();
        let turn = self.turns.next().await;
        Ok(Turn { claim, since, found: (before & WORK) + work, _turn: turn })
    }

    fn judge(&self, under_way: u64) -> Result<(), Problem> {
        if under_way / ONE < self.always || self.expected(under_way & WORK) <= self.max_wait {
            return Ok(());
        }
        Err(Problem::busy("more events come in than can be counted; send these again soon"))
    }

    /// How long so much work will take.
    fn expected(&self, work: u64) -> u64 {
        let (took, found) = (self.took.load(Ordering::Relaxed), self.found.load(Ordering::Relaxed));
        let expected = u128::from(work) * u128::from(took) / u128::from(found.max(1));
        u64::try_from(expected).unwrap_or(u64::MAX)
    }

    fn learn(&self, took: Duration, found: u64) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX >> 1);
        let mix = |old: &AtomicU64, new: u64| {
            let mixed = old.load(Ordering::Relaxed) / MEMORY * (MEMORY - 1) + new / MEMORY;
            old.store(mixed.max(1), Ordering::Relaxed);
        };
        mix(&self.took, took);
        mix(&self.found, found);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.admission.under_way.fetch_sub(ONE | self.work, Ordering::Relaxed);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.claim.admission.learn(self.since.elapsed(), self.found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::threads::Threads;

    const MIB: usize = 1 << 20;

    fn with_turns(turns: usize) -> Arc<Admission> {
        let settings = Settings { max_wait: Duration::from_millis(100), ..Settings::default() };
        Arc::new(Admission { always: 4, ..Admission::new(&settings, Turns::new(turns, turns)) })
    }

    fn admission() -> Arc<Admission> {
        with_turns(100)
    }

    async fn enter(admission: &Arc<Admission>, bytes: usize) -> Option<Turn> {
        admission.enter(bytes, Encoding::Identity).await.ok()
    }

    #[tokio::test]
    async fn work_is_taken_until_it_would_take_too_long() {
        let admission = admission();
        let mut inside = Vec::new();
        while let Some(turn) = enter(&admission, MIB).await {
            inside.push(turn);
        }
        // 8.4 ms each as long as nothing was measured: twelve come to 100 ms.
        assert_eq!(inside.len(), 12);
        assert!(admission.look().is_err());
        let before = admission.under_way.load(Ordering::Relaxed);
        assert!(enter(&admission, 1).await.is_none());
        assert_eq!(admission.under_way.load(Ordering::Relaxed), before, "who is turned away leaves nothing");
        inside.truncate(6);
        assert!(admission.look().is_ok());
        inside.clear();
        assert_eq!(admission.under_way.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn who_finds_no_room_waits_for_some_at_the_door_and_not_for_long() {
        let admission = admission();
        let mut inside = Vec::new();
        while let Some(turn) = enter(&admission, MIB).await {
            inside.push(turn);
        }
        let since = Instant::now();
        assert!(admission.wait_at_the_door().await.is_err());
        assert!(since.elapsed() >= AT_THE_DOOR);
        let (told, ()) = tokio::join!(admission.wait_at_the_door(), async { inside.truncate(6) });
        assert!(told.is_ok());
    }

    #[tokio::test]
    async fn a_few_are_counted_at_a_time_and_others_wait() {
        let admission = with_turns(1);
        let first = enter(&admission, 1).await.unwrap();
        let wait = tokio::time::timeout(Duration::from_millis(20), enter(&admission, 1));
        assert!(wait.await.is_err(), "it waits");
        assert_eq!(admission.under_way.load(Ordering::Relaxed) / ONE, 1, "and gave up");
        let (second, ()) = tokio::join!(enter(&admission, 1), async { drop(first) });
        assert!(second.is_some());
    }

    #[tokio::test]
    async fn a_turn_lasts_as_long_as_its_work_whoever_waits_for_it() {
        let (admission, threads) = (with_turns(1), Threads::new("test", 1));
        let turn = enter(&admission, 1).await.unwrap();
        let (done, wait) = crossbeam_channel::bounded::<()>(0);
        let work = threads.run(move || {
            let _turn = turn;
            let _ = wait.recv();
        });
        let soon = Duration::from_millis(20);
        assert!(tokio::time::timeout(soon, work).await.is_err(), "its client has gone");
        assert!(tokio::time::timeout(soon, enter(&admission, 1)).await.is_err(), "the work has not");
        done.send(()).unwrap();
        assert!(enter(&admission, 1).await.is_some());
    }

    #[test]
    fn what_it_takes_is_learnt() {
        let admission = admission();
        let work = 8 * MIB as u64;
        for _ in 0..200 {
            admission.learn(Duration::from_millis(80), work);
        }
        assert!((79..82).contains(&(admission.expected(work) / 1_000_000)));
        admission.learn(Duration::from_millis(30), 30_000);
        assert!(admission.expected(work) < 120_000_000, "one slow small request makes no difference");
    }

    #[tokio::test]
    async fn a_few_are_let_in_however_long_they_take() {
        let admission = admission();
        (0..200).for_each(|_| admission.learn(Duration::from_secs(9), 1_000));
        let mut inside = Vec::new();
        while let Some(turn) = enter(&admission, 16 * MIB).await {
            inside.push(turn);
        }
        assert_eq!(inside.len(), 4);
    }

    #[tokio::test]
    async fn compressed_bytes_weigh_more() {
        let admission = admission();
        let plain = admission.enter(MIB, Encoding::Identity).await.ok().unwrap();
        let packed = admission.enter(MIB, Encoding::Zstd).await.ok().unwrap();
        assert!(packed.claim.work > 7 * plain.claim.work);
    }
}
