//! The journal by itself: frames of noise, and the place a snapshot would cover.

#[allow(dead_code, reason = "a part of it is for others")]
mod bytes;
mod compound;
mod faults;
mod images;
mod kit;
mod policy;
