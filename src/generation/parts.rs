//! The parts of a generation: its state, the reason of a failure, its cost, the metadata of the response.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::urls::redacted_urls;

/// The state of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum State {
    /// Accepted, but not started yet.
    Queued,
    /// Running.
    Generating,
    /// Finished; normally with a video.
    Completed,
    /// Ended without a video.
    Failed,
    /// A state that this crate does not know, in a response without a video or an error.
    Unknown,
}

/// The reason of a failed generation, as the service states it. `Display` and `Debug` show URLs without their queries.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The error's name or type, if stated.
    pub name: Option<String>,
    /// The message; empty if none is stated.
    pub message: String,
}

/// The cost of a generation, as far as the response states it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Usage {
    /// Credits, from `credits_used` or the older `tokens_used`; 2,000,000 make one US dollar.
    pub credits: Option<f64>,
    /// US dollars, from `usd_spent`.
    pub usd: Option<f64>,
}

/// The headers of a response that identify the request and state its cost. Empty for a generation that was not read from a
/// response, such as one read from a file.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ResponseMetadata {
    /// The `X-Client-Request-Id` that this crate sent, to find the request in the vendor's logs.
    pub client_request_id: Option<String>,
    /// `x-inference-id`, the service's own id of the request.
    pub inference_id: Option<String>,
    /// `x-aimlapi-credits-used`.
    pub credits_used: Option<f64>,
    /// `x-aimlapi-usd-spent`.
    pub usd_spent: Option<f64>,
}

impl ResponseMetadata {
    pub(super) const EMPTY: Self = Self {
        client_request_id: None,
        inference_id: None,
        credits_used: None,
        usd_spent: None,
    };
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = redacted_urls(&self.message);
        let name = self.name.as_deref().map(redacted_urls);
        match (&name, message.as_str()) {
            (Some(name), "") => f.write_str(name),
            (Some(name), message) => write!(f, "{name}: {message}"),
            (None, "") => f.write_str("no reason stated"),
            (None, message) => f.write_str(message),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("name", &self.name.as_deref().map(redacted_urls))
            .field("message", &redacted_urls(&self.message))
            .finish()
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queued => "queued",
            Self::Generating => "generating",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        })
    }
}
