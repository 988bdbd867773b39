//! `fsck`: it says what a start does, and what is saved is everything that is whole, once.

use super::busy;
use super::busy::at;
use super::busy::calls;
use super::busy::open;
use super::busy::session;
use super::busy::settings;
use super::kit::Rng;
use super::kit::faults;
use super::kit::files;
use super::kit::folder_of;
use super::kit::tallyring;
use super::kit::text;
use super::kit::verify;
use super::surgery::Files;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use tallyring::audit::Salvaged;
use tallyring::audit::diagnose;
use tallyring::audit::salvage;
use tallyring::engine::query::Query;
use tallyring::storage::Disk;
use tallyring::storage::Shared;
use tallyring::store::Store;

const SECONDS: Range<i64> = 0..70;

fn storage(folder: &Path) -> Shared {
    Arc::new(Disk::read_only(folder).unwrap())
}

/// A folder as a session leaves it, with two snapshots.
fn whole() -> Files {
    let dir = tempfile::tempdir().unwrap();
    session(dir.path(), SECONDS, 40);
    fs::write(dir.path().join("key-pepper"), "a secret").unwrap();
    files(dir.path())
}

fn named(files: &Files, end: &str) -> Vec<PathBuf> {
    files.keys().filter(|name| name.extension().is_some_and(|found| found == end)).cloned().collect()
}

/// Changes a few bytes somewhere in the files of a kind, or removes a segment.
fn damage(files: &mut Files, end: &str, rng: &mut Rng) {
    let names = named(files, end);
    let name = &names[rng.below(names.len())];
    if end == "seg" && rng.below(8) == 0 {
        files.remove(name);
        return;
    }
    let bytes = files.get_mut(name).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let start = rng.below(used);
    let len = [1, 1, 7, 200][rng.below(4)].min(used - start);
    bytes[start..start + len].iter_mut().for_each(|byte| *byte ^= 0x5a);
}

#[test]
fn it_says_what_a_start_does() {
    let whole = whole();
    let mut counts = [0; 3];
    for seed in 0..150 {
        let mut rng = Rng(seed);
        let mut files_now = whole.clone();
        for _ in 0..rng.below(3) {
            damage(&mut files_now, ["seg", "snap"][rng.below(2)], &mut rng);
        }
        let folder = folder_of(&files_now);
        let diagnosis = diagnose(&storage(folder.path())).unwrap();
        assert_eq!(files(folder.path()), files_now, "nothing is changed");
        match Store::open(folder.path(), settings(), at(100), &mut |_| {}) {
            Err(fault) => {
                counts[0] += 1;
                assert!(diagnosis.refused.is_some(), "seed {seed}: {fault}");
            }
            Ok((_, opened)) => {
                counts[1 + usize::from(diagnosis.torn.is_some())] += 1;
                assert_eq!(diagnosis.refused, None, "seed {seed}: {opened:?}");
                assert_eq!(diagnosis.end.events, opened.position, "seed {seed}");
                assert_eq!(diagnosis.torn.as_ref().map_or(0, |(_, _, bytes)| *bytes), opened.torn_bytes, "seed {seed}");
                assert_eq!(diagnosis.passed_over.len(), opened.passed_over.len(), "seed {seed}");
                let snapshot = diagnosis.snapshot.map(|name| name.trim_end_matches(".snap").to_owned());
                assert_eq!(snapshot, opened.snapshot.map(|name| name.trim_end_matches(".snap").to_owned()));
            }
        }
    }
    assert!(counts[0] > 10 && counts[1] > 10, "{counts:?}");
}

#[test]
fn it_tells_people() {
    let mut files_now = whole();
    let folder = folder_of(&files_now);
    let said = tallyring(&["fsck", text(folder.path())]);
    assert!(said.code == 0 && said.out.contains("clean"), "{said:?}");

    let last = named(&files_now, "seg").pop().unwrap();
    let bytes = files_now.get_mut(&last).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    bytes[end..end + 5].copy_from_slice(b"tlyF?");
    let said = tallyring(&["fsck", text(folder_of(&files_now).path())]);
    assert!(said.code == 0 && said.out.contains(&format!("byte {end}, 5 bytes")), "{said:?}");

    let first = named(&files_now, "seg").remove(0);
    files_now.retain(|name, _| *name == first);
    files_now.get_mut(&first).unwrap()[700] ^= 1;
    let said = tallyring(&["fsck", text(folder_of(&files_now).path())]);
    assert!(said.code == 0 || said.out.contains("a start would refuse"), "{said:?}");
    assert_eq!(tallyring(&["fsck", "/nowhere/at/all"]).code, 3);
}

/// Saves, and sends everything again: what was lost, and only that, counts anew.
fn save(damaged: &Files, seed: u64) -> Salvaged {
    let (folder, out) = (folder_of(damaged), tempfile::tempdir().unwrap());
    let out = out.path().join("saved");
    let told = salvage(&storage(folder.path()), &out).unwrap();
    assert_eq!(files(folder.path()), *damaged, "seed {seed}: the original is untouched");
    assert_eq!(fs::read(out.join("key-pepper")).unwrap(), b"a secret");

    let report = verify(&out, None);
    assert_eq!(faults(&report), Vec::<String>::new(), "seed {seed}: {}", told.to_text());
    let store = open(&out, 200);
    let requests = |second| {
        let all = Query::between(None, None);
        store.engine().query(&all, at(second)).unwrap().totals.sums.requests
    };
    let total = busy::events(SECONDS);
    let kept = requests(200);
    let (mut accepted, mut duplicates) = (0, 0);
    for second in SECONDS {
        let receipt = busy::send(&store, &calls(second), 201);
        accepted += receipt.accepted;
        duplicates += receipt.duplicates;
    }
    assert_eq!((accepted, duplicates), (total - kept, kept), "seed {seed}: {}", told.to_text());
    assert_eq!(requests(201), total, "seed {seed}");
    let text = fs::read_to_string(out.join("salvage.txt")).unwrap();
    assert_eq!(text, told.to_text());
    // What lies behind the last whole frame can't be seen to be missing.
    assert!(told.lost() <= total - kept, "seed {seed}: {text}");
    if total - kept > told.lost() {
        let beyond = total - told.end.events.max(kept) - told.lost();
        assert!(beyond > 0, "seed {seed}: {text}");
    }
    told
}

#[test]
fn everything_whole_is_saved_once() {
    let (whole, mut appended, mut lost) = (whole(), 0, 0);
    for seed in 0..24 {
        let mut rng = Rng(seed);
        let mut files = whole.clone();
        for _ in 0..1 + rng.below(3) {
            damage(&mut files, "seg", &mut rng);
        }
        match seed % 3 {
            0 => files.retain(|name, _| name.extension().is_none_or(|end| end != "snap")),
            1 => damage(&mut files, "snap", &mut rng),
            _ => {}
        }
        let told = save(&files, seed);
        appended += told.appended;
        lost += told.lost();
    }
    assert!(appended > 100 && lost > 100, "{appended} {lost}");
}

#[test]
fn a_whole_folder_is_copied_whole() {
    let files = whole();
    let told = save(&files, 0);
    assert!(told.is_whole() && told.appended == 0, "{}", told.to_text());
    assert_eq!(told.snapshots.len(), named(&files, "snap").len());
}

#[test]
fn a_damaged_frame_that_a_snapshot_covers_costs_no_count() {
    let mut files = whole();
    let segments = named(&files, "seg");
    // Pruned, and damaged before the newest snapshot: that one and what follows it are all.
    files.remove(&segments[0]);
    files.get_mut(&segments[1]).unwrap()[900] ^= 1;
    let told = save(&files, 0);
    assert_eq!(told.lost(), 0, "{}", told.to_text());
    assert!(!told.faults.is_empty());
}

#[test]
fn damage_in_the_segment_of_a_snapshot_costs_no_count_either() {
    let whole = whole();
    let covered = |name: &PathBuf| name.file_stem().unwrap().to_str().unwrap()[..20].parse::<usize>().unwrap();
    let snapshots = named(&whole, "snap");
    for (index, segment) in named(&whole, "seg").iter().enumerate() {
        for at in [300, 1_200, 2_500] {
            let mut files = whole.clone();
            files.get_mut(segment).unwrap()[at] ^= 1;
            let told = save(&files, at as u64);
            // The newest snapshot covers all but the frame that names it.
            assert_eq!((told.lost(), told.appended), (0, 0), "{index} {at}: {}", told.to_text());
            assert!(told.base.unwrap().1.frames as usize >= covered(snapshots.last().unwrap()));
        }
    }
}

#[test]
fn a_folder_that_is_not_empty_is_refused() {
    let folder = folder_of(&whole());
    let out = tempfile::tempdir().unwrap();
    fs::write(out.path().join("x"), "").unwrap();
    let said = tallyring(&["fsck", text(folder.path()), "--salvage", text(out.path())]);
    assert!(said.code == 2 && said.err.contains("is not empty"), "{said:?}");
    let inside = folder.path().join("saved");
    let said = tallyring(&["fsck", text(folder.path()), "--salvage", text(&inside)]);
    assert!(said.code == 2 && !inside.exists(), "{said:?}");
    let out = out.path().join("new");
    let said = tallyring(&["fsck", text(folder.path()), "--salvage", text(&out)]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.starts_with("tallyring salvage\n") && out.join("salvage.txt").exists(), "{said:?}");
}
