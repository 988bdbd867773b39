//! The dashboard in a real browser: Chromium, driven over WebDriver, against the real binary.
//!
//! What the page shows is compared with what the API answers. Elements are found by the attributes
//! that `assets/main.js` lists, so that words and looks may change. Needs `chromium` and
//! `chromedriver`; says `skipped` without.
//!
//! `TALLYRING_SHOTS=DIR` writes pictures of the page there, see `shots.rs`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../hostile_texts/mod.rs"]
mod hostile_texts;
#[path = "../skipping/mod.rs"]
mod skipping;
#[path = "../support/mod.rs"]
mod support;

mod driver;
mod figures;
mod hostile;
mod keyboard;
mod live;
mod office;
mod reference;
mod screens;
mod shots;
mod tab;
mod tokens;
mod tools;
mod views;
