//! The state at one instant, to be written to a file, and an engine made of it again.
//!
//! ```text
//! day tier      ▐███▌
//! 15 min tier        ▐█████▌                 a leaf: a bucket of the finest tier
//! 1 min tier               ▐█████▌           that answers for its span
//! 1 s tier                        ▐█████▌ now
//! ```
//!
//! Leaves hold every call once; coarser buckets over the same span and the rollups follow from
//! them. So an image depends on the calls and on the time only: neither on the order of arrival nor
//! on how far folding has come.

use super::Engine;
use super::aggregate::Aggregate;
use super::column::Time;
use super::core::Core;
use super::core::Sealed as State;
use super::histogram::Distribution;
use super::plain::PlainSlice;
use super::seal::merge_series;
use super::slice::Slice;
use super::tiers::Part;
use super::tiers::Sealed;
use super::time::Timestamp;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::Weak;
use std::sync::atomic::Ordering;

/// How often to try again when a second passes between the slow part and the quick one.
const TRIES: usize = 8;

/// What an image is of, besides calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The second it is of.
    pub(crate) now: i64,
    /// Seconds in a bucket, and buckets, of each tier, finest first.
    pub(crate) tiers: Vec<(u32, u32)>,
    /// The second from which each tier answers.
    pub(crate) covered: Vec<i64>,
    /// Names of the labels, which are dimensions after the six fixed ones.
    pub(crate) labels: Vec<String>,
    /// Events counted.
    pub(crate) accepted: u64,
    /// Of these, late ones.
    pub(crate) late: u64,
    /// Events refused, in the order of `Reason::ALL`.
    pub(crate) rejected: [u64; 4],
    /// Events that had come before.
    pub(crate) duplicates: u64,
}

/// The state at one instant. While it lives, no series number is given back.
pub(crate) struct Image {
    pub(crate) facts: Facts,
    leaves: Vec<Leaf>, // by the time they begin
    core: Arc<Core>,
}

/// A bucket of the finest tier that answers for its span.
pub(crate) struct Leaf {
    pub(crate) tier: usize,
    pub(crate) number: i64,
    parts: Vec<Part>,
}

/// What a leaf holds, merged.
enum LeafSlice<'a> {
    Whole(&'a Slice),
    Merged(Box<Slice>),
}

/// See [`Leaf::mark`].
#[derive(Clone, Debug)]
pub(crate) struct Mark(Vec<Weak<Sealed>>);

impl Engine {
    /// Takes an image as of `now`. `hold` is called once everything that takes long is done; until
    /// what it answers is dropped nothing may be recorded. That takes about a millisecond. It may be
    /// called more than once; the last answer counts.
    pub(crate) fn image<G>(&self, now: Timestamp, mut hold: impl FnMut() -> G) -> Image {
        let core = &self.core;
        core.observe(now);
        let _sealing = core.sealing.lock();
        let mut tries = 0;
        loop {
            core.seal();
            let held = hold();
            tries += 1;
            if tries == TRIES {
                core.seal(); // while the gate is held: then no second can pass any more
            }
            let mut sealed = core.sealed.write();
            if sealed.tiers.newest() == core.watermark.load(Ordering::Acquire) || tries == TRIES {
                let (touched, _) = core.collect(&mut sealed, now.secs(), true);
                let image = self.cut(&sealed);
                drop((sealed, held));
                touched.into_iter().for_each(|bucket| core.pack(bucket));
                return image;
            }
        }
    }

    /// Copies pointers. Nothing is being recorded.
    fn cut(&self, sealed: &State) -> Image {
        let core = &self.core;
        let tiers = &sealed.tiers;
        core.images.fetch_add(1, Ordering::AcqRel);
        let leaf = |bucket: super::tiers::Bucket| Leaf {
            tier: bucket.tier,
            number: bucket.number,
            parts: tiers.parts(bucket).to_vec(),
        };
        let counters = &core.counters;
        let facts = Facts {
            now: tiers.newest(),
            tiers: core.config.tiers.iter().map(|tier| (tier.step_secs, tier.len)).collect(),
            covered: (0..tiers.len()).map(|tier| tiers.covered_from(tier)).collect(),
            labels: core.config.labels.clone(),
            accepted: core.stripes.iter().map(|stripe| stripe.lock().accepted).sum(),
            late: counters.late.load(Ordering::Relaxed),
            rejected: counters.rejected.each_ref().map(|count| count.load(Ordering::Relaxed)),
            duplicates: counters.duplicates.load(Ordering::Relaxed),
        };
        Image { facts, leaves: tiers.leaves().into_iter().map(leaf).collect(), core: core.clone() }
    }
}

impl Image {
    /// The buckets, by the time they begin.
    pub(crate) fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// The names of a series, one for each dimension; `""` is "none".
    pub(crate) fn names(&self, series: u32) -> Vec<Arc<str>> {
        self.core.series.read().texts(series).cloned().collect()
    }
}

/// What one series counted in a leaf: its names, its sums, latency and time to first token.
pub(crate) struct ImageRow {
    pub(crate) names: Vec<Arc<str>>,
    pub(crate) sums: Aggregate,
    pub(crate) times: [Distribution; 2],
}

impl Image {
    /// What each series counted in a leaf.
    pub(crate) fn rows(&self, leaf: &Leaf) -> Vec<ImageRow> {
        let slice = leaf.slice();
        let row = |(row, id): (usize, u32)| {
            let (mut sums, mut times) = (Aggregate::default(), [Distribution::default(), Distribution::default()]);
            slice.add_row(row, &mut sums);
            Time::BOTH.into_iter().zip(&mut times).for_each(|(time, to)| slice.row_bins(time).add(row, to));
            ImageRow { names: self.names(id), sums, times }
        };
        slice.ids.to_vec().into_iter().enumerate().map(row).collect()
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        self.core.images.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Leaf {
    /// Its series, merged, as a file holds them.
    pub(crate) fn plain(&self) -> PlainSlice {
        PlainSlice::from(&*self.slice())
    }

    /// The numbers of its series; some may be told twice.
    pub(crate) fn ids(&self) -> Vec<u32> {
        match self.sealed().collect::<Option<Vec<_>>>() {
            Some(sealed) => sealed.iter().flat_map(|sealed| sealed.series.ids.to_vec()).collect(),
            None => self.slice().ids.to_vec(),
        }
    }

    /// Its calls by series, merged.
    fn slice(&self) -> LeafSlice<'_> {
        match self.parts.as_slice() {
            [Part::Sealed(sealed)] => LeafSlice::Whole(&sealed.series),
            parts => LeafSlice::Merged(Box::new(merge_series(parts))),
        }
    }

    /// Something that is the same as long as the bucket holds the same calls, where that can be
    /// told: to be kept, and compared with [`same`](Self::same) the next time.
    pub(crate) fn mark(&self) -> Option<Mark> {
        self.sealed().map(|sealed| sealed.map(Arc::downgrade)).collect::<Option<_>>().map(Mark)
    }

    /// Whether it holds what it held when `mark` was taken.
    pub(crate) fn same(&self, mark: &Mark) -> bool {
        let same = |(part, known): (Option<&Arc<Sealed>>, &Weak<Sealed>)| {
            part.is_some_and(|part| std::ptr::eq(Arc::as_ptr(part), known.as_ptr()))
        };
        self.parts.len() == mark.0.len() && self.sealed().zip(&mark.0).all(same)
    }

    /// Its packed parts; `None` for one that is not.
    fn sealed(&self) -> impl Iterator<Item = Option<&Arc<Sealed>>> {
        self.parts.iter().map(|part| match part {
            Part::Sealed(sealed) => Some(sealed),
            Part::Open(_) => None,
        })
    }
}

impl Deref for LeafSlice<'_> {
    type Target = Slice;

    fn deref(&self) -> &Slice {
        match self {
            Self::Whole(slice) => slice,
            Self::Merged(slice) => slice,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::Config;
    use super::super::config::TierConfig;
    use super::super::event::Dimension;
    use super::super::event::Dimensions;
    use super::super::event::Event;
    use super::super::event::Measures;
    use super::super::money::Currency;
    use super::super::money::Money;
    use super::super::query::Query;
    use super::super::query::Usage;
    use super::super::restore::Restoration;
    use super::*;
    use proptest::prelude::*;

    const BEGIN: i64 = 1_795_000_020;

    fn config(seconds: u32) -> Config {
        let tier = |step_secs, len| TierConfig { step_secs, len };
        let tiers = vec![tier(1, seconds), tier(60, 120), tier(900, 200), tier(86_400, 10)];
        Config { tiers, max_values: 5, stripes: 3, labels: vec!["team".to_owned()], ..Config::default() }
    }

    /// Through names, as a file would.
    fn copy(image: &Image, config: Config) -> Engine {
        let mut restoration = Restoration::new(config, &image.facts).unwrap();
        for leaf in image.leaves() {
            let slice = leaf.plain();
            slice.check(u32::MAX).unwrap();
            let numbers: Vec<u32> =
                slice.ids.iter().map(|id| restoration.series(image.names(*id).iter().map(|name| &**name))).collect();
            let place = |id: u32| slice.ids.binary_search(&id).unwrap();
            restoration.leaf(leaf.tier, leaf.number, &slice.renumbered(|id| numbers[place(id)])).unwrap();
        }
        restoration.finish()
    }

    fn record(engine: &Engine, calls: &[(i64, i64, usize, Option<u64>)]) -> Timestamp {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let mut now = Timestamp::from_secs(BEGIN);
        for (pass, behind, name, us) in calls {
            now = now.plus_secs(*pass);
            let dimensions = Dimensions::default()
                .with(Dimension::Model, names[*name])
                .with(Dimension::Status, if name % 3 == 0 { "500" } else { "200" })
                .with(Dimension::Label(0), names[name / 2]);
            let cost = us.map(|us| Money {
                nanos: us.cast_signed(),
                currency: Currency::parse(["USD", "CNY"][name % 2]).unwrap(),
            });
            let measures = Measures {
                latency_us: *us,
                ttft_us: us.map(|us| us / 3),
                input_tokens: *us,
                cost,
                ..Measures::default()
            };
            let _ = engine
                .record(&Event { timestamp: now.plus_secs(-behind), dimensions, measures, ..Event::default() }, now);
        }
        now
    }

    fn answers(engine: &Engine, now: Timestamp) -> Vec<Usage> {
        let mut answers = Vec::new();
        for window in [1, 7, 60, 900, 7_000, 80_000, 600_000] {
            for dimension in [Dimension::Model, Dimension::Label(0), Dimension::Status] {
                answers.push(engine.query(&Query::window(window).group_by(dimension), now).unwrap());
            }
        }
        answers
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn a_copy_answers_and_goes_on_as_the_original(
            calls in proptest::collection::vec(
                (prop_oneof![4 => 0_i64..3, 1 => 0_i64..4_000], prop_oneof![4 => 0_i64..5, 1 => 0_i64..90_000, 1 => -290_i64..0],
                 0_usize..8, proptest::option::of(0_u64..3_000_000)), 1..120),
            cut in 0_usize..120,
        ) {
            let engine = Engine::new(config(700)).unwrap();
            let (early, late) = calls.split_at(cut.min(calls.len()));
            let now = record(&engine, early);
            let image = engine.image(now, || ());
            let copied = copy(&image, config(700));
            prop_assert!(copied.canonical_bytes() == engine.canonical_bytes());
            prop_assert!(answers(&copied, now) == answers(&engine, now));
            prop_assert_eq!(&copied.image(now, || ()).facts, &image.facts);
            prop_assert!(engine.image(now, || ()).leaves().iter().zip(image.leaves()).all(|(a, b)| a.parts.len() == 1 || a.tier == b.tier));
            for engine in [&engine, &copied] {
                record(engine, late);
            }
            let now = now.plus_secs(4_000);
            engine.advance(now);
            copied.advance(now);
            prop_assert!(copied.canonical_bytes() == engine.canonical_bytes());
            prop_assert!(answers(&copied, now) == answers(&engine, now));
        }

        #[test]
        fn tiers_may_keep_more_or_less_afterwards(
            calls in proptest::collection::vec((0_i64..200, 0_i64..4_000, 0_usize..8, proptest::option::of(0_u64..9)), 1..80),
            seconds in prop_oneof![Just(600_u32), Just(3_600)],
        ) {
            let engine = Engine::new(config(1_200)).unwrap();
            let now = record(&engine, &calls);
            let copied = copy(&engine.image(now, || ()), config(seconds));
            for window in [900, 7_000, 80_000, 600_000] {
                let ask = |engine: &Engine| engine.query(&Query::window(window).group_by(Dimension::Model), now).unwrap();
                let (a, b) = (ask(&engine), ask(&copied));
                if a.from == b.from {
                    prop_assert!((a.totals, a.groups) == (b.totals, b.groups));
                }
            }
        }
    }

    #[test]
    fn an_unchanged_leaf_is_known_again() {
        let engine = Engine::new(config(700)).unwrap();
        let now = record(&engine, &[(0, 0, 1, None), (5, 0, 2, Some(3)), (9, 0, 1, None)]);
        engine.advance(now.plus_secs(3));
        let marks: Vec<Mark> = engine.image(now.plus_secs(3), || ()).leaves().iter().filter_map(Leaf::mark).collect();
        assert_eq!(marks.len(), 3);
        let _ = record(&engine, &[(14, 14, 3, None)]);
        engine.advance(now.plus_secs(4));
        let image = engine.image(now.plus_secs(4), || ());
        let same: Vec<bool> = image.leaves().iter().zip(&marks).map(|(leaf, mark)| leaf.same(mark)).collect();
        assert_eq!(same, [false, true, true]);
    }
}
