//! Reads the constraints of a request's schema into the contract's types. A keyword that these cannot represent is reported.

mod checks;
mod dialect;
mod integers;
mod kind;
mod read;

pub(crate) use read::read;
