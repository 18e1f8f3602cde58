//! The HTTP layer: calls of the API, the HTTP clients of downloads, and the checks of their hosts.
//!
//! A [`Call`] adds headers, timeout and request id to the request of a generated operation, and turns the operation's result
//! into a [`ServiceResponse`]. This module only reads responses; the client decides about retries and polls. [`Files`] holds the
//! HTTP clients of downloads.

mod builder;
mod call;
mod departure;
mod files;
mod hosts;
mod lenient;
pub(crate) mod localhost;
mod redact;
mod response;
mod trace;

pub(crate) use builder::{Customize, base_builder, customize};
pub(crate) use call::{BEARER, Call, Header};
pub(crate) use departure::Departure;
pub(crate) use files::{FileSettings, Files};
pub(crate) use hosts::{NotPublic, is_public_host};
pub(crate) use response::{ServiceResponse, retry_after};
pub(crate) use trace::HttpTrace;

#[cfg(test)]
mod fuzz;
