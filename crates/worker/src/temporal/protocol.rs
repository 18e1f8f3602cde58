//! Names and messages that the command line, the workflow and the workers share.
//!
//! All of them are stored in histories, so fields are only ever added, and each added one has a default.

use std::time::Duration;

use aimlapi_video::{GenerationHandle, GenerationRequest, Route};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The workflow type of a job.
pub const WORKFLOW: &str = "aimlapi-video-job";

/// The search attribute (type Keyword) that holds the [`JobState`] of a job.
pub const STATE_ATTRIBUTE: &str = "AimlapiVideoState";

/// The names of the task queues of one account: all workers of these queues share one rate of polls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queues(String);

impl Default for Queues {
    fn default() -> Self {
        Self::new("aimlapi-video")
    }
}

impl Queues {
    /// The queues whose names begin with `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The queue of workflow tasks.
    pub fn jobs(&self) -> &str {
        &self.0
    }

    /// The queue of creates.
    pub fn create(&self) -> String {
        format!("{}-create", self.0)
    }

    /// The queue of polls, whose rate the server limits.
    pub fn poll(&self) -> String {
        format!("{}-poll", self.0)
    }

    /// The queue of saves.
    pub fn save(&self) -> String {
        format!("{}-save", self.0)
    }
}

/// The input of a job's workflow. It holds the request's body with its prompt, but no key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobInput {
    /// The route that accepts the request.
    pub route: Route,
    /// The model.
    pub model: String,
    /// The body; large media are replaced by references to the object store.
    pub body: Value,
    /// The SHA-256 of the body as submitted, in hexadecimal.
    pub sha256: String,
    /// The W3C trace context of the submitter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The timeouts of the steps.
    #[serde(default)]
    pub timeouts: Timeouts,
}

impl JobInput {
    /// The input for a checked request.
    pub fn new(request: &GenerationRequest) -> Self {
        let body = Value::Object(request.body().clone());
        Self {
            route: request.route(),
            model: request.model().to_owned(),
            sha256: sha256(&body),
            body,
            traceparent: None,
            timeouts: Timeouts::default(),
        }
    }
}

/// The timeouts of a job's steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timeouts {
    /// The maximum time without a heartbeat, after which a step's worker counts as dead.
    pub heartbeat: Duration,
    /// The maximum time of a create.
    pub create: Duration,
    /// The maximum time of one poll.
    pub poll: Duration,
    /// The maximum time of a save.
    pub save: Duration,
    /// The time from the create after which a job that has not ended is parked as [`JobState::Lost`].
    pub wait: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(30),
            create: Duration::from_secs(6 * 60),
            poll: Duration::from_secs(60),
            save: Duration::from_secs(6 * 3600),
            wait: Duration::from_secs(24 * 3600),
        }
    }
}

/// The state of a job, as lists and the [search attribute](STATE_ATTRIBUTE) name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Nothing was sent.
    Planned,
    /// A create may be in flight.
    Claimed,
    /// The generation exists and is polled.
    Waiting,
    /// The generation is completed, and its videos are being saved.
    Saving,
    /// The videos are in the object store.
    Saved,
    /// The service refused the request; nothing was bought.
    Refused,
    /// The generation ended without a video, or a person gave the job up.
    Failed,
    /// A create may have been accepted; a person decides.
    Ambiguous,
    /// The generation exists, but its state or its video cannot be had; a person decides.
    Lost,
}

/// The signal of a worker that holds a handle: of the create in progress, or later from the worker's spool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HandleFound {
    /// The claim under which the create was sent.
    pub claim: String,
    /// The handle of the created generation.
    pub handle: GenerationHandle,
}

/// A person's decision about a parked job, the argument of an update.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// What to do.
    pub verdict: Verdict,
    /// The name of the person.
    pub by: String,
    /// The reason.
    pub why: String,
}

/// What a person decides about a parked job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The generation exists: wait for this handle.
    Adopt(GenerationHandle),
    /// Send the create again, which may buy a second generation.
    Repeat,
    /// End the job.
    GiveUp,
}

/// The result of the workflow's query: a job as people see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobView {
    /// The state.
    pub state: JobState,
    /// The model.
    pub model: String,
    /// The SHA-256 of the request's body.
    pub sha256: String,
    /// The claim of the last create.
    pub claim: Option<String>,
    /// The handle that the job waits for, or has waited for.
    pub handle: Option<GenerationHandle>,
    /// Handles of further generations that belong to this job, each of which may have been billed.
    #[serde(default)]
    pub extra: Vec<HandleFound>,
    /// Why the job is parked or has ended.
    pub reason: Option<String>,
    /// The decisions of people, in order.
    #[serde(default)]
    pub decisions: Vec<Decision>,
    /// The saved videos.
    #[serde(default)]
    pub saved: Vec<SavedObject>,
}

/// A video in the object store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedObject {
    /// The key in the store.
    pub key: String,
    /// The SHA-256 of the content, in hexadecimal.
    pub sha256: String,
    /// The size in bytes.
    pub bytes: u64,
}

/// The SHA-256 of a JSON value whose members are in the order of their names.
fn sha256(body: &Value) -> String {
    todo!("{body}")
}
