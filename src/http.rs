//! One HTTP exchange with the service: headers, timeout, size limit of the response, redaction of the key, trace.
//!
//! A generated operation sends its request with what a [`Call`] adds, and its result becomes a [`ServiceResponse`]. This
//! module reads responses and decides nothing about them; retries and polls are the client's.

mod builder;
mod call;
mod departure;
pub(crate) mod localhost;
mod redact;
mod response;
mod trace;

pub(crate) use builder::{Customize, base_builder, customize};
pub(crate) use call::{BEARER, Call, Header};
pub(crate) use departure::Departure;
pub(crate) use response::ServiceResponse;
pub(crate) use trace::HttpTrace;

#[cfg(test)]
mod fuzz;
