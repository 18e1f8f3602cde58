//! Names and messages that the command line, the workflow and the workers share.
//!
//! All of them are stored in histories, so fields are only ever added, and each added one has a default.

use std::{collections::BTreeMap, time::Duration};

use aimlapi_video::{GenerationRequest, Route};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use crate::job::{Decision, Job, JobState, SavedObject, Verdict};

/// The workflow type of a job.
pub const WORKFLOW: &str = "aimlapi-video-job";

/// The search attribute (type Keyword) that holds the [`JobState`] of a job. A save is shown once it has lasted for some seconds; a job
/// whose workflow has completed as waiting or saving is saved.
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
    /// The clip's length in seconds, if the request or its document states one.
    #[serde(default)]
    pub length: Option<u64>,
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
    /// The job so far, where a long history is continued in a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
}

impl JobInput {
    /// The input for a checked request.
    pub fn new(request: &GenerationRequest) -> Self {
        let body = Value::Object(request.body().clone());
        Self {
            route: request.route(),
            model: request.model().to_owned(),
            length: request.length(),
            sha256: sha256(&body),
            body,
            traceparent: None,
            timeouts: Timeouts::default(),
            job: None,
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
    /// The time from the create after which a job that has not ended is parked as [`JobState::Lost`]. 0 means the default, 24 h.
    pub wait: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(60),
            create: Duration::from_secs(6 * 60),
            poll: Duration::from_secs(60),
            save: Duration::from_secs(6 * 3600),
            wait: Duration::from_secs(24 * 3600),
        }
    }
}

/// The name of a state, as the [search attribute](STATE_ATTRIBUTE) holds it.
pub fn state_name(state: JobState) -> String {
    match serde_json::to_value(state) {
        Ok(Value::String(name)) => name,
        _ => format!("{state:?}"),
    }
}

/// The SHA-256 of a body in hexadecimal, independent of the order of its properties.
pub(super) fn sha256(body: &Value) -> String {
    let mut hash = Sha256::new();
    feed(body, &mut hash);
    hex(&hash.finalize())
}

fn feed(value: &Value, hash: &mut Sha256) {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<&String, &Value> = map.iter().collect();
            hash.update("{");
            for (name, value) in sorted {
                feed(&name.as_str().into(), hash);
                hash.update(":");
                feed(value, hash);
                hash.update(",");
            }
            hash.update("}");
        }
        Value::Array(items) => {
            hash.update("[");
            for item in items {
                feed(item, hash);
                hash.update(",");
            }
            hash.update("]");
        }
        scalar => hash.update(scalar.to_string()),
    }
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
