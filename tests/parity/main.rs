//! What the two SQL systems answered, from the engine and from SQLite over the same calls.
//!
//! Tests are named after the rows of the parity list: A is a key-rotating proxy's statistics
//! service, B the usage statistics of a translation service. The SQL is the old way, with the
//! promised behaviour where the old one was a defect: no call from the future, ties by name, money
//! by currency, calendar days of the zone asked for.

#[path = "../model/mod.rs"]
mod model;
#[path = "../oracle/mod.rs"]
mod oracle;

mod both;
mod calls;
mod days;
mod traps;
mod usage;
