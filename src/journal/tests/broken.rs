//! Something is broken: a torn tail is cut and kept, all else is refused, nothing wrong is served.

use super::kit::Opened;
use super::kit::draft;
use super::kit::fill;
use super::kit::identity;
use super::kit::noise;
use super::kit::open;
use super::kit::small;
use super::memory::Memory;
use super::memory::Op;
use crate::journal::Ack;
use crate::journal::Evidence;
use crate::journal::Identity;
use crate::journal::JournalError;
use crate::journal::Place;
use crate::journal::Settings;
use crate::journal::header;
use crate::journal::segment::FOLDER;
use std::collections::BTreeMap;

type Files = BTreeMap<String, Vec<u8>>;
/// Does something to the bytes of a segment.
type Change<'a> = &'a dyn Fn(&mut Vec<u8>);

/// Bytes of a frame of the journals here.
const FRAME: usize = header::LEN + PAYLOAD;
const PAYLOAD: usize = 20;
/// Bytes of a head with the schema of [`identity`].
const HEAD: usize = 106;

/// The first segment of a journal.
fn first() -> String {
    crate::journal::segment::name(0)
}

fn try_open(files: &Files, evidence: &Evidence) -> Result<(Opened, Memory), (JournalError, Files)> {
    let memory = Memory::with(files);
    match open(memory.shared(), small(), identity(), evidence) {
        Ok(opened) => Ok((opened, memory)),
        Err(fault) => Err((fault, memory.files())),
    }
}

/// A closed journal of one segment with so many frames of events, and a mark.
fn closed(frames: u64) -> Files {
    let memory = Memory::default();
    let opened = open(memory.shared(), small(), identity(), &Evidence::default()).unwrap();
    fill(&opened.journal, 0..frames, PAYLOAD);
    opened.journal.close().unwrap();
    memory.files()
}

/// A journal of which the last group was written and not synced: frames, and how many were synced.
fn unsynced(synced: u64, written: u64) -> Files {
    let memory = Memory::default();
    let settings = Settings { ack: Ack::Write, flush_ms: 1_000_000, ..small() };
    let opened = open(memory.shared(), settings, identity(), &Evidence::default()).unwrap();
    fill(&opened.journal, 0..synced, PAYLOAD);
    opened.journal.sync().unwrap();
    fill(&opened.journal, synced..written, PAYLOAD);
    opened.journal.ticket(written).wait().unwrap();
    memory.files()
}

/// Where a frame begins.
fn offset(frame: usize) -> usize {
    HEAD + frame * FRAME
}

fn expected(frames: usize) -> Vec<Vec<u8>> {
    (0..frames as u64).map(|n| noise(n, PAYLOAD)).collect()
}

fn without_zeros(bytes: &[u8]) -> &[u8] {
    let len = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    &bytes[..len]
}

/// Opens a journal with a torn tail: what is whole is served, what was cut is kept, and the next
/// start finds a whole journal.
fn check_torn(files: &Files, frames: usize, cut: &[u8]) {
    let (opened, memory) = try_open(files, &Evidence::default()).unwrap();
    assert_eq!(opened.payloads(), expected(frames));
    assert_eq!(opened.recovered.torn_bytes, cut.len() as u64);
    let aside = opened.recovered.torn_file.clone().map(|name| memory.files()[&name].clone());
    assert_eq!(aside.unwrap_or_default(), cut);
    let end = opened.recovered.end;
    drop(opened);
    let (opened, _) = try_open(&memory.files(), &Evidence::default()).unwrap();
    assert_eq!((opened.recovered.end, opened.recovered.torn_bytes), (end, 0));
    assert_eq!(opened.payloads(), expected(frames));
}

/// Opening is refused, and changes nothing.
fn check_damaged(files: &Files, evidence: &Evidence) -> String {
    let (fault, after) = try_open(files, evidence).map(|(opened, _)| opened).unwrap_err();
    assert!(matches!(fault, JournalError::Damaged { .. }), "{fault}");
    assert_eq!(&after, files);
    fault.to_string()
}

fn check_foreign(files: &Files, evidence: &Evidence) -> String {
    let (fault, after) = try_open(files, evidence).map(|(opened, _)| opened).unwrap_err();
    assert!(matches!(fault, JournalError::Foreign { .. }), "{fault}");
    assert_eq!(&after, files);
    fault.to_string()
}

#[test]
fn a_file_cut_at_any_byte_keeps_its_whole_frames() {
    let files = closed(4);
    let bytes = &files[&first()];
    for len in 0..=offset(4) + header::LEN {
        let cut = Files::from([(first(), bytes[..len].to_vec())]);
        if len < HEAD {
            check_damaged(&cut, &Evidence::default());
            continue;
        }
        let whole = ((len - HEAD) / FRAME).min(4);
        let marked = len == offset(4) + header::LEN;
        check_torn(&cut, whole, if marked { &[] } else { without_zeros(&bytes[offset(whole)..len]) });
        let evidence = Evidence { durable: 4, ..Evidence::default() };
        if whole < 4 {
            check_damaged(&cut, &evidence);
        } else {
            assert_eq!(try_open(&cut, &evidence).unwrap().0.payloads(), expected(4));
        }
    }
}

#[test]
fn no_flipped_bit_is_served() {
    let files = closed(3);
    let end = offset(3) + header::LEN;
    for bit in 0..(end + 40) * 8 {
        let mut broken = files.clone();
        broken.get_mut(&first()).unwrap()[bit / 8] ^= 1 << (bit % 8);
        match try_open(&broken, &Evidence::default()) {
            // In the mark, or in the room after it: nothing was acknowledged there.
            Ok((opened, _)) => {
                assert!(bit / 8 >= offset(3), "bit {bit}");
                assert_eq!(opened.payloads(), expected(3), "bit {bit}");
                assert!(opened.recovered.torn_bytes > 0, "bit {bit}");
            }
            Err((fault, after)) => {
                assert!(bit / 8 < offset(3), "bit {bit}: {fault}");
                assert_eq!(after, broken, "bit {bit}");
            }
        }
    }
}

#[test]
fn what_was_not_synced_is_a_torn_tail_whatever_survived() {
    let files = unsynced(2, 6);
    for broken in 2..6 {
        let mut torn = files.clone();
        torn.get_mut(&first()).unwrap()[offset(broken) + 60] ^= 1;
        let cut = torn[&first()][offset(broken)..offset(6)].to_vec();
        check_torn(&torn, broken, without_zeros(&cut));
        torn.get_mut(&first()).unwrap()[offset(1) + 60] ^= 1;
        assert!(check_damaged(&torn, &Evidence::default()).contains("had been synced"));
    }
}

#[test]
fn bytes_after_the_last_frame_are_cut_and_kept() {
    let files = closed(3);
    let end = offset(3) + header::LEN;
    let frame = files[&first()][offset(1)..offset(2)].to_vec();
    let half = [&frame[..], &frame[..60]].concat();
    for junk in [b"x".to_vec(), noise(7, 300), frame.clone(), frame[..70].to_vec(), half, vec![0; 50]] {
        let mut longer = files.clone();
        longer.get_mut(&first()).unwrap()[end..end + junk.len()].copy_from_slice(&junk);
        check_torn(&longer, 3, without_zeros(&junk));
        longer.get_mut(&first()).unwrap().truncate(end + junk.len());
        check_torn(&longer, 3, without_zeros(&junk));
    }
}

#[test]
fn a_frame_taken_out_put_in_or_moved_is_noticed() {
    let files = closed(5);
    let segment = |bytes: &[&[u8]]| Files::from([(first(), bytes.concat())]);
    let bytes = &files[&first()][..offset(5) + header::LEN];
    let frame = |n: usize| &bytes[offset(n)..offset(n + 1)];
    let mark = &bytes[offset(5)..];
    for broken in [
        segment(&[&bytes[..offset(2)], &bytes[offset(3)..]]),
        segment(&[&bytes[..offset(2)], frame(1), &bytes[offset(2)..]]),
        segment(&[&bytes[..offset(2)], frame(3), frame(2), &bytes[offset(4)..]]),
        segment(&[&bytes[..offset(4)], mark]),
    ] {
        check_damaged(&broken, &Evidence::default());
    }
    let mut other = bytes.to_vec();
    let fake = open_other(2);
    other[offset(2)..offset(3)].copy_from_slice(&fake[offset(2)..offset(3)]);
    assert!(check_damaged(&segment(&[&other]), &Evidence::default()).contains("chain"));
}

/// A journal of the same installation with another history.
fn open_other(differs_at: u64) -> Vec<u8> {
    let memory = Memory::default();
    let opened = open(memory.shared(), small(), identity(), &Evidence::default()).unwrap();
    for n in 0..5 {
        opened.journal.append(draft(if n == differs_at - 1 { 99 } else { n }, PAYLOAD)).unwrap();
    }
    opened.journal.close().unwrap();
    memory.files()[&first()].clone()
}

/// A journal of several segments.
fn rolled() -> Files {
    let memory = Memory::default();
    let opened = open(memory.shared(), small(), identity(), &Evidence::default()).unwrap();
    fill(&opened.journal, 0..20, 1_000);
    opened.journal.close().unwrap();
    memory.files()
}

#[test]
fn damage_before_the_last_segment_is_refused() {
    let files = rolled();
    let names: Vec<_> = files.keys().cloned().collect();
    assert!(names.len() > 4);
    for name in &names[..names.len() - 1] {
        let len = files[name].len();
        let changes: [Change<'_>; 5] = [
            &|bytes| bytes[len - 1] ^= 1,
            &|bytes| bytes.truncate(len - 1),
            &|bytes| bytes.truncate(HEAD),
            &|bytes| bytes.push(0),
            &|bytes| bytes[HEAD..].fill(0),
        ];
        for change in changes {
            let mut broken = files.clone();
            change(broken.get_mut(name).unwrap());
            check_damaged(&broken, &Evidence::default());
        }
    }
}

#[test]
fn missing_and_misnamed_segments_are_refused() {
    let files = rolled();
    let names: Vec<_> = files.keys().cloned().collect();
    let end = try_open(&files, &Evidence::default()).unwrap().0.recovered.end;
    for (n, name) in names[..names.len() - 1].iter().enumerate() {
        let mut broken = files.clone();
        broken.remove(name);
        check_damaged(&broken, &Evidence::default());
        if n > 0 {
            // Noticed even where nothing in it is read; the oldest may have been pruned.
            check_damaged(&broken, &Evidence { from: end, ..Evidence::default() });
        }
    }
    let mut swapped = files.clone();
    swapped.insert(names[1].clone(), files[&names[2]].clone());
    check_damaged(&swapped, &Evidence::default());
    let known = Evidence { durable: 20, ..Evidence::default() };
    let mut shorter = files.clone();
    shorter.pop_last();
    check_damaged(&shorter, &known);
    check_damaged(&Files::new(), &known);
}

#[test]
fn damage_before_a_snapshot_stays_unread() {
    let files = rolled();
    let whole = try_open(&files, &Evidence::default()).unwrap().0;
    let from = whole.frames[15].before;
    let mut broken = files.clone();
    broken.first_entry().unwrap().get_mut()[HEAD + 130] ^= 1;
    let opened = try_open(&broken, &Evidence { from, ..Evidence::default() }).unwrap().0;
    assert_eq!(opened.frames, whole.frames[15..]);
}

#[test]
fn other_installations_and_versions_are_refused() {
    let files = closed(2);
    let memory = Memory::with(&files);
    let other = Identity { instance: [6; 16], ..identity() };
    let fault = open(memory.shared(), small(), other.clone(), &Evidence::default()).unwrap_err();
    assert!(matches!(fault, JournalError::Foreign { .. }));
    check_foreign(&files, &Evidence { instance: Some([6; 16]), ..Evidence::default() });

    let mut mixed = rolled();
    let theirs = Memory::default();
    let opened = open(theirs.shared(), small(), other, &Evidence::default()).unwrap();
    fill(&opened.journal, 0..20, 1_000);
    opened.journal.close().unwrap();
    let name = mixed.keys().nth(2).unwrap().clone();
    mixed.insert(name.clone(), theirs.files()[&name].clone());
    check_foreign(&mixed, &Evidence::default());

    let mut newer = files;
    newer.get_mut(&first()).unwrap()[8] = 2;
    assert!(check_foreign(&newer, &Evidence::default()).contains("version 2"));
}

#[test]
fn a_tail_torn_twice_at_one_place_is_kept_twice() {
    let mut files = closed(3);
    let end = offset(3) + header::LEN;
    for (n, junk) in [(1, b"one"), (2, b"two")] {
        files.get_mut(&first()).unwrap()[end..end + 3].copy_from_slice(junk);
        let (_, memory) = try_open(&files, &Evidence::default()).unwrap();
        files = memory.files();
        assert_eq!(files.len(), 1 + n);
    }
    let aside: Vec<_> = files.values().filter(|bytes| bytes.len() == 3).cloned().collect();
    assert_eq!(aside, [b"two", b"one"], "in the order of their names");
}

/// Recovery itself may be interrupted anywhere, and again.
#[test]
fn recovery_interrupted_anywhere_ends_the_same() {
    let mut files = unsynced(2, 5);
    files.get_mut(&first()).unwrap()[offset(3) + 60] ^= 1;
    let torn = without_zeros(&files[&first()][offset(3)..]).to_vec();
    let (opened, memory) = try_open(&files, &Evidence::default()).unwrap();
    let end = opened.recovered.end;
    drop(opened);
    let ops = memory.log();
    assert!(ops.len() >= 8, "{ops:?}");
    for kept in 0..=ops.len() {
        let interrupted = Memory::with(&files);
        let mut left = kept;
        interrupted.fail(move |_| {
            left = left.saturating_sub(1);
            left == 0
        });
        drop(open(interrupted.shared(), small(), identity(), &Evidence::default()));
        let (opened, after) = try_open(&interrupted.files(), &Evidence::default()).unwrap();
        assert_eq!((opened.recovered.end, opened.payloads()), (end, expected(3)), "after {kept}");
        assert!(after.files().values().any(|bytes| *bytes == torn), "after {kept}");
    }
}

#[test]
fn what_was_read_is_synced_before_it_is_told() {
    let files = unsynced(1, 3);
    let (opened, memory) = try_open(&files, &Evidence::default()).unwrap();
    assert_eq!(opened.payloads(), expected(3));
    assert_eq!(memory.log()[..2], [Op::Sync(0), Op::SyncFolder]);
    assert_eq!(opened.journal.progress().durable(), 3);
}

/// The order is what a power cut at any point of it relies on.
#[test]
fn a_tail_is_safe_elsewhere_before_it_is_cut() {
    let mut files = closed(3);
    let end = offset(3) + header::LEN;
    files.get_mut(&first()).unwrap()[end] = 7;
    let (opened, memory) = try_open(&files, &Evidence::default()).unwrap();
    let (aside, end) = (opened.recovered.torn_file.clone().unwrap(), end as u64);
    assert_eq!(aside, format!("{}.{end}.torn", first()));
    let copied = [Op::Create(aside), Op::Write(1, 0, vec![7]), Op::Sync(1), Op::SyncFolder];
    let cut = [Op::SetLen(0, end), Op::Sync(0), Op::Reserve(0, 4_096), Op::Sync(0)];
    let told = [Op::Sync(0), Op::SyncFolder];
    assert_eq!(memory.log(), [&copied[..], &cut, &told].concat());
}

#[test]
fn stray_files_are_left_alone() {
    let mut files = closed(2);
    files.insert(format!("{FOLDER}/next.tmp"), b"half a head".to_vec());
    files.insert(format!("{FOLDER}/notes.txt"), b"hello".to_vec());
    files.insert(format!("{FOLDER}/0.seg"), b"not twenty digits".to_vec());
    let (opened, memory) = try_open(&files, &Evidence::default()).unwrap();
    assert_eq!(opened.payloads(), expected(2));
    drop(opened);
    assert_eq!(memory.files(), files);
}

#[test]
fn a_place_in_a_torn_tail_is_refused() {
    let files = closed(3);
    let from = try_open(&files, &Evidence::default()).unwrap().0.recovered.end;
    let mut torn = files.clone();
    torn.get_mut(&first()).unwrap()[offset(3) + 5] ^= 1;
    check_damaged(&torn, &Evidence { from, ..Evidence::default() });
    assert_eq!(from, Place { frames: 4, events: 3, ..from });
}
