//! The last segment, cut at every byte, and with everything behind its end that may be there.

use crate::assert_little_memory;
use crate::bytes;
use crate::bytes::Forged;
use crate::bytes::Frame;
use crate::kit::INSTANCE;
use crate::kit::Opened;
use crate::kit::appended;
use crate::kit::draft;
use crate::kit::numbers;
use crate::kit::open_with;
use crate::sim::Image;
use crate::sim::SimDisk;
use crate::sim::put;
use std::sync::Arc;
use tallyring::journal::Evidence;
use tallyring::journal::JournalError;
use tallyring::journal::Settings;

const SEGMENT: u64 = 64 << 10;

fn settings() -> Settings {
    Settings { segment_bytes: SEGMENT, ..crate::kit::settings() }
}

fn open(image: &Image) -> (SimDisk, Result<Opened, JournalError>) {
    let disk = SimDisk::boot(image);
    let opened = open_with(&disk, settings(), &Evidence::default());
    (disk, opened)
}

/// One full segment, left by a crash.
struct Segment {
    image: Image,
    name: String,
    bytes: Arc<Vec<u8>>,
    frames: Vec<Frame>,
}

impl Segment {
    fn new() -> Self {
        let disk = SimDisk::new();
        let journal = open_with(&disk, settings(), &Evidence::default()).unwrap().journal;
        let lens = [0, 1, 300, 7, 900, 40, 2_000];
        let mut sizes = lens.iter().cycle();
        for n in 0.. {
            appended(&journal, draft(n, *sizes.next().unwrap())).unwrap();
            let image = disk.image();
            if image.names(".seg").len() > 1 {
                break;
            }
        }
        drop(journal);
        let mut image = disk.image();
        let last = image.last(".seg");
        image.files.remove(&last);
        let name = image.last(".seg");
        let bytes = Arc::clone(&image.files[&name]);
        let frames = bytes::frames(&bytes);
        assert!(frames.len() > 90 && bytes.len() > 60 << 10, "{} frames, {} bytes", frames.len(), bytes.len());
        Self { image, name, bytes, frames }
    }

    fn with(&self, bytes: Vec<u8>) -> Image {
        let mut image = self.image.clone();
        image.files.insert(self.name.clone(), Arc::new(bytes));
        image
    }

    /// Frames whose bytes are still there.
    fn whole(&self, bytes: &[u8]) -> u64 {
        let is_whole = |frame: &&Frame| bytes.get(frame.range()) == Some(&self.bytes[frame.range()]);
        self.frames.iter().take_while(is_whole).filter(|frame| frame.kind == 1).count() as u64
    }
}

/// What is whole comes back, and what lies behind is kept aside.
#[track_caller]
fn check(segment: &Segment, left: Vec<u8>, what: &str) {
    let want = segment.whole(&left);
    let end = segment.frames.iter().filter(|frame| frame.kind == 1).nth(usize::try_from(want).unwrap());
    let end = end.map_or(segment.bytes.len(), |next| next.start).min(left.len());
    let tail = left[end..].iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let tail = left[end..end + tail].to_vec();
    let (disk, opened) = open(&segment.with(left));
    if what.starts_with("head cut") {
        assert!(matches!(opened, Err(JournalError::Damaged { .. })), "{what}: {opened:?}");
        return;
    }
    let opened = opened.unwrap_or_else(|fault| panic!("{what}: {fault}"));
    assert!(numbers(&opened.frames).into_iter().eq(0..want), "{what}: want {want}, got {:?}", opened.recovered);
    assert_eq!(opened.recovered.torn_bytes, tail.len() as u64, "{what}");
    let copy = opened.recovered.torn_file.map(|name| disk.image().bytes(&name).to_vec());
    assert_eq!(copy.unwrap_or_default(), tail, "{what}: the copy");
}

fn cut_at(segment: &Segment, at: usize) {
    let what = if at < bytes::begin(&segment.bytes) { "head cut at" } else { "cut at" };
    check(segment, segment.bytes[..at].to_vec(), &format!("{what} {at}"));
}

#[test]
fn cut_at_every_even_byte() {
    let segment = Segment::new();
    (0..segment.bytes.len()).step_by(2).for_each(|at| cut_at(&segment, at));
    assert_little_memory();
}

#[test]
fn cut_at_every_odd_byte() {
    let segment = Segment::new();
    (1..segment.bytes.len()).step_by(2).for_each(|at| cut_at(&segment, at));
    assert_little_memory();
}

/// The room of a segment is reserved: a lost tail is zeros more often than nothing.
#[test]
fn zeros_from_anywhere() {
    let segment = Segment::new();
    for at in (bytes::begin(&segment.bytes)..segment.bytes.len()).step_by(7) {
        let mut left = segment.bytes.to_vec();
        left[at..].fill(0);
        check(&segment, left, &format!("zeros from {at}"));
    }
}

/// Behind each frame of the first: garbage, an old frame again, half of the next, the next with a
/// wrong checksum, and the sectors of the next in any state.
#[test]
fn anything_behind_any_frame() {
    let segment = Segment::new();
    for frame in segment.frames.iter().take(60) {
        let whole = &segment.bytes[..frame.end];
        let old = &segment.bytes[segment.frames[0].range()];
        let next = Forged::after(frame, INSTANCE, b"the next payload").bytes();
        let half = &next[..next.len() / 2];
        let mut wrong = next.clone();
        *wrong.last_mut().unwrap() ^= 4;
        let header = [&[0; 40], &next[..bytes::HEADER]].concat();
        for (behind, what) in
            [(b"garbage".as_slice(), "garbage"), (old, "old"), (half, "half"), (&wrong, "wrong"), (&header, "header")]
        {
            for gap in [0, 1, 511, 4_096] {
                let mut left = whole.to_vec();
                put(&mut left, (frame.end + gap) as u64, behind);
                left.resize(left.len().max(usize::try_from(SEGMENT).unwrap()), 0);
                check(&segment, left, &format!("{what}, {gap} behind frame {}", frame.number));
            }
        }
    }
}
