//! What a token is for.

use super::Scope;

/// What the holder of a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grant {
    /// Send calls.
    Ingest,
    /// Ask about calls.
    Read,
    /// Everything.
    Admin,
}

impl Grant {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ingest, Self::Read, Self::Admin];

    /// Its word, in the file of tokens and on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }

    /// The one of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.word() == word)
    }

    /// Whether who has this one may do what takes `needed`.
    #[must_use]
    pub fn includes(self, needed: Self) -> bool {
        self == needed || self == Self::Admin
    }

    /// What a route of this scope takes; `None` for what is open to all.
    #[must_use]
    pub fn any_for(scope: Scope) -> Option<Self> {
        match scope {
            Scope::Open => None,
            Scope::Ingest => Some(Self::Ingest),
            Scope::Read | Scope::ReadAll => Some(Self::Read),
            Scope::Admin => Some(Self::Admin),
        }
    }
}
