//! The tokens in force, and the file that they come from.

use super::file;
use super::file::Stamp;
use super::file::TokensError;
use super::secret;
use super::secret::Digest;
use super::token::Token;
use crate::engine::time::Timestamp;

use parking_lot::Mutex;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Tokens by their id.
pub(super) struct Tokens {
    by_id: HashMap<Arc<str>, Token>,
    nobody: Digest,
}

impl Tokens {
    fn new(tokens: Vec<Token>) -> Self {
        let by_id = tokens.into_iter().map(|token| (Arc::clone(&token.id), token)).collect();
        Self { by_id, nobody: Digest::presented("") }
    }

    /// The token of this text, if it is in force. An id that is not known costs what a known one
    /// does, so that nobody learns which there are.
    pub(super) fn find(&self, text: &str, now: Timestamp) -> Option<&Token> {
        let (id, secret) = secret::split(text).unwrap_or_default();
        let token = self.by_id.get(id);
        let matches = Digest::presented(secret).matches(token.map_or(&self.nobody, |token| &token.digest));
        token.filter(|token| matches && !token.is_expired(now))
    }

    /// Whether a token is in force still.
    pub(super) fn holds(&self, id: &str, now: Timestamp) -> bool {
        self.by_id.get(id).is_some_and(|token| !token.is_expired(now))
    }
}

/// The tokens of a file that may change.
///
/// A file that comes into being is as good as one that was there: from then on, tokens are asked
/// for. One that goes, or that can't be read, changes nothing: who wants a server without tokens
/// starts one without the file.
pub(super) struct Watched {
    path: PathBuf,
    current: RwLock<Option<Arc<Tokens>>>, // `None` as long as there has been no file
    seen: Mutex<Option<Stamp>>,
}

impl Watched {
    pub(super) fn open(path: PathBuf) -> Result<Self, TokensError> {
        let seen = file::stamp(&path);
        let current = file::read(&path)?.map(|tokens| Arc::new(Tokens::new(tokens)));
        Ok(Self { path, current: RwLock::new(current), seen: Mutex::new(seen) })
    }

    pub(super) fn current(&self) -> Option<Arc<Tokens>> {
        self.current.read().clone()
    }

    /// Reads the file again if it is another one than last time.
    pub(super) fn refresh(&self) {
        let (now, mut seen) = (file::stamp(&self.path), self.seen.lock());
        if *seen != now {
            // What changes while it is read gives another stamp next time.
            *seen = now;
            self.read();
        }
    }

    /// Reads the file again.
    pub(super) fn reload(&self) {
        let mut seen = self.seen.lock();
        *seen = file::stamp(&self.path);
        self.read();
    }

    fn read(&self) {
        match file::read(&self.path) {
            Ok(Some(tokens)) => {
                tracing::info!(tokens = tokens.len(), "the access tokens were read again");
                *self.current.write() = Some(Arc::new(Tokens::new(tokens)));
            }
            Ok(None) if self.current.read().is_none() => {}
            Ok(None) => tracing::error!(
                "{} is gone; the tokens that were in it hold until the server starts again",
                self.path.display()
            ),
            Err(fault) => tracing::error!("the access tokens can't be read, those from before hold on: {fault}"),
        }
    }
}
