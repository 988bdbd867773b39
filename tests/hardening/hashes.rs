//! Test 38: names chosen to be alike cost no more than names chosen by chance.

use crate::kit::Client;
use crate::kit::alone;
use crate::kit::events;
use crate::support::Server;
use std::fmt::Write as _;
use std::time::Duration;
use std::time::Instant;

const BATCH: u64 = 5_000;
const ROUNDS: u64 = 20;

/// Names as many tables of fixed hashes put them into one row: of one length, with one beginning
/// and one end, and differing in few bits.
fn alike(n: u64) -> String {
    let bits: String = (0..40).map(|bit| if n >> bit & 1 == 1 { 'b' } else { 'a' }).collect();
    format!("{:a>150}{bits}{:a>50}", "", "")
}

/// Of the same length.
fn by_chance(n: u64) -> String {
    let mut state = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut draw = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'a' + (state >> 32) as u8 % 26)
    };
    (0..240).map(|_| draw()).collect()
}

fn batch(round: u64, name: fn(u64) -> String) -> Vec<u8> {
    let lines = (0..BATCH).fold(String::new(), |mut text, n| {
        // In steps of 2^20, so that low bits are all alike.
        let name = name((round * BATCH + n) << 16);
        let _ = writeln!(text, r#"{{"user":"{name}","id":"{}"}}"#, &name[80..200]);
        text
    });
    events(lines.as_bytes())
}

#[test]
fn names_that_are_alike_are_counted_as_fast_as_others() {
    let _alone = alone();
    let server = Server::start_with(&["--ack", "memory"]);
    let mut client = Client::connect(&server).unwrap();
    let mut send = |request: &[u8]| {
        let since = Instant::now();
        let reply = client.ask(request).unwrap();
        assert!(String::from_utf8_lossy(&reply.body).contains("\"accepted\":5000,"), "{reply:?}");
        since.elapsed()
    };
    let (mut alike_took, mut chance_took) = (Duration::ZERO, Duration::ZERO);
    for round in 0..ROUNDS {
        // In turns, so that neither has the quieter machine.
        alike_took += send(&batch(round, alike));
        chance_took += send(&batch(round, by_chance));
    }
    let ratio = alike_took.as_secs_f64() / chance_took.as_secs_f64();
    println!(
        "{} names of each kind: alike {alike_took:?}, by chance {chance_took:?}, ratio {ratio:.2}",
        BATCH * ROUNDS
    );
    assert_eq!(server.requests(), 2 * BATCH * ROUNDS);
    assert!(ratio <= 2.0, "{ratio}");
}
