//! The constraints of a request's schema, as the contract's data. A keyword that the contract cannot hold is reported, never
//! dropped.

mod checks;
mod integers;
mod read;

pub use read::read;
