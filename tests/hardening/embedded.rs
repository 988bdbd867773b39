//! Test 50: inside of somebody else's program. Two stores side by side, dropped without a word,
//! leave no thread and no file; a panic of the host leaves nothing locked.

use crate::kit::has_its_own_process;
use crate::kit::open_files;
use crate::kit::threads;
use crate::kit::wait_until;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::Path;
use std::process::id;
use std::sync::Arc;
use tallyring::Call;
use tallyring::Engine;
use tallyring::InFlight;
use tallyring::clock::Clock;
use tallyring::clock::System;
use tallyring::engine::config::Config;
use tallyring::engine::event::Dimension;
use tallyring::engine::query::Query;
use tallyring::store::Batch;
use tallyring::store::Settings;
use tallyring::store::Store;

fn open(folder: &Path) -> Store {
    let mut settings = Settings::default();
    settings.journal.segment_bytes = 1 << 20;
    Store::open(folder, settings, System.now(), &mut |_| {}).unwrap().0
}

fn send(store: &Store, model: &str) {
    let call = Call::new().model(model);
    let mut batch = Batch::new(|pointer| pointer);
    batch.push(0, call.as_event(System.now()), false);
    assert_eq!(store.ingest("", batch, false, System.now()).unwrap().accepted, 1);
}

fn count(store: &Store, model: &str) -> u64 {
    let query = Query::window(3_600).only(Dimension::Model, model);
    store.engine().query(&query, System.now()).unwrap().totals.sums.requests
}

#[test]
fn stores_side_by_side_keep_apart_and_leave_nothing() {
    if !has_its_own_process("embedded::stores_side_by_side_keep_apart_and_leave_nothing") {
        return;
    }
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (files, tasks) = (open_files(id()), threads(id()));
    for round in 1..=10 {
        let [one, two] = folders.each_ref().map(|folder| open(folder.path()));
        send(&one, "one");
        (0..2).for_each(|_| send(&two, "two"));
        assert_eq!([count(&one, "one"), count(&one, "two")], [round, 0]);
        assert_eq!([count(&two, "one"), count(&two, "two")], [0, 2 * round]);
        if round % 2 == 0 {
            one.snapshot(false, System.now()).unwrap();
        }
        // Dropped as in a crash, while a clone is used elsewhere.
        let elsewhere = std::thread::spawn({
            let two = two.clone();
            move || count(&two, "two")
        });
        drop((one, two));
        elsewhere.join().unwrap();
    }
    wait_until("files and threads are given back", || open_files(id()) <= files && threads(id()) <= tasks);
}

#[test]
fn a_panic_of_the_host_leaves_nothing_locked() {
    // Alone, since it changes what a panic does.
    if !has_its_own_process("embedded::a_panic_of_the_host_leaves_nothing_locked") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let engine: Engine = store.engine().clone();
    let silently = |what: &mut dyn FnMut()| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let panicked = catch_unwind(AssertUnwindSafe(what)).is_err();
        std::panic::set_hook(hook);
        assert!(panicked);
    };
    silently(&mut || {
        let _call = InFlight::begin(&engine, Arc::new(System), Call::new().model("in flight"));
        panic!("the host's own");
    });
    silently(&mut || {
        let call = InFlight::begin(&engine, Arc::new(System), Call::new().model("finished"));
        let _ = call.finish(|_| panic!("while it is filled in"));
    });
    silently(&mut || {
        let mut intake = store.intake("", System.now());
        let (call, nothing) = (Call::new().model("taken in"), Call::new());
        let mut batch = Batch::new(|_| panic!("in a callback"));
        batch.push(0, call.as_event(System.now()), false);
        batch.push(1, nothing.as_event(System.now()), false); // at fault, so that it is told where
        intake.push(batch);
        let _ = intake.commit(false);
    });
    assert_eq!(count(&store, "in flight"), 1, "counted as cancelled");
    assert_eq!(count(&store, "taken in"), 0, "all or nothing");
    send(&store, "afterwards");
    assert_eq!(count(&store, "afterwards"), 1);
    store.snapshot(false, System.now()).unwrap();
    let broken = Engine::new(Config::default()).unwrap();
    silently(&mut || {
        let _ = broken.record(&Call::new().model("m").as_event(System.now()), System.now());
        panic!("after a call");
    });
    assert_eq!(broken.query(&Query::window(60), System.now()).unwrap().totals.sums.requests, 1);
}
