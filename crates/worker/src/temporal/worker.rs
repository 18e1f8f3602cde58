//! The process that runs the steps of jobs.

use std::{path::PathBuf, time::Duration};

use aimlapi_video::ClientBuilder;
use temporalio_client::Client;

use super::protocol::Queues;

/// The options of a worker process.
#[derive(Debug)]
#[non_exhaustive]
pub struct WorkerOptions {
    /// The client of the service, with its key and base URL. The worker sets its retries and its poll budget.
    pub service: ClientBuilder,
    /// How many times as fast as the service's documents the service's time runs: 1, or the speed of a simulator.
    pub speed: f64,
    /// The task queues.
    pub queues: Queues,
    /// The maximum number of polls a minute of all workers together, in the time of the service.
    pub budget: f64,
    /// The maximum number of steps of each kind at once.
    pub concurrency: usize,
    /// The folder of the spool, on a local disk.
    pub spool: PathBuf,
    /// The URL of the object store: `file:///…`, `s3://bucket/prefix`, `gs://…`, `az://…`.
    pub store: String,
    /// How long a graceful stop waits for steps other than creates.
    pub grace: Duration,
}

impl WorkerOptions {
    /// Options with a budget of 120 polls a minute and 100 steps of each kind at once.
    pub fn new(
        service: ClientBuilder,
        spool: impl Into<PathBuf>,
        store: impl Into<String>,
    ) -> Self {
        Self {
            service,
            speed: 1.0,
            queues: Queues::default(),
            budget: 120.0,
            concurrency: 100,
            spool: spool.into(),
            store: store.into(),
            grace: Duration::from_secs(10),
        }
    }
}

/// Runs steps until `stop` completes, then finishes the creates in flight and gives the other steps back to their queues.
///
/// # Errors
///
/// If an option cannot be used, or the engine cannot be reached at the start.
pub async fn run(
    temporal: Client,
    options: WorkerOptions,
    stop: impl Future<Output = ()>,
) -> Result<(), WorkerError> {
    let _ = (temporal, options, stop);
    todo!("the worker")
}

/// The error of a worker that could not start, or had to end.
#[derive(Debug)]
pub struct WorkerError {
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl std::fmt::Display for WorkerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for WorkerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}
