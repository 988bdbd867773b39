//! Live, exact usage accounting for API and LLM calls.
//!
//! Finished calls go in; sums of any window come out: requests, failures, tokens, money by
//! currency, latency and its percentiles, by key, user, model, provider, endpoint, status and up
//! to four labels. Sums are of integers, windows are made of whole buckets and say which, and what
//! could not be counted is counted too.
//!
//! It is not a log: single calls are kept as long as the journal is. It adds nothing up across
//! servers.
//!
//! ```
//! use std::time::Duration;
//! use tallyring::Call;
//! use tallyring::Engine;
//! use tallyring::engine::event::Dimension;
//! use tallyring::engine::query::Query;
//! use tallyring::engine::time::Timestamp;
//!
//! let engine = Engine::new(Default::default())?;
//! // The engine has no clock: the caller says what time it is. `clock::System` knows.
//! let now: Timestamp = "2026-11-22T12:00:00Z".parse()?;
//!
//! for (model, status) in [("gpt-4o", "200"), ("gpt-4o", "429"), ("qwen-plus", "200")] {
//!     let call = Call::new().user("ann").model(model).status(status);
//!     call.latency(Duration::from_millis(812)).input_tokens(1_200).output_tokens(340).record(&engine, now)?;
//! }
//!
//! let usage = engine.query(&Query::window(60).group_by(Dimension::Model), now)?;
//! assert_eq!(usage.totals.sums.requests, 3);
//! assert_eq!(usage.totals.sums.total_tokens, 4_620);
//! assert_eq!(usage.groups[0].name[0].as_deref(), Some("gpt-4o"));
//! assert_eq!(usage.groups[0].totals.sums.requests, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | what is in it | feature |
//! |---|---|---|
//! | [`engine`] | counting and answering: no clock, files, threads or JSON | |
//! | [`engine::event`] [`engine::money`] [`engine::time`] | the words: a call, an amount, an instant | |
//! | [`engine::query`] [`engine::reports`] | questions, by hand and by name | |
//! | [`engine::config`] | every limit and its default | |
//! | [`call`] | a call to fill in, a guard for calls under way | |
//! | [`batch`] | calls as a compact batch, to be sent to a server | |
//! | [`clock`] | the only place that reads the time | |
//! | `store` | the engine with a data folder: each event once, and kept | `store` |
//! | `journal` `snapshot` `storage` `dedupe` | what a store is made of | `store` |
//! | `audit` | proofs over a data folder | `store` |
//! | `privacy` | API keys to public names | `server` |
//! | `server` | HTTP: axum routes over a store | `server` |
//! | `config` | flags, environment, file, defaults | `cli` |
//! | `cli` | the `tallyring` program | `cli` |
//!
//! `default-features = false` gives the engine alone; `cli`, the default, includes `server`, and
//! `server` includes `store`. The README shows the program; docs/ARCHITECTURE.md says how it is built.

#[cfg(feature = "store")]
pub mod audit;
pub mod batch;
pub mod call;
#[cfg(feature = "cli")]
pub mod cli;
pub mod clock;
#[cfg(feature = "store")]
mod codec;
#[cfg(feature = "cli")]
pub mod config;
#[cfg(feature = "store")]
pub mod dedupe;
pub mod engine;
#[cfg(feature = "store")]
#[doc(hidden)]
pub mod failpoint;
#[cfg(feature = "store")]
pub mod journal;
#[cfg(feature = "cli")]
pub mod prices;
#[cfg(feature = "server")]
pub mod privacy;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "store")]
pub mod snapshot;
#[cfg(feature = "store")]
pub mod storage;
#[cfg(feature = "store")]
pub mod store;

pub use call::Call;
pub use call::InFlight;
pub use engine::Engine;
pub use engine::Series;

/// Compiles and runs the examples of the README.
#[cfg(all(doctest, feature = "server"))]
#[doc = include_str!("../README.md")]
struct Readme;
