//! A journal on a simulated disk, what is put into it, and what must come out.

use crate::chance::Chance;
use crate::sim::Image;
use crate::sim::Loss;
use crate::sim::SimDisk;
use std::time::Duration;
use tallyring::journal::Ack;
use tallyring::journal::Draft;
use tallyring::journal::Evidence;
use tallyring::journal::Frame;
use tallyring::journal::Identity;
use tallyring::journal::Journal;
use tallyring::journal::JournalError;
use tallyring::journal::Kind;
use tallyring::journal::Place;
use tallyring::journal::Recovered;
use tallyring::journal::Settings;
use tallyring::journal::Unavailable;

pub(crate) const INSTANCE: [u8; 16] = [5; 16];

/// Small segments, so that a short workload has many.
pub(crate) fn settings() -> Settings {
    Settings { ack: Ack::Fsync, segment_bytes: 4_096, flush_ms: 20, queue_bytes: 1 << 20 }
}

pub(crate) fn identity() -> Identity {
    Identity { instance: INSTANCE, schema: b"labels".to_vec() }
}

/// The journal and what it told when it was opened.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) journal: Journal,
    pub(crate) recovered: Recovered,
    pub(crate) frames: Vec<Frame>,
}

pub(crate) fn open_from(disk: &SimDisk, evidence: &Evidence) -> Result<Opened, JournalError> {
    open_with(disk, settings(), evidence)
}

pub(crate) fn open_with(disk: &SimDisk, settings: Settings, evidence: &Evidence) -> Result<Opened, JournalError> {
    let mut frames = Vec::new();
    let mut visit = |frame| {
        frames.push(frame);
        Ok(())
    };
    let (journal, recovered) = Journal::open(disk.storage(), settings, identity(), evidence, &mut visit)?;
    Ok(Opened { journal, recovered, frames })
}

pub(crate) fn open(disk: &SimDisk) -> Result<Opened, JournalError> {
    open_from(disk, &Evidence::default())
}

/// The `n`th event: its bytes tell which it is.
pub(crate) fn payload(n: u64, bytes: usize) -> Vec<u8> {
    let mut chance = Chance(n);
    let mut payload = n.to_le_bytes().to_vec();
    payload.extend((0..bytes).map(|_| chance.next().to_le_bytes()[0]));
    payload
}

pub(crate) fn draft(n: u64, bytes: usize) -> Draft {
    let arrived = i64::try_from(n).unwrap();
    Draft { kind: Kind::Events, events: 1, arrived, span: (arrived, arrived), payload: payload(n, bytes) }
}

/// The numbers of the events in frames; each frame is held against what was appended.
#[track_caller]
pub(crate) fn numbers(frames: &[Frame]) -> Vec<u64> {
    let mut numbers = Vec::new();
    for pair in frames.windows(2) {
        assert_eq!(pair[0].after(), pair[1].before, "frames follow each other");
    }
    for frame in frames.iter().filter(|frame| frame.kind == Kind::Events) {
        let n = u64::from_le_bytes(*frame.payload.first_chunk().unwrap());
        assert_eq!(frame.payload, payload(n, frame.payload.len() - 8), "event {n}");
        assert_eq!((frame.before.events, frame.events), (n, 1), "event {n}");
        numbers.push(n);
    }
    numbers
}

/// What is known at a point of a workload.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moment {
    /// Events acknowledged.
    pub(crate) acked: u64,
    /// What the newest snapshot covers.
    pub(crate) from: Place,
}

impl Moment {
    pub(crate) fn evidence(&self) -> Evidence {
        let instance = (self.from.frames > 0).then_some(INSTANCE);
        Evidence { from: self.from, durable: self.from.events, instance }
    }
}

/// A random workload, its disk, and its moments: the disk's notes are their numbers.
pub(crate) struct Workload {
    pub(crate) disk: SimDisk,
    pub(crate) moments: Vec<Moment>,
    pub(crate) appended: u64,
    chance: Chance,
}

impl Workload {
    /// Runs one from a seed, for so many steps.
    pub(crate) fn run(seed: u64, steps: u32) -> Self {
        let disk = SimDisk::new();
        let mut workload = Self { disk, moments: vec![Moment::default()], appended: 0, chance: Chance(seed) };
        let mut journal = workload.open();
        for _ in 0..steps {
            journal = workload.step(journal);
        }
        journal.close().unwrap();
        workload
    }

    fn open(&self) -> Journal {
        let opened = open_from(&self.disk, &self.now().evidence()).unwrap();
        assert_eq!(opened.recovered.torn_bytes, 0, "the process ends between two writes");
        opened.journal
    }

    pub(crate) fn now(&self) -> Moment {
        *self.moments.last().unwrap()
    }

    fn note(&mut self, moment: Moment) {
        self.moments.push(moment);
        self.disk.note(self.moments.len() as u64 - 1);
    }

    fn step(&mut self, journal: Journal) -> Journal {
        match self.chance.below(12) {
            0..=4 => self.append(&journal, 1),
            5..=7 => {
                let frames = 2 + self.chance.next() % 4;
                self.group(&journal, frames);
            }
            8 => self.snapshot(&journal),
            9 => {
                journal.prune(self.now().from, 6_000, i64::MIN).unwrap();
            }
            10 => std::thread::sleep(Duration::from_millis(70)), // until it writes a mark
            _ => {
                match self.chance.below(2) {
                    0 => drop(journal),
                    _ => drop(journal.close().unwrap()),
                }
                return self.open();
            }
        }
        journal
    }

    fn draft(&mut self) -> Draft {
        let bytes = match self.chance.below(12) {
            0 => 0,
            1 => 5_000 + self.chance.below(3_000), // longer than a segment
            2..=4 => self.chance.below(1_500),
            _ => self.chance.below(200),
        };
        self.appended += 1;
        draft(self.appended - 1, usize::try_from(bytes).unwrap())
    }

    fn append(&mut self, journal: &Journal, frames: u64) {
        for _ in 0..frames {
            journal.append(self.draft()).unwrap();
        }
        self.wait(journal);
    }

    /// Appends a frame and, while it is being written, others, which are written together.
    fn group(&mut self, journal: &Journal, frames: u64) {
        self.disk.hold();
        journal.append(self.draft()).unwrap();
        self.disk.wait_for_a_write();
        for _ in 1..frames {
            journal.append(self.draft()).unwrap();
        }
        self.disk.release();
        self.wait(journal);
    }

    fn wait(&mut self, journal: &Journal) {
        journal.ticket(journal.progress().appended()).wait().unwrap();
        let acked = self.appended;
        self.note(Moment { acked, ..self.now() });
    }

    fn snapshot(&mut self, journal: &Journal) {
        let from = journal.sync().unwrap();
        self.note(Moment { from, acked: from.events });
    }
}

/// Starts from what a crash left: it opens; what was acknowledged is there, and nothing that was
/// not appended; what is there stays, also after another power cut; and it goes on.
///
/// Answers whether a torn tail was cut.
#[track_caller]
pub(crate) fn check(image: &Image, moment: &Moment, appended: u64, what: &str) -> bool {
    let disk = SimDisk::boot(image);
    let opened = open_from(&disk, &moment.evidence()).unwrap_or_else(|fault| panic!("{what}: {fault}"));
    let numbers = numbers(&opened.frames);
    let end = opened.recovered.end.events;
    assert!(numbers.iter().copied().eq(moment.from.events..end), "{what}: {numbers:?} after {moment:?}");
    assert!((moment.acked..=appended).contains(&end), "{what}: {end} events, {} acknowledged", moment.acked);
    check_torn(&disk, &opened, what);
    let after_cut = SimDisk::boot(&disk.cut(&mut Loss::all()));
    let torn = opened.recovered.torn_bytes > 0;
    goes_on(&opened.journal, end, what);
    drop(opened);
    assert_holds(&after_cut, moment, end, &format!("{what}, and a power cut after recovery"));
    assert_holds(&SimDisk::boot(&disk.cut(&mut Loss::all())), moment, end + 1, &format!("{what}, and one more event"));
    torn
}

fn goes_on(journal: &Journal, next: u64, what: &str) {
    journal.append(draft(next, 30)).unwrap_or_else(|fault| panic!("{what}: {fault}"));
    journal.ticket(journal.progress().appended()).wait().unwrap_or_else(|fault| panic!("{what}: {fault}"));
}

#[track_caller]
fn assert_holds(disk: &SimDisk, moment: &Moment, end: u64, what: &str) {
    let opened = open_from(disk, &moment.evidence()).unwrap_or_else(|fault| panic!("{what}: {fault}"));
    let numbers = numbers(&opened.frames);
    assert!(numbers.iter().copied().eq(moment.from.events..end), "{what}: {numbers:?}, want up to {end}");
}

/// A tail that was cut is in a file of its own.
fn check_torn(disk: &SimDisk, opened: &Opened, what: &str) {
    let Some(name) = &opened.recovered.torn_file else {
        assert_eq!(opened.recovered.torn_bytes, 0, "{what}");
        return;
    };
    let left = disk.cut(&mut Loss::all());
    assert_eq!(left.bytes(name).len() as u64, opened.recovered.torn_bytes, "{what}: {name}");
}

/// Waits for what was appended, if the journal takes it; says whether it was acknowledged.
pub(crate) fn appended(journal: &Journal, draft: Draft) -> Result<(), Unavailable> {
    let appended = journal.append(draft)?;
    journal.ticket(appended.frame + 1).wait()
}
