//! `replay`: the state counted anew is the state there was; a snapshot that tells anything else is
//! told figure by figure.

use super::busy;
use super::busy::at;
use super::busy::calls;
use super::busy::open;
use super::busy::run;
use super::busy::session;
use super::kit::faults;
use super::kit::files;
use super::kit::folder_of;
use super::kit::tallyring;
use super::kit::text;
use super::kit::verify;
use super::surgery;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use tallyring::audit::Comparison;
use tallyring::audit::Rebuilt;
use tallyring::audit::Unreadable;
use tallyring::audit::Until;
use tallyring::audit::compare;
use tallyring::audit::rebuild;
use tallyring::engine::query::Query;
use tallyring::storage::Disk;
use tallyring::storage::Shared;
use tempfile::TempDir;

fn storage(folder: &Path) -> Shared {
    Arc::new(Disk::read_only(folder).unwrap())
}

fn requests(rebuilt: &Rebuilt) -> u64 {
    rebuilt.engine.query(&Query::between(None, None), rebuilt.now).unwrap().totals.sums.requests
}

fn snapshots(folder: &Path) -> Vec<String> {
    let names = files(folder).into_keys().filter(|name| name.extension().is_some_and(|end| end == "snap"));
    names.map(|name| name.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    files(folder).into_keys().filter(|name| name.extension().is_some_and(|end| end == "seg")).collect()
}

/// As a store does with its oldest segments.
fn prune(folder: &Path, count: usize) {
    segments(folder).iter().take(count).for_each(|name| fs::remove_file(folder.join(name)).unwrap());
}

#[test]
fn the_state_counted_anew_is_the_live_one() {
    let dir = tempfile::tempdir().unwrap();
    for (from, to) in [(0, 70), (70, 75), (900, 960)] {
        let store = open(dir.path(), from);
        run(&store, from..to, 25);
        store.close(at(to)).unwrap();
        store.engine().advance(at(to + 1));
        let live = *blake3::hash(&store.engine().canonical_bytes()).as_bytes();
        drop(store);
        let rebuilt = rebuild(&storage(dir.path()), Until::Time(at(to + 1)), true).unwrap();
        assert_eq!((rebuilt.hash(), rebuilt.origin), (live, None), "up to second {to}");
    }
}

#[test]
fn any_position_and_any_time_can_be_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    session(dir.path(), 0..60, 40);
    let mut position = 0;
    for second in 0..60 {
        let count = calls(second).len() as u64;
        let rebuild = |until| rebuild(&storage(dir.path()), until, false).unwrap();
        let before = rebuild(Until::Position(position + 1));
        assert_eq!((before.place.events, before.within), (position, Some((position, position + count))));
        assert_eq!(requests(&before), position);
        position += count;
        for rebuilt in [rebuild(Until::Position(position)), rebuild(Until::Time(at(second)))] {
            assert_eq!((requests(&rebuilt), rebuilt.place.events, rebuilt.within), (position, position, None));
        }
    }
    let all = rebuild(&storage(dir.path()), Until::Position(1_000_000), false).unwrap();
    assert_eq!(requests(&all), busy::events(0..60));
}

#[test]
fn every_snapshot_is_what_the_journal_tells() {
    let dir = tempfile::tempdir().unwrap();
    session(dir.path(), 0..50, 20);
    session(dir.path(), 800..860, 20);
    let names = snapshots(dir.path());
    assert!(names.len() >= 2, "{names:?}");
    for name in names {
        let said = tallyring(&["replay", text(dir.path()), "--expect", &name]);
        assert_eq!((said.code, said.out.lines().next()), (0, Some("equal")), "{said:?}");
    }
}

#[test]
fn a_pruned_journal_is_counted_from_a_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    session(dir.path(), 0..80, 1_000);
    session(dir.path(), 80..120, 1_000);
    let names = snapshots(dir.path());
    assert_eq!(names.len(), 2);
    let whole = rebuild(&storage(dir.path()), Until::End, true).unwrap();
    prune(dir.path(), 2);
    assert_eq!(faults(&verify(dir.path(), None)), Vec::<String>::new());
    let rebuilt = rebuild(&storage(dir.path()), Until::End, false).unwrap();
    assert_eq!(rebuilt.origin, Some(format!("{}.snap", names[0])));
    assert_eq!((rebuilt.place, rebuilt.hash()), (whole.place, whole.hash()));
    assert!(matches!(rebuild(&storage(dir.path()), Until::End, true), Err(Unreadable::Unusable(_))));
    assert!(matches!(rebuild(&storage(dir.path()), Until::Position(5), false), Err(Unreadable::Unusable(_))));
    let newer = compare(&storage(dir.path()), &names[1]).unwrap();
    assert!(matches!(newer, Comparison::Equal { origin: Some(_), .. }), "{newer:?}");
    let said = tallyring(&["replay", text(dir.path()), "--expect", &names[0]]);
    assert!(said.code == 1 && said.out.starts_with("not provable: "), "never from itself: {said:?}");

    for name in &names {
        fs::remove_file(dir.path().join(format!("snapshots/{name}.snap"))).unwrap();
    }
    let told = faults(&verify(dir.path(), None));
    assert!(told.len() == 1 && told[0].contains("no whole snapshot covers what came before"), "{told:?}");
}

/// A folder whose only snapshot tells of other calls than its journal, and is whole in every other
/// respect: two histories of one installation, the snapshot of one in the folder of the other.
fn forged(named: bool) -> TempDir {
    let start = tempfile::tempdir().unwrap();
    session(start.path(), 0..10, 1_000);
    fs::remove_dir_all(start.path().join("snapshots")).unwrap();
    let histories = [5_000, 5_001].map(|tokens| {
        let dir = folder_of(&files(start.path()));
        let store = open(dir.path(), 20);
        let mut calls = calls(20);
        calls[0].tokens = tokens;
        let _ = busy::send(&store, &calls, 20);
        store.close(at(20)).unwrap();
        dir
    });
    let [own, other] = histories;
    let name = format!("snapshots/{}.snap", snapshots(own.path())[0]);
    let chain: [u8; 32] = fs::read(own.path().join(&name)).unwrap()[44..76].try_into().unwrap();
    let forged = surgery::snapshot_with(&fs::read(other.path().join(&name)).unwrap(), |bytes| {
        bytes[44..76].copy_from_slice(&chain);
    });
    let mut files = files(own.path());
    files.insert(name.into(), forged);
    if !named {
        // As if a crash had come before the journal named it.
        unnamed(&mut files);
    }
    folder_of(&files)
}

/// Takes the last frame that names a snapshot out of the journal.
fn unnamed(files: &mut surgery::Files) {
    let mut segments = surgery::read(files);
    let frames = &mut segments.last_mut().unwrap().frames;
    let place = frames.iter().rposition(|frame| frame.header[4] == 3).unwrap();
    frames.remove(place);
    files.retain(|name, _| name.extension().is_none_or(|end| end != "seg"));
    files.extend(surgery::write(segments, surgery::Forged::Chain));
}

#[test]
fn a_forged_snapshot_is_told_figure_by_figure() {
    let dir = forged(true);
    let told = faults(&verify(dir.path(), None));
    assert!(told.len() == 1 && told[0].contains("names it with another BLAKE3"), "{told:?}");
    let name = &snapshots(dir.path())[0];
    let said = tallyring(&["replay", text(dir.path()), "--expect", name]);
    assert_eq!(said.code, 1);
    assert!(said.out.starts_with("different: "), "{}", said.out);
    let model = calls(20)[0].event().dimensions.get(tallyring::engine::event::Dimension::Model).to_owned();
    assert!(said.out.contains("input_tokens: snapshot "), "{}", said.out);
    assert!(said.out.contains(&model) || said.out.contains("__other__"), "{}", said.out);
    let said = tallyring(&["replay", text(dir.path()), "--expect", name, "--json"]);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&told["result"], said.code), (&Value::from("different"), 1));
    let differences = told["differences"].as_array().unwrap();
    assert!(differences.len() <= 20 && told["count"].as_u64().unwrap() as usize >= differences.len());
    assert_eq!(tallyring(&["replay", text(dir.path()), "--expect", "nonsense"]).code, 3);
}

#[test]
fn a_snapshot_that_the_journal_does_not_name_is_counted_anew() {
    let dir = forged(false);
    let told = faults(&verify(dir.path(), None));
    assert!(told.len() == 1 && told[0].contains("tells") && told[0].contains("other figures"), "{told:?}");

    let honest = tempfile::tempdir().unwrap();
    session(honest.path(), 0..10, 1_000);
    let mut files = files(honest.path());
    unnamed(&mut files);
    let report = verify(folder_of(&files).path(), None);
    assert_eq!((faults(&report), report.notes.len()), (Vec::new(), 1), "{:?}", report.notes);
    assert!(report.notes[0].contains("counting anew proves it"));
}

#[test]
fn totals_are_told_by_dimension() {
    let dir = tempfile::tempdir().unwrap();
    session(dir.path(), 0..40, 1_000);
    let before = files(dir.path());
    let said = tallyring(&["replay", text(dir.path()), "--group-by", "model,team", "--json"]);
    assert_eq!(said.code, 0, "{said:?}");
    let told: Value = serde_json::from_str(&said.out).unwrap();
    let all: Vec<_> = (0..40).flat_map(calls).collect();
    let sum = |of: fn(&busy::Call) -> u64| Value::from(all.iter().map(of).sum::<u64>());
    assert_eq!(told["totals"]["requests"], all.len());
    assert_eq!(told["totals"]["input_tokens"], sum(|call| call.tokens));
    assert_eq!(told["totals"]["failures"], sum(|call| u64::from(call.tokens % 5 == 0)));
    let nanos: u64 = all.iter().map(|call| call.tokens).filter(|n| n % 3 == 0 && n % 4 != 0).map(|n| 71 * n).sum();
    assert_eq!(told["totals"]["cost"]["CNY"], format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000));
    let groups = told["data"].as_array().unwrap();
    let requests: u64 = groups.iter().map(|group| group["totals"]["requests"].as_u64().unwrap()).sum();
    assert_eq!(requests as usize, all.len());
    assert!(groups.iter().any(|group| group["group"]["team"] == "blue"));
    let said = tallyring(&["replay", text(dir.path()), "--at-position", "11"]);
    assert!(said.code == 0 && said.out.contains("counted from"), "{said:?}");
    let unknown = tallyring(&["replay", text(dir.path()), "--group-by", "colour"]);
    assert!(unknown.code == 2 && unknown.err.contains("there is no dimension colour"), "{unknown:?}");
    assert_eq!(files(dir.path()), before, "nothing is written");
}

#[test]
fn calls_are_priced_again() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    session(&data, 0..40, 1_000);
    let table = dir.path().join("prices.toml");
    let prices = "[[price]]\nmodel = \"gpt-4o*\"\ninput = \"2.50\"\ncache_read = \"1.25\"\noutput = \"10\"\n\
        [[price]]\nmodel = \"qwen\"\ncurrency = \"CNY\"\ninput = \"0.8\"\noutput = \"2\"\n";
    fs::write(&table, prices).unwrap();
    let said = tallyring(&["replay", text(&data), "--reprice", text(&table), "--json"]);
    assert_eq!(said.code, 0, "{said:?}");
    let told: Value = serde_json::from_str(&said.out).unwrap();
    let all: Vec<_> = (0..40).flat_map(calls).collect();
    // Six models are let in; the others are `__other__`, whose price nobody knows.
    let known = |model: &str| told["data"].as_array().unwrap().iter().any(|row| row["model"] == model);
    let priced = |call: &&busy::Call| {
        let model = call.event().dimensions.get(tallyring::engine::event::Dimension::Model).to_owned();
        (model.starts_with("gpt-4o") && known(&model)).then_some(()).is_some()
    };
    let picos = |call: &busy::Call| {
        let read = if call.tokens.is_multiple_of(7) { call.tokens / 2 } else { 0 };
        ((call.tokens - read) * 2_500_000 + read * 1_250_000 + call.tokens / 4 * 10_000_000) / 1_000
    };
    let nanos: u64 = all.iter().filter(priced).map(picos).sum();
    let amount = &told["totals"]["repriced"]["USD"];
    assert_eq!(amount["amount"], format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000));
    assert_eq!(amount["calls"], all.iter().filter(priced).count());
    let repriced = |code: &str| told["totals"]["repriced"][code]["calls"].as_u64().unwrap_or(0);
    let no_price = told["totals"]["no_price"].as_u64().unwrap();
    assert_eq!(repriced("USD") + repriced("CNY") + no_price, all.len() as u64);
    assert!(no_price > 0);
    let recorded = all.iter().filter(|call| call.tokens % 4 != 0 && call.tokens % 3 == 0).count();
    assert_eq!(told["totals"]["recorded"]["CNY"]["calls"], recorded);
    let said = tallyring(&["replay", text(&data), "--reprice", text(&table)]);
    assert!(said.err.contains("calls have no price in this table: they are in no sum"), "{said:?}");
    fs::write(&table, "[[price]]\nmodel = \"m\"\ninput = 1.0\n").unwrap();
    assert_eq!(tallyring(&["replay", text(&data), "--reprice", text(&table)]).code, 2);
}
