//! One finished call, and what makes one unacceptable.

use super::money::Money;
use super::time::Timestamp;
use std::fmt;

/// The most labels a configuration can name.
pub const MAX_LABELS: usize = 4;
/// Dimensions in all: six fixed ones and the labels.
pub const MAX_DIMENSIONS: usize = 6 + MAX_LABELS;
/// The longest value of a dimension, in bytes of UTF-8.
pub const MAX_VALUE_BYTES: usize = 256;
/// The longest event id and job id, in bytes.
pub const MAX_ID_BYTES: usize = 128;
/// The longest error text kept with a recent call, in bytes; a longer one is cut.
pub const MAX_ERROR_BYTES: usize = 512;
/// The most tokens of one kind in one call.
pub const MAX_TOKENS: u64 = 100_000_000;
/// The longest latency: one day in microseconds.
pub const MAX_LATENCY_US: u64 = 86_400_000_000;

/// What a call is counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// The API key, by its public name.
    Key,
    /// Who called.
    User,
    /// The model asked.
    Model,
    /// Who serves the model.
    Provider,
    /// The path or operation.
    Endpoint,
    /// How it ended: an HTTP status or a word.
    Status,
    /// A configured label, by its place in the configuration, `0..MAX_LABELS`.
    Label(u8),
}

impl Dimension {
    /// The six fixed dimensions.
    pub const FIXED: [Self; 6] = [Self::Key, Self::User, Self::Model, Self::Provider, Self::Endpoint, Self::Status];

    /// Its place in a series key, `0..MAX_DIMENSIONS`.
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Self::Key => 0,
            Self::User => 1,
            Self::Model => 2,
            Self::Provider => 3,
            Self::Endpoint => 4,
            Self::Status => 5,
            Self::Label(place) => 6 + usize::from(place),
        }
    }

    /// The name of a fixed dimension; labels are named by the configuration.
    #[must_use]
    pub fn fixed_name(self) -> Option<&'static str> {
        Some(match self {
            Self::Key => "key",
            Self::User => "user",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Endpoint => "endpoint",
            Self::Status => "status",
            Self::Label(_) => return None,
        })
    }
}

/// One value for each dimension, in the order of [`Dimension::index`]; `""` is "none".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dimensions<'a>(pub [&'a str; MAX_DIMENSIONS]);

impl<'a> Dimensions<'a> {
    /// The value of a dimension; `""` is "none".
    #[must_use]
    pub fn get(&self, dimension: Dimension) -> &'a str {
        self.0[dimension.index()]
    }

    /// The same with one value set.
    #[must_use]
    pub fn with(mut self, dimension: Dimension, value: &'a str) -> Self {
        self.0[dimension.index()] = value;
        self
    }
}

/// The numbers of one call. `None` is "not told", which is not zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measures {
    /// From the request to the end of the answer, in µs, at most [`MAX_LATENCY_US`].
    pub latency_us: Option<u64>,
    /// From the request to the first token, in µs.
    pub ttft_us: Option<u64>,
    /// Tokens in, those read from a cache included.
    pub input_tokens: Option<u64>,
    /// Tokens out, those of reasoning included.
    pub output_tokens: Option<u64>,
    /// Of the input, read from a cache.
    pub cache_read_tokens: Option<u64>,
    /// Of the input, written to a cache.
    pub cache_write_tokens: Option<u64>,
    /// Of the output, spent on reasoning.
    pub reasoning_tokens: Option<u64>,
    /// As the sender counts it; by default input + output.
    pub total_tokens: Option<u64>,
    /// What it cost; `None` counts as unpriced.
    pub cost: Option<Money>,
}

impl Measures {
    /// The total: as told, else input + output, else nothing known.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        match (self.total_tokens, self.input_tokens, self.output_tokens) {
            (Some(total), _, _) => Some(total),
            (None, None, None) => None,
            (None, input, output) => Some(input.unwrap_or(0) + output.unwrap_or(0)),
        }
    }

    /// The eight counts, in the order in which every format of our own has them. Taken apart without
    /// `..`, so that a new one can't be forgotten.
    pub(crate) fn figures(&self) -> [Option<u64>; 8] {
        let Self {
            latency_us,
            ttft_us,
            input_tokens,
            output_tokens,
            cache_read_tokens,
            cache_write_tokens,
            reasoning_tokens,
            total_tokens,
            cost: _,
        } = *self;
        [
            latency_us,
            ttft_us,
            input_tokens,
            output_tokens,
            cache_read_tokens,
            cache_write_tokens,
            reasoning_tokens,
            total_tokens,
        ]
    }

    /// Whether the sender told any tokens at all.
    #[must_use]
    pub fn metered(&self) -> bool {
        self.total().is_some()
    }
}

/// One finished call.
///
/// Strings are borrowed, so that an event can be read straight out of a request body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Event<'a> {
    /// When the call ended.
    pub timestamp: Timestamp,
    /// Who, what, how.
    pub dimensions: Dimensions<'a>,
    /// How long, how many, how much.
    pub measures: Measures,
    /// The sender's name for this call; `""` is "none". Kept with the recent call.
    pub id: &'a str,
    /// The job it belongs to; `""` is "none". Kept with the recent call.
    pub job_id: &'a str,
    /// What went wrong; `""` is "nothing". Kept, cut to [`MAX_ERROR_BYTES`], with the recent call.
    pub error: &'a str,
}

impl Event<'_> {
    /// Whether this event can be counted at all; its time is judged apart, by the engine.
    ///
    /// # Errors
    /// [`Reject`] names the first field at fault.
    pub fn check(&self) -> Result<(), Reject> {
        for (index, value) in self.dimensions.0.iter().enumerate() {
            if value.len() > MAX_VALUE_BYTES {
                return Err(Reject::invalid(POINTERS[index], "longer than 256 bytes"));
            }
        }
        if self.dimensions.0.iter().all(|value| value.is_empty()) {
            return Err(Reject::invalid(
                "",
                "no dimension: give at least one of key, user, model, provider, endpoint, status",
            ));
        }
        for (pointer, value) in [("/id", self.id), ("/job_id", self.job_id)] {
            if value.len() > MAX_ID_BYTES {
                return Err(Reject::invalid(pointer, "longer than 128 bytes"));
            }
        }
        self.measures.check()
    }
}

impl Measures {
    /// # Errors
    /// [`Reject`] names the first number beyond its limit.
    #[inline]
    pub(crate) fn check(&self) -> Result<(), Reject> {
        // Nearly all are far below their limits, and one look at all bits together shows it.
        const FEW_TOKENS: u64 = 1 << MAX_TOKENS.ilog2();
        const SHORT: u64 = 1 << MAX_LATENCY_US.ilog2();
        let Self { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, .. } = *self;
        let tokens = [input_tokens, output_tokens, cache_read_tokens, cache_write_tokens];
        let tokens = tokens.into_iter().chain([self.reasoning_tokens, self.total_tokens]);
        let tokens = tokens.fold(0, |all, tokens| all | tokens.unwrap_or(0));
        let times = self.latency_us.unwrap_or(0) | self.ttft_us.unwrap_or(0);
        let nanos = self.cost.map_or(0, |cost| cost.nanos);
        if tokens < FEW_TOKENS && times < SHORT && nanos >= 0 { Ok(()) } else { self.check_each() }
    }

    /// The same number by number; the first one at fault is told.
    #[cold]
    fn check_each(&self) -> Result<(), Reject> {
        let tokens = [
            ("/input_tokens", self.input_tokens),
            ("/output_tokens", self.output_tokens),
            ("/cache_read_tokens", self.cache_read_tokens),
            ("/cache_write_tokens", self.cache_write_tokens),
            ("/reasoning_tokens", self.reasoning_tokens),
            ("/total_tokens", self.total_tokens),
        ];
        if let Some((pointer, _)) = tokens.into_iter().find(|(_, n)| n.is_some_and(|n| n > MAX_TOKENS)) {
            return Err(Reject::invalid(pointer, "above 100000000 tokens, the most one call can use"));
        }
        for (pointer, us) in [("/latency_ms", self.latency_us), ("/ttft_ms", self.ttft_us)] {
            if us.is_some_and(|us| us > MAX_LATENCY_US) {
                return Err(Reject::invalid(pointer, "longer than a day"));
            }
        }
        if self.cost.is_some_and(|cost| cost.nanos < 0) {
            return Err(Reject::invalid("/cost", "an amount can't be negative"));
        }
        Ok(())
    }
}

/// The JSON pointers of the dimensions, by index.
const POINTERS: [&str; MAX_DIMENSIONS] =
    ["/key", "/user", "/model", "/provider", "/endpoint", "/status", "/labels", "/labels", "/labels", "/labels"];

/// Why an event was not counted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Reject {
    /// The kind of fault.
    pub reason: Reason,
    /// JSON pointer of the field at fault; `""` is the whole event.
    pub pointer: &'static str,
    /// What is wrong, as a sentence's end; never quotes a key.
    pub detail: &'static str,
}

impl Reject {
    pub(crate) fn invalid(pointer: &'static str, detail: &'static str) -> Self {
        Self { reason: Reason::Invalid, pointer, detail }
    }
}

/// The kinds of fault, one counter each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A field is malformed or beyond its limit.
    Invalid,
    /// Older than the longest retention.
    TooOld,
    /// Further ahead of the clock than allowed.
    Ahead,
    /// The same id came before with another payload.
    Conflict,
}

impl Reason {
    /// All of them, in the order of their counters.
    pub const ALL: [Self; 4] = [Self::Invalid, Self::TooOld, Self::Ahead, Self::Conflict];

    /// The word used in answers and counters.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::TooOld => "too_old",
            Self::Ahead => "ahead",
            Self::Conflict => "conflict",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The status of a call as the value of a dimension.
///
/// HTTP statuses count as success from 200 to 299. The words `success`, `succeeded`, `succeed`
/// and `ok` are one value, `success`. Everything else, an absent status too, is a failure:
/// requests = successes + failures, always.
pub mod status {
    /// The value of every word that means success.
    pub const SUCCESS: &str = "success";

    /// One spelling for the words that mean success; anything else as it is.
    #[must_use]
    pub fn canonical(status: &str) -> &str {
        let words = ["success", "succeeded", "succeed", "ok"];
        if words.iter().any(|word| status.eq_ignore_ascii_case(word)) { SUCCESS } else { status }
    }

    /// Whether a canonical status is a success.
    #[must_use]
    pub fn is_success(status: &str) -> bool {
        status == SUCCESS
            || (status.len() == 3 && status.starts_with('2') && status.bytes().all(|b| b.is_ascii_digit()))
    }

    /// The HTTP status code, where the status is one (100 to 599).
    #[must_use]
    pub fn code(status: &str) -> Option<u16> {
        status.parse().ok().filter(|code| status.len() == 3 && (100..600).contains(code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_told_or_added_up_or_unknown() {
        let told = Measures { total_tokens: Some(0), input_tokens: Some(5), ..Measures::default() };
        assert_eq!(told.total(), Some(0));
        let added = Measures { input_tokens: Some(5), ..Measures::default() };
        assert_eq!(added.total(), Some(5));
        assert!(!Measures::default().metered());
    }

    #[test]
    fn a_field_beyond_its_limit_is_named() {
        let long = "x".repeat(257);
        let event = Event { dimensions: Dimensions::default().with(Dimension::Model, &long), ..Event::default() };
        assert_eq!(event.check().unwrap_err().pointer, "/model");
        assert_eq!(Event::default().check().unwrap_err().pointer, "");
        let measures = Measures { latency_us: Some(MAX_LATENCY_US + 1), ..Measures::default() };
        assert_eq!(measures.check().unwrap_err().pointer, "/latency_ms");
    }

    #[test]
    fn only_2xx_and_the_words_for_success_succeed() {
        for status in ["200", "204", "299", "OK", "Succeeded", "SUCCEED", "success"] {
            assert!(status::is_success(status::canonical(status)), "{status}");
        }
        for status in ["", "199", "300", "2000", "20", "2x0", "failed", "cancelled", "__other__"] {
            assert!(!status::is_success(status::canonical(status)), "{status}");
        }
    }
}
