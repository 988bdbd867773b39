//! How long the tests of crashes run, and from which seed.

#![allow(dead_code, reason = "every test takes the part it needs")]

use std::env;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

/// How many times longer than usual: `TALLYRING_TIMES`, 1 by default.
pub(crate) fn times() -> u64 {
    number("TALLYRING_TIMES").unwrap_or(1).max(1)
}

/// The seed of a test that is the same each time: `TALLYRING_SEED`, or its own.
pub(crate) fn seed(own: u64) -> u64 {
    number("TALLYRING_SEED").unwrap_or(own)
}

/// The seed of a test in which processes race anyway: `TALLYRING_SEED`, or the time.
pub(crate) fn seed_of_the_day(test: &str) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let seed = seed(now);
    println!("{test}: TALLYRING_SEED={seed}");
    seed
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}
