//! The whole store: journal, snapshots, ids, and the counts that come out.

mod compound;
mod determinism;
mod faults;
mod ids;
mod images;
mod kit;
mod policy;
mod waiting;
