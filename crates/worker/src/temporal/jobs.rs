//! The client of jobs, for the command line: submit, show, list, resolve.

use std::{error::Error as StdError, fmt, time::SystemTime};

use futures::TryStreamExt;
use temporalio_client::{
    Client, WorkflowDescribeOptions, WorkflowExecuteUpdateOptions, WorkflowExecution,
    WorkflowExecutionStatus, WorkflowGetResultOptions, WorkflowHandle, WorkflowIdConflictPolicy,
    WorkflowIdReusePolicy, WorkflowListOptions, WorkflowQueryOptions, WorkflowStartOptions,
    errors::{
        WorkflowInteractionError, WorkflowQueryError, WorkflowStartError, WorkflowUpdateError,
    },
};
use temporalio_common::{MemoValues, search_attributes::SearchAttributeKey};

use super::{
    media::is_small,
    protocol::{
        Decision, Job, JobInput, JobState, Queues, STATE_ATTRIBUTE, Timeouts, WORKFLOW, state_name,
    },
    workflow::JobWorkflow,
};

/// The jobs of one namespace. A key names one job of the namespace; lists have those of the queues alone.
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
#[non_exhaustive]
pub struct JobSummary {
    /// The job's key.
    pub key: String,
    /// The state.
    pub state: JobState,
    /// Whether the workflow has ended other than by an end of the job: it was terminated, cancelled, or failed.
    pub is_aborted: bool,
    /// The model.
    pub model: Option<String>,
    /// The time of the submit.
    pub submitted: Option<SystemTime>,
}

impl Jobs {
    /// The jobs that `client` reaches; new ones are submitted to `queues`.
    pub fn new(client: Client, queues: Queues) -> Self {
        Self { client, queues }
    }

    /// Submits a job under `key`. A body with large media has to be [offloaded](super::media::offload) before.
    ///
    /// # Errors
    ///
    /// [`OtherBody`](JobError::OtherBody) if the key belongs to another request, [`TooLarge`](JobError::TooLarge).
    pub async fn submit(&self, key: &str, mut input: JobInput) -> Result<Submitted, JobError> {
        if !is_small(&input.body) {
            return Err(JobError::TooLarge);
        }
        // Its claims would end before they begin.
        if input.timeouts.wait.is_zero() {
            input.timeouts.wait = Timeouts::default().wait;
        }
        let sha256 = input.sha256.clone();
        let mut memo = MemoValues::new();
        memo.insert(SHA256, sha256.clone());
        memo.insert(MODEL, input.model.clone());
        let options = WorkflowStartOptions::new(self.queues.jobs(), key)
            .id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate)
            .id_conflict_policy(WorkflowIdConflictPolicy::Fail)
            .memo(memo)
            .build();
        match self
            .client
            .start_workflow(JobWorkflow::run, input, options)
            .await
        {
            Ok(_) => Ok(Submitted::New),
            Err(WorkflowStartError::AlreadyStarted { .. }) => {
                match self.is_submitted(key, &sha256).await? {
                    true => Ok(Submitted::Exists),
                    false => Err(JobError::OtherBody { key: key.into() }),
                }
            }
            Err(error) => Err(engine(error)),
        }
    }

    /// Whether the job with this key exists, with a request of this SHA-256.
    ///
    /// # Errors
    ///
    /// [`OtherBody`](JobError::OtherBody) if the key belongs to another request.
    pub async fn is_submitted(&self, key: &str, sha256: &str) -> Result<bool, JobError> {
        let handle = self.handle(key);
        let known = match handle.describe(WorkflowDescribeOptions::default()).await {
            Ok(known) => known,
            Err(WorkflowInteractionError::NotFound(_)) => return Ok(false),
            Err(error) => return Err(engine(error)),
        };
        let known: Option<String> = known.memo().get(SHA256).map_err(engine)?;
        match known.as_deref() == Some(sha256) {
            true => Ok(true),
            false => Err(JobError::OtherBody { key: key.into() }),
        }
    }

    /// The job with this key.
    ///
    /// # Errors
    ///
    /// [`NotFound`](JobError::NotFound). A job that has not ended is read by a worker, so at least one has to run.
    pub async fn show(&self, key: &str) -> Result<Job, JobError> {
        let job = read(&self.handle(key)).await?;
        job.ok_or_else(|| JobError::NotFound { key: key.into() })
    }

    /// The jobs of the queues that are in `state`, or all, the newest first, at most `limit`.
    ///
    /// # Errors
    ///
    /// If the engine cannot be reached.
    pub async fn list(
        &self,
        state: Option<JobState>,
        limit: usize,
    ) -> Result<Vec<JobSummary>, JobError> {
        // A job whose history is continued in a new one is listed once.
        let mut query = format!(
            "WorkflowType = '{WORKFLOW}' AND TaskQueue = '{}' AND ExecutionStatus != 'ContinuedAsNew'",
            escaped(self.queues.jobs())
        );
        if let Some(state) = state {
            query += &format!(" AND {}", is_in(state));
        }
        let options = WorkflowListOptions::builder().limit(limit).build();
        let found = self.client.list_workflows(query, options);
        found.map_ok(summary).try_collect().await.map_err(engine)
    }

    /// Decides about a parked job, and returns its next state.
    ///
    /// # Errors
    ///
    /// [`NotAllowed`](JobError::NotAllowed) if the job's state does not allow the decision, or if the job has changed since the
    /// revision that the decision names. A decision is applied by a worker, so at least one has to run.
    pub async fn resolve(&self, key: &str, decision: Decision) -> Result<Job, JobError> {
        let options = WorkflowExecuteUpdateOptions::default();
        let handle = self.handle(key);
        let decided = handle.execute_update(JobWorkflow::decide, decision, options);
        decided.await.map_err(|error| match error {
            WorkflowUpdateError::NotFound(_) => JobError::NotFound { key: key.into() },
            WorkflowUpdateError::Failed(failure) => JobError::NotAllowed(failure.message),
            error => engine(error),
        })
    }

    fn handle(&self, key: &str) -> WorkflowHandle<Client, JobWorkflow> {
        self.client.get_workflow_handle(key)
    }
}

/// The job as a run of its workflow knows it; `None` if the engine does not have the run.
pub(super) async fn read(
    run: &WorkflowHandle<Client, JobWorkflow>,
) -> Result<Option<Job>, JobError> {
    let status = match run.describe(WorkflowDescribeOptions::default()).await {
        Ok(described) => described.status(),
        Err(WorkflowInteractionError::NotFound(_)) => return Ok(None),
        Err(error) => return Err(engine(error)),
    };
    if status == WorkflowExecutionStatus::Completed {
        let options = WorkflowGetResultOptions::builder()
            .follow_runs(false)
            .build();
        let ended = run.get_result(options).await;
        return ended.map(Some).map_err(engine);
    }
    // A run that was terminated by a reset has no result.
    match run
        .query(JobWorkflow::job, (), WorkflowQueryOptions::default())
        .await
    {
        Ok(job) => Ok(Some(job)),
        Err(WorkflowQueryError::NotFound(_)) => Ok(None),
        Err(error) => Err(engine(error)),
    }
}

/// The condition of a query that a job is in the state, as [`summary`] reads it.
fn is_in(state: JobState) -> String {
    let shows = |state| format!("{STATE_ATTRIBUTE} = '{}'", state_name(state));
    match state {
        // No worker has seen the job.
        JobState::Planned => format!("({} OR {STATE_ATTRIBUTE} IS NULL)", shows(state)),
        JobState::Waiting | JobState::Saving => {
            format!("{} AND ExecutionStatus != 'Completed'", shows(state))
        }
        JobState::Saved => format!(
            "({} OR (({} OR {}) AND ExecutionStatus = 'Completed'))",
            shows(state),
            shows(JobState::Waiting),
            shows(JobState::Saving)
        ),
        _ => shows(state),
    }
}

/// Text within the single quotes of a query.
fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('\'', r"\'")
}

fn summary(found: WorkflowExecution) -> JobSummary {
    let shown = found.search_attributes().get(&STATE);
    let shown = shown.and_then(|name| serde_json::from_value(name.into()).ok());
    let status = found.status();
    let state = match (shown.unwrap_or(JobState::Planned), status) {
        (JobState::Waiting | JobState::Saving, WorkflowExecutionStatus::Completed) => {
            JobState::Saved
        }
        (state, _) => state,
    };
    JobSummary {
        key: found.id().to_owned(),
        state,
        is_aborted: !matches!(
            status,
            WorkflowExecutionStatus::Running | WorkflowExecutionStatus::Completed
        ),
        model: found.memo().get(MODEL).ok().flatten(),
        submitted: found.start_time(),
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
    /// The body is too large for a history.
    TooLarge,
    /// No job has this key, or the job has ended.
    NotFound {
        /// The key.
        key: String,
    },
    /// The job's state does not allow the decision.
    NotAllowed(String),
    /// The engine could not be reached, or refused the call.
    Engine(Box<dyn StdError + Send + Sync>),
}

fn engine(error: impl Into<Box<dyn StdError + Send + Sync>>) -> JobError {
    JobError::Engine(error.into())
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherBody { key } => write!(
                f,
                "the job `{key}` exists with another request; submit this request under another key"
            ),
            Self::TooLarge => f.write_str(
                "the request is too large for the engine; name an object store for its media",
            ),
            Self::NotFound { key } => write!(f, "there is no job `{key}` that has not ended"),
            Self::NotAllowed(what) => f.write_str(what),
            Self::Engine(_) => f.write_str("the engine did not complete the call"),
        }
    }
}

impl StdError for JobError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Engine(source) => Some(&**source),
            _ => None,
        }
    }
}

/// The memo of the request's hash.
const SHA256: &str = "sha256";

/// The memo of the model.
const MODEL: &str = "model";

const STATE: SearchAttributeKey<String> = SearchAttributeKey::keyword(STATE_ATTRIBUTE);
