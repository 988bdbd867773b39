//! One question and who asks it. The engine is reached through here alone, so that no answer can be
//! about calls that its caller may not see.

use super::params::Params;
use crate::engine::Engine;
use crate::engine::Extent;
use crate::engine::Value;
use crate::engine::config::Config;
use crate::engine::event::Dimension;
use crate::engine::query::Filter;
use crate::engine::query::Query;
use crate::engine::query::QueryError;
use crate::engine::query::Usage;
use crate::engine::recent::CallPage;
use crate::engine::recent::CallQuery;
use crate::engine::reports::Reports;
use crate::engine::time::Timestamp;
use crate::server::App;
use crate::server::access::Caller;
use crate::server::error::Problem;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::Uri;
use std::fmt::Display;

/// One question: the request, who asks, who answers, and as of which instant.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) app: App,
    pub(super) now: Timestamp,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) path: Option<String>,
    caller: Caller,
    engine: Engine,
}

impl Ask {
    pub(super) fn new(app: App, caller: Caller, path: Option<String>, uri: Uri, headers: HeaderMap) -> Self {
        let (engine, now) = (app.store.engine().clone(), app.clock.now());
        Self { app, now, uri, headers, path, caller, engine }
    }

    /// The same question about the past.
    pub(super) fn of(&self, engine: Engine, now: Timestamp) -> Self {
        Self { engine, now, ..self.clone() }
    }

    pub(super) fn config(&self) -> &Config {
        self.engine.config()
    }

    /// Whether whoever asks sees some calls only: then figures of the whole are not for them.
    pub(super) fn is_confined(&self) -> bool {
        self.caller.is_confined()
    }

    /// An aggregate question.
    pub(super) fn query(&self, query: &Query) -> Result<Usage, QueryError> {
        if !self.is_confined() {
            return self.engine.query(query, self.now);
        }
        let query = Query { filters: self.confine(query.filters.clone()), ..query.clone() };
        self.engine.query(&query, self.now)
    }

    /// The named reports.
    pub(super) fn reports(&self) -> Reports<'_> {
        self.engine.reports(self.now).within(self.confine(Vec::new()))
    }

    /// Call details, newest first.
    pub(super) fn calls(&self, query: CallQuery) -> Result<CallPage, impl Display + use<>> {
        let query = CallQuery { filters: self.confine(query.filters), ..query };
        if query.filters.iter().any(|filter| filter.values.is_empty()) {
            return Ok(CallPage { complete: true, ..CallPage::default() });
        }
        self.app.store.calls(&query)
    }

    /// The values of a dimension that contain `part`, by name.
    pub(super) fn values(&self, dimension: Dimension, part: &str, limit: usize) -> Vec<Value> {
        self.engine.values_within(dimension, part, &self.confine(Vec::new()), limit)
    }

    /// How many values and series there are.
    pub(super) fn extent(&self) -> Extent {
        self.engine.extent(&self.confine(Vec::new()))
    }

    fn confine(&self, filters: Vec<Filter>) -> Vec<Filter> {
        self.caller.confine(filters, self.config())
    }

    /// The parameters of the query string, each of `single` at most once.
    pub(super) fn params(&self, single: &'static [&'static str]) -> Result<Params, Problem> {
        Params::read(&self.uri, single, None, &self.app.keyring)
    }

    /// The same, and any dimension as a filter.
    pub(super) fn filtered_params(&self, single: &'static [&'static str]) -> Result<Params, Problem> {
        Params::read(&self.uri, single, Some(self.config()), &self.app.keyring)
    }

    /// The variable part of the path, percent-decoded.
    pub(super) fn path(&self) -> Result<&str, Problem> {
        let refused = || Problem::new(StatusCode::BAD_REQUEST, "the path is not percent-encoded UTF-8");
        self.path.as_deref().ok_or_else(refused)
    }
}
