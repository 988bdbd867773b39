//! Requests that come while others wait for the disk.

use super::kit::Request;
use super::kit::at;
use super::kit::counted;
use super::kit::expected;
use super::kit::open_with;
use super::kit::settings;
use crate::sim::Loss;
use crate::sim::SimDisk;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tallyring::store::Refused;
use tallyring::store::Store;

fn request(n: u64) -> Request {
    Request { events: n..n + 1, second: 0 }
}

/// Refused because too much waits, it is not taken for counted when it comes again.
#[test]
fn what_was_refused_counts_when_sent_again() {
    let disk = SimDisk::new();
    let mut settings = settings();
    settings.journal.queue_bytes = 400;
    let store = open_with(&disk, settings, at(0)).unwrap().0;
    disk.hold();
    let waiting: Vec<_> = (0..40)
        .map(|n| {
            let store = store.clone();
            let sending = thread::spawn(move || request(n).send(&store, at(0)));
            thread::sleep(Duration::from_millis(5));
            sending
        })
        .collect();
    disk.release();
    let outcomes: Vec<_> = waiting.into_iter().map(|sending| sending.join().unwrap()).collect();
    assert!(outcomes.iter().any(|outcome| outcome == &Err(Refused::Busy)), "the queue was never full");
    for (n, outcome) in (0..).zip(&outcomes) {
        let again = request(n).send(&store, at(0)).unwrap();
        let counted = u64::from(outcome.is_ok());
        assert_eq!((again.accepted, again.duplicates), (1 - counted, counted), "event {n}: {outcome:?}");
    }
    assert_eq!(counted(store.engine(), at(0)), expected(0..40));
}

/// A duplicate of what is not synced yet is not acknowledged before that is.
#[test]
fn a_duplicate_waits_for_what_it_repeats() {
    let disk = SimDisk::new();
    let store = open_with(&disk, settings(), at(0)).unwrap().0;
    let _ = request(0).send(&store, at(0)).unwrap();
    disk.hold();
    let (told, answers) = mpsc::channel();
    for _ in 0..2 {
        let (store, told) = (store.clone(), told.clone());
        thread::spawn(move || told.send(request(1).send(&store, at(0))));
        disk.wait_for_a_write();
    }
    let early = answers.recv_timeout(Duration::from_millis(200));
    assert!(early.is_err(), "acknowledged, and nothing is written: {early:?}");
    let image = disk.cut(&mut Loss::all());
    disk.release();
    let both = [answers.recv().unwrap().unwrap(), answers.recv().unwrap().unwrap()];
    assert_eq!(both.iter().map(|receipt| (receipt.accepted, receipt.duplicates)).max(), Some((1, 0)));
    let store = open_with(&SimDisk::boot(&image), settings(), at(0)).unwrap().0;
    assert_eq!(store.position(), 1);
}

/// The journal marks what is durable once it is idle, and does not sync the mark: who repeats an
/// event then does not wait for a sync that nothing brings about.
#[test]
fn a_duplicate_is_answered_after_an_idle_moment() {
    let disk = SimDisk::new();
    let store = open_with(&disk, settings(), at(0)).unwrap().0;
    let _ = request(0).send(&store, at(0)).unwrap();
    thread::sleep(Duration::from_millis(200));
    answers_a_duplicate(&store);
    drop(store);
    let store = open_with(&SimDisk::boot(&disk.cut(&mut Loss::all())), settings(), at(0)).unwrap().0;
    thread::sleep(Duration::from_millis(200));
    answers_a_duplicate(&store);
}

#[track_caller]
fn answers_a_duplicate(store: &Store) {
    let (told, answer) = mpsc::channel();
    let repeating = store.clone();
    thread::spawn(move || told.send(request(0).send(&repeating, at(0))));
    let receipt = answer.recv_timeout(Duration::from_secs(20)).expect("an answer within 20 s").unwrap();
    assert_eq!((receipt.accepted, receipt.duplicates), (0, 1));
}
