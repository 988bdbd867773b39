//! The document at `/openapi.json` against the server that it describes: its routes and scopes are
//! the router's, its parameters are those the handlers take, its examples are answered, and answers
//! have the shapes it tells. `schemathesis` asks the real binary what nobody would think of.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../http_read/site.rs"]
#[allow(dead_code, reason = "shared with the tests of the read API")]
mod site;
#[path = "../skipping/mod.rs"]
mod skipping;
#[path = "../support/mod.rs"]
mod support;

mod examples;
mod fuzz;
mod known;
mod operation;
mod program;
mod routes;
mod stream;
mod valid;
