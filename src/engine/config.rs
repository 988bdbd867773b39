//! Every limit of the engine and its default.

use super::event::Dimension;
use super::event::MAX_LABELS;
use super::time::DAY;

/// One resolution: `len` buckets of `step_secs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TierConfig {
    /// Seconds in a bucket.
    pub step_secs: u32,
    /// How many buckets are kept.
    pub len: u32,
}

impl TierConfig {
    /// Seconds kept in all.
    #[must_use]
    pub fn retention_secs(&self) -> i64 {
        i64::from(self.step_secs) * i64::from(self.len)
    }
}

/// Limits of an [`Engine`](super::Engine). The defaults suit one gateway on one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Finest first; the first must be 1 s. Default: 1 s x 1 h, 1 min x 48 h, 15 min x 62 d,
    /// 1 d x 400 d.
    pub tiers: Vec<TierConfig>,
    /// How many seconds behind `now` an event may come without counting as late. Default 64.
    pub open_secs: u32,
    /// How many seconds ahead of `now` an event may be. Default 300.
    pub ahead_secs: u32,
    /// Names of up to four labels counted as dimensions of their own. Default none.
    pub labels: Vec<String>,
    /// Dimensions whose every value has a cumulative rollup, so that any window over it is read
    /// in O(1). Default: model, provider, endpoint, status.
    pub rollups: Vec<Dimension>,
    /// The most series; beyond, calls are counted under `__other__`. Default 1,000,000.
    pub max_series: u32,
    /// The most values of one dimension, likewise: keys and users (default 1,000,000) …
    pub max_identities: u32,
    /// … and models, providers, endpoints, statuses and labels (default 10,000). Statuses that
    /// mean success (`success`, 200 to 299) are always let in, so that successes stay exact.
    pub max_values: u32,
    /// The memory budget in bytes; above it, the oldest fine buckets are given up for the coarser
    /// ones that hold the same calls, and new series go to `__other__`. Default 2 GiB.
    pub memory_bytes: u64,
    /// How many recent calls are kept for call details; fewer where they would take more than an
    /// eighth of the memory budget. Default 100,000.
    pub recent_calls: u32,
    /// How many writers can record at the same time without waiting. Default: twice the cores,
    /// at most 64.
    pub stripes: u32,
}

impl Default for Config {
    fn default() -> Self {
        let tier = |step_secs, len| TierConfig { step_secs, len };
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            tiers: vec![tier(1, 3_600), tier(60, 2_880), tier(900, 5_952), tier(86_400, 400)],
            open_secs: 64,
            ahead_secs: 300,
            labels: Vec::new(),
            rollups: vec![Dimension::Model, Dimension::Provider, Dimension::Endpoint, Dimension::Status],
            max_series: 1_000_000,
            max_identities: 1_000_000,
            max_values: 10_000,
            memory_bytes: 2 << 30,
            recent_calls: 100_000,
            stripes: u32::try_from(cores * 2).unwrap_or(64).min(64),
        }
    }
}

/// Words of the query language, which no label can be named after.
const RESERVED: &str = "window from to start end period days fill group_by interval tz quantiles metrics order_by limit \
    bins calls cursor compare format shape outcome q snapshot status_code id timestamp job_id error cost currency labels";

/// What is wrong with a [`Config`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// See the text.
    #[error("tiers: {0}")]
    Tiers(&'static str),
    /// More than four labels, or a name that is empty, doubled, or already a dimension.
    #[error(
        "labels: up to {MAX_LABELS} different names of a-z, 0-9 and _, none of them a dimension or a query parameter; `{0}` is not"
    )]
    Label(String),
    /// A limit that must be at least one is zero.
    #[error("{0} must be at least {1}")]
    TooSmall(&'static str, u64),
}

impl Config {
    /// Whether an engine can run with these limits.
    ///
    /// # Errors
    /// [`ConfigError`] names the first that can't be.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.validate_tiers()?;
        self.validate_labels()?;
        let floors = [
            ("open_secs", u64::from(self.open_secs), 1),
            ("max_series", u64::from(self.max_series), 16),
            ("max_identities", u64::from(self.max_identities), 4),
            ("max_values", u64::from(self.max_values), 4),
            ("memory_bytes", self.memory_bytes, 16 << 20),
            ("recent_calls", u64::from(self.recent_calls), 1),
            ("stripes", u64::from(self.stripes), 1),
        ];
        match floors.into_iter().find(|(_, value, floor)| value < floor) {
            Some((name, _, floor)) => Err(ConfigError::TooSmall(name, floor)),
            None => Ok(()),
        }
    }

    fn validate_tiers(&self) -> Result<(), ConfigError> {
        let Some(first) = self.tiers.first() else {
            return Err(ConfigError::Tiers("at least one is needed"));
        };
        if first.step_secs != 1 || self.tiers.len() > 6 {
            return Err(ConfigError::Tiers("the first step must be 1 s, and there can be up to 6 tiers"));
        }
        if self
            .tiers
            .iter()
            .any(|tier| tier.len == 0 || i64::from(tier.step_secs) > DAY || DAY % i64::from(tier.step_secs) != 0)
        {
            return Err(ConfigError::Tiers("steps must divide a day, and a tier needs at least one bucket"));
        }
        for pair in self.tiers.windows(2) {
            let (fine, coarse) = (pair[0], pair[1]);
            if coarse.step_secs % fine.step_secs != 0 || coarse.step_secs == fine.step_secs {
                return Err(ConfigError::Tiers("each step must be a multiple of the one before"));
            }
            let needed = i64::from(coarse.step_secs) * 2 + i64::from(self.open_secs) + i64::from(self.ahead_secs);
            if fine.retention_secs() < needed || coarse.retention_secs() <= fine.retention_secs() {
                return Err(ConfigError::Tiers(
                    "a tier must keep two buckets of the next, and the next must keep longer",
                ));
            }
        }
        Ok(())
    }

    fn validate_labels(&self) -> Result<(), ConfigError> {
        for (place, label) in self.labels.iter().enumerate() {
            let plain = label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            let taken = Dimension::FIXED.iter().any(|fixed| fixed.fixed_name() == Some(label))
                || RESERVED.split_ascii_whitespace().any(|word| word == label);
            if place >= MAX_LABELS || label.is_empty() || !plain || taken || self.labels[..place].contains(label) {
                return Err(ConfigError::Label(label.clone()));
            }
        }
        Ok(())
    }

    /// The dimensions counted: the fixed ones and the labels.
    pub fn dimensions(&self) -> impl Iterator<Item = Dimension> + '_ {
        let labels = (0..).zip(&self.labels).map(|(place, _)| Dimension::Label(place));
        Dimension::FIXED.into_iter().chain(labels)
    }

    /// The name of a dimension.
    #[must_use]
    pub fn name(&self, dimension: Dimension) -> &str {
        match dimension {
            Dimension::Label(place) => self.labels.get(usize::from(place)).map_or("", String::as_str),
            fixed => fixed.fixed_name().unwrap_or(""),
        }
    }

    /// The dimension of a name.
    #[must_use]
    pub fn dimension(&self, name: &str) -> Option<Dimension> {
        self.dimensions().find(|dimension| self.name(*dimension) == name)
    }
}
