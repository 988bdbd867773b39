//! What a start does about damaged, missing and foreign files: exactly this, and it changes none of
//! them. The journal's own table is in `journal/policy.rs`.

use super::kit::Book;
use super::kit::Request;
use super::kit::at;
use super::kit::counted;
use super::kit::expected;
use super::kit::open_with;
use super::kit::settings;
use crate::sim::Image;
use crate::sim::Loss;
use crate::sim::SimDisk;
use tallyring::store::OpenError;
use tallyring::store::Opened;
use tallyring::store::Settings;
use tallyring::store::Store;

const EVENTS: u64 = 60;
const END: i64 = 50;

/// A journal that is kept whole, or pruned as soon as two snapshots cover it.
#[derive(Clone, Copy, PartialEq)]
enum Journal {
    Kept,
    Pruned,
}

impl Journal {
    fn settings(self) -> Settings {
        Settings { journal_max_bytes: if self == Self::Kept { u64::MAX } else { 0 }, ..settings() }
    }
}

/// What a crash left of a store that had taken two snapshots.
struct Fixture {
    image: Image,
    journal: Journal,
    snapshots: Vec<String>, // oldest first
}

impl Fixture {
    fn new(journal: Journal) -> Self {
        let disk = SimDisk::new();
        let store = open_with(&disk, journal.settings(), at(0)).unwrap().0;
        for n in 0..EVENTS {
            let request = Request { events: n..n + 1, second: 0 };
            let _ = request.send(&store, at(i64::try_from(n / 2).unwrap())).unwrap();
            if n == 20 || n == 40 {
                let _ = store.snapshot(true, at(30)).unwrap();
            }
        }
        drop(store);
        let image = disk.image();
        let snapshots = image.names(".snap");
        assert_eq!(snapshots.len(), 2);
        Self { image, journal, snapshots }
    }

    fn flip(&mut self, snapshot: usize, at: usize) {
        let name = self.snapshots[snapshot].clone();
        let bytes = self.image.edit(&name);
        let at = at.min(bytes.len() - 1);
        bytes[at] ^= 4;
    }

    fn len(&self, snapshot: usize) -> usize {
        self.image.bytes(&self.snapshots[snapshot]).len()
    }

    fn lose(&mut self, part: &str) {
        self.image.files.retain(|name, _| !name.contains(part));
    }

    fn open(&self) -> (SimDisk, Result<(Store, Opened), OpenError>) {
        let disk = SimDisk::boot(&self.image);
        let opened = open_with(&disk, self.journal.settings(), at(END));
        (disk, opened)
    }

    /// It opens from one of the snapshots, or from none, passes over some, and counts everything.
    #[track_caller]
    fn opens(&self, from: Option<usize>, passed_over: usize, what: &str) {
        let (disk, opened) = self.open();
        let (store, opened) = opened.unwrap_or_else(|fault| panic!("{what}: {fault}"));
        let name = opened.snapshot.as_deref();
        assert_eq!(name, from.map(|n| self.snapshots[n].trim_start_matches("snapshots/")), "{what}");
        assert_eq!(opened.passed_over.len(), passed_over, "{what}: {:?}", opened.passed_over);
        assert_eq!((opened.position, counted(store.engine(), at(END))), (EVENTS, expected(0..EVENTS)), "{what}");
        assert!(self.image.is_kept_in(&disk.image()), "{what}: an original was changed");
        drop(store);
        let requests: Vec<Request> = (0..EVENTS).map(|n| Request { events: n..n + 1, second: 0 }).collect();
        let book = Book { requests: &requests, states: None, end: at(END) };
        book.check(&disk.cut(&mut Loss::all()), EVENTS, what);
    }

    #[track_caller]
    fn refuses(&self, part: &str, what: &str) {
        let (disk, opened) = self.open();
        let Err(fault) = opened else { panic!("{what}: it opens") };
        assert!(fault.to_string().contains(part), "{what}: {fault}");
        let mut after = disk.image();
        after.folders.clone_from(&self.image.folders);
        assert_eq!(after, self.image, "{what}: something was changed");
    }
}

#[test]
fn a_damaged_snapshot_is_passed_over() {
    for journal in [Journal::Kept, Journal::Pruned] {
        Fixture::new(journal).opens(Some(1), 0, "untouched");
        let len = Fixture::new(journal).len(1);
        for at in [0, 9, 50, 87, 88, 130, len / 2, len - 40, len - 21, len - 1] {
            let mut it = Fixture::new(journal);
            it.flip(1, at);
            it.opens(Some(0), 1, &format!("byte {at} of the newest"));
            let mut it = Fixture::new(journal);
            it.flip(0, at);
            it.opens(Some(1), 0, &format!("byte {at} of the older"));
        }
        for len in [0, 1, 87, len / 2, len - 1] {
            let mut it = Fixture::new(journal);
            let name = it.snapshots[1].clone();
            it.image.edit(&name).truncate(len);
            it.opens(Some(0), 1, &format!("the newest cut at {len}"));
        }
        let mut it = Fixture::new(journal);
        let name = it.snapshots[1].clone();
        it.image.edit(&name).push(0);
        it.opens(Some(0), 1, "a byte behind the newest");
        let mut it = Fixture::new(journal);
        it.image.files.remove(&name);
        it.opens(Some(0), 0, "the newest is missing");
        it.image.folders.insert(name);
        it.opens(Some(0), 0, "a folder in its place");
    }
}

#[test]
fn without_snapshots_the_whole_journal_answers_or_nobody() {
    let damaged = |journal| {
        let mut it = Fixture::new(journal);
        it.flip(0, 200);
        it.flip(1, 200);
        it
    };
    damaged(Journal::Kept).opens(None, 2, "both damaged, the journal whole");
    damaged(Journal::Pruned).refuses("", "both damaged, the journal pruned");
    for (journal, from) in [(Journal::Kept, true), (Journal::Pruned, false)] {
        let mut it = Fixture::new(journal);
        it.lose(".snap");
        if from { it.opens(None, 0, "both missing") } else { it.refuses("is wanted", "both missing, pruned") }
    }
}

#[test]
fn what_is_not_of_this_store_is_refused() {
    let mut it = Fixture::new(Journal::Kept);
    it.lose("journal/");
    it.refuses("", "no journal");
    let mut it = Fixture::new(Journal::Kept);
    let newer = it.snapshots[1].clone();
    let head = &mut it.image.edit(&newer)[..88];
    head[8] = 2;
    let crc = crc32c::crc32c(&head[..84]);
    head[84..].copy_from_slice(&crc.to_le_bytes());
    it.refuses("", "a newer format");
    let (mut it, other) = (Fixture::new(Journal::Kept), Fixture::new(Journal::Kept));
    let name = it.snapshots[1].clone();
    *it.image.edit(&name) = other.image.bytes(&other.snapshots[1]).to_vec();
    it.refuses("", "the snapshot of another installation");
    let mut it = Fixture::new(Journal::Kept);
    let foreign: Vec<_> = other.image.files.iter().filter(|(name, _)| name.ends_with(".seg")).collect();
    it.lose(".seg");
    it.image.files.extend(foreign.into_iter().map(|(name, bytes)| (name.clone(), bytes.clone())));
    it.refuses("", "the journal of another installation");
}

#[test]
fn files_of_others_are_left_alone() {
    let mut it = Fixture::new(Journal::Pruned);
    for name in ["snapshots/next.tmp", "snapshots/notes.txt", "snapshots/1.snap", "journal/x.torn", "key-pepper"] {
        it.image.edit(name).extend(b"mine");
    }
    let (disk, opened) = it.open();
    let store = opened.unwrap().0;
    let _ = store.snapshot(true, at(END)).unwrap();
    let mut mine = it.image.clone();
    mine.files.retain(|name, bytes| bytes.as_slice() == b"mine" && !name.ends_with("next.tmp"));
    assert!(mine.is_kept_in(&disk.image()));
}

/// After a damaged snapshot was passed over, new ones are taken: at any time one whole snapshot may
/// be damaged, and the one before it and the journal still answer.
#[test]
fn a_passed_over_snapshot_does_not_count_as_kept() {
    let mut it = Fixture::new(Journal::Pruned);
    it.flip(1, 200);
    let (disk, opened) = it.open();
    let store = opened.unwrap().0;
    let damaged = it.snapshots[1].clone();
    for n in EVENTS..EVENTS + 40 {
        let _ = Request { events: n..n + 1, second: 0 }.send(&store, at(END)).unwrap();
    }
    let newest = store.snapshot(true, at(END)).unwrap().name;
    drop(store);
    let mut image = disk.image();
    assert!(image.files.contains_key(&damaged), "what is damaged is not deleted");
    image.edit(&format!("snapshots/{newest}.snap"))[200] ^= 1;
    let disk = SimDisk::boot(&image);
    let opened = open_with(&disk, it.journal.settings(), at(END));
    let (store, _) = opened.unwrap_or_else(|fault| panic!("one whole snapshot is left, and it does not open: {fault}"));
    assert_eq!(counted(store.engine(), at(END)), expected(0..EVENTS + 40));
}
