//! What a live stream tells each second.

use super::frame;
use crate::engine::arrivals::Arrivals;
use crate::engine::arrivals::Follower;
use crate::engine::query::Filter;
use crate::engine::query::Query;
use crate::engine::query::QueryError;
use crate::engine::query::Usage;
use crate::engine::time::Timestamp;
use crate::engine::time::Zone;
use crate::server::App;
use crate::server::access::Caller;
use crate::server::error::Problem;
use crate::server::read::params::Params;
use crate::server::read::span;
use crate::server::wire::call::CallJson;
use crate::server::wire::metric::Figures;
use crate::server::wire::metric::Metric;
use crate::server::wire::metric::Quantile;
use crate::server::wire::metric::Shape;
use axum::http::Uri;
use serde::Serialize;
use serde_json::value::RawValue;

const SINGLE: &[&str] = &["calls", "outcome", "tz"];
/// The most calls told in one second, and the most bytes of them: what a reader can follow, and
/// what the queue of a slow one may hold.
const CALLS: usize = 200;
const CALL_BYTES: usize = 256 << 10;
const MINUTE: i64 = 60;

/// Where one stream stands.
pub(super) struct Feed {
    app: App,
    filters: Vec<Filter>,
    shape: Shape,
    follower: Option<Follower>,
    last: Option<i64>, // the second told last
}

/// `{"at","position","second","minute"}`.
#[derive(Serialize)]
struct UsageJson<'a> {
    at: String,
    position: u64,
    second: Figures<'a>,
    minute: Figures<'a>,
}

/// `{"calls","skipped","complete"}`.
#[derive(Serialize)]
struct CallsJson {
    calls: Vec<Box<RawValue>>,
    skipped: u64,
    complete: bool,
}

impl Feed {
    /// A stream as its query string asks for; it tells calls that come from now on.
    pub(super) fn new(app: App, caller: &Caller, uri: &Uri) -> Result<Self, Problem> {
        let config = app.store.engine().config();
        let params = Params::read(uri, SINGLE, Some(config), &app.keyring)?;
        let filters = caller.confine(params.filters(), config);
        let zone = span::zone(&params)?;
        let failures = params.parsed("outcome", "failure", |text| (text == "failure").then_some(()))?;
        let follower = params.flag("calls")?.then(|| app.store.follow(filters.clone(), failures.is_some()));
        Ok(Self { shape: shape(zone), filters, follower, last: None, app })
    }

    /// What there is to tell, as text. Blocks as long as a question does.
    pub(super) fn tick(&mut self) -> Result<String, QueryError> {
        let now = self.app.clock.now();
        let mut told = String::new();
        if self.last.replace(now.secs()) != Some(now.secs()) {
            told += &self.usage(now)?;
        }
        if let Some(follower) = &mut self.follower {
            let arrivals = self.app.store.arrived(follower, CALLS);
            told += &self.calls(&arrivals);
        }
        if told.is_empty() {
            told += frame::HEARTBEAT;
        }
        Ok(told)
    }

    fn usage(&self, now: Timestamp) -> Result<String, QueryError> {
        let position = self.app.store.position(); // before the queries, which so hold at least as many
        let at = Timestamp::from_secs(now.secs());
        let ask = |secs: i64| -> Result<Usage, QueryError> {
            let span = Query::between(at.plus_secs(-secs), at);
            self.app.store.engine().query(&Query { filters: self.filters.clone(), ..span }, now)
        };
        let (second, minute) = (ask(1)?, ask(MINUTE)?);
        let figures = |usage| figures(usage, &self.shape);
        let told = UsageJson {
            at: at.rfc3339(&self.shape.zone),
            position,
            second: figures(&second),
            minute: figures(&minute),
        };
        Ok(frame::event("usage", &told).unwrap_or_default())
    }

    /// Nothing where no call came.
    fn calls(&self, arrivals: &Arrivals) -> String {
        if arrivals.calls.is_empty() && arrivals.skipped == 0 && arrivals.complete {
            return String::new();
        }
        let (config, zone) = (self.app.store.engine().config(), &self.shape.zone);
        let (mut bytes, mut calls) = (0, Vec::with_capacity(arrivals.calls.len()));
        for call in arrivals.calls.iter().rev() {
            let Ok(text) = serde_json::value::to_raw_value(&CallJson::new(call, config, zone)) else { continue };
            bytes += text.get().len();
            if bytes > CALL_BYTES {
                break;
            }
            calls.push(text);
        }
        calls.reverse();
        let skipped = arrivals.skipped + (arrivals.calls.len() - calls.len()) as u64;
        frame::event("calls", &CallsJson { calls, skipped, complete: arrivals.complete }).unwrap_or_default()
    }
}

fn figures<'a>(usage: &'a Usage, shape: &'a Shape) -> Figures<'a> {
    Figures { totals: &usage.totals, shape }
}

/// All figures, as `/v1/usage` tells them by default.
fn shape(zone: Zone) -> Shape {
    let quantiles = ["0.5", "0.95", "0.99"].into_iter().filter_map(Quantile::parse).collect();
    Shape { metrics: Metric::ALL.to_vec(), quantiles, bounds_us: Vec::new(), zone }
}
