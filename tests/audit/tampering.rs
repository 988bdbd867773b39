//! Test 48 of the reliability programme: whatever is changed at or before a checkpoint that was
//! noted elsewhere is found, however much of the rest was made right again.

use super::busy::session;
use super::kit::Rng;
use super::kit::checkpoint;
use super::kit::faults;
use super::kit::files;
use super::kit::folder_of;
use super::kit::verify;
use super::memory::Memory;
use super::surgery::Files;
use super::surgery::Forged;
use super::surgery::Frame;
use super::surgery::Segment;
use super::surgery::read;
use super::surgery::snapshot_with;
use super::surgery::write;
use std::collections::BTreeMap;
use std::path::PathBuf;
use tallyring::audit;
use tallyring::audit::Checkpoint;
use tallyring::audit::Standing;

/// Mutations in a normal run; `TALLYRING_TEST_MUTATIONS` makes it longer.
const MUTATIONS: usize = 2_000;

/// Two installations, one of them at two times, and what was noted of it at the later.
struct Fixture {
    early: Files,
    late: Files,
    other: Files,
    noted: Checkpoint,
}

impl Fixture {
    fn new() -> Self {
        let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        session(own.path(), 0..25, 12);
        let early = files(own.path());
        session(own.path(), 25..60, 12);
        let noted = checkpoint(own.path());
        assert!(noted.snapshot.is_some());
        session(other.path(), 0..60, 12);
        Self { early, late: files(own.path()), other: files(other.path()), noted }
    }
}

const KINDS: [&str; 15] = [
    "edit a payload",
    "edit a header",
    "edit a head",
    "delete a frame",
    "insert a frame",
    "reorder frames",
    "duplicate a frame",
    "cut the end",
    "delete a segment",
    "roll back",
    "roll back the snapshots",
    "edit a snapshot",
    "delete the newest snapshot",
    "swap a file of another installation",
    "swap all files",
];

/// The files after a change.
fn mutate(kind: &str, fixture: &Fixture, rng: &mut Rng, forged: Forged) -> Files {
    let segments = read(&fixture.late);
    let mut frames = Frames::of(segments, fixture.noted.place.frames);
    let at = rng.below(frames.covered);
    match kind {
        "edit a payload" => edit_payload(&mut frames.all[at].1, rng),
        "edit a header" => edit_header(&mut frames.all[at].1, rng),
        "edit a head" => edit_head(&mut frames, rng),
        "delete a frame" => drop(frames.all.remove(at)),
        "insert a frame" => {
            let (segment, mut frame) = frames.all[rng.below(frames.covered)].clone();
            edit_payload(&mut frame, rng);
            let segment = frames.all.get(at).map_or(segment, |(segment, _)| *segment);
            frames.all.insert(at, (segment, frame));
        }
        "reorder frames" => {
            let with = rng.below(frames.covered);
            let (one, two) = (frames.all[at].1.clone(), frames.all[with].1.clone());
            frames.all[at].1 = two;
            frames.all[with].1 = one;
        }
        "duplicate a frame" => {
            let copy = (frames.all[at].0, frames.all[rng.below(frames.covered)].1.clone());
            frames.all.insert(at, copy);
        }
        "cut the end" => frames.all.truncate(at),
        "delete a segment" => return without_a_segment(fixture, &frames, rng, forged),
        "roll back" => return fixture.early.clone(),
        "roll back the snapshots" => return snapshots_of(&fixture.early).chain(journal_of(&fixture.late)).collect(),
        "edit a snapshot" => return with_other_snapshot(fixture, rng, forged),
        "delete the newest snapshot" => {
            let mut files = fixture.late.clone();
            let newest = snapshots_of(&fixture.late).last().unwrap().0;
            files.remove(&newest);
            return files;
        }
        "swap a file of another installation" => return with_a_stranger(fixture, rng),
        "swap all files" => return fixture.other.clone(),
        _ => unreachable!("{kind}"),
    }
    with_journal(fixture, write(frames.segments(), forged))
}

fn snapshots_of(files: &Files) -> impl Iterator<Item = (PathBuf, Vec<u8>)> {
    files.clone().into_iter().filter(|(name, _)| name.starts_with("snapshots"))
}

fn journal_of(files: &Files) -> impl Iterator<Item = (PathBuf, Vec<u8>)> {
    files.clone().into_iter().filter(|(name, _)| name.starts_with("journal"))
}

/// The late files with another journal.
fn with_journal(fixture: &Fixture, journal: Files) -> Files {
    snapshots_of(&fixture.late).chain(journal).collect()
}

/// A snapshot with a byte of its head, its sections or its index changed.
fn with_other_snapshot(fixture: &Fixture, rng: &mut Rng, forged: Forged) -> Files {
    let mut files = fixture.late.clone();
    let (name, bytes) = snapshots_of(&fixture.late).last().unwrap();
    let at = rng.below(bytes.len());
    let change = |bytes: &mut [u8]| bytes[at] ^= 1 << (at % 8);
    let changed = match forged {
        Forged::Checksums | Forged::Numbers => {
            let mut changed = bytes.clone();
            change(&mut changed);
            changed
        }
        // The counts in the tail say where the index is.
        Forged::Chain if at >= bytes.len() - 20 => bytes.clone(),
        Forged::Chain => snapshot_with(&bytes, change),
    };
    files.insert(name, changed);
    files
}

/// The frames of all segments, each with its segment.
struct Frames {
    heads: Vec<Segment>,
    all: Vec<(usize, Frame)>,
    /// How many of them the checkpoint covers.
    covered: usize,
}

impl Frames {
    fn of(segments: Vec<Segment>, covered: u64) -> Self {
        let number = |(index, segment): (usize, &Segment)| {
            segment.frames.iter().map(move |frame| (index, frame.clone())).collect::<Vec<_>>()
        };
        let all = segments.iter().enumerate().flat_map(number).collect();
        Self { heads: segments, all, covered: usize::try_from(covered).unwrap() }
    }

    /// Where the end was cut, segments that have nothing left go too.
    fn segments(&self) -> Vec<Segment> {
        let mut segments: Vec<Segment> =
            self.heads.iter().map(|head| Segment { frames: Vec::new(), ..head.clone() }).collect();
        self.all.iter().for_each(|(segment, frame)| segments[*segment].frames.push(frame.clone()));
        let last = segments.iter().rposition(|segment| !segment.frames.is_empty()).unwrap_or(0);
        segments.truncate(last + 1);
        segments
    }
}

fn edit_payload(frame: &mut Frame, rng: &mut Rng) {
    match frame.payload.len() {
        0 => frame.payload.push(7),
        len => frame.payload[rng.below(len)] ^= 1 << rng.below(8),
    }
}

/// A field that no other field repeats: kind, events, arrival, span, what was synced.
fn edit_header(frame: &mut Frame, rng: &mut Rng) {
    let fields = [(4, 1), (16, 1), (40, 6), (48, 6), (56, 6), (64, 1), (72, 2)];
    let (at, len) = fields[rng.below(fields.len())];
    frame.header[at + rng.below(len)] ^= 1 << rng.below(8);
}

/// What frames don't tell: the names of labels, where a segment begins, what came before it.
fn edit_head(frames: &mut Frames, rng: &mut Rng) {
    let which = 1 + rng.below(frames.heads.len() - 1);
    let (which, at, len) = match rng.below(4) {
        0 => (which, 96, frames.heads[which].head.len() - 96),
        1 => (rng.below(frames.heads.len()), 48, 32), // the chain before it
        2 => (rng.below(frames.heads.len()), 40, 8),  // the position
        _ => (which, 80, 16),                         // the segment before, and when its last request came
    };
    let head = &mut frames.heads[which].head;
    head[at + rng.below(len)] ^= 1 << rng.below(7);
}

/// Not the oldest: that is what pruning does, once a snapshot covers it.
fn without_a_segment(fixture: &Fixture, frames: &Frames, rng: &mut Rng, forged: Forged) -> Files {
    let mut segments = frames.segments();
    segments.remove(1 + rng.below(segments.len() - 1));
    with_journal(fixture, write(segments, forged))
}

/// One file of another installation in place of the own one of that name, or beside.
fn with_a_stranger(fixture: &Fixture, rng: &mut Rng) -> Files {
    let mut files = fixture.late.clone();
    let (name, bytes) = fixture.other.iter().nth(rng.below(fixture.other.len())).unwrap();
    let own = files.keys().nth(rng.below(files.len())).unwrap().clone();
    let name = if rng.below(2) == 0 { own } else { name.clone() };
    files.insert(name, bytes.clone());
    files
}

#[test]
fn every_change_is_found_given_the_checkpoint() {
    let fixture = Fixture::new();
    let unchanged = folder_of(&fixture.late);
    let report = verify(unchanged.path(), Some(&fixture.noted));
    assert_eq!((report.standing, faults(&report)), (Some(Standing::Held), Vec::<String>::new()));
    let same = with_journal(&fixture, write(read(&fixture.late), Forged::Chain));
    assert_eq!(same, fixture.late, "a forger who changes nothing");
    for (name, bytes) in snapshots_of(&fixture.late) {
        assert_eq!(snapshot_with(&bytes, |_| {}), bytes, "{}", name.display());
    }

    let wanted = std::env::var("TALLYRING_TEST_MUTATIONS").map_or(MUTATIONS, |text| text.parse().unwrap());
    let (mut counts, mut skipped, mut seed) = (BTreeMap::new(), 0, 0);
    while counts.values().sum::<usize>() < wanted {
        seed += 1;
        let mut rng = Rng(seed);
        let kind = KINDS[rng.below(KINDS.len())];
        let forged = [Forged::Checksums, Forged::Numbers, Forged::Chain][rng.below(3)];
        let mutated = mutate(kind, &fixture, &mut rng, forged);
        if mutated == fixture.late {
            skipped += 1;
            continue;
        }
        let report = audit::verify(&Memory::of(mutated), Some(&fixture.noted)).unwrap();
        assert!(!report.faults.is_empty(), "seed {seed}: {kind}, {forged:?}: not found");
        *counts.entry((kind, format!("{forged:?}"))).or_insert(0) += 1;
    }
    println!("{skipped} left everything as it was; found: {counts:#?}");
    assert_eq!(counts.len(), 3 * KINDS.len());
}

#[test]
fn a_forged_journal_is_whole_without_the_checkpoint() {
    // That is what the checkpoint is for, and the reason why the test above proves something.
    let fixture = Fixture::new();
    for kind in ["edit a payload", "delete a frame", "insert a frame", "duplicate a frame", "roll back"] {
        // Without the snapshots, which are at places of the old chain.
        let bare = |files: Files| journal_of(&files).collect::<Files>();
        let mutated = (1..100).map(|seed| bare(mutate(kind, &fixture, &mut Rng(seed), Forged::Chain)));
        let whole =
            mutated.filter(|files| audit::verify(&Memory::of(files.clone()), None).unwrap().faults.is_empty()).count();
        assert!(whole > 0, "{kind}: the forger of these tests is none");
    }
}
