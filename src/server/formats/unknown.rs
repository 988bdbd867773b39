//! Field names nobody knows: ignored, and mentioned once in the log.

use parking_lot::RwLock;
use std::collections::HashSet;

/// How many names are remembered; beyond, nothing more is logged.
const MAX_NAMES: usize = 256;
/// A longer name is not logged by its text, nor one of other characters than an ordinary field
/// has: it may be somebody's key.
const MAX_NAME_BYTES: usize = 24;

/// The unknown names met so far.
#[derive(Default)]
pub(super) struct UnknownNames(RwLock<HashSet<Box<str>>>);

impl UnknownNames {
    /// Logs a name the first time it is met.
    pub(super) fn note(&self, name: &str) {
        let name = loggable(name);
        if self.is_news(name) {
            tracing::info!(field = name, "ignoring an unknown field");
        }
    }

    /// Whether a name was not met before. The common case, an old one, takes no exclusive lock.
    fn is_news(&self, name: &str) -> bool {
        let settled = {
            let met = self.0.read();
            met.contains(name) || met.len() >= MAX_NAMES
        };
        !settled && self.0.write().insert(name.into())
    }
}

fn loggable(name: &str) -> &str {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'.';
    if name.len() <= MAX_NAME_BYTES && name.bytes().all(plain) { name } else { "(other)" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_remembered_within_bounds() {
        let names = UnknownNames::default();
        assert!(names.is_news("a"));
        assert!(!names.is_news("a"), "a name is news once");
        (0..2 * MAX_NAMES).for_each(|n| names.note(&format!("field_{n}")));
        assert_eq!(names.0.read().len(), MAX_NAMES);
    }

    #[test]
    fn a_name_that_may_be_a_secret_or_a_trick_is_not_logged() {
        for name in ["sk-canary-1", "a\u{1b}[2J", "a\nb", "x".repeat(25).as_str(), "naïve"] {
            assert_eq!(loggable(name), "(other)");
        }
        assert_eq!(loggable("custom_llm_provider"), "custom_llm_provider");
    }
}
