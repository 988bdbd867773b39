//! Where a window begins and ends: one microsecond and one second to either side of every edge,
//! clocks that go back or jump, calendar days of 23 to 25 hours, the ends of time.

#[path = "../model/mod.rs"]
mod model;

mod arrivals;
mod calendars;
mod clocks;
mod edges;
mod kit;
mod questions;
