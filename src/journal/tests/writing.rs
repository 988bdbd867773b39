//! Writing: groups, waiting, limits, marks, pruning, and disks that fail.

use super::kit::Folder;
use super::kit::draft;
use super::kit::fill;
use super::kit::identity;
use super::kit::noise;
use super::kit::open;
use super::kit::payloads;
use super::kit::small;
use super::memory::Memory;
use super::memory::Op;
use crate::journal::Ack;
use crate::journal::Evidence;
use crate::journal::Journal;
use crate::journal::Kind;
use crate::journal::Place;
use crate::journal::Reader;
use crate::journal::Settings;
use crate::journal::Ticket;
use crate::journal::Unavailable;
use crate::journal::segments;
use proptest::prelude::ProptestConfig;
use proptest::prelude::prop_assert;
use proptest::prelude::prop_assert_eq;
use proptest::proptest;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::Wake;
use std::task::Waker;
use std::thread;
use std::time::Duration;
use std::time::Instant;

fn start(memory: &Memory, settings: Settings) -> Journal {
    open(memory.shared(), settings, identity(), &Evidence::default()).unwrap().journal
}

fn count(memory: &Memory, wanted: fn(&Op) -> bool) -> usize {
    memory.log().iter().filter(|op| wanted(op)).count()
}

fn is_sync(op: &Op) -> bool {
    matches!(op, Op::Sync(_))
}

fn until(mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it takes too long");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn threads_share_syncs_and_keep_their_order() {
    let folder = Folder::new();
    let opened = folder.open();
    let journal = &opened.journal;
    thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                for n in 0..50 {
                    let appended = journal.append(draft(thread * 1_000 + n, 100)).unwrap();
                    journal.ticket(appended.frame + 1).wait().unwrap();
                    assert!(journal.progress().durable() > appended.frame);
                }
            });
        }
    });
    opened.journal.close().unwrap();
    let opened = folder.open();
    let mut last = [None; 8];
    for frame in opened.frames.iter().filter(|frame| frame.kind == Kind::Events) {
        let (thread, n) = (usize::try_from(frame.arrived / 1_000).unwrap(), frame.arrived % 1_000);
        assert_eq!(n, last[thread].map_or(0, |last| last + 1));
        last[thread] = Some(n);
    }
    assert_eq!(last, [Some(49); 8]);
}

#[test]
fn what_waits_is_written_and_synced_as_one_group() {
    let memory = Memory::default();
    let journal = start(&memory, small());
    let gate = Arc::new(parking_lot::Mutex::new(()));
    let held = gate.lock();
    let slow = Arc::clone(&gate);
    memory.fail(move |op| {
        drop(is_sync(op).then(|| slow.lock()));
        false
    });
    let before = memory.log().len();
    fill(&journal, 0..1, 10);
    until(|| memory.log().len() == before + 1); // its write; the sync waits for the gate
    fill(&journal, 1..11, 10);
    drop(held);
    journal.ticket(11).wait().unwrap();
    let ops = memory.log().split_off(before);
    // Where this thread was made to wait, the mark of an idle journal follows.
    let marks = ops.get(4..).unwrap_or_default();
    assert!(matches!(marks, [] | [Op::Write(..)]), "{ops:?}");
    let groups = &ops[..ops.len() - marks.len()];
    assert!(matches!(groups, [Op::Write(..), Op::Sync(_), Op::Write(..), Op::Sync(_)]), "{ops:?}");
}

/// The order is what a power cut at any point of it relies on.
#[test]
fn a_segment_is_sealed_before_the_next_has_its_name() {
    let once = |_| {
        let memory = Memory::default();
        let journal = start(&memory, small());
        fill(&journal, 0..3, 1_000);
        journal.sync().unwrap();
        let before = memory.log().len();
        fill(&journal, 3..4, 1_000);
        journal.ticket(4).wait().unwrap();
        let ops = memory.log().split_off(before);
        (journal.progress().appended() == 4).then_some(ops) // else it was idle for so long that a mark came between
    };
    let ops = (0..20).find_map(once).expect("not idle for once");
    let name = crate::journal::segment::name(3);
    let (used, aside) = (106 + 3 * 1_116, "journal/next.tmp".to_owned());
    assert_eq!(ops[..4], [Op::SetLen(0, used), Op::Sync(0), Op::Create(aside.clone()), Op::Reserve(1, 4_096)]);
    assert!(matches!(ops[4], Op::Write(1, 0, _)));
    assert_eq!(ops[5..8], [Op::Sync(1), Op::Rename(aside, name), Op::SyncFolder]);
    assert!(matches!(ops[8], Op::Write(1, 106, _)));
    assert_eq!(ops[9..], [Op::Sync(1)]);
}

struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn poll(ticket: &mut Ticket, woken: &Arc<Woken>) -> Poll<Result<(), Unavailable>> {
    Pin::new(ticket).poll(&mut Context::from_waker(&Waker::from(Arc::clone(woken))))
}

#[test]
fn a_ticket_wakes_its_task_once_it_is_ready() {
    let memory = Memory::default();
    let journal = start(&memory, small());
    let woken = Arc::new(Woken(AtomicUsize::new(0)));
    let mut ticket = journal.ticket(1);
    assert!(poll(&mut ticket, &woken).is_pending());
    assert!(poll(&mut ticket, &woken).is_pending(), "asked again, it leaves no second waker");
    fill(&journal, 0..1, 10);
    until(|| woken.0.load(Ordering::SeqCst) == 1);
    assert_eq!(poll(&mut ticket, &woken), Poll::Ready(Ok(())));
    let mut forgotten = journal.ticket(2);
    assert!(poll(&mut forgotten, &woken).is_pending());
    drop(forgotten);
    fill(&journal, 1..2, 10);
    journal.sync().unwrap();
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
}

/// Whatever fails: nothing is tried again, and nobody is told that anything is safe.
#[test]
fn a_failure_is_final() {
    let failures: [fn(&Op) -> bool; 5] = [
        is_sync,
        |op| matches!(op, Op::Write(..)),
        |op| matches!(op, Op::Create(_)),
        |op| matches!(op, Op::Reserve(..)),
        |op| matches!(op, Op::SyncFolder),
    ];
    for fails in failures {
        let memory = Memory::default();
        let journal = start(&memory, small());
        check_final(&memory, &journal, fails);
    }
}

fn check_final(memory: &Memory, journal: &Journal, fails: fn(&Op) -> bool) {
    let mut once = true;
    memory.fail(move |op| fails(op) && std::mem::take(&mut once));
    let waiting = journal.ticket(1_000);
    let failed = Unavailable::Failed(String::new());
    let same = |fault: &Unavailable| std::mem::discriminant(fault) == std::mem::discriminant(&failed);
    let begun = Instant::now();
    let mut n = 0;
    while journal.append(draft(n, 1_000)).is_ok() {
        n += 1;
        assert!(begun.elapsed() < Duration::from_secs(20));
        thread::yield_now();
    }
    until(|| journal.progress().failure().is_some());
    assert!(same(&waiting.wait().unwrap_err()));
    assert!(journal.progress().failure().unwrap().contains("the disk is on fire"));
    let ops = memory.log();
    assert!(fails(ops.last().unwrap()), "nothing is done after {:?}", ops.last());
    assert!(same(&journal.append(draft(0, 1)).unwrap_err()));
    assert!(same(&journal.sync().unwrap_err()));
    assert!(journal.place_here().is_err());
    let synced = journal.progress().durable();
    assert!(same(&journal.ticket(synced + 1).wait().unwrap_err()));
    journal.ticket(synced).wait().unwrap();
    assert_eq!(memory.log(), ops, "not even by who asks again");
}

#[test]
fn too_much_waiting_is_refused() {
    let memory = Memory::default();
    let journal = start(&memory, Settings { queue_bytes: 5_000, ..small() });
    let gate = Arc::new(parking_lot::Mutex::new(()));
    let held = gate.lock();
    let slow = Arc::clone(&gate);
    memory.fail(move |op| {
        drop(matches!(op, Op::Write(..)).then(|| slow.lock()));
        false
    });
    fill(&journal, 0..4, 1_000);
    assert_eq!(journal.append(draft(4, 1_000)), Err(Unavailable::Busy));
    assert_eq!(journal.progress().appended(), 4);
    assert_eq!(journal.progress().waiting_bytes(), 4 * 1_116);
    drop(held);
    journal.sync().unwrap();
    assert_eq!(journal.append(draft(4, 100_000)).unwrap().frame, 4, "alone, it has room");
    journal.close().unwrap();
}

#[test]
fn written_frames_are_synced_after_a_while() {
    let memory = Memory::default();
    let journal = start(&memory, Settings { ack: Ack::Write, flush_ms: 2_000, ..small() });
    let before = count(&memory, is_sync);
    for n in 0..4 {
        fill(&journal, n..n + 1, 10);
        journal.ticket(n + 1).wait().unwrap();
    }
    assert_eq!(journal.progress().written(), 4);
    assert_eq!(count(&memory, is_sync), before, "four groups, no sync");
    until(|| journal.progress().durable() == 4);
    assert_eq!(count(&memory, is_sync), before + 1);
}

#[test]
fn in_memory_nobody_waits() {
    let memory = Memory::default();
    let journal = start(&memory, Settings { ack: Ack::Memory, flush_ms: 1_000_000, ..small() });
    journal.ticket(1_000_000).wait().unwrap();
    fill(&journal, 0..3, 10);
    assert_eq!(journal.sync().unwrap().frames, 3);
}

#[test]
fn an_idle_journal_proves_its_last_group_once() {
    let memory = Memory::default();
    let journal = start(&memory, small());
    fill(&journal, 0..3, 10);
    journal.ticket(3).wait().unwrap();
    until(|| journal.progress().written() == 4);
    let ops = memory.log();
    assert!(matches!(ops.last(), Some(Op::Write(..))), "a mark is not synced");
    thread::sleep(Duration::from_millis(150));
    assert_eq!(memory.log(), ops, "once");
    assert_eq!(journal.append(draft(3, 10)).unwrap().frame, 4);
    let end = journal.close().unwrap();
    assert_eq!((end.frames, end.events), (6, 4));
    let reader = Reader::open(memory.shared(), None);
    let mut reader = reader.unwrap();
    let frames: Vec<_> = std::iter::from_fn(|| reader.next().unwrap()).collect();
    let marks: Vec<_> = frames.iter().filter(|frame| frame.kind == Kind::Mark).map(|frame| frame.durable).collect();
    assert_eq!(marks, [3, 4]);
}

#[test]
fn dropped_it_writes_and_syncs_nothing_more() {
    let memory = Memory::default();
    let journal = start(&memory, Settings { ack: Ack::Write, flush_ms: 1_000_000, ..small() });
    fill(&journal, 0..3, 10);
    journal.ticket(3).wait().unwrap();
    let (ops, waiting) = (memory.log(), journal.ticket(4));
    drop(journal);
    assert_eq!(memory.log(), ops);
    assert!(waiting.wait().is_err());
}

#[test]
fn a_place_is_told_while_others_go_on() {
    let memory = Memory::default();
    let journal = start(&memory, Settings { ack: Ack::Write, flush_ms: 1_000_000, ..small() });
    fill(&journal, 0..5, 10);
    let place = journal.place_here().unwrap();
    fill(&journal, 5..9, 10);
    let place = place.recv().unwrap();
    assert_eq!((place.frames, place.events), (5, 5));
    let end = journal.close().unwrap();
    let opened = open(memory.shared(), small(), identity(), &Evidence { from: place, ..Evidence::default() }).unwrap();
    assert_eq!(opened.payloads(), (5..9).map(|n| noise(n, 10)).collect::<Vec<_>>());
    assert_eq!(opened.recovered.end, end);
}

#[test]
fn old_segments_go_and_needed_ones_stay() {
    let folder = Folder::new();
    let opened = folder.open();
    let journal = opened.journal;
    fill(&journal, 0..30, 1_000);
    let end = journal.sync().unwrap();
    let all = segments(&(Arc::new(crate::storage::Disk::read_only(folder.dir.path()).unwrap()) as _)).unwrap();
    assert_eq!(all.len(), 10);
    assert_eq!(journal.prune(end, u64::MAX, i64::MIN).unwrap(), 0, "within the limits");
    assert_eq!(journal.prune(Place::default(), 0, i64::MAX).unwrap(), 0, "all are needed");
    let inside = Place { frames: all[2].first.frames - 1, ..Place::default() };
    assert_eq!(journal.prune(inside, 0, i64::MAX).unwrap(), 1, "the last frame of the next is needed");
    assert_eq!(journal.prune(all[2].first, 0, i64::MAX).unwrap(), 1);
    assert_eq!(journal.extent().first, all[2].first);
    // Frame 11 is the last of its segment and arrived at 11; the segment may go after that.
    assert_eq!(journal.prune(end, u64::MAX, 11).unwrap(), 1);
    assert_eq!(journal.prune(end, u64::MAX, 12).unwrap(), 1);
    let bytes = journal.extent().bytes;
    assert_eq!(journal.prune(end, bytes - 1, i64::MIN).unwrap(), 1);
    assert_eq!(journal.prune(end, 0, i64::MAX).unwrap(), 4, "the last stays");
    assert_eq!(folder.segments().len(), 1);
    assert_eq!(journal.extent().first, all[9].first);
    journal.close().unwrap();
    let evidence = Evidence { from: all[9].first, ..Evidence::default() };
    let opened = open(folder.storage(), small(), identity(), &evidence).unwrap();
    assert_eq!(opened.payloads(), (27..30).map(|n| noise(n, 1_000)).collect::<Vec<_>>());
    drop(opened);
    assert!(folder.open_err(&Evidence::default()).to_string().contains("damaged"));
}

#[test]
fn each_segment_is_gone_for_good_before_the_next() {
    let memory = Memory::default();
    let journal = start(&memory, small());
    fill(&journal, 0..9, 1_000);
    let end = journal.sync().unwrap();
    let before = memory.log().len();
    assert_eq!(journal.prune(end, 0, i64::MIN).unwrap(), 2);
    let gone = |number| Op::Remove(crate::journal::segment::name(number));
    assert_eq!(memory.log()[before..], [gone(0), Op::SyncFolder, gone(3), Op::SyncFolder]);
}

/// The files as a crash of the system may leave them if nothing is reordered: operations up to one
/// of them, and a part of that where it is a write.
fn crashed(ops: &[Op], kept: usize, part: usize) -> Memory {
    let mut ops = ops[..=kept].to_vec();
    match ops.pop() {
        Some(Op::Write(id, offset, mut bytes)) => {
            bytes.truncate(part % (bytes.len() + 1));
            ops.push(Op::Write(id, offset, bytes));
        }
        last => ops.extend(last),
    }
    Memory::after(&ops)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn frames_survive_a_crash_at_any_operation(
        lens in proptest::collection::vec(0_usize..3_000, 1..25),
        sync_every in 1_usize..6,
        part in 0_usize..10_000,
    ) {
        let memory = Memory::default();
        let journal = start(&memory, Settings { ack: Ack::Write, flush_ms: 1_000_000, ..small() });
        let mut acknowledged = vec![(0, 0)];
        for (n, len) in lens.iter().enumerate() {
            fill(&journal, n as u64..n as u64 + 1, *len);
            if n % sync_every == 0 {
                journal.sync().unwrap();
                acknowledged.push((memory.log().len(), n + 1));
            }
        }
        drop(journal);
        let (ops, expected): (_, Vec<_>) =
            (memory.log(), lens.iter().enumerate().map(|(n, len)| noise(n as u64, *len)).collect());
        for kept in 0..ops.len() {
            let sure = acknowledged.iter().rfind(|(ops, _)| *ops <= kept).map_or(0, |(_, frames)| *frames);
            let disk = crashed(&ops, kept, part + kept * 37);
            let evidence = Evidence { durable: sure as u64, ..Evidence::default() };
            let opened = open(disk.shared(), small(), identity(), &evidence).unwrap();
            let found = payloads(&opened.frames);
            prop_assert!(found.len() >= sure && found.len() <= expected.len());
            prop_assert_eq!(&found[..], &expected[..found.len()]);
            opened.journal.append(draft(77, 5)).unwrap();
            opened.journal.close().unwrap();
            let again = open(disk.shared(), small(), identity(), &evidence).unwrap();
            prop_assert_eq!(again.payloads().len(), found.len() + 1);
            prop_assert_eq!(again.recovered.torn_bytes, 0);
        }
    }
}
