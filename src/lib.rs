#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    any(no_models, not(feature = "all-vendors")),
    allow(
        dead_code,
        unreachable_pub,
        unused_imports,
        unused_macros,
        reason = "one vendor's models need not use everything that all of them do"
    )
)]

pub mod schedule;
/// Request types and builders, one per path and model, generated from the vendor's documents.
pub mod types {
    pub use crate::generated::{bounded::*, builders::*, types::*};
}

/// The types of properties that hold only what a document allows, and the values that setters take.
pub mod value {
    pub use crate::request::{
        media::{MediaString, UriOrBase64},
        property::IntoProperty,
        uri::Uri,
        value::{BoundedVec, Int, Integer, InvalidValue, OneOrMany, Text},
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

// Before the others that give it methods, so that its own stand first on its page.
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
pub use poll::{PollFailed, Progress, Times, Update, Updates, Wait};
pub use request::{GenerationRequest, IntoGenerationRequest, media::Media};
/// The HTTP library, for what [`ClientBuilder`] takes of it.
pub use reqwest;
pub use saved::Saved;
pub use schedule::options::WaitOptions;
