//! The store through its public face: what survives a close, a crash and a snapshot, and that
//! everything goes on exactly as it would have.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ends;

use ends::Ends;
use proptest::prelude::*;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;
use tallyring::engine::config::Config;
use tallyring::engine::config::TierConfig;
use tallyring::engine::event::Dimension;
use tallyring::engine::event::Dimensions;
use tallyring::engine::event::Event;
use tallyring::engine::event::Measures;
use tallyring::engine::money::Currency;
use tallyring::engine::money::Money;
use tallyring::engine::query::Query;
use tallyring::engine::recent::CallQuery;
use tallyring::engine::time::Timestamp;
use tallyring::journal::Ack;
use tallyring::store::Archive;
use tallyring::store::Batch;
use tallyring::store::OpenError;
use tallyring::store::Opened;
use tallyring::store::Receipt;
use tallyring::store::Settings;
use tallyring::store::SnapshotFailed;
use tallyring::store::Store;

const NOW: i64 = 1_795_324_556;

fn at(second: i64) -> Timestamp {
    Timestamp::from_secs(NOW + second)
}

fn settings() -> Settings {
    let tier = |step_secs, len| TierConfig { step_secs, len };
    let tiers = vec![tier(1, 700), tier(60, 120), tier(900, 200), tier(86_400, 10)];
    let mut settings = Settings {
        engine: Config { tiers, max_values: 20, stripes: 2, recent_calls: 50, ..Config::default() },
        id_horizon: 1_000,
        ..Settings::default()
    };
    settings.journal.segment_bytes = 1 << 20;
    // Most tests crash by dropping the store: what was written is there, as after a kill.
    settings.journal.ack = Ack::Write;
    settings
}

fn open(folder: &Path, second: i64) -> (Store, Opened) {
    Store::open(folder, settings(), at(second), &mut |_| {}).unwrap()
}

fn event<'a>(second: i64, model: &'a str, id: &'a str, tokens: u64) -> Event<'a> {
    let dimensions = Dimensions::default().with(Dimension::Model, model).with(Dimension::Status, "200");
    let cost = Money { nanos: 7 * tokens.cast_signed(), currency: Currency::USD };
    let measures =
        Measures { input_tokens: Some(tokens), latency_us: Some(tokens * 31), cost: Some(cost), ..Measures::default() };
    Event { timestamp: at(second), dimensions, measures, id, ..Event::default() }
}

fn send(store: &Store, events: &[Event<'_>], second: i64) -> Receipt {
    let mut batch = Batch::new(|pointer| pointer);
    (0..).zip(events).for_each(|(index, event)| batch.push(index, *event, true));
    store.ingest("w", batch, false, at(second)).unwrap()
}

fn requests(store: &Store, second: i64) -> u64 {
    store.engine().query(&Query::window(3_600), at(second)).unwrap().totals.sums.requests
}

fn calls(store: &Store, limit: usize, after: Option<(Timestamp, u64)>) -> tallyring::engine::recent::CallPage {
    let (from, to) = (at(-3_600), at(100_000));
    store.calls(&CallQuery { from, to, filters: Vec::new(), failures_only: false, limit, after }).unwrap()
}

#[test]
fn what_was_taken_is_there_after_a_crash_and_after_a_close() {
    let folder = tempfile::tempdir().unwrap();
    let (store, opened) = open(folder.path(), 0);
    assert_eq!(opened, Opened::default());
    assert_eq!(send(&store, &[event(0, "a", "1", 5), event(0, "b", "2", 6)], 0).position, 2);
    drop(store);
    let (store, opened) = open(folder.path(), 1);
    assert_eq!((opened.position, opened.replayed, opened.torn_bytes), (2, 2, 0));
    assert_eq!((requests(&store, 1), store.position()), (2, 2));
    let receipt = send(&store, &[event(0, "a", "1", 5), event(0, "b", "2", 7), event(1, "c", "3", 1)], 1);
    assert_eq!((receipt.duplicates, receipt.rejected, receipt.accepted, receipt.position), (1, 1, 1, 3));
    store.close(at(2)).unwrap();
    assert!(store.ingest("w", Batch::new(|pointer| pointer), false, at(2)).is_err(), "closed is closed");
    drop(store);
    let (store, opened) = open(folder.path(), 3);
    assert!(opened.snapshot.is_some());
    assert_eq!((opened.position, opened.replayed), (3, 0));
    assert_eq!(requests(&store, 3), 3);
    assert_eq!(send(&store, &[event(0, "a", "1", 5)], 3).duplicates, 1, "ids are in the snapshot");
    let stats = store.engine().stats();
    assert_eq!((stats.accepted, stats.duplicates, stats.rejected), (3, 2, [0, 0, 0, 1]));
}

#[test]
fn a_folder_belongs_to_one_store() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path(), 0);
    let second = Store::open(folder.path(), settings(), at(0), &mut |_| {});
    assert!(matches!(second, Err(OpenError::Locked(_))));
    drop(store);
    let _ = open(folder.path(), 0);
}

#[test]
fn labels_can_be_added_and_not_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let with = |labels: &[&str], second| {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        let settings = Settings { engine: Config { labels, ..settings().engine }, ..settings() };
        Store::open(folder.path(), settings, at(second), &mut |_| {})
    };
    let (store, _) = with(&[], 0).unwrap();
    let _ = send(&store, &[event(0, "a", "", 1)], 0);
    drop(store);
    let (store, _) = with(&["team"], 1).unwrap();
    let labelled = event(1, "a", "", 1);
    let _ = send(&store, &[Event { dimensions: labelled.dimensions.with(Dimension::Label(0), "blue"), ..labelled }], 1);
    store.close(at(2)).unwrap();
    drop(store);
    assert!(matches!(with(&[], 3), Err(OpenError::Config(_))));
    let (store, _) = with(&["team", "stage"], 3).unwrap();
    let blue = Query::window(60).only(Dimension::Label(0), "blue");
    assert_eq!(store.engine().query(&blue, at(3)).unwrap().totals.sums.requests, 1);
    assert_eq!(requests(&store, 3), 2);
}

#[test]
fn older_calls_are_read_from_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path(), 0);
    for n in 0..300_u64 {
        let error = format!("error {n}");
        let failed = Event { error: &error, ..event(n.cast_signed(), "m", "", n) };
        let _ = send(&store, &[failed, event(n.cast_signed(), "other", "", n)], n.cast_signed());
        if n == 200 {
            store.snapshot(false, at(200)).unwrap();
        }
    }
    drop(store);
    let (store, _) = open(folder.path(), 300);
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = calls(&store, 70, after);
        assert!(page.complete);
        seen.extend(page.calls.iter().map(|call| (call.timestamp, call.sequence, call.measures.input_tokens)));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 600);
    assert!(seen.is_sorted_by(|a, b| (a.0, a.1) > (b.0, b.1)));
    assert_eq!(seen[599], (at(0), 0, Some(0)));
    let one = CallQuery {
        filters: vec![tallyring::engine::query::Filter { dimension: Dimension::Model, values: vec!["m".to_owned()] }],
        ..CallQuery { from: at(10), to: at(12), filters: Vec::new(), failures_only: false, limit: 10, after: None }
    };
    let page = store.calls(&one).unwrap();
    let errors: Vec<_> = page.calls.iter().map(|call| call.error.as_deref().unwrap().to_owned()).collect();
    assert_eq!((errors, page.complete), (vec!["error 11".to_owned(), "error 10".to_owned()], true));
}

#[test]
fn segments_and_snapshots_are_removed_once_two_snapshots_cover_them() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Settings { journal_max_bytes: 1, ..settings() };
    let (store, _) = Store::open(folder.path(), limits, at(0), &mut |_| {}).unwrap();
    for round in 0..6_i64 {
        for n in 0..12_000_u64 {
            let id = format!("{round}-{n}-{}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let _ = send(&store, &[event(round * 10, "m", &id, n)], round * 10);
        }
        store.snapshot(false, at(round * 10)).unwrap();
        let status = store.status().unwrap();
        assert!(status.oldest_position <= u64::try_from(round).unwrap() * 12_000, "the older one needs it");
    }
    let status = store.status().unwrap();
    assert!(status.oldest_position > 24_000, "{status:?}");
    assert!(store.snapshots().unwrap().len() >= 2);
    drop(store);
    let (store, _) = open(folder.path(), 60);
    assert_eq!(requests(&store, 60), 72_000);
    let newest = store.snapshots().unwrap().remove(0);
    drop(store);
    let name = folder.path().join("snapshots").join(format!("{}.snap", newest.name));
    let mut bytes = fs::read(&name).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&name, &bytes).unwrap();
    let (store, opened) = open(folder.path(), 61);
    assert_eq!(opened.passed_over.len(), 1, "the older one does");
    assert_eq!(requests(&store, 61), 72_000);
    assert_eq!(fs::read(&name).unwrap(), bytes, "what is damaged is left as it is");
}

#[derive(Clone, Debug)]
enum Step {
    Send { pass: i64, calls: Vec<(i64, u8, u8, u64)> },
    Snapshot { full: bool },
    Crash,
    Close,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let call = (prop_oneof![4 => 0_i64..5, 1 => 0_i64..90_000, 1 => -290_i64..0], 0_u8..9, 0_u8..30, 0_u64..1_000);
    let step = prop_oneof![
        6 => (prop_oneof![4 => 0_i64..3, 1 => 0_i64..4_000], proptest::collection::vec(call, 1..12))
            .prop_map(|(pass, calls)| Step::Send { pass, calls }),
        1 => any::<bool>().prop_map(|full| Step::Snapshot { full }),
        1 => Just(Step::Crash),
        1 => Just(Step::Close),
    ];
    proptest::collection::vec(step, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(60)))]

    /// A store that crashes, closes and takes snapshots against one in memory that does nothing of
    /// the kind: the same receipts and the same state to the byte.
    #[test]
    fn nothing_shows_that_it_was_ever_stopped(steps in steps()) {
        let folder = tempfile::tempdir().unwrap();
        let mut second = 0;
        let mut store = open(folder.path(), second).0;
        let still = tallyring::Engine::new(settings().engine).unwrap();
        still.advance(at(0));
        let still = Store::in_memory_with(still, settings().id_horizon);
        for step in steps {
            match step {
                Step::Send { pass, calls } => {
                    second += pass;
                    let names: Vec<(String, String)> = calls.iter().map(|(_, model, id, _)| {
                        let id = if *id < 10 { String::new() } else { format!("id{id}") };
                        (format!("model-{model}"), id)
                    }).collect();
                    let events: Vec<Event<'_>> = calls.iter().zip(&names)
                        .map(|((behind, _, _, tokens), (model, id))| event(second - behind, model, id, *tokens)).collect();
                    let receipt = send(&store, &events, second);
                    prop_assert_eq!(receipt, send(&still, &events, second));
                }
                Step::Snapshot { full } => drop(store.snapshot(full, at(second)).unwrap()),
                Step::Crash => {
                    drop(store);
                    store = open(folder.path(), second).0;
                }
                Step::Close => {
                    store.close(at(second)).unwrap();
                    drop(store);
                    store = open(folder.path(), second).0;
                }
            }
            prop_assert_eq!(store.position(), still.position());
        }
        store.engine().advance(at(second + 1));
        still.engine().advance(at(second + 1));
        prop_assert!(store.engine().canonical_bytes() == still.engine().canonical_bytes());
        let stats = |store: &Store| {
            let stats = store.engine().stats();
            (stats.accepted, stats.late, stats.rejected, stats.duplicates)
        };
        let page = calls(&store, 1_000, None);
        prop_assert!(page.complete);
        prop_assert_eq!(stats(&store).0, stats(&still).0);
        prop_assert_eq!(stats(&store).1, stats(&still).1);
    }
}

/// Property cases: `TALLYRING_CASES` asks for more.
fn cases(usual: u32) -> u32 {
    std::env::var("TALLYRING_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

#[test]
fn snapshots_that_go_while_they_are_read_are_no_faults() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path(), 0);
    let take = |second| {
        let _ = send(&store, &[event(second, "a", "", 1)], second);
        store.snapshot(second % 3 == 0, at(second)).unwrap()
    };
    take(0);
    let done = AtomicBool::new(false);
    let gone = |answer: Result<(), SnapshotFailed>| match answer {
        Ok(()) | Err(SnapshotFailed::Unknown) => {}
        Err(fault) => panic!("{fault}"),
    };
    thread::scope(|scope| {
        let _ends = Ends(&done);
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let listed = store.snapshots().unwrap();
                assert!(!listed.is_empty(), "two are kept");
                assert!(!Archive::open(folder.path()).unwrap().snapshots().unwrap().is_empty());
                let oldest = &listed.last().unwrap().name;
                gone(store.verify_snapshot(oldest).map(drop));
                gone(store.frozen(oldest).map(drop));
            }
        });
        (1..150).for_each(|second| drop(take(second)));
    });
}
