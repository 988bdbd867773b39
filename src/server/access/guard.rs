//! What stands before every route.

use super::Access;
use super::Denied;
use super::Scope;
use crate::clock::Clock;
use crate::server::App;
use crate::server::counters::Counters;
use crate::server::counters::Refusal;
use crate::server::error::Problem;
use crate::server::origin::same_origin;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
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

    /// Lets a request through to its route with its [`Caller`](super::Caller), or refuses it.
    pub(in crate::server) async fn route(
        self: Arc<Self>,
        scope: Scope,
        mut request: Request,
        next: Next,
    ) -> Result<Response, Problem> {
        match self.access.judge(scope, request.headers(), self.clock.now()) {
            Ok(caller) => {
                // What changes nothing may be asked by any page: it can't read the answer. A page
                // that shows a token got it from its user.
                if !request.method().is_safe() && !caller.has_token() {
                    same_origin(request.headers()).inspect_err(|_| self.counters.refuse(Refusal::Forbidden))?;
                }
                request.extensions_mut().insert(caller);
                Ok(next.run(request).await)
            }
            Err(denied) => {
                self.counters.refuse(denied.refusal());
                Err(denied.into())
            }
        }
    }

    /// Refuses what is meant for a server of another name; also where there is no such route.
    pub(in crate::server) async fn host(self: Arc<Self>, request: Request, next: Next) -> Result<Response, Problem> {
        if self.access.is_meant(&request) {
            return Ok(next.run(request).await);
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
