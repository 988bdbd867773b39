//! Live, exact, auditable usage accounting for API and LLM calls.
/// Compiles and runs the examples of the README.
#[cfg(all(doctest, feature = "server"))]
#[doc = include_str!("../README.md")]
struct Readme;
