//! What is known about ids, against a plain list of the last ones. Blocks have 8 entries here.

use super::*;
use crate::engine::event::Dimension;
use crate::engine::event::Dimensions;
use crate::engine::event::Event;
use crate::engine::event::MAX_DIMENSIONS;
use crate::engine::event::Measures;
use crate::engine::money::Currency;
use crate::engine::money::Money;
use crate::engine::time::Timestamp;
use proptest::prelude::*;
use std::collections::VecDeque;

fn hashers() -> Hashers {
    Hashers::new(*b"an installation.")
}

fn id(n: u64) -> IdHash {
    hashers().id("", &n.to_string())
}

#[test]
fn an_id_is_known_with_its_payload_and_within_its_writer() {
    let mut dedupe = Dedupe::new(10);
    let hashers = hashers();
    dedupe.remember(hashers.id("w", "a"), 1);
    assert_eq!(dedupe.look_up(hashers.id("w", "a"), 1), Known::Same);
    assert_eq!(dedupe.look_up(hashers.id("w", "a"), 2), Known::Other);
    assert_eq!(dedupe.look_up(hashers.id("v", "a"), 1), Known::New);
    assert_eq!(dedupe.look_up(hashers.id("wa", ""), 1), Known::New, "the border between the two counts");
    assert_eq!(dedupe.look_up(hashers.key("w", "a"), 1), Known::New, "a key is no id");
}

#[test]
fn ids_that_look_alike_are_different() {
    let mut dedupe = Dedupe::new(10);
    let hashers = hashers();
    dedupe.remember(hashers.id("", "é"), 1);
    for id in ["e\u{301}", " é", "é ", "É", "é\0"] {
        assert_eq!(dedupe.look_up(hashers.id("", id), 1), Known::New, "{id:?}");
    }
}

#[test]
fn exactly_the_last_ids_are_known_whatever_the_horizon() {
    for horizon in [1, 2, 7, 8, 9, 16, 20, 100] {
        let mut dedupe = Dedupe::new(horizon);
        for n in 0..300 {
            dedupe.remember(id(n), n);
            assert_eq!(dedupe.len(), horizon.min(n as usize + 1));
            let oldest = (n + 1).saturating_sub(horizon as u64);
            for known in oldest..=n {
                assert_eq!(dedupe.look_up(id(known), known), Known::Same, "{known} of {n}, horizon {horizon}");
            }
            for gone in oldest.saturating_sub(10)..oldest {
                assert_eq!(dedupe.look_up(id(gone), gone), Known::New, "{gone} of {n}, horizon {horizon}");
            }
        }
    }
}

/// Memory does not grow with the number of ids that were ever remembered.
#[test]
fn memory_is_bounded_by_the_horizon_and_a_block() {
    let mut dedupe = Dedupe::new(100);
    (0..200).for_each(|n| dedupe.remember(id(n), n));
    let bytes = dedupe.bytes();
    (200..20_000).for_each(|n| dedupe.remember(id(n), n));
    assert!(dedupe.bytes() <= bytes + 8 * size_of::<Entry>(), "{} after {bytes}", dedupe.bytes());
    assert!(bytes < 100 * 48 + 1_000, "{bytes}");
}

/// Ids that differ in one bit, or agree in either half, are told apart wherever they fall.
#[test]
fn ids_with_equal_bits_are_told_apart() {
    let mut dedupe = Dedupe::new(1_000);
    let bit = |n: usize| IdHash((1_u128 << n).to_le_bytes());
    let half = |n: usize| IdHash([[7; 8], (n as u64).to_le_bytes()].concat().try_into().unwrap());
    let other = |n: usize| IdHash([(n as u64).to_le_bytes(), [7; 8]].concat().try_into().unwrap());
    let ids: Vec<IdHash> = (0..128).flat_map(|n| [bit(n), half(n), other(n)]).collect();
    for (payload, id) in (0..).zip(&ids) {
        assert_eq!(dedupe.look_up(*id, payload), Known::New);
        dedupe.remember(*id, payload);
    }
    for (payload, id) in (0..).zip(&ids) {
        assert_eq!(dedupe.look_up(*id, payload), Known::Same);
    }
}

#[test]
fn an_id_that_comes_again_is_known_by_its_last_payload_and_as_long() {
    let mut dedupe = Dedupe::new(10);
    dedupe.remember(id(0), 1);
    (1..6).for_each(|n| dedupe.remember(id(n), 0));
    dedupe.remember(id(0), 2);
    (6..15).for_each(|n| dedupe.remember(id(n), 0));
    assert_eq!(dedupe.look_up(id(0), 2), Known::Same, "the older entry is gone, the younger one not");
    dedupe.remember(id(15), 0);
    assert_eq!(dedupe.look_up(id(0), 2), Known::New);
}

#[test]
fn places_may_wrap_around() {
    let mut dedupe = Dedupe::new(20);
    dedupe.queue = Queue::starting_at(u32::MAX - 12);
    (0..100).for_each(|n| dedupe.remember(id(n), n));
    assert!((80..100).all(|n| dedupe.look_up(id(n), n) == Known::Same));
    assert_eq!(dedupe.look_up(id(79), 79), Known::New);
}

#[test]
fn an_image_stays_as_it_was() {
    let mut dedupe = Dedupe::new(20);
    (0..30).for_each(|n| dedupe.remember(id(n), n));
    let image = dedupe.image();
    (30..60).for_each(|n| dedupe.remember(id(n), n));
    assert_eq!(image.len(), 20);
    assert!(image.entries().eq((10..30).map(|n| Entry { id: id(n), payload: n })));
    dedupe.restore(image.entries());
    assert!((10..30).all(|n| dedupe.look_up(id(n), n) == Known::Same));
    assert_eq!(dedupe.look_up(id(30), 30), Known::New, "nothing else is left");
}

proptest! {
    #[test]
    fn it_agrees_with_a_list(horizon in 1_usize..40, ids in proptest::collection::vec((0_u64..60, 0_u64..2), 0..200)) {
        let mut dedupe = Dedupe::new(horizon);
        let mut list = VecDeque::<(u64, u64)>::new();
        for (n, payload) in ids {
            let known = list.iter().rev().find(|(known, _)| *known == n).map(|(_, payload)| *payload);
            let expected = known.map_or(Known::New, |known| if known == payload { Known::Same } else { Known::Other });
            prop_assert_eq!(dedupe.look_up(id(n), payload), expected);
            dedupe.remember(id(n), payload);
            list.push_back((n, payload));
            if list.len() > horizon {
                list.pop_front();
            }
        }
        let entries = list.iter().map(|(n, payload)| Entry { id: id(*n), payload: *payload });
        prop_assert!(dedupe.image().entries().eq(entries));
    }

    #[test]
    fn what_was_restored_goes_on_as_if_nothing_had_been(horizon in 1_usize..40, before in 0_u64..100, after in 0_u64..100) {
        let mut live = Dedupe::new(horizon);
        (0..before).for_each(|n| live.remember(id(n), n));
        let mut restored = Dedupe::new(horizon);
        restored.remember(id(1_000), 0);
        restored.restore(live.image().entries());
        for n in before..before + after {
            live.remember(id(n), n);
            restored.remember(id(n), n);
            let both = |n: u64| live.look_up(id(n), n) == restored.look_up(id(n), n);
            prop_assert!((0..=n).all(both), "after {n}");
        }
        prop_assert!(live.image().entries().eq(restored.image().entries()));
        prop_assert_eq!(restored.look_up(id(1_000), 0), Known::New);
    }

    #[test]
    fn long_names_and_short_ones_are_hashed_alike(writer in "[a-z]{0,300}", name in "[a-z]{0,300}") {
        let parts = [&b"i"[..], &(writer.len() as u32).to_le_bytes(), writer.as_bytes(), name.as_bytes()].concat();
        let context = "tallyring 2026-11-22 remembered ids and idempotency keys";
        let expected = blake3::keyed_hash(&blake3::derive_key(context, b"an installation."), &parts);
        prop_assert_eq!(&hashers().id(&writer, &name).0[..], &expected.as_bytes()[..16]);
    }
}

/// Hashes are kept in data folders: these must never change.
#[test]
fn hashes_stay_the_same_for_ever() {
    assert_eq!(u128::from_be_bytes(hashers().id("w", "a").0), 0x7af5_dfa8_08c7_69e0_9fbb_8001_ef5a_a96e);
    assert_eq!(u128::from_be_bytes(hashers().key("w", "a").0), 0x3467_608c_be41_bea9_7f6d_65a5_f08d_1912);
    assert_ne!(hashers().id("w", "a"), Hashers::new([0; 16]).id("w", "a"), "each installation has its own");
    assert_eq!(payload(&full(), true), 0xf994_1325_7389_2e9c);
    assert_eq!(Hashers::body(b""), 0x2d06_8005_38d3_94c2, "as the reference implementation has it");
}

#[test]
fn a_payload_is_spelled_as_documented() {
    let integer = |tag: u8, n: u64| [&[tag][..], &n.to_le_bytes()].concat();
    let text = |tag: u8, text: &str| [&[tag, u8::try_from(text.len()).unwrap(), 0, 0, 0], text.as_bytes()].concat();
    let fields = [
        text(0, "k"),
        text(5, "200"),
        integer(64, 1_000_000),
        text(65, "j"),
        text(66, "e"),
        integer(67, 1),
        b"USD".to_vec(),
        integer(68, 1),
        integer(70, 0),
    ];
    assert_eq!(payload(&full(), true), Hashers::body(&fields.concat()));
}

fn payload(event: &Event<'_>, timed: bool) -> u64 {
    Hashers::payload(event, timed, &mut vec![9; 9])
}

fn full() -> Event<'static> {
    let cost = Money { nanos: 1, currency: Currency::USD };
    let measures = Measures { latency_us: Some(1), input_tokens: Some(0), cost: Some(cost), ..Measures::default() };
    let dimensions = Dimensions::default().with(Dimension::Key, "k").with(Dimension::Status, "200");
    Event { timestamp: Timestamp::from_secs(1), dimensions, measures, id: "a", job_id: "j", error: "e" }
}

#[test]
fn the_id_and_a_time_of_arrival_are_no_part_of_the_payload() {
    let later = Event { timestamp: Timestamp::from_secs(2), id: "b", ..full() };
    assert_eq!(payload(&later, false), payload(&full(), false));
    assert_ne!(payload(&later, true), payload(&full(), true));
    assert_ne!(payload(&full(), true), payload(&full(), false));
}

#[test]
fn every_other_difference_is_part_of_the_payload() {
    let mut events = vec![full(), Event { job_id: "", ..full() }, Event { error: "", ..full() }];
    events.push(Event { job_id: "e", error: "j", ..full() });
    events.extend((0..MAX_DIMENSIONS).map(|place| {
        let mut dimensions = full().dimensions;
        dimensions.0[place] = "other";
        Event { dimensions, ..full() }
    }));
    let set = |change: fn(&mut Measures)| {
        let mut measures = full().measures;
        change(&mut measures);
        Event { measures, ..full() }
    };
    events.extend([
        set(|m| m.latency_us = None),
        set(|m| m.ttft_us = Some(1)),
        set(|m| m.input_tokens = None),
        set(|m| m.output_tokens = Some(0)),
        set(|m| m.cache_read_tokens = Some(0)),
        set(|m| m.cache_write_tokens = Some(0)),
        set(|m| m.reasoning_tokens = Some(0)),
        set(|m| m.total_tokens = Some(0)),
        set(|m| m.cost = None),
        set(|m| m.cost = Some(Money { nanos: 2, currency: Currency::USD })),
        set(|m| m.cost = Some(Money { nanos: 1, currency: Currency::parse("EUR").unwrap() })),
    ]);
    let mut hashes: Vec<u64> = events.iter().map(|event| payload(event, true)).collect();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), events.len(), "each differs from each");
}

#[test]
fn errors_that_are_kept_alike_are_alike() {
    let (long, longer) = ("e".repeat(512), "e".repeat(600));
    let with = |error| payload(&Event { error, ..full() }, true);
    assert_eq!(with(&long), with(&longer));
    assert_ne!(with(&long), with(&long[1..]));
}
