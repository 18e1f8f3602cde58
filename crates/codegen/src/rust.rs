//! Rust source from the contract of the models.
//!
//! progenitor generates the client and the structs of requests; this module prepares its input, adds the types and builders
//! that it cannot make, and prints the files of a build.

#[cfg(feature = "rust")]
mod emit;
#[cfg(feature = "rust")]
mod generate;
#[cfg(feature = "rust")]
mod openapi;
pub mod types;

#[cfg(feature = "rust")]
pub use generate::{ClientTokens, Source, generate};
#[cfg(feature = "rust")]
pub use openapi::ClientInput;
