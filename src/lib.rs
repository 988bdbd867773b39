//! Live, exact, auditable usage accounting for API and LLM calls.
pub mod call;
#[cfg(feature = "cli")]
pub mod cli;
pub mod clock;
#[cfg(feature = "cli")]
pub mod config;
#[cfg(feature = "server")]
pub mod dedupe;
pub mod engine;
#[cfg(feature = "server")]
pub mod privacy;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "server")]
pub mod store;

pub use call::Call;
pub use call::InFlight;
pub use engine::Engine;
pub use engine::Series;

/// Compiles and runs the examples of the README.
#[cfg(all(doctest, feature = "server"))]
#[doc = include_str!("../README.md")]
struct Readme;
