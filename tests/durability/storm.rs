//! Senders that send everything several times, at the same time, and hang up whenever they like.

use crate::chance::Chance;
use crate::kit::Client;
use crate::kit::Server;
use crate::kit::busy_files;
use crate::ledger::Ledger;
use crate::ledger::Request;
use crate::runs;
use std::io;
use std::thread;

const CLIENTS: u64 = 4;
const EVENTS: u64 = 50_000;

#[test]
fn whatever_is_sent_again_counts_once() {
    let seed = runs::seed_of_the_day("whatever_is_sent_again_counts_once");
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (ledger, mut chance) = (Ledger::new(), Chance(seed));
    for round in 0..4 * runs::times() {
        let what = format!("seed {seed}, round {round}");
        let server = Server::ready(&data, &busy_files(), &what);
        let requests: Vec<Request> = (0..EVENTS / 4 / 50).map(|n| ledger.request(50, n % 3 == 0)).collect();
        thread::scope(|scope| {
            for own in 0..CLIENTS {
                let (ledger, requests, server) = (&ledger, &requests, &server);
                let chance = Chance(chance.next() ^ own);
                scope.spawn(move || send_wildly(ledger, &server.address, requests, chance));
            }
        });
        // Nothing was said of any request: all of them are unknown.
        for request in requests {
            let _ = ledger.enter(request, None);
        }
        let server = if chance.one_in(2) {
            server.kill();
            Server::ready(&data, &busy_files(), &what)
        } else {
            server
        };
        ledger.retry(&server.address, &what);
        ledger.check(&server.address, &what);
    }
}

/// Each request from every client, in an order of its own, in pieces.
fn send_wildly(ledger: &Ledger, address: &str, requests: &[Request], mut chance: Chance) {
    let mut order: Vec<&Request> = requests.iter().collect();
    for last in (1..order.len()).rev() {
        order.swap(last, usize::try_from(chance.next()).unwrap() % (last + 1));
    }
    let mut client = None;
    for request in order {
        let open = match client.take() {
            Some(open) => open,
            None => Client::connect(address).unwrap(),
        };
        client = send_somehow(open, ledger, request, &mut chance).unwrap_or_default();
    }
}

/// Answers the connection where it is still good.
fn send_somehow(
    mut client: Client,
    ledger: &Ledger,
    request: &Request,
    chance: &mut Chance,
) -> io::Result<Option<Client>> {
    let (key, body) = (request.key(), ledger.body(request));
    match chance.below(5) {
        // Cut off in the midst of the body.
        0 => {
            let head = format!("POST /v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {}\r\n\r\n", body.len());
            let part = usize::try_from(chance.next()).unwrap() % body.len();
            client.cut(&[head.as_bytes(), &body[..part]].concat())?;
            Ok(None)
        }
        // Cut off before the answer.
        1 => {
            client.post(key.as_deref(), &body)?;
            client.cut(b"")?;
            Ok(None)
        }
        _ => {
            let answer = client.send(key.as_deref(), &body)?;
            assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
            let (accepted, duplicates, rejected) = answer.counts();
            assert_eq!((accepted + duplicates, rejected), (request.len(), 0));
            Ok(Some(client))
        }
    }
}
