//! Places where a test may have the process die, to see what it leaves behind.
//!
//! In debug builds the environment variable `TALLYRING_FAILPOINT` names one of [`NAMES`], and
//! after a colon which passing of it is the last: `journal.written:3`. The process is killed, not
//! ended: nothing is flushed and no destructor runs. In release builds a failpoint is nothing.

/// All of them.
pub const NAMES: &[&str] = &[
    // A group of frames.
    "journal.write",
    "journal.written",
    "journal.sync",
    "journal.synced",
    "journal.published",
    "journal.marked",
    // A segment.
    "journal.sealed",
    "journal.segment.written",
    "journal.segment.synced",
    "journal.segment.renamed",
    "journal.segment.durable",
    // Pruning, around each file.
    "journal.prune",
    "journal.pruned",
    // Recovery of a torn tail.
    "journal.torn.found",
    "journal.torn.copied",
    "journal.torn.cut",
    "journal.torn.reserved",
    // A snapshot.
    "snapshot.create",
    "snapshot.created",
    "snapshot.writing",
    "snapshot.sync",
    "snapshot.synced",
    "snapshot.renamed",
    "snapshot.durable",
    // Removing old ones, around each file.
    "snapshot.remove",
    "snapshot.removed",
    // The store: a request, a start, a snapshot and what it allows.
    "store.appended",
    "store.counted",
    "store.replay.frame",
    "store.replayed",
    "store.image.taken",
    "store.snapshot.published",
    "store.tidy.before",
    "store.tidy.after",
];

/// Passes a place; the process may end here.
#[cfg(debug_assertions)]
pub(crate) fn hit(name: &'static str) {
    assert!(NAMES.contains(&name), "list the failpoint `{name}`");
    armed::pass(name);
}

/// Passes a place.
#[cfg(not(debug_assertions))]
pub(crate) fn hit(_: &'static str) {}

#[cfg(debug_assertions)]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::AtomicU64;
    use std::sync::atomic::Ordering;

    /// Where to die, and at which passing.
    static ARMED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);

    pub(super) fn pass(name: &str) {
        let armed = ARMED.get_or_init(|| std::env::var("TALLYRING_FAILPOINT").ok().map(|text| parse(&text)));
        if let Some((at, last)) = armed
            && at == name
            && PASSED.fetch_add(1, Ordering::Relaxed) + 1 == *last
        {
            die();
        }
    }

    pub(super) fn parse(text: &str) -> (String, u64) {
        let (name, last) = text.split_once(':').unwrap_or((text, "1"));
        (name.to_owned(), last.parse().unwrap_or(1))
    }

    fn die() {
        // Should the signal not be sent, ending without unwinding is as near as can be.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        std::process::abort();
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    #[test]
    fn a_failpoint_is_named_with_its_passing() {
        assert_eq!(armed::parse("journal.sync"), ("journal.sync".to_owned(), 1));
        assert_eq!(armed::parse("journal.sync:7"), ("journal.sync".to_owned(), 7));
    }

    #[test]
    fn names_are_unique() {
        let unique: std::collections::BTreeSet<_> = NAMES.iter().collect();
        assert_eq!(unique.len(), NAMES.len());
    }
}
