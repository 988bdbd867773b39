//! An engine made of an image, leaf by leaf: each goes into its own bucket, and in the end the coarser
//! ones are folded from them, as they were when time passed.

use super::Engine;
use super::aggregate::Aggregate;
use super::config::Config;
use super::event::Dimensions;
use super::event::MAX_DIMENSIONS;
use super::image::Facts;
use super::plain::PlainSlice;
use super::series::TOTAL;
use super::slice::Slice;
use super::tiers::Bucket;
use super::tiers::Part;
use super::tiers::Sealed;
use super::time::DAY;
use super::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// An engine being restored.
pub(crate) struct Restoration {
    engine: Engine,
    steps: Vec<i64>,   // of the image's tiers
    series: Vec<Seen>, // by number
}

/// A series of the image.
#[derive(Clone, Copy)]
struct Seen {
    groups: [u32; MAX_DIMENSIONS + 1], // the total, then one for each dimension rolled up
    day: u32,                          // the newest it has calls on
}

impl Restoration {
    /// Begins; `config` may differ from the one the image was taken under where that does no harm:
    /// tiers may keep more or less, labels may be added at the end.
    ///
    /// # Errors
    /// A sentence that says what can't be changed.
    pub(crate) fn new(config: Config, facts: &Facts) -> Result<Self, String> {
        if !config.labels.starts_with(&facts.labels) {
            return Err(format!(
                "it counts by the labels [{}], the configuration by [{}]; labels can only be added, at the end",
                facts.labels.join(", "),
                config.labels.join(", ")
            ));
        }
        let engine = Engine::new(config).map_err(|fault| fault.to_string())?;
        let steps: Vec<i64> = facts.tiers.iter().map(|(step, _)| i64::from(*step)).collect();
        let last = Timestamp::MAX.secs();
        let possible = |second: &i64| (-last..=last).contains(second);
        let stepped = steps.first() == Some(&1) && steps.iter().all(|step| (1..=DAY).contains(step));
        if !stepped || steps.len() != facts.covered.len() || !facts.covered.iter().chain([&facts.now]).all(possible) {
            return Err("its tiers can't be".to_owned());
        }
        let restoration = Self { engine, steps, series: Vec::new() };
        restoration.begin(facts);
        Ok(restoration)
    }

    fn begin(&self, facts: &Facts) {
        let core = &self.engine.core;
        core.observe(Timestamp::from_secs(facts.now));
        let mut sealed = core.sealed.write();
        for tier in 0..sealed.tiers.len() {
            // From where on everything the image has is fine enough for this tier.
            let fits = |step: &&i64| sealed.tiers.step(tier) % **step == 0;
            let coarsest = self.steps.iter().take_while(fits).count() - 1;
            sealed.tiers.give_up_before(tier, facts.covered[coarsest]);
        }
        sealed.tiers.unfold();
        core.publish_coverage(&sealed.tiers);
        let counters = &core.counters;
        counters.late.store(facts.late, Ordering::Relaxed);
        counters.rejected.iter().zip(facts.rejected).for_each(|(count, of)| count.store(of, Ordering::Relaxed));
        counters.duplicates.store(facts.duplicates, Ordering::Relaxed);
        let mut first = core.stripes[0].lock();
        first.accepted = facts.accepted;
        first.recent.begin_at(Timestamp::from_secs(facts.now).plus_secs(i64::from(core.config.ahead_secs) + 1));
    }

    /// The engine's number for a series of these names.
    pub(crate) fn series<'a>(&mut self, names: impl Iterator<Item = &'a str>) -> u32 {
        let mut dimensions = Dimensions([""; MAX_DIMENSIONS]);
        dimensions.0.iter_mut().zip(names).for_each(|(place, name)| *place = name);
        let mut table = self.engine.core.series.write();
        let id = table.recall(&dimensions, 0).id;
        let mut groups = [TOTAL; MAX_DIMENSIONS + 1]; // the total, then its other groups
        groups[1..].copy_from_slice(&table.combination(id));
        let place = id as usize;
        if place >= self.series.len() {
            self.series.resize(place + 1, Seen { groups, day: 0 });
        }
        self.series[place].groups = groups;
        id
    }

    /// Puts a leaf in. Its slice must be sound and numbered by [`series`](Self::series); `tier` is
    /// that of the facts. Leaves should come by the time they begin.
    ///
    /// # Errors
    /// What is wrong with the place.
    pub(crate) fn leaf(&mut self, tier: usize, number: i64, slice: &PlainSlice) -> Result<(), &'static str> {
        let core = &self.engine.core;
        let start = self.steps.get(tier).and_then(|step| number.checked_mul(*step));
        let possible = |start: &i64| (0..=Timestamp::MAX.secs()).contains(start);
        let start = start.filter(possible).ok_or("a bucket lies outside all time")?;
        let day = u32::try_from(start.div_euclid(DAY)).expect("a second of all time");
        for id in &slice.ids {
            let seen = &mut self.series[*id as usize];
            seen.day = seen.day.max(day);
        }
        let series = Slice::from(slice);
        let groups = series.by_group(core.config.rollups.len() + 1, |id| &self.series[id as usize].groups);
        let mut sealed = core.sealed.write();
        let state = &mut *sealed;
        let tier = (0..state.tiers.len()).find(|new| state.tiers.step(*new) % self.steps[tier] == 0);
        let tier = tier.ok_or("no tier of the configuration can hold its buckets")?;
        let bucket = Bucket { tier, number: start.div_euclid(state.tiers.step(tier)) };
        let sums: Vec<(u32, Aggregate)> = (0..groups.len())
            .map(|row| {
                let mut sums = Aggregate::default();
                groups.add_row(row, &mut sums);
                (groups.ids.get(row), sums)
            })
            .collect();
        let kept = state.tiers.insert(bucket, &Part::Sealed(Arc::new(Sealed { series, groups })));
        if !kept.is_empty() {
            sums.iter().for_each(|(group, sums)| state.rollups.add(*group, start, sums, &state.tiers));
        }
        Ok(())
    }

    /// The engine.
    pub(crate) fn finish(self) -> Engine {
        let core = &self.engine.core;
        {
            let series = core.series.read();
            (0..).zip(&self.series).for_each(|(id, seen)| series.see(id, seen.day));
        }
        core.fold_passed(core.watermark.load(Ordering::Relaxed));
        self.engine
    }
}
