//! Threads beside the runtime's, for work that takes a processor for a while.
//!
//! The runtime's own threads then have little to do, and who has slept is let run at once: the
//! system makes a thread that was busy wait behind others, for milliseconds, and with it everybody
//! whose connection it serves.
//!
//! They are as many as there are turns, and stay: an allocator keeps what a thread has freed for that
//! thread, so spread over all those of a large pool, the same work would hold many times its memory.

use crossbeam_channel::Sender;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::panic::resume_unwind;
use std::sync::OnceLock;
use std::thread;
use tokio::sync::oneshot;

/// They begin with the first job, and end when this is dropped.
pub(super) struct Threads {
    name: &'static str,
    most: usize,
    jobs: OnceLock<Sender<Job>>,
}

type Job = Box<dyn FnOnce() + Send>;

impl Threads {
    pub(super) fn new(name: &'static str, most: usize) -> Self {
        Self { name, most, jobs: OnceLock::new() }
    }

    /// Does something on one of them; `None` where there is none. It is done to its end, also when
    /// nobody waits for it any more. A panic goes on in who waits.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (tell, told) = oneshot::channel();
        let job = Box::new(move || {
            let _ = tell.send(catch_unwind(AssertUnwindSafe(work)));
        });
        self.jobs().send(job).ok()?;
        match told.await.ok()? {
            Ok(done) => Some(done),
            Err(panic) => resume_unwind(panic),
        }
    }

    fn jobs(&self) -> &Sender<Job> {
        self.jobs.get_or_init(|| {
            let (jobs, due) = crossbeam_channel::unbounded::<Job>();
            for _ in 0..self.most {
                let due = due.clone();
                let work = move || due.iter().for_each(|job| job());
                if let Err(error) = thread::Builder::new().name(self.name.to_owned()).spawn(work) {
                    tracing::warn!(%error, name = self.name, "a thread could not begin");
                }
            }
            jobs
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_done_elsewhere_and_its_panic_comes_back() {
        let threads = Threads::new("test", 2);
        let name = threads.run(|| thread::current().name().map(str::to_owned)).await;
        assert_eq!(name.flatten().as_deref(), Some("test"));
        let threads = std::sync::Arc::new(threads);
        let waits = std::sync::Arc::clone(&threads);
        let panicked = tokio::spawn(async move { waits.run(|| panic!("planted")).await }).await;
        assert!(panicked.is_err_and(|error| error.is_panic()), "it goes on in who waits");
        assert_eq!(threads.run(|| 7).await, Some(7), "and the thread goes on");
    }
}
