//! `verify`: what is whole passes, what is not is told with its place.

use super::ends::Ends;
use super::kit::checkpoint;
use super::kit::faults;
use super::kit::files;
use super::kit::folder_of;
use super::kit::journal;
use super::kit::tallyring;
use super::kit::text;
use super::kit::verify;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use tallyring::audit::Checkpoint;
use tallyring::audit::Standing;

fn segments(folder: &std::path::Path) -> Vec<PathBuf> {
    files(folder).into_keys().filter(|name| name.extension().is_some_and(|end| end == "seg")).collect()
}

#[test]
fn a_whole_journal_is_told_in_figures() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), 7, 50);
    let before = files(dir.path());
    let said = tallyring(&["verify", text(dir.path()), "--json"]);
    assert_eq!(said.code, 0, "{said:?}");
    let told: Value = serde_json::from_str(&said.out).unwrap();
    let on_disk: usize = before.values().map(Vec::len).sum();
    assert_eq!(told["ok"], true);
    assert_eq!(told["instance"], "07".repeat(16));
    assert_eq!(told["segments"].as_u64().unwrap() as usize, segments(dir.path()).len());
    assert_eq!(told["frames"], told["last"]["frames"]);
    assert_eq!(told["events"], told["last"]["position"]);
    assert_eq!(told["first"]["position"], 0);
    assert!(told["bytes"].as_u64().unwrap() as usize <= on_disk);
    assert_eq!(told["requests_from"], "2026-11-18T11:06:40Z");
    let said = tallyring(&["verify", text(dir.path())]);
    assert!(said.out.ends_with("nothing is wrong\n"), "{said:?}");
    assert_eq!(files(dir.path()), before, "nothing is written");
}

#[test]
fn damage_is_told_with_its_place_and_the_rest_is_read_on() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), 7, 80);
    let whole = verify(dir.path(), None);
    let names = segments(dir.path());
    assert!(names.len() >= 4);
    for name in [&names[0], &names[2]] {
        let mut bytes = fs::read(dir.path().join(name)).unwrap();
        bytes[1_000] ^= 1;
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    fs::remove_file(dir.path().join(&names[1])).unwrap();
    let report = verify(dir.path(), None);
    assert_eq!(report.faults.len(), 2, "what follows a damaged segment can't be missed: {:?}", faults(&report));
    for (fault, name) in report.faults.iter().zip([&names[0], &names[2]]) {
        assert!(fault.file.ends_with(text(name)), "{fault}");
        assert!(fault.offset.is_some_and(|offset| (100..=1_000).contains(&offset)), "{fault}");
        assert!(fault.to_string().contains("fsck --salvage"), "{fault}");
    }
    assert_eq!(report.end, whole.end, "the segments after it are read");
    let said = tallyring(&["verify", text(dir.path())]);
    assert_eq!(said.code, 1);
    assert!(said.out.ends_with("2 faults\n"), "{}", said.out);
}

#[test]
fn a_missing_segment_is_told() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), 7, 80);
    let names = segments(dir.path());
    let noted = checkpoint(dir.path());
    for (index, name) in names.iter().enumerate() {
        let mut files = files(dir.path());
        files.remove(name);
        let folder = folder_of(&files);
        let last = index == names.len() - 1;
        let told = faults(&verify(folder.path(), None));
        assert_eq!(told.is_empty(), last, "{index}: {told:?}");
        if index == 0 {
            assert!(told[0].contains("no whole snapshot covers what came before"), "{told:?}");
        } else if !last {
            assert!(told[0].contains("are missing before it"), "{told:?}");
        }
        let report = verify(folder.path(), Some(&noted));
        assert!(!report.faults.is_empty());
        assert_eq!(report.standing, Some(if last { Standing::Broken } else { Standing::Held }), "{index}");
    }
}

#[test]
fn a_torn_end_is_no_fault() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), 7, 30);
    let noted = checkpoint(dir.path());
    let last = dir.path().join(segments(dir.path()).pop().unwrap());
    let whole = fs::read(&last).unwrap();
    let end = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let mut torn = whole.clone();
    torn[end..end + 9].copy_from_slice(b"half a fr");
    fs::write(&last, torn).unwrap();
    let report = verify(dir.path(), Some(&noted));
    assert_eq!((report.faults.len(), report.tail, report.standing), (0, 9, Some(Standing::Held)));
    let said = tallyring(&["verify", text(dir.path())]);
    assert!(said.code == 0 && said.out.contains("in use or torn"), "{said:?}");
}

#[test]
fn a_journal_that_is_being_written_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), 7, 5);
    let done = Arc::new(AtomicBool::new(false));
    let (path, finished) = (dir.path().to_owned(), done.clone());
    let writing = std::thread::spawn(move || {
        let _ends = Ends(&finished);
        (0..12).for_each(|_| journal(&path, 7, 60));
    });
    let mut noted: Vec<Checkpoint> = Vec::new();
    while !done.load(Ordering::Acquire) {
        let report = verify(dir.path(), noted.last());
        assert_eq!(faults(&report), Vec::<String>::new());
        noted.extend(report.checkpoint);
    }
    writing.join().unwrap();
    assert!(noted.len() > 5, "{}", noted.len());
    for noted in noted {
        assert_eq!(verify(dir.path(), Some(&noted)).standing, Some(Standing::Held));
    }
}

#[test]
fn a_folder_that_can_only_be_read_is_enough() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), 7, 20);
    fs::remove_file(dir.path().join("lock")).unwrap();
    let modes = [(dir.path().to_owned(), 0o500), (dir.path().join("journal"), 0o500)];
    let change = |modes: &[(PathBuf, u32)]| {
        modes.iter().for_each(|(path, mode)| fs::set_permissions(path, fs::Permissions::from_mode(*mode)).unwrap());
    };
    change(&modes);
    let said = tallyring(&["verify", text(dir.path())]);
    change(&modes.map(|(path, _)| (path, 0o700)));
    assert_eq!(said.code, 0, "{said:?}");
    assert!(!dir.path().join("lock").exists(), "no lock is taken");
}

#[test]
fn a_checkpoint_is_written_checked_and_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let (data, file) = (dir.path().join("data"), dir.path().join("noted"));
    let (data, file) = (text(&data), text(&file));
    journal(data.as_ref(), 7, 30);
    assert_eq!(tallyring(&["verify", data, "--write-checkpoint", file]).code, 0);
    let first = fs::read_to_string(file).unwrap();
    assert!(first.starts_with("tallyring checkpoint 1\ninstance 0707"), "{first}");
    journal(data.as_ref(), 7, 30);
    let again = tallyring(&["verify", data, "--write-checkpoint", file]);
    assert_eq!((again.code, fs::read_to_string(file).unwrap()), (2, first.clone()), "one is not lost unchecked");
    let again = tallyring(&["verify", data, "--checkpoint", file, "--write-checkpoint", file]);
    assert!(again.code == 0 && again.out.contains("held: frame"), "{again:?}");
    assert_ne!(fs::read_to_string(file).unwrap(), first);

    fs::write(file, first.replace("frames 3", "frames 4")).unwrap();
    let mistyped = tallyring(&["verify", data, "--checkpoint", file]);
    assert!(mistyped.code == 2 && mistyped.err.contains("not copied as it was written"), "{mistyped:?}");
    fs::write(file, "hello").unwrap();
    assert_eq!(tallyring(&["verify", data, "--checkpoint", file]).code, 2);
}

#[test]
fn a_fault_writes_no_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let (data, file) = (dir.path().join("data"), dir.path().join("noted"));
    journal(&data, 7, 30);
    let noted = checkpoint(&data);
    let name = data.join(segments(&data).remove(0));
    let mut bytes = fs::read(&name).unwrap();
    bytes[500] ^= 4;
    fs::write(&name, bytes).unwrap();
    assert_eq!(tallyring(&["verify", text(&data), "--write-checkpoint", text(&file)]).code, 1);
    assert!(!file.exists());
    fs::write(&file, noted.to_string()).unwrap();
    let said = tallyring(&["verify", text(&data), "--checkpoint", text(&file)]);
    assert!(said.code == 1 && said.out.contains("fault: "), "{said:?}");
}

#[test]
fn a_checkpoint_before_what_is_kept_is_not_provable() {
    let dir = tempfile::tempdir().unwrap();
    journal(dir.path(), 7, 10);
    let noted = checkpoint(dir.path());
    journal(dir.path(), 7, 80);
    let names = segments(dir.path());
    fs::remove_file(dir.path().join(&names[0])).unwrap();
    fs::remove_file(dir.path().join(&names[1])).unwrap();
    let report = verify(dir.path(), Some(&noted));
    assert_eq!(report.standing, Some(Standing::NotProvable));
    assert!(faults(&report).last().unwrap().contains("nothing that is kept links the two"), "{:?}", faults(&report));
}

#[test]
fn where_there_is_nothing_there_is_no_verdict() {
    let dir = tempfile::tempdir().unwrap();
    let said = tallyring(&["verify", text(dir.path())]);
    assert!(said.code == 3 && said.err.contains("neither a journal nor snapshots"), "{said:?}");
    assert_eq!(tallyring(&["verify", text(&dir.path().join("none"))]).code, 3);
    assert_eq!(tallyring(&["verify"]).code, 2);
    let other = tempfile::tempdir().unwrap();
    journal(other.path(), 7, 10);
    let report = verify(dir.path(), Some(&checkpoint(other.path())));
    assert_eq!((report.standing, report.faults.len()), (Some(Standing::Broken), 2), "everything is gone");
}
