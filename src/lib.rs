#![doc = include_str!("../README.md")]
//!
//! # Modules
//!
//! The everyday types are here at the root.
//!
//! | subject | start from | with it |
//! |---|---|---|
//! | client | [`Client`] | [`ClientBuilder`]: key, base URL, proxy, certificates, timeouts; [`CreateRetries`] |
//! | requests | a type in [`types`], or [`GenerationRequest::from_json`] | [`Media`] for files and URLs, [`value::IntoProperty`], [`Warning`] |
//! | waiting | [`Client::wait`] | [`GenerationHandle`], [`WaitOptions`], [`Wait::updates`], [`PollBudget`] |
//! | responses | [`Generation`] | [`State`], [`Video`], [`Usage`], [`Failure`], [`ResponseMetadata`] |
//! | downloads | [`Client::generate_to`] or [`Client::download`] | [`Download`], [`ReservedTarget`], [`Saved`] |
//! | batches | [`Client::generate_all`] or [`Client::wait_all`] | [`BatchEvent`], [`Journal`] |
//!
//! | module | holds |
//! |---|---|
//! | [`types`] | a struct and a builder for the request of each model, named after its id; `Legacy…` for the older URL of Kling |
//! | [`value`] | the types of properties, which hold only what a document allows: integers, text and lists within limits, URIs |
//! | [`contract`] | what the documents allow, as data: models, properties, limits, JSON Schema, what enforces each constraint |
//! | [`schedule`] | when a wait polls, and the durations that it learns from |
//! | [`documents`] | the repaired OpenAPI documents that this build read |
//! | `blocking` | the client for programs without async (feature `blocking`) |
//! | `mock` | typed mocks of the operations for httpmock (feature `mock`) |
//! | [`guide`] | the guide |
//!
//! # Errors
//!
//! Every operation of a client returns one [`Error`]. [`Error::kind`] says what to do:
//!
//! | [`ErrorKind`] | meaning | remedy |
//! |---|---|---|
//! | [`InvalidRequest`](ErrorKind::InvalidRequest), [`InvalidMedia`](ErrorKind::InvalidMedia) | the request or a file is wrong; nothing was sent | correct what [`violations`](Error::violations) or the message names |
//! | [`MissingKey`](ErrorKind::MissingKey), [`Configuration`](ErrorKind::Configuration) | the key, the URL or a setting is wrong, or a handle belongs to another service; nothing was sent | correct it |
//! | [`MissingRootCertificates`](ErrorKind::MissingRootCertificates) | an https server cannot be verified; nothing was sent to it | install `ca-certificates`, name a PEM file in `SSL_CERT_FILE`, or enable `webpki-roots` |
//! | [`Unreachable`](ErrorKind::Unreachable) | the create did not reach the service; nothing was created | try again |
//! | [`Refused`](ErrorKind::Refused) | the service refused the create; nothing was created | see [`is_auth`](Error::is_auth), [`is_out_of_credits`](Error::is_out_of_credits), [`is_rate_limited`](Error::is_rate_limited), [`is_invalid_request`](Error::is_invalid_request) |
//! | [`AmbiguousCreate`](ErrorKind::AmbiguousCreate) | the generation may exist and be billed | look at the account's log before repeating the create |
//! | [`GenerationFailed`](ErrorKind::GenerationFailed) | the generation ended without a video | read [`failure`](Error::failure); create another one |
//! | [`DeadlineExceeded`](ErrorKind::DeadlineExceeded), [`PollingLost`](ErrorKind::PollingLost) | the wait ended before the generation did | wait again with [`handle`](Error::handle) if [`is_resumable`](Error::is_resumable) |
//! | [`MissingVideo`](ErrorKind::MissingVideo) | completed, but no response holds a video | wait again later, or show [`last_answer`](Error::last_answer) to the vendor |
//! | [`Download`](ErrorKind::Download) | a video could not be downloaded | wait again for a fresh URL; the next download continues where it can |
//! | [`Io`](ErrorKind::Io) | a file or an object in a store could not be read or written | make room or name another file; [`handle`](Error::handle) has the generation |
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    some_models,
    allow(
        dead_code,
        unreachable_pub,
        unused_imports,
        unused_macros,
        reason = "some models need not use everything that all published ones do"
    )
)]

pub mod schedule;
pub mod types {
    #![doc = include_str!(concat!(env!("OUT_DIR"), "/types.md"))]

    pub use crate::generated::{bounded::*, builders::*, types::*};
}

/// The types of properties that hold only what a document allows, and the values that setters take.
pub mod value {
    pub use crate::request::{
        media::{MediaString, UriOrBase64},
        property::IntoProperty,
        uri::Uri,
        value::{BoundedVec, Int, Integer, InvalidValue, Nullable, OneOrMany, Text},
    };
}

#[cfg(bench_internals)]
#[doc(hidden)]
#[allow(missing_docs, reason = "no part of the API")]
pub mod __bench {
    pub use crate::{
        download::bench::receive,
        poll::bench::{PollLog, Service},
    };
}
#[cfg(feature = "blocking")]
#[cfg_attr(docsrs, doc(cfg(feature = "blocking")))]
pub mod blocking;
#[cfg(feature = "mock")]
pub mod mock;
// The pages of the guide, which have no code.
#[cfg(any(doc, doctest))]
pub mod guide;

// Declared first, so that rustdoc lists the client's own methods before those of other modules.
mod client;

mod batch;
mod budget;
pub mod contract;
pub mod documents;
mod download;
mod error;
mod generate_to;
mod generated;
mod generation;
mod http;
mod journal;
mod poll;
mod request;
mod saved;
mod sha256;
mod tls;
mod urls;

pub use aimlapi_video_contract::{Violation, Warning};
pub use batch::{BatchEvent, GenerateAll, WaitAll};
pub use budget::PollBudget;
pub use client::{Client, ClientBuilder, CreateRetries};
pub use contract::{Model, Role, Route, models};
pub use download::{Download, Received, ReservedTarget, Written};

pub use error::{Error, ErrorKind, ServiceError};
pub use generate_to::{GenerateTo, SavedGeneration};
pub use generation::{
    Failure, Generation, GenerationHandle, ResponseMetadata, State, Usage, Video,
};
pub use journal::{Journal, JournalEntry, JournalState};
/// The library of object stores, for [`Client::save_to`] and [`Download::to_store`].
#[cfg(feature = "object-store")]
#[cfg_attr(docsrs, doc(cfg(feature = "object-store")))]
pub use object_store;
pub use poll::{PollFailed, Progress, Times, Update, Updates, Wait};
pub use request::{GenerationRequest, IntoGenerationRequest, media::Media};
/// The HTTP library, for what [`ClientBuilder`] takes of it.
pub use reqwest;
pub use saved::Saved;
pub use schedule::options::WaitOptions;
