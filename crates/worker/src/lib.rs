//! Durable video generation on many machines.
//!
//! [`job`] is the state machine of one job, without I/O and usable without any engine.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod job;
#[cfg(feature = "temporal")]
pub mod temporal;
