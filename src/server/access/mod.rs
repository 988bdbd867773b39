//! Who may ask what: every route declares its [`Scope`], every request has a caller.
//!
//! ```text
//! request ─▶ is this server meant? ─▶ a route ─▶ is it for who asks? ─▶ Caller, in the request's extensions ─▶ handler
//!                   └──▶ 421                            └──▶ 401 or 403
//! ```
//!
//! Tokens are asked for as soon as there is a file of them. What a confined caller may see is
//! `Caller::confine`'s to say.

mod caller;
mod file;
mod grant;
mod guard;
mod hosts;
pub mod secret;
mod token;
mod tokens;
mod whoami;

pub use caller::Only;
pub use file::TOKENS_FILE;
pub use file::TokensError;
pub use file::read as read_tokens;
pub use file::write as write_tokens;
pub use grant::Grant;
pub use token::Token;

pub(super) use caller::Caller;
pub(super) use guard::Guard;
pub(super) use whoami::routes;

use crate::clock::Clock;
use crate::engine::time::Timestamp;
use axum::http::HeaderMap;
use axum::http::Request;
use axum::http::header;
use hosts::Hosts;
use std::net::IpAddr;
use std::path::PathBuf;
use tokens::Watched;

/// What a route asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Nothing: whoever can reach the server may ask.
    Open,
    /// To send calls.
    Ingest,
    /// To ask about calls. A caller who sees some calls only is answered about those.
    Read,
    /// To ask about the whole: figures of the server itself, snapshots. A caller who sees some
    /// calls only is refused.
    ReadAll,
    /// To change what is kept.
    Admin,
}

/// Who may ask.
#[derive(Default)]
pub struct Access {
    tokens: Option<Watched>,
    hosts: Hosts,
}

/// Why a caller is not let through.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Denied {
    /// No token in force: which of the reasons it is, is not told.
    Unknown,
    /// The token is not for this.
    NotFor(Grant),
    /// The token is for this, but not for the whole: by what it is confined.
    Confined(Vec<String>),
}

impl Access {
    /// Everybody may ask everything: for a server that only its own program can reach.
    #[must_use]
    pub fn open() -> Self {
        Self::default()
    }

    /// Those with a token of this file, as soon as it is there; until then, everybody. The server
    /// looks at the file twice a second.
    ///
    /// Answers are for requests that call the server by a name of this machine, by the address it
    /// listens on, or by one of `hosts`; where tokens are asked for and there are no `hosts`, any
    /// name will do.
    ///
    /// # Errors
    /// [`TokensError`] where there is a file that can't be used.
    pub fn with_tokens(file: PathBuf, listen: IpAddr, hosts: &[String]) -> Result<Self, TokensError> {
        Ok(Self { tokens: Some(Watched::open(file)?), ..Self::without_tokens(listen, hosts) })
    }

    /// Everybody who calls the server by a name of this machine, by the address it listens on, or by
    /// one of `hosts`.
    #[must_use]
    pub fn without_tokens(listen: IpAddr, hosts: &[String]) -> Self {
        let named = hosts.iter().map(|host| host.trim_end_matches('.').to_ascii_lowercase()).collect();
        Self { tokens: None, hosts: Hosts { listen: Some(listen), named } }
    }

    /// Whether a token is asked for.
    #[must_use]
    pub fn asks_for_tokens(&self) -> bool {
        self.tokens.as_ref().is_some_and(|tokens| tokens.current().is_some())
    }

    /// Reads the file of tokens again, changed or not. One that can't be read changes nothing; the
    /// log says why.
    pub fn reload(&self) {
        if let Some(tokens) = &self.tokens {
            tokens.reload();
        }
    }

    /// The same where the file is another one than last time.
    pub(super) fn refresh(&self) {
        if let Some(tokens) = &self.tokens {
            tokens.refresh();
        }
    }

    /// Whether a caller who was let through once still would be: for answers that go on for long.
    pub(super) fn still_knows(&self, caller: &Caller, now: Timestamp) -> bool {
        let current = self.tokens.as_ref().and_then(Watched::current);
        match (current, &caller.token) {
            (None, _) => true,
            (Some(tokens), Some(id)) => tokens.holds(id, now),
            (Some(_), None) => false,
        }
    }

    fn is_meant<B>(&self, request: &Request<B>) -> bool {
        self.hosts.knows(request, self.asks_for_tokens())
    }

    /// The caller of a request, if a route of this scope is for them.
    fn judge(&self, scope: Scope, headers: &HeaderMap, clock: &dyn Clock) -> Result<Caller, Denied> {
        let Some(tokens) = self.tokens.as_ref().and_then(Watched::current) else { return Ok(Caller::default()) };
        let Some(needed) = Grant::any_for(scope) else { return Ok(Caller::nobody()) };
        let found = bearer(headers).and_then(|text| tokens.find(text, clock.now()));
        let caller = found.ok_or(Denied::Unknown)?.caller();
        if !caller.may(needed) {
            return Err(Denied::NotFor(needed));
        }
        if caller.is_confined() && matches!(scope, Scope::ReadAll | Scope::Admin) {
            return Err(Denied::Confined(caller.only.keys().cloned().collect()));
        }
        Ok(caller)
    }
}

/// The token of `authorization: Bearer …`, the scheme in any case. Of two such headers, nobody
/// could tell which one a proxy in front has judged: then there is none.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut told = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(only), None) = (told.next(), told.next()) else { return None };
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
}
