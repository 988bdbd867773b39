//! The journal on small disks: what is written is read, what is broken is told, what fails stops.

#[path = "tests/broken.rs"]
mod broken;
#[cfg(debug_assertions)]
#[path = "tests/killed.rs"]
mod killed;
#[path = "tests/kit.rs"]
mod kit;
#[path = "tests/memory.rs"]
mod memory;
#[path = "tests/whole.rs"]
mod whole;
#[path = "tests/writing.rs"]
mod writing;
