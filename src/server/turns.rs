//! Turns of counting: so many bodies are counted at a time, and fewer while questions are answered.
//!
//! People wait for the answer to a question, which takes a processor for some milliseconds. Beside as many
//! counting threads as there are turns it would get a fraction of one, and take several times as long. Counting
//! loses little by leaving it a processor: that one is busy, too.

use super::settings::processors;
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

/// So many bodies are counted at a time for each processor: one, and one more while that one waits.
const TURNS: usize = 2;

/// So many are counted at a time, where there are no questions.
pub(super) fn most() -> usize {
    TURNS * processors()
}

/// Says whose body is counted next.
pub(super) struct Turns {
    free: Arc<Semaphore>,
    most: usize,
    processors: usize,
    kept: Mutex<Kept>,
}

/// Turns that are not given while there are questions.
#[derive(Default)]
struct Kept {
    questions: usize,
    turns: usize,
}

/// A body is being counted, until this is dropped.
pub(super) struct Turn {
    turns: Arc<Turns>,
    permit: Option<OwnedSemaphorePermit>,
}

/// A question is being answered, until this is dropped.
pub(super) struct Asked(Arc<Turns>);

impl Turns {
    pub(super) fn new(most: usize, processors: usize) -> Arc<Self> {
        Arc::new(Self { free: Arc::new(Semaphore::new(most)), most, processors, kept: Mutex::default() })
    }

    /// The next turn, in the order in which they are asked for.
    pub(super) async fn next(self: &Arc<Self>) -> Turn {
        let permit = Arc::clone(&self.free).acquire_owned().await.expect("it is never closed");
        Turn { turns: Arc::clone(self), permit: Some(permit) }
    }

    /// Begins with a question: counting has a processor fewer for each, and one at least.
    pub(super) fn ask(self: &Arc<Self>) -> Asked {
        let mut kept = self.kept.lock();
        kept.questions += 1;
        kept.turns += self.free.forget_permits(self.missing(&kept));
        drop(kept);
        Asked(Arc::clone(self))
    }

    /// How many more turns should be kept.
    fn missing(&self, kept: &Kept) -> usize {
        self.wanted(kept.questions).saturating_sub(kept.turns)
    }

    fn wanted(&self, questions: usize) -> usize {
        if questions == 0 { 0 } else { self.most - self.processors.saturating_sub(questions).max(1) }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut kept = self.turns.kept.lock();
        if self.turns.missing(&kept) > 0 {
            kept.turns += 1;
            self.permit.take().into_iter().for_each(OwnedSemaphorePermit::forget);
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let mut kept = self.0.kept.lock();
        kept.questions -= 1;
        let given = kept.turns.saturating_sub(self.0.wanted(kept.questions));
        kept.turns -= given;
        self.0.free.add_permits(given);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    async fn now(turns: &Arc<Turns>) -> Option<Turn> {
        tokio::time::timeout(Duration::from_millis(20), turns.next()).await.ok()
    }

    #[tokio::test]
    async fn questions_leave_fewer_turns_and_one_at_least() {
        let turns = Turns::new(8, 4);
        let held: Vec<Turn> = [now(&turns).await, now(&turns).await].into_iter().flatten().collect();
        let asked: Vec<Asked> = (0..9).map(|_| turns.ask()).collect();
        assert!(now(&turns).await.is_none(), "two are counted, one would be enough");
        drop(held);
        let one = now(&turns).await.expect("one at least");
        assert!(now(&turns).await.is_none());
        drop(one);
        assert!(now(&turns).await.is_some(), "its turn is for the next one");
        drop(asked);
        assert_eq!(turns.free.available_permits(), 8, "and all are back");
    }

    #[tokio::test]
    async fn a_turn_that_ends_is_kept_for_a_question_rather_than_given_to_who_waits() {
        let turns = Turns::new(4, 2);
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(turns.next().await);
        }
        let asked = turns.ask();
        let waits = tokio::spawn({
            let turns = Arc::clone(&turns);
            async move { turns.next().await }
        });
        tokio::task::yield_now().await;
        held.truncate(1);
        tokio::task::yield_now().await;
        assert!(!waits.is_finished(), "three are kept");
        drop(asked);
        assert!(waits.await.is_ok());
    }
}
