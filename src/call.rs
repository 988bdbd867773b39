//! For programs that count their own calls: a [`Call`] to fill in, and a guard that counts a call
//! whatever becomes of it.

use crate::clock::Clock;
use crate::engine::Applied;
use crate::engine::Engine;
use crate::engine::event::Dimension;
use crate::engine::event::Dimensions;
use crate::engine::event::Event;
use crate::engine::event::MAX_DIMENSIONS;
use crate::engine::event::Measures;
use crate::engine::event::Reject;
use crate::engine::money::Money;
use crate::engine::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// One finished call that owns its texts.
///
/// ```
/// use std::time::Duration;
/// use tallyring::{Call, Engine};
/// use tallyring::engine::{query::Query, time::Timestamp};
///
/// let engine = Engine::new(Default::default())?;
/// let now: Timestamp = "2026-11-22T12:00:00Z".parse()?;
/// let call = Call::new().model("gpt-4o").user("ada").status("200").latency(Duration::from_millis(812));
/// call.input_tokens(1_200).output_tokens(340).record(&engine, now)?;
/// let totals = engine.query(&Query::window(60), now)?.totals;
/// assert_eq!(totals.sums.total_tokens, 1_540);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    timestamp: Option<Timestamp>,
    dimensions: [String; MAX_DIMENSIONS],
    measures: Measures,
    id: String,
    job_id: String,
    error: String,
}

/// Microseconds, as far as they fit.
fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl Call {
    /// A call of which nothing is known yet; it needs at least one dimension to be counted.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the value of any dimension.
    #[must_use]
    pub fn with(mut self, dimension: Dimension, value: impl Into<String>) -> Self {
        self.dimensions[dimension.index()] = value.into();
        self
    }

    /// The API key. The engine counts it as it is: give it the public name of
    /// `privacy::Keyring`, or anything else that is no secret.
    #[must_use]
    pub fn key(self, value: impl Into<String>) -> Self {
        self.with(Dimension::Key, value)
    }

    /// Who called.
    #[must_use]
    pub fn user(self, value: impl Into<String>) -> Self {
        self.with(Dimension::User, value)
    }

    /// The model asked.
    #[must_use]
    pub fn model(self, value: impl Into<String>) -> Self {
        self.with(Dimension::Model, value)
    }

    /// Who serves the model.
    #[must_use]
    pub fn provider(self, value: impl Into<String>) -> Self {
        self.with(Dimension::Provider, value)
    }

    /// The path or operation.
    #[must_use]
    pub fn endpoint(self, value: impl Into<String>) -> Self {
        self.with(Dimension::Endpoint, value)
    }

    /// How it ended: an HTTP status such as `"200"`, or a word such as `"success"`.
    #[must_use]
    pub fn status(self, value: impl Into<String>) -> Self {
        self.with(Dimension::Status, value)
    }

    /// When it ended; by default the `now` it is recorded with.
    #[must_use]
    pub fn at(mut self, timestamp: Timestamp) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    /// From the request to the end of the answer.
    #[must_use]
    pub fn latency(mut self, time: Duration) -> Self {
        self.measures.latency_us = Some(micros(time));
        self
    }

    /// From the request to the first token.
    #[must_use]
    pub fn ttft(mut self, time: Duration) -> Self {
        self.measures.ttft_us = Some(micros(time));
        self
    }

    /// Tokens in, those read from a cache included.
    #[must_use]
    pub fn input_tokens(mut self, tokens: u64) -> Self {
        self.measures.input_tokens = Some(tokens);
        self
    }

    /// Tokens out, those of reasoning included.
    #[must_use]
    pub fn output_tokens(mut self, tokens: u64) -> Self {
        self.measures.output_tokens = Some(tokens);
        self
    }

    /// Of the input, read from a cache.
    #[must_use]
    pub fn cache_read_tokens(mut self, tokens: u64) -> Self {
        self.measures.cache_read_tokens = Some(tokens);
        self
    }

    /// Of the input, written to a cache.
    #[must_use]
    pub fn cache_write_tokens(mut self, tokens: u64) -> Self {
        self.measures.cache_write_tokens = Some(tokens);
        self
    }

    /// Of the output, spent on reasoning.
    #[must_use]
    pub fn reasoning_tokens(mut self, tokens: u64) -> Self {
        self.measures.reasoning_tokens = Some(tokens);
        self
    }

    /// Tokens in all, where that is not input + output.
    #[must_use]
    pub fn total_tokens(mut self, tokens: u64) -> Self {
        self.measures.total_tokens = Some(tokens);
        self
    }

    /// What it cost.
    #[must_use]
    pub fn cost(mut self, cost: Money) -> Self {
        self.measures.cost = Some(cost);
        self
    }

    /// Your name for it, told back with recent calls.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// The job it belongs to, told back with recent calls.
    #[must_use]
    pub fn job_id(mut self, job_id: impl Into<String>) -> Self {
        self.job_id = job_id.into();
        self
    }

    /// What went wrong, told back with recent calls.
    #[must_use]
    pub fn error(mut self, error: impl Into<String>) -> Self {
        self.error = error.into();
        self
    }

    /// The same, borrowed, for [`Engine::apply`]; `now` stands in for a missing timestamp.
    #[must_use]
    pub fn as_event(&self, now: Timestamp) -> Event<'_> {
        Event {
            timestamp: self.timestamp.unwrap_or(now),
            dimensions: Dimensions(self.dimensions.each_ref().map(String::as_str)),
            measures: self.measures,
            id: &self.id,
            job_id: &self.job_id,
            error: &self.error,
        }
    }

    /// Counts it.
    ///
    /// # Errors
    /// As [`Engine::record`].
    pub fn record(&self, engine: &Engine, now: Timestamp) -> Result<Applied, Reject> {
        engine.record(&self.as_event(now), now)
    }
}

/// A call under way. It is counted when it is finished; dropped before, by a cancelled future or a
/// panic, it is counted with the status `cancelled`. Its latency is the time in between.
#[must_use = "dropping it counts the call as cancelled"]
pub struct InFlight {
    engine: Engine,
    clock: Arc<dyn Clock>,
    started: Timestamp,
    call: Option<Call>,
}

impl InFlight {
    /// Begins now.
    pub fn begin(engine: &Engine, clock: Arc<dyn Clock>, call: Call) -> Self {
        Self { engine: engine.clone(), started: clock.now(), clock, call: Some(call) }
    }

    /// Notes that the first token has arrived; later ones change nothing.
    pub fn first_token(&mut self) {
        let passed = self.passed();
        if let Some(call) = &mut self.call {
            call.measures.ttft_us.get_or_insert(passed);
        }
    }

    /// Counts it, with what `fill` adds: tokens, cost, status.
    ///
    /// # Errors
    /// As [`Engine::record`].
    pub fn finish(mut self, fill: impl FnOnce(Call) -> Call) -> Result<Applied, Reject> {
        let call = self.call.take().expect("only finish and drop take it, and both end it");
        self.count(fill(call))
    }

    fn passed(&self) -> u64 {
        self.clock.now().micros().saturating_sub(self.started.micros()).max(0).unsigned_abs()
    }

    fn count(&self, mut call: Call) -> Result<Applied, Reject> {
        let passed = self.passed();
        call.measures.latency_us.get_or_insert(passed);
        call.record(&self.engine, self.clock.now())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            // A call that could never have been counted is among the rejected ones now.
            let _ = self.count(call.status("cancelled"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Manual;
    use crate::engine::query::Query;

    fn setting() -> (Engine, Arc<Manual>, Timestamp) {
        let now = Timestamp::from_secs(1_795_000_000);
        (Engine::new(crate::engine::config::Config::default()).unwrap(), Arc::new(Manual::at(now)), now)
    }

    #[test]
    fn a_finished_call_is_counted_with_its_times() {
        let (engine, clock, now) = setting();
        let mut call = InFlight::begin(&engine, clock.clone(), Call::new().model("m"));
        clock.set(now.plus_secs(2));
        call.first_token();
        clock.set(now.plus_secs(5));
        call.first_token();
        let _ = call.finish(|call| call.status("200").output_tokens(7)).unwrap();
        let totals = engine.query(&Query::window(60), now.plus_secs(5)).unwrap().totals;
        assert_eq!((totals.sums.successes(), totals.sums.output_tokens), (1, 7));
        assert_eq!((totals.latency.max_us(), totals.ttft.max_us()), (Some(5_000_000), Some(2_000_000)));
    }

    #[test]
    fn a_dropped_call_is_counted_as_cancelled() {
        let (engine, clock, now) = setting();
        drop(InFlight::begin(&engine, clock, Call::new().model("m")));
        let query = Query::window(60).only(Dimension::Status, "cancelled");
        assert_eq!(engine.query(&query, now).unwrap().totals.sums.failures, 1);
    }
}
