//! Engine to file to engine, on a disk in memory.

mod damage;
mod increments;

use super::cut::Cut;
use super::cut::join;
use super::*;
use crate::engine::config::TierConfig;
use crate::engine::event::Dimension;
use crate::engine::event::Dimensions;
use crate::engine::event::Event;
use crate::engine::event::Measures;
use crate::engine::money::Currency;
use crate::engine::money::Money;
use crate::engine::query::Query;
use crate::engine::time::Timestamp;
use crate::snapshot::FOLDER;
use crate::snapshot::Head;
use crate::snapshot::memory::Memory;
use proptest::prelude::*;

const BEGIN: i64 = 1_795_000_020;

fn config() -> Config {
    let tier = |step_secs, len| TierConfig { step_secs, len };
    let tiers = vec![tier(1, 600), tier(60, 120), tier(900, 200), tier(86_400, 10)];
    Config { tiers, max_values: 6, labels: vec!["team".to_owned()], ..Config::default() }
}

/// Small numbers that look like chance; the seed is the whole repro.
struct Rng(u64);

impl Rng {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// A call: seconds after the beginning, and what it is told by.
type Sketch = (i64, u64);

fn save(
    memory: &Memory,
    engine: &Engine,
    now: Timestamp,
    head: Head,
    ids: impl Iterator<Item = Id>,
) -> Result<Saved, SnapshotError> {
    Freezer::default().save(memory, engine, now, head, ids, true)
}

/// Counts calls at one instant, so that their order is all that differs.
fn count(engine: &Engine, sketches: &[Sketch], now: Timestamp) {
    for (at, seed) in sketches {
        let mut rng = Rng(*seed);
        let names: Vec<String> = (0..3).map(|_| format!("n{}", rng.below(9))).collect();
        let dimensions = Dimensions::default()
            .with(Dimension::Key, &names[0])
            .with(Dimension::Model, &names[1])
            .with(Dimension::Label(0), &names[2])
            .with(Dimension::Status, ["200", "500", "success"][rng.below(3) as usize]);
        let us = (rng.below(4) > 0).then(|| rng.below(5_000_000));
        let currency = Currency::parse(["USD", "CNY"][rng.below(2) as usize]).unwrap();
        let measures = Measures {
            latency_us: us,
            ttft_us: us.filter(|us| us % 2 == 0).map(|us| us / 3),
            input_tokens: Some(rng.below(4_000)),
            output_tokens: us.map(|us| us % 700),
            total_tokens: us.filter(|us| us % 3 == 0),
            cost: us.map(|us| Money { nanos: us.cast_signed() * 1_000, currency }),
            ..Measures::default()
        };
        let timestamp = Timestamp::from_secs(BEGIN + at);
        let _ = engine.record(&Event { timestamp, dimensions, measures, ..Event::default() }, now);
    }
}

fn after(seconds: i64) -> Timestamp {
    Timestamp::from_secs(BEGIN + seconds)
}

/// An engine that has calls in every tier.
fn grown(calls: u64) -> (Engine, Timestamp) {
    let engine = Engine::new(config()).unwrap();
    let mut rng = Rng(7);
    for call in 0..calls {
        let span = [500, 6_000, 100_000][rng.below(3) as usize];
        count(&engine, &[(100_000 - rng.below(span).cast_signed(), call)], after(100_000));
    }
    (engine, after(100_000))
}

fn head(events: u64) -> Head {
    Head { instance: [3; 16], place: Place { frames: events, events, chain: [5; 32] }, taken_us: 77 }
}

fn ids(count: u64) -> impl Iterator<Item = Id> {
    (0..count).map(|n| ([n.to_le_bytes(), (n * 31).to_be_bytes()].concat().try_into().unwrap(), n * 7))
}

fn path(info: &Saved) -> String {
    format!("{FOLDER}/{}", info.name)
}

#[test]
fn an_engine_comes_back_as_it_was() {
    let (engine, now) = grown(3_000);
    let memory = Memory::default();
    let info = save(&memory, &engine, now, head(3_000), ids(50)).unwrap();
    assert!(info.full && info.leaves_total > 300 && info.leaves_written == info.leaves_total);
    assert_eq!(memory.get(&path(&info)).len() as u64, info.bytes);
    assert_eq!(verify(&memory, &info.name).unwrap(), info);

    let copy = load(&memory, &info.name, config()).unwrap();
    assert!(copy.canonical_bytes() == engine.canonical_bytes());
    for window in [1, 60, 7_000, 90_000] {
        let ask = |engine: &Engine| engine.query(&Query::window(window).group_by(Dimension::Model), now).unwrap();
        assert!(ask(&copy) == ask(&engine), "{window} s");
    }
    assert_eq!(load_ids(&memory, &info.name).unwrap(), ids(50).collect::<Vec<_>>());

    let again = Memory::default();
    let same = save(&again, &copy, now, head(3_000), ids(50)).unwrap();
    assert_eq!(same, info, "the copy's snapshot is the snapshot");
    assert!(again.get(&path(&same)) == memory.get(&path(&info)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_bytes_depend_on_the_calls_and_not_on_their_order(
        mut calls in proptest::collection::vec((-90_000_i64..1, any::<u64>()), 1..60),
        cut in any::<prop::sample::Index>(),
        stripes in 1_u32..4,
    ) {
        // As many values as there is room for: which ones are let in depends on the order.
        let config = Config { max_values: 20, ..config() };
        let file = |calls: &[Sketch], stripes| {
            let engine = Engine::new(Config { stripes, ..config.clone() }).unwrap();
            count(&engine, calls, after(0));
            let memory = Memory::default();
            let info = save(&memory, &engine, after(2), head(1), ids(0)).unwrap();
            verify(&memory, &info.name).unwrap();
            memory.get(&path(&info))
        };
        let first = file(&calls, 1);
        let at = cut.index(calls.len());
        calls.rotate_left(at);
        calls[..at].reverse();
        prop_assert!(first == file(&calls, stripes));
    }

    #[test]
    fn a_slice_cut_anywhere_is_put_together_again(calls in 1_u64..200, limit in 1_usize..3_000) {
        let engine = Engine::new(config()).unwrap();
        let sketches: Vec<Sketch> = (0..calls).map(|call| (0, call)).collect();
        count(&engine, &sketches, after(0));
        for leaf in engine.image(after(1), || ()).leaves() {
            let slice = leaf.plain();
            let parts: Vec<_> = Cut::new(&slice, limit).collect();
            prop_assert_eq!(Cut::new(&slice, limit).is_whole(), parts.len() == 1);
            prop_assert!(parts.iter().all(|part| part.check(u32::MAX).is_ok()));
            let joined = join(parts).unwrap();
            prop_assert_eq!(format!("{slice:?}"), format!("{joined:?}"));
        }
    }
}

#[test]
fn parts_of_different_slices_are_not_put_together() {
    let engine = Engine::new(config()).unwrap();
    count(&engine, &(0..50).map(|call| (0, call)).collect::<Vec<_>>(), after(0));
    let image = engine.image(after(1), || ());
    let slice = image.leaves()[0].plain();
    let parts = || Cut::new(&slice, 300).collect::<Vec<_>>();
    assert!(join(parts().into_iter().rev().collect()).is_none(), "in another order");
    assert!(join(parts().into_iter().chain(parts()).collect()).is_none(), "twice");
    assert!(join(Vec::new()).is_none());
}

#[test]
fn a_leaf_larger_than_a_section_is_cut() {
    let engine = Engine::new(Config { max_values: 100_000, ..config() }).unwrap();
    for n in 0..70_000_u32 {
        let name = format!("user-{n}");
        let dimensions = Dimensions::default().with(Dimension::User, &name).with(Dimension::Status, "200");
        let n = u64::from(n);
        let measures = Measures { latency_us: Some(n * 1_001), input_tokens: Some(n * 99), ..Measures::default() };
        for measures in [measures, Measures { latency_us: Some(n), ..measures }] {
            let event = Event { timestamp: after(0), dimensions, measures, ..Event::default() };
            let _ = engine.record(&event, after(0)).unwrap();
        }
    }
    let memory = Memory::default();
    let info = save(&memory, &engine, after(1), head(9), ids(100_000)).unwrap();
    assert_eq!(info.leaves_total, 1);
    let thawed = Thawed::open(&memory, &info.name).unwrap();
    assert!(thawed.leaves()[0].pieces > 1);
    thawed.check().unwrap();
    let copy = thawed.restore(Config { max_values: 100_000, ..config() }).unwrap();
    assert!(copy.canonical_bytes() == engine.canonical_bytes());
    assert!(thawed.ids().map(Result::unwrap).eq(ids(100_000)));
}

#[test]
fn an_empty_engine_is_a_snapshot_too() {
    let memory = Memory::default();
    let engine = Engine::new(config()).unwrap();
    let info = save(&memory, &engine, after(0), head(0), ids(0)).unwrap();
    assert_eq!((info.leaves_total, info.full), (0, true));
    assert!(load(&memory, &info.name, config()).unwrap().canonical_bytes() == engine.canonical_bytes());
}

#[test]
fn a_configuration_that_can_not_take_it_is_told() {
    let (engine, now) = grown(50);
    let memory = Memory::default();
    let info = save(&memory, &engine, now, head(1), ids(0)).unwrap();
    let other = Config { labels: vec!["region".to_owned()], ..config() };
    let fault = load(&memory, &info.name, other).unwrap_err();
    assert!(matches!(fault, SnapshotError::Foreign { .. }), "{fault}");
    assert!(fault.to_string().contains(&info.name) && fault.to_string().contains("[team]"), "{fault}");
}
