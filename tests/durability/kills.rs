//! `kill -9` at random times under load, during starts too.

use crate::chance::Chance;
use crate::kit::Server;
use crate::kit::busy_files;
use crate::kit::serve;
use crate::ledger::Ledger;
use crate::ledger::Load;
use crate::runs;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// Kills a server again and again; answers the longest start.
fn kill_again_and_again(kills: u64, seed: u64, args: &[String], load: &Load, longest_ms: i64) -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (ledger, mut chance) = (Ledger::new(), Chance(seed));
    let mut slowest = Duration::ZERO;
    let mut killed = 0;
    while killed < kills {
        let what = format!("seed {seed}, after kill {killed}");
        if chance.one_in(5) {
            killed += 1;
            kill_while_it_starts(&data, args, &mut chance);
        }
        let began = Instant::now();
        let server = Server::ready(&data, args, &what);
        slowest = slowest.max(began.elapsed());
        ledger.check_whole_requests(&server.address, &what);
        ledger.retry(&server.address, &what);
        ledger.check(&server.address, &what);
        let address = server.address.clone();
        let after = Duration::from_millis(u64::try_from(chance.below(longest_ms)).unwrap());
        load.run(&ledger, &address, chance.next() >> 8, || {
            thread::sleep(after);
            server.kill();
        });
        killed += 1;
    }
    let server = Server::ready(&data, args, "at the end");
    ledger.retry(&server.address, "at the end");
    ledger.check(&server.address, "at the end");
    println!("{kills} kills, {} requests, the longest start {slowest:?}", ledger.acked());
    assert!(ledger.acked() as u64 > kills, "hardly any load");
    slowest
}

/// Two kills within a moment.
fn kill_while_it_starts(data: &std::path::Path, args: &[String], chance: &mut Chance) {
    let server = Server::start(serve(data, args)).unwrap_or_else(|(status, log)| panic!("{status} {log}"));
    thread::sleep(Duration::from_millis(u64::try_from(chance.below(60)).unwrap()));
    server.kill();
}

#[test]
fn kills_at_random_times_lose_nothing() {
    let seed = runs::seed_of_the_day("kills_at_random_times_lose_nothing");
    let load = Load { clients: 4, largest: 1_000 };
    let slowest = kill_again_and_again(100 * runs::times(), seed, &busy_files(), &load, 350);
    assert!(slowest < Duration::from_secs(20), "a start took {slowest:?}");
}

/// What was written survives the process at this level too.
#[test]
fn kills_lose_nothing_that_was_only_written() {
    let seed = runs::seed_of_the_day("kills_lose_nothing_that_was_only_written");
    let mut args = busy_files();
    args.push("--ack=write".to_owned());
    let load = Load { clients: 4, largest: 200 };
    kill_again_and_again(25 * runs::times(), seed, &args, &load, 250);
}

/// All of a request or none of it.
#[test]
fn long_requests_are_whole_or_not_there() {
    let seed = runs::seed_of_the_day("long_requests_are_whole_or_not_there");
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (ledger, mut chance) = (Ledger::new(), Chance(seed));
    for kill in 0..50 * runs::times() {
        let what = format!("seed {seed}, kill {kill}");
        let server = Server::ready(&data, &busy_files(), &what);
        ledger.check_whole_requests(&server.address, &what);
        let mut client = crate::kit::Client::connect(&server.address).unwrap();
        let request = ledger.request(10_000, chance.one_in(2));
        let body = ledger.body(&request);
        client.post(request.key().as_deref(), &body).unwrap();
        thread::sleep(Duration::from_micros(u64::try_from(chance.below(120_000)).unwrap()));
        server.kill();
        ledger.enter(request, client.read().ok());
        // So that the sums of what is not known stay few.
        if kill % 5 == 4 {
            let server = Server::ready(&data, &busy_files(), &what);
            ledger.check_whole_requests(&server.address, &what);
            ledger.retry(&server.address, &what);
            ledger.check(&server.address, &what);
        }
    }
}
