//! The inputs and results of the steps, which are stored in histories as those of the protocol are.

use std::time::Duration;

use aimlapi_video::{GenerationHandle, Route};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::job::{ClaimId, Fact, ScheduleState};

/// The input of a create.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreateTask {
    pub claim: ClaimId,
    /// The name of the claim in the store: that of the claim, unless earlier ones were not used.
    #[serde(default)]
    pub mark: Option<ClaimId>,
    /// The marks of earlier claims whose creates may have ended before they took them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<ClaimId>,
    /// The pause before another claim if nothing was bought.
    pub pause: Duration,
    /// The clip's length in seconds, if known.
    pub length: Option<u64>,
    pub route: Route,
    pub body: Value,
    /// The W3C trace context of the submitter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// The input of the step that voids a claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VoidTask {
    pub claim: ClaimId,
    /// The name of the claim in the store.
    pub mark: ClaimId,
}

/// The input of the polls of one generation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PollTask {
    pub handle: GenerationHandle,
    /// The claim that created the generation; `None` for an adopted one.
    pub claim: Option<ClaimId>,
    pub schedule: ScheduleState,
    /// The model of the request.
    #[serde(default)]
    pub model: Option<String>,
    /// The clip's length in seconds, if known.
    pub length: Option<u64>,
    /// The W3C trace context of the submitter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// The end of a generation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PollEnd {
    pub fact: Fact,
    /// The response that names the videos, unless it is large.
    pub response: Option<Value>,
}

/// The input of a save.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SaveTask {
    pub handle: GenerationHandle,
    /// The claim that created the generation; `None` for an adopted one.
    pub claim: Option<ClaimId>,
    /// The model of the request.
    #[serde(default)]
    pub model: Option<String>,
    /// The response that names the videos; without it, the save polls.
    pub response: Option<Value>,
    /// The W3C trace context of the submitter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}
