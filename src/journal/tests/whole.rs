//! Nothing is broken: what was appended comes back, in order, and goes on.

use super::kit::Folder;
use super::kit::draft;
use super::kit::fill;
use super::kit::identity;
use super::kit::noise;
use super::kit::open;
use super::kit::payloads;
use super::kit::small;
use crate::journal::Ack;
use crate::journal::Evidence;
use crate::journal::Frame;
use crate::journal::Identity;
use crate::journal::JournalError;
use crate::journal::Kind;
use crate::journal::Place;
use crate::journal::Reader;
use crate::journal::Settings;
use crate::journal::segments;
use crate::storage::Disk;
use crate::storage::Shared;
use std::sync::Arc;

fn read_all(storage: Shared, from: Option<Place>) -> Vec<Frame> {
    let mut reader = Reader::open(storage, from).unwrap();
    std::iter::from_fn(|| reader.next().unwrap()).collect()
}

#[test]
fn what_was_appended_comes_back() {
    let folder = Folder::new();
    let opened = folder.open();
    for n in 0..5 {
        let appended = opened.journal.append(draft(n, 40)).unwrap();
        assert_eq!((appended.base, appended.frame), (n, n));
    }
    opened.journal.ticket(5).wait().unwrap();
    let end = opened.journal.close().unwrap();
    assert_eq!((end.frames, end.events), (6, 5), "five and a mark");

    let opened = folder.open();
    assert_eq!(opened.recovered.end, end);
    assert_eq!((opened.recovered.frames, opened.recovered.torn_bytes), (6, 0));
    assert_eq!(opened.payloads(), (0..5).map(|n| noise(n, 40)).collect::<Vec<_>>());
    let first = &opened.frames[0];
    assert_eq!((first.arrived, first.span, first.events, first.durable), (0, (0, 1), 1, 0));
    assert_eq!((first.before, &*first.schema), (Place::default(), &b"labels"[..]));
    assert_eq!(opened.frames[4].before, opened.frames[3].after());
    assert_eq!((opened.frames[5].kind, opened.frames[5].durable), (Kind::Mark, 5));
    drop(opened);

    let opened = folder.open();
    assert_eq!(opened.recovered.end, end, "opening adds nothing");
    assert_eq!(opened.journal.append(draft(5, 40)).unwrap().frame, 6);
    opened.journal.close().unwrap();
    assert_eq!(folder.open().payloads().len(), 6);
}

#[test]
fn long_and_empty_payloads_roll_over_segments() {
    let folder = Folder::new();
    let opened = folder.open();
    let lens = [0, 10_000, 1, 600_000, 3_000, 3_000, 3_000, 70_000, 0, 500, 20_000, 20_000];
    for (n, len) in (0..).zip(lens) {
        opened.journal.append(draft(n, len)).unwrap();
    }
    let extent = opened.journal.extent();
    let end = opened.journal.close().unwrap();
    assert!(folder.segments().len() >= 8, "{extent:?}");
    let opened = folder.open();
    assert_eq!(opened.recovered.end, end);
    assert_eq!(opened.payloads(), (0..).zip(lens).map(|(n, len)| noise(n, len)).collect::<Vec<_>>());
    assert_eq!(opened.journal.extent().segments, folder.segments().len());
    let told: u64 = folder.segments().iter().map(|file| file.metadata().unwrap().len()).sum();
    assert_eq!(opened.journal.extent().bytes, told);
}

#[test]
fn compressed_payloads_come_back() {
    let folder = Folder::new();
    let opened = folder.open();
    let mut long = draft(1, 0);
    long.payload = vec![7; 100_000];
    opened.journal.append(long).unwrap();
    opened.journal.close().unwrap();
    assert_eq!(folder.segments().len(), 1, "it was made smaller");
    assert_eq!(folder.open().payloads(), [vec![7; 100_000]]);
}

#[test]
fn reading_begins_at_any_place() {
    let folder = Folder::new();
    let opened = folder.open();
    fill(&opened.journal, 0..40, 300);
    opened.journal.close().unwrap();
    let all = read_all(folder.storage(), None);
    for (skipped, frame) in all.iter().enumerate() {
        assert_eq!(read_all(folder.storage(), Some(frame.before)), all[skipped..]);
        let evidence = Evidence { from: frame.before, durable: 40, instance: Some([5; 16]) };
        let opened = open(folder.storage(), small(), identity(), &evidence).unwrap();
        assert_eq!(opened.frames, all[skipped..]);
    }
}

#[test]
fn a_place_of_another_history_is_refused() {
    let folder = Folder::new();
    let opened = folder.open();
    fill(&opened.journal, 0..40, 300);
    let end = opened.journal.close().unwrap();
    for from in [
        Place { frames: 20, events: 20, chain: [1; 32] },
        Place { frames: end.frames + 1, ..end },
        Place { events: end.events + 1, ..end },
        Place { chain: [1; 32], ..Place::default() },
    ] {
        let evidence = Evidence { from, ..Evidence::default() };
        assert!(matches!(folder.open_err(&evidence), JournalError::Damaged { .. }), "{from:?}");
    }
    let evidence = Evidence { durable: 41, ..Evidence::default() };
    assert!(matches!(folder.open_err(&evidence), JournalError::Damaged { .. }));
}

#[test]
fn outlines_skip_payloads() {
    let folder = Folder::new();
    let opened = folder.open();
    fill(&opened.journal, 0..40, 300);
    opened.journal.close().unwrap();
    let storage = folder.storage();
    let mut found = Vec::new();
    for segment in segments(&storage).unwrap().iter().rev() {
        let mut reader = Reader::of_segment(Arc::clone(&storage), segment).unwrap();
        while let Some(outline) = reader.next_outline().unwrap() {
            if (outline.arrived, outline.kind) == (17, Kind::Events) {
                assert_eq!(outline.bytes, 300);
                found.push(reader.payload().unwrap().unwrap());
            }
        }
    }
    assert_eq!(found, [noise(17, 300)]);
}

#[test]
fn another_schema_begins_a_segment() {
    let folder = Folder::new();
    let other = Identity { schema: b"other labels".to_vec(), ..identity() };
    let with = |identity: Identity| open(folder.storage(), small(), identity, &Evidence::default()).unwrap();
    for schema in [other.clone(), identity()] {
        drop(with(schema));
        assert_eq!(folder.segments().len(), 1, "one without frames is replaced");
    }
    let opened = with(identity());
    opened.journal.append(draft(1, 10)).unwrap();
    opened.journal.close().unwrap();
    let opened = with(other.clone());
    opened.journal.append(draft(2, 10)).unwrap();
    opened.journal.close().unwrap();
    assert_eq!(folder.segments().len(), 2);
    let frames = with(other.clone()).frames;
    let events: Vec<_> = frames.iter().filter(|frame| frame.kind == Kind::Events).collect();
    assert_eq!((&*events[0].schema, &*events[1].schema), (&b"labels"[..], &b"other labels"[..]));
    assert_eq!(crate::journal::identity(&folder.storage()).unwrap(), Some(other));
}

#[test]
fn a_reader_follows_the_writer() {
    let folder = Folder::new();
    let opened = folder.open();
    let reading: Shared = Arc::new(Disk::read_only(folder.dir.path()).unwrap());
    let mut reader = Reader::open(reading, None).unwrap();
    assert!(reader.next().unwrap().is_none());
    let total = 3_000;
    let writing = std::thread::spawn(move || {
        for n in 0..total {
            opened.journal.append(draft(n, usize::try_from(n % 700).unwrap())).unwrap();
            if n % 50 == 0 {
                opened.journal.sync().unwrap();
            }
        }
        opened.journal.close().unwrap()
    });
    let mut frames = Vec::new();
    while payloads(&frames).len() < usize::try_from(total).unwrap() && !writing.is_finished() {
        frames.extend(std::iter::from_fn(|| reader.next().unwrap()));
    }
    let end = writing.join().unwrap();
    frames.extend(std::iter::from_fn(|| reader.next().unwrap()));
    assert_eq!(frames.last().unwrap().after(), end);
    let expected: Vec<_> = (0..total).map(|n| noise(n, usize::try_from(n % 700).unwrap())).collect();
    assert_eq!(payloads(&frames), expected);
}

#[test]
fn no_journal_is_told() {
    let folder = Folder::new();
    assert!(segments(&folder.storage()).unwrap().is_empty());
    assert_eq!(crate::journal::identity(&folder.storage()).unwrap(), None);
    let fault = Reader::open(folder.storage(), None).unwrap_err();
    assert!(matches!(fault, JournalError::Io { fault, .. } if fault.kind() == std::io::ErrorKind::NotFound));
}

#[test]
fn a_schema_has_a_limit() {
    let folder = Folder::new();
    let with = |len| {
        let identity = Identity { schema: vec![b'x'; len], ..identity() };
        open(folder.storage(), Settings { ack: Ack::Write, ..small() }, identity, &Evidence::default())
    };
    assert!(matches!(with(3_901).unwrap_err(), JournalError::Io { .. }));
    assert!(!folder.dir.path().join("journal").exists());
    with(3_900).unwrap().journal.close().unwrap();
    with(3_900).unwrap();
}
