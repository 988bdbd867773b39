//! A snapshot against the journal: the state counted anew up to its place, from an earlier snapshot
//! or from the beginning, must be the same, byte for byte.

use super::fault::Unreadable;
use super::origin::Source;
use super::origin::config_of;
use super::origin::of_snapshot;
use super::replay::Rebuilt;
use super::replay::Replay;
use super::replay::Until;
use crate::engine::Engine;
use crate::engine::image::Facts;
use crate::engine::image::Image;
use crate::engine::image::ImageRow;
use crate::engine::money::decimal;
use crate::engine::time::Timestamp;
use crate::journal::Place;
use crate::snapshot::SnapshotError;
use crate::storage::Shared;
use crate::store::image::Thawed;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

/// How many differences are listed.
pub const LISTED: usize = 20;

/// What a comparison found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The snapshot tells what the journal tells.
    Equal {
        /// The snapshot that was counted from; `None` for the beginning of the journal.
        origin: Option<String>,
        /// The place.
        place: Place,
        /// The hash of both states.
        hash: [u8; 32],
    },
    /// It does not.
    Different {
        /// The first [`LISTED`].
        differences: Vec<Difference>,
        /// How many there are.
        count: usize,
    },
    /// Nothing is kept that would prove it.
    NotProvable(String),
}

/// A figure that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The bucket: its first instant and the instant after its last; `None` for the state as a whole.
    pub bucket: Option<(Timestamp, Timestamp)>,
    /// The names of the series, one for each dimension.
    pub series: Vec<String>,
    /// Which figure.
    pub figure: String,
    /// What the snapshot tells.
    pub snapshot: String,
    /// What the replay tells.
    pub replay: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((from, to)) = self.bucket {
            write!(f, "{from} .. {to}, [{}], ", self.series.join(", "))?;
        }
        write!(f, "{}: snapshot {}, replay {}", self.figure, self.snapshot, self.replay)
    }
}

/// Compares a snapshot, by its name with or without `.snap`, with what the journal tells.
///
/// # Errors
/// [`Unreadable`]: there is none of this name, it is damaged, or the journal is.
pub fn compare(storage: &Shared, name: &str) -> Result<Comparison, Unreadable> {
    let file = if name.ends_with(".snap") { name.to_owned() } else { format!("{name}.snap") };
    let source = Source::open(storage)?;
    if !source.snapshots.iter().any(|(known, _)| *known == file) {
        let known: Vec<&str> = source.snapshots.iter().map(|(name, _)| name.trim_end_matches(".snap")).collect();
        let list = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(Unreadable::Unusable(format!("there is no snapshot {name} of this journal; there is: {list}")));
    }
    let thawed = Thawed::open(&**storage, &file).map_err(of_snapshot)?;
    let place = thawed.head().place;
    let origin = if source.is_complete() { None } else { source.oldest(|head| head.place.frames < place.frames)? };
    if origin.is_none() && !source.is_complete() {
        return Ok(Comparison::NotProvable(format!(
            "the journal is kept from frame {} on, and there is no whole snapshot between that and the one of frame {}",
            source.first.frames, place.frames
        )));
    }
    let config = config_of(thawed.facts());
    let told = thawed.restore(config.clone()).map_err(|fault: SnapshotError| of_snapshot(fault))?;
    let rebuilt = Replay::begin(&source, origin.as_ref(), config)?.run(Until::Frames(place.frames))?;
    Ok(judge(thawed.facts(), place, &told, &rebuilt))
}

fn judge(facts: &Facts, place: Place, told: &Engine, rebuilt: &Rebuilt) -> Comparison {
    if rebuilt.place != place {
        let figure = |figure: &str, snapshot: String, replay: String| Difference {
            bucket: None,
            series: Vec::new(),
            figure: figure.to_owned(),
            snapshot,
            replay,
        };
        let text = |place: &Place| {
            format!("frame {}, position {}, {}", place.frames, place.events, super::hex::of(&place.chain))
        };
        let differences = vec![figure("place in the journal", text(&place), text(&rebuilt.place))];
        return Comparison::Different { differences, count: 1 };
    }
    let now = Timestamp::from_secs(facts.now);
    rebuilt.engine.advance(now);
    rebuilt.engine.give_up_before(&facts.covered);
    let (told_bytes, bytes) = (told.canonical_bytes(), rebuilt.engine.canonical_bytes());
    let mut differences = Differences::default();
    let replayed = rebuilt.engine.image(now, || ());
    differences.facts(facts, &replayed.facts, rebuilt);
    if told_bytes != bytes {
        differences.images(&told.image(now, || ()), &replayed);
    }
    match differences.count {
        // Coarser buckets could differ where the finest agree.
        0 if told_bytes != bytes => {
            differences.add(None, &[], "the state as bytes", "one".to_owned(), "another".to_owned());
            differences.into()
        }
        0 => Comparison::Equal { origin: rebuilt.origin.clone(), place, hash: *blake3::hash(&bytes).as_bytes() },
        _ => differences.into(),
    }
}

#[derive(Default)]
struct Differences {
    listed: Vec<Difference>,
    count: usize,
}

impl From<Differences> for Comparison {
    fn from(found: Differences) -> Self {
        Self::Different { differences: found.listed, count: found.count }
    }
}

/// A bucket: when it begins, and its seconds.
type Bucket = (i64, u32);

impl Differences {
    fn add(&mut self, bucket: Option<Bucket>, series: &[String], figure: &str, snapshot: String, replay: String) {
        self.count += 1;
        if self.listed.len() < LISTED {
            let span =
                |(start, step): Bucket| (Timestamp::from_secs(start), Timestamp::from_secs(start + i64::from(step)));
            let (bucket, series, figure) = (bucket.map(span), series.to_vec(), figure.to_owned());
            self.listed.push(Difference { bucket, series, figure, snapshot, replay });
        }
    }

    fn facts(&mut self, told: &Facts, replayed: &Facts, rebuilt: &Rebuilt) {
        let (rejected, duplicates) = rebuilt.noted;
        let figures = [
            ("events accepted", told.accepted, replayed.accepted),
            ("of these, late", told.late, replayed.late),
            ("events rejected", told.rejected.iter().sum(), rejected.iter().sum()),
            ("duplicates", told.duplicates, duplicates),
        ];
        for (figure, told, replayed) in figures.into_iter().filter(|(_, told, replayed)| told != replayed) {
            self.add(None, &[], figure, told.to_string(), replayed.to_string());
        }
    }

    fn images(&mut self, told: &Image, replayed: &Image) {
        let (told, replayed) = (buckets(told), buckets(replayed));
        let keys: BTreeSet<&Bucket> = told.keys().chain(replayed.keys()).collect();
        let none = BTreeMap::new();
        for key in keys {
            self.bucket(*key, told.get(key).unwrap_or(&none), replayed.get(key).unwrap_or(&none));
        }
    }

    fn bucket(&mut self, bucket: Bucket, told: &Rows, replayed: &Rows) {
        let keys: BTreeSet<&Vec<String>> = told.keys().chain(replayed.keys()).collect();
        let none = BTreeMap::new();
        for series in keys {
            let (told, replayed) = (told.get(series).unwrap_or(&none), replayed.get(series).unwrap_or(&none));
            let figures: BTreeSet<&String> = told.keys().chain(replayed.keys()).collect();
            for figure in figures.into_iter().filter(|figure| told.get(*figure) != replayed.get(*figure)) {
                let text = |side: &Figures| side.get(figure).map_or("nothing".to_owned(), Clone::clone);
                self.add(Some(bucket), series, figure, text(told), text(replayed));
            }
        }
    }
}

/// Figures that are not zero, by name.
type Figures = BTreeMap<String, String>;
type Rows = BTreeMap<Vec<String>, Figures>;

fn buckets(image: &Image) -> BTreeMap<Bucket, Rows> {
    let bucket = |leaf: &crate::engine::image::Leaf| {
        let step = image.facts.tiers[leaf.tier].0;
        let rows = image.rows(leaf).into_iter().map(|row| (names(&row), figures(&row)));
        ((leaf.number * i64::from(step), step), rows.collect())
    };
    image.leaves().iter().map(bucket).collect()
}

fn names(row: &ImageRow) -> Vec<String> {
    row.names.iter().map(|name| (**name).to_owned()).collect()
}

fn figures(row: &ImageRow) -> Figures {
    let sums = &row.sums;
    let counts = [
        ("requests", u128::from(sums.requests)),
        ("failures", u128::from(sums.failures)),
        ("overflowed", u128::from(sums.overflowed)),
        ("unmetered", u128::from(sums.unmetered)),
        ("input_tokens", sums.input_tokens),
        ("output_tokens", sums.output_tokens),
        ("cache_read_tokens", sums.cache_read_tokens),
        ("cache_write_tokens", sums.cache_write_tokens),
        ("reasoning_tokens", sums.reasoning_tokens),
        ("total_tokens", sums.total_tokens),
        ("latency_us sum", sums.latency.sum_us),
        ("latency_us calls", u128::from(sums.latency.count)),
        ("ttft_us sum", sums.ttft.sum_us),
        ("ttft_us calls", u128::from(sums.ttft.count)),
    ];
    let counts = counts.into_iter().filter(|(_, count)| *count > 0);
    let mut figures: Figures = counts.map(|(name, count)| (name.to_owned(), count.to_string())).collect();
    for cost in sums.cost.by_currency() {
        let text = format!("{} in {} calls", decimal(cost.nanos), cost.calls);
        figures.insert(format!("cost {}", cost.currency.code()), text);
    }
    for (name, times) in
        ["latency_us spread", "ttft_us spread"].into_iter().zip(&row.times).filter(|(_, times)| times.count() > 0)
    {
        let bins: Vec<String> = times.bins().map(|(bin, count)| format!("{bin}:{count}")).collect();
        let extremes = (times.min_us().unwrap_or(0), times.max_us().unwrap_or(0));
        figures.insert(name.to_owned(), format!("{}..{} bins {}", extremes.0, extremes.1, bins.join(" ")));
    }
    figures
}
