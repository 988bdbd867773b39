//! What stands before every route.

use super::Access;
use super::Caller;
use super::Denied;
use super::Scope;
use crate::clock::Clock;
use crate::server::App;
use crate::server::counters::Counters;
use crate::server::counters::Refusal;
use crate::server::error::Problem;
use crate::server::origin::same_origin;
use axum::http::HeaderValue;
use axum::http::Request;
use axum::http::StatusCode;
use axum::http::header;
use std::sync::Arc;

/// What refuses a request before its handler sees it.
pub(in crate::server) struct Guard {
    access: Arc<Access>,
    counters: Arc<Counters>,
    clock: Arc<dyn Clock>,
}

impl Guard {
    pub(in crate::server) fn of(app: &App) -> Arc<Self> {
        let App { access, counters, clock, .. } = app;
        Arc::new(Self { access: Arc::clone(access), counters: Arc::clone(counters), clock: Arc::clone(clock) })
    }

    /// The [`Caller`] of a request, if the route of this scope is for them.
    ///
    /// # Errors
    /// 401 or 403.
    pub(in crate::server) fn admit<B>(&self, scope: Scope, request: &Request<B>) -> Result<Caller, Problem> {
        match self.access.judge(scope, request.headers(), &*self.clock) {
            Ok(caller) => {
                // What changes nothing may be asked by any page: it can't read the answer. A page
                // that shows a token got it from its user.
                if !request.method().is_safe() && !caller.has_token() {
                    same_origin(request.headers()).inspect_err(|_| self.counters.refuse(Refusal::Forbidden))?;
                }
                Ok(caller)
            }
            Err(denied) => {
                self.counters.refuse(denied.refusal());
                Err(denied.into())
            }
        }
    }

    /// Refuses what is meant for a server of another name; also where there is no such route.
    ///
    /// # Errors
    /// 421.
    pub(in crate::server) fn check_host<B>(&self, request: &Request<B>) -> Result<(), Problem> {
        if self.access.is_meant(request) {
            return Ok(());
        }
        self.counters.refuse(Refusal::Host);
        let detail = "this server does not go by the name in `host`; the setting `hosts` lists further ones";
        Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, detail))
    }
}

impl Denied {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Unknown => Refusal::Unauthorized,
            Self::NotFor(_) | Self::Confined(_) => Refusal::Forbidden,
        }
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Unknown => Self::new(
                StatusCode::UNAUTHORIZED,
                "this needs an access token that is in force, in the header `authorization: Bearer tr_…`; `tallyring \
                 token create` makes one",
            )
            .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
            Denied::NotFor(needed) => {
                let word = needed.word();
                let detail = format!("this needs a token with the scope {word}; this one has not got it");
                Self::new(StatusCode::FORBIDDEN, detail).with_member("scope", word)
            }
            Denied::Confined(names) => {
                let names = names.join(", ");
                let detail = format!("this is about all calls; this token sees some only, confined by {names}");
                Self::new(StatusCode::FORBIDDEN, detail).with_member("confined_by", names)
            }
        }
    }
}
