//! What recovery does about each kind of damage: exactly this, and no original is changed.

use super::bytes;
use super::bytes::Forged;
use super::kit::INSTANCE;
use super::kit::appended;
use super::kit::draft;
use super::kit::numbers;
use super::kit::open;
use super::kit::open_from;
use crate::sim::Image;
use crate::sim::SimDisk;
use crate::sim::put;
use tallyring::journal::Evidence;
use tallyring::journal::JournalError;
use tallyring::journal::Place;

/// Events in the journal that is damaged.
const EVENTS: u64 = 24;

/// What must happen.
#[derive(Debug)]
enum Action {
    /// It opens with so many events and cuts nothing.
    Whole(u64),
    /// It opens with so many events; what lies behind is copied and cut.
    Cut(u64),
    /// Refused as damaged; the message has this in it.
    Damaged(&'static str),
    /// Refused as another's; the message has this in it.
    Foreign(&'static str),
}
use Action::Cut;
use Action::Damaged;
use Action::Foreign;
use Action::Whole;

/// A journal of five segments or more, closed or, without `close`, left by a crash of the process.
fn journal(close: bool) -> (Image, Place) {
    let disk = SimDisk::new();
    let journal = open(&disk).unwrap().journal;
    for n in 0..EVENTS {
        appended(&journal, draft(n, 700)).unwrap();
    }
    let end = journal.sync().unwrap();
    let image = disk.image();
    if close {
        journal.close().unwrap();
        return (disk.image(), end);
    }
    (image, end)
}

/// A closed journal, to be damaged.
struct Fixture {
    image: Image,
    evidence: Evidence,
    segments: Vec<String>,
    end: Place,
}

impl Fixture {
    fn new(close: bool) -> Self {
        let (image, end) = journal(close);
        let segments = image.names(".seg");
        assert!(segments.len() >= 5, "{segments:?}");
        Self { image, evidence: Evidence::default(), segments, end }
    }

    fn bytes(&mut self, segment: usize) -> &mut Vec<u8> {
        let name = self.segments[segment].clone();
        self.image.edit(&name)
    }

    fn last(&mut self) -> &mut Vec<u8> {
        self.bytes(self.segments.len() - 1)
    }

    fn frames(&mut self, segment: usize) -> Vec<bytes::Frame> {
        bytes::frames(self.bytes(segment))
    }

    fn last_frames(&mut self) -> Vec<bytes::Frame> {
        bytes::frames(self.last())
    }

    /// Where the frames of the last segment end.
    fn tail(&mut self) -> usize {
        self.last_frames().last().unwrap().end
    }

    /// Writes behind the last frame.
    fn behind(&mut self, bytes: &[u8]) {
        let tail = self.tail() as u64;
        put(self.last(), tail, bytes);
    }

    fn forge(&mut self, payload: &'static [u8]) -> Forged<'static> {
        Forged::after(self.last_frames().last().unwrap(), INSTANCE, payload)
    }

    fn lose(&mut self, segment: usize) {
        self.image.files.remove(&self.segments[segment]);
    }

    /// The place before the first frame of a segment, as its head tells.
    fn first(&mut self, segment: usize) -> Place {
        let frame = self.frames(segment)[0].clone();
        let chain = self.bytes(segment)[48..80].try_into().unwrap();
        Place { frames: frame.number, events: frame.position, chain }
    }

    /// A snapshot covers everything before a place.
    fn snapshot_at(&mut self, from: Place) {
        self.evidence = Evidence { from, durable: from.events, instance: Some(INSTANCE) };
    }
}

#[track_caller]
fn check(name: &str, action: &Action, fixture: &Fixture) {
    let disk = SimDisk::boot(&fixture.image);
    let outcome = open_from(&disk, &fixture.evidence);
    let after = disk.image();
    let message = outcome.as_ref().map_or_else(ToString::to_string, |_| String::new());
    match (&outcome, action) {
        (Ok(opened), Whole(events) | Cut(events)) => {
            let from = fixture.evidence.from.events;
            assert!(numbers(&opened.frames).into_iter().eq(from..*events), "{name}: {:?}", opened.recovered);
            assert_eq!(opened.recovered.torn_file.is_some(), matches!(action, Cut(_)), "{name}");
        }
        (Err(JournalError::Damaged { .. }), Damaged(part)) | (Err(JournalError::Foreign { .. }), Foreign(part)) => {
            assert!(message.contains(part), "{name}: {message}");
            assert!(message.contains("nothing was changed"), "{name}: {message}");
        }
        _ => panic!("{name}: want {action:?}, got {:?}", outcome.map(|opened| opened.recovered)),
    }
    match action {
        Cut(_) => assert_cut(name, &fixture.image, &after),
        _ => assert!(fixture.image.is_kept_in(&after), "{name}: an original was changed"),
    }
    if matches!(action, Damaged(_) | Foreign(_)) {
        assert_eq!(after, fixture.image, "{name}: something was written");
        assert_eq!(disk.changes(), 0, "{name}: something was written and taken back");
    }
}

/// All but the last segment are as they were; that one begins as it did, and the rest is beside it.
#[track_caller]
fn assert_cut(name: &str, before: &Image, after: &Image) {
    let (segment, copy) = (before.last(".seg"), after.last(".torn"));
    let cut = copy.strip_suffix(".torn").unwrap().rsplit('.').next().unwrap().parse::<usize>().unwrap();
    let mut others = before.clone();
    others.files.remove(&segment);
    assert!(others.is_kept_in(after), "{name}: an original was changed");
    let (old, tail) = (before.bytes(&segment), after.bytes(&copy));
    assert_eq!(&after.bytes(&segment)[..cut], &old[..cut], "{name}: what is whole was changed");
    assert!(after.bytes(&segment)[cut..].iter().all(|byte| *byte == 0), "{name}: the tail is still there");
    assert_eq!(&old[cut..cut + tail.len()], tail, "{name}: the copy is another");
    assert!(old[cut + tail.len()..].iter().all(|byte| *byte == 0), "{name}: the copy is short");
}

/// Checks what becomes of a closed journal that was changed.
#[track_caller]
fn closed(name: &str, action: &Action, damage: impl FnOnce(&mut Fixture)) {
    let mut fixture = Fixture::new(true);
    damage(&mut fixture);
    check(name, action, &fixture);
}

/// The same of one that was left by a crash: nothing says that its last frame was synced.
#[track_caller]
fn crashed(name: &str, action: &Action, damage: impl FnOnce(&mut Fixture)) {
    let mut fixture = Fixture::new(false);
    damage(&mut fixture);
    check(name, action, &fixture);
}

#[test]
fn nothing_wrong() {
    closed("untouched", &Whole(EVENTS), |_| {});
    crashed("left by a crash", &Whole(EVENTS), |_| {});
    closed("a snapshot of all of it", &Whole(EVENTS), |it| it.snapshot_at(it.end));
    closed("old segments were pruned", &Whole(EVENTS), |it| {
        let first = it.first(2);
        it.snapshot_at(first);
        it.lose(0);
        it.lose(1);
    });
    closed("files of others", &Whole(EVENTS), |it| {
        it.image.edit("journal/notes.txt").extend(b"mine");
        it.image.edit("journal/next.tmp").extend(b"half a segment");
        it.image.edit("journal/1.seg").extend(b"not a name of ours");
        it.image.edit("journal/00000000000000000001.seg.100.torn").extend(b"a tail");
    });
}

#[test]
fn torn_tails() {
    crashed("the last frame is damaged", &Cut(EVENTS - 1), |it| {
        let last = it.last_frames().pop().unwrap();
        it.last()[last.end - 1] ^= 1;
    });
    crashed("the header of the last frame is damaged", &Cut(EVENTS - 1), |it| {
        let last = it.last_frames().pop().unwrap();
        it.last()[last.start + 8] ^= 1;
    });
    closed("the last mark is damaged", &Cut(EVENTS), |it| {
        let last = it.last_frames().pop().unwrap();
        it.last()[last.start] ^= 1;
    });
    closed("garbage behind", &Cut(EVENTS), |it| it.behind(b"garbage"));
    closed("a long tail of garbage", &Cut(EVENTS), |it| it.behind(&[b'g'; 9_000]));
    closed("half a frame", &Cut(EVENTS), |it| {
        let whole = it.forge(b"a payload").bytes();
        it.behind(&whole[..bytes::HEADER + 3]);
    });
    closed("an old frame again", &Cut(EVENTS), |it| {
        let old = it.last_frames()[0].range();
        let old = it.last()[old].to_vec();
        it.behind(&old);
    });
    closed("garbage, then a header that looks right", &Cut(EVENTS), |it| {
        let frame = it.forge(b"a payload").bytes();
        it.behind(&[&[7; 33], &frame[..]].concat());
    });
    closed("a frame of another installation", &Cut(EVENTS), |it| {
        let frame = Forged { instance: [6; 16], durable: 99, ..it.forge(b"x") }.bytes();
        it.behind(&frame);
    });
    closed("a frame that says it is huge", &Cut(EVENTS), |it| {
        let frame = Forged { raw: u32::MAX, ..it.forge(b"x") }.bytes();
        it.behind(&frame);
    });
}

#[test]
fn damage_to_what_was_synced() {
    for segment in 0..4 {
        for at in [0, 9, 99, 120, 500] {
            let damage = move |it: &mut Fixture| it.bytes(segment)[at] ^= 0x10;
            closed(&format!("byte {at} of segment {segment}"), &damaged_or_newer(at), damage);
        }
    }
    closed("the middle of the last segment", &Damaged("had been synced"), |it| {
        let first = it.last_frames()[0].end;
        it.last()[first - 1] ^= 1;
    });
    crashed("the same after a crash", &Damaged("had been synced"), |it| {
        let first = it.last_frames()[0].end;
        it.last()[first - 1] ^= 1;
    });
    closed("the last event, when a mark tells of it", &Damaged("had been synced"), |it| {
        let frames = it.last_frames();
        let last = &frames[frames.len() - 2];
        it.last()[last.start + 50] ^= 1;
    });
    crashed("the last event, when a snapshot tells of it", &Damaged("known to have been synced"), |it| {
        it.evidence.durable = EVENTS;
        let last = it.last_frames().pop().unwrap();
        it.last()[last.start + 50] ^= 1;
    });
    crashed("zeros from the middle on, when a snapshot tells", &Damaged("known to have been synced"), |it| {
        it.evidence.durable = EVENTS;
        let start = it.last_frames()[0].end;
        it.last()[start..].fill(0);
    });
    closed("an old segment is short", &Damaged("a segment follows"), |it| {
        it.bytes(1).pop();
    });
    closed("an old segment is long", &Damaged("a segment follows"), |it| it.bytes(1).push(0));
    closed("an old segment lost its last frame", &Damaged("does not begin where this one ends"), |it| {
        let last = it.frames(1).pop().unwrap().start;
        it.bytes(1).truncate(last);
    });
    closed("a frame that does not follow", &Damaged("does not follow"), |it| {
        let frame = Forged { before: [1; 32], ..it.forge(b"a payload") }.bytes();
        it.behind(&frame);
    });
    closed("a frame with a number too high", &Damaged("does not follow"), |it| {
        let frame = Forged { number: 999, ..it.forge(b"a payload") }.bytes();
        it.behind(&frame);
    });
    closed("a payload that does not decompress", &Damaged("decompress"), |it| {
        let frame = Forged { compression: 1, raw: 5_000, ..it.forge(b"no lz4") }.bytes();
        it.behind(&frame);
    });
}

/// Byte 9 of a head is the high byte of its version.
fn damaged_or_newer(at: usize) -> Action {
    if at == 9 { Foreign("version") } else { Damaged("") }
}

#[test]
fn missing_and_exchanged_segments() {
    closed("a middle segment is missing", &Damaged("is missing"), |it| it.lose(2));
    closed("the oldest segment is missing", &Damaged("is wanted"), |it| it.lose(0));
    closed("all segments are missing", &Damaged("there is no journal"), |it| {
        it.snapshot_at(it.end);
        it.image.files.clear();
    });
    closed("the last segment is missing", &Damaged(""), |it| {
        it.snapshot_at(it.end);
        it.lose(it.segments.len() - 1);
    });
    closed("a snapshot from after the oldest segment", &Damaged(""), |it| {
        let from = it.first(1);
        it.lose(0);
        it.lose(1);
        it.snapshot_at(from);
    });
    closed("a snapshot of another history", &Damaged("not those the snapshot was made from"), |it| {
        let from = Place { chain: [9; 32], ..it.first(2) };
        it.snapshot_at(from);
    });
    closed("two segments exchanged", &Damaged("it begins with frame"), |it| {
        let (one, two) = (it.bytes(1).clone(), it.bytes(2).clone());
        (*it.bytes(1), *it.bytes(2)) = (two, one);
    });
    closed("a segment twice", &Damaged("it begins with frame"), |it| {
        let copy = it.bytes(1).clone();
        it.image.edit("journal/00000000000000000999.seg").extend(copy);
    });
    closed("an empty file as the last segment", &Damaged("not whole"), |it| it.last().clear());
    closed("an empty file after the last segment", &Damaged("not whole"), |it| {
        it.image.edit("journal/00000000000000000999.seg").clear();
    });
    closed("a head cut short", &Damaged("not whole"), |it| it.last().truncate(60));
    closed("a folder in place of a segment", &Damaged("is missing"), |it| {
        it.lose(2);
        let name = it.segments[2].clone();
        it.image.folders.insert(name);
    });
}

#[test]
fn files_of_others() {
    closed("a segment of another installation", &Foreign("another installation"), |it| {
        it.bytes(2)[16..32].fill(6);
        bytes::mend_head(it.bytes(2));
    });
    closed("a journal of another installation", &Foreign("not of one installation"), |it| {
        for segment in 0..it.segments.len() {
            it.bytes(segment)[16..32].fill(6);
            bytes::mend_head(it.bytes(segment));
        }
    });
    closed("snapshots of another installation", &Foreign("not of one installation"), |it| {
        it.evidence.instance = Some([6; 16]);
    });
    closed("a segment of a newer version", &Foreign("version 2"), |it| {
        it.last()[8] = 2;
        bytes::mend_head(it.last());
    });
    closed("a frame of a kind to come", &Foreign("kind 77"), |it| {
        let frame = Forged { kind: 77, ..it.forge(b"from the future") }.bytes();
        it.behind(&frame);
    });
}
