//! Durable video generation on many machines.
//!
//! [`job`] is the state machine of one job, without I/O and usable without any engine. `store` (feature `store`) is the object store of
//! the results.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod job;
#[cfg(feature = "temporal")]
mod spool;
#[cfg(feature = "store")]
pub mod store;
#[cfg(feature = "temporal")]
pub mod temporal;

// The code that `#[activities]` generates names `futures`, and needs of it what `futures-util` has.
#[cfg(feature = "temporal")]
extern crate futures_util as futures;
