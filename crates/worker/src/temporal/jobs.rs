//! The client of jobs, for the command line: submit, show, list, resolve.

use temporalio_client::Client;

use super::protocol::{Decision, JobInput, JobState, JobView, Queues};

/// The jobs of one namespace.
#[derive(Clone)]
pub struct Jobs {
    client: Client,
    queues: Queues,
}

/// Whether a submit started a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// The job was started.
    New,
    /// A job with the same key and the same body exists already.
    Exists,
}

/// A job in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct JobSummary {
    /// The job's key.
    pub key: String,
    /// The state; `None` if the job was not submitted by this package.
    pub state: Option<JobState>,
    /// The model.
    pub model: Option<String>,
    /// The time of the submit.
    pub submitted: Option<std::time::SystemTime>,
}

impl Jobs {
    /// The jobs that `client` reaches; new ones are submitted to `queues`.
    pub fn new(client: Client, queues: Queues) -> Self {
        Self { client, queues }
    }

    /// Submits a job under `key`.
    pub async fn submit(&self, key: &str, input: JobInput) -> Result<Submitted, JobError> {
        todo!()
    }

    /// The job with this key.
    pub async fn show(&self, key: &str) -> Result<JobView, JobError> {
        todo!()
    }

    /// The jobs in `state`, or all, the newest first, at most `limit`.
    pub async fn list(
        &self,
        state: Option<JobState>,
        limit: usize,
    ) -> Result<Vec<JobSummary>, JobError> {
        todo!()
    }

    /// Decides about a parked job, and returns its next state.
    pub async fn resolve(&self, key: &str, decision: Decision) -> Result<JobView, JobError> {
        todo!()
    }
}

/// The error of an operation on jobs.
#[derive(Debug)]
#[non_exhaustive]
pub enum JobError {
    /// A job with this key and another body exists.
    OtherBody {
        /// The key.
        key: String,
    },
    /// No job has this key.
    NotFound {
        /// The key.
        key: String,
    },
    /// The job's state does not allow the decision.
    NotAllowed(String),
    /// The engine could not be reached, or refused the call.
    Engine(Box<dyn std::error::Error + Send + Sync>),
}

impl std::fmt::Display for JobError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OtherBody { key } => write!(
                f,
                "the job `{key}` exists with another request; submit this request under another key"
            ),
            Self::NotFound { key } => write!(f, "there is no job `{key}`"),
            Self::NotAllowed(what) => f.write_str(what),
            Self::Engine(_) => f.write_str("the engine did not complete the call"),
        }
    }
}

impl std::error::Error for JobError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Engine(source) => {
                let source = source.as_ref();
                Some(source)
            }
            _ => None,
        }
    }
}
