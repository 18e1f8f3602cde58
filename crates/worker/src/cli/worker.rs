//! `worker`: a process that runs the steps of jobs.

use std::{io, process::ExitCode};

use aimlapi_video::ClientBuilder;
use aimlapi_video_worker::temporal::{
    metrics::Exporter,
    worker::{self, WorkerOptions},
};
use tracing_subscriber::EnvFilter;

use super::{
    args::Worker,
    connection::connect,
    failure::{Failure, error_line},
    output::note,
    queue::Queue,
    stop, store,
};

/// `worker`
pub(crate) async fn run(queue: &Queue, worker: Worker) -> Result<ExitCode, Failure> {
    // The key and the base URL are checked before anything else is started.
    service(&worker)
        .build()
        .map_err(|error| Failure::usage(error_line(&error)))?;
    let grace = humantime::format_duration(worker.grace);
    let metrics = worker.metrics.map(Exporter::start).transpose();
    let metrics = metrics.map_err(|error| Failure::usage(error_line(&error)))?;
    let stopped = stop::requested(format!(
        "stopping: creates in flight finish, other steps go back to the queue within {grace}; a second signal stops at once"
    ));
    let stopped =
        stopped.map_err(|error| Failure::usage(format!("signals cannot be received: {error}")))?;
    log();
    store::open(&worker.store).await?;
    let client = connect(queue).await?;
    let name = client.connection().identity().to_owned();
    note(format!(
        "worker {name} runs the jobs of {queue}, and saves to {}",
        worker.store
    ));
    if let Some(metrics) = &metrics {
        note(format!("metrics at http://{}/metrics", metrics.address()));
    }
    let mut options = WorkerOptions::new(service(&worker), &worker.spool, &worker.store);
    options.speed = worker.speed;
    options.queues = queue.queues.clone();
    options.budget = worker.budget;
    options.concurrency = worker.concurrency;
    options.grace = worker.grace;
    options.metrics = metrics;
    worker::run(client, options, stopped)
        .await
        .map_err(|error| match error.is_away() {
            true => Failure::service(error_line(&error)),
            false => Failure::usage(error_line(&error)),
        })?;
    note(format!("worker {name} has stopped"));
    Ok(ExitCode::SUCCESS)
}

fn service(worker: &Worker) -> ClientBuilder {
    let service = ClientBuilder::from_env();
    match &worker.base_url {
        Some(url) => service.base_url(url),
        None => service,
    }
}

/// Writes warnings, or what RUST_LOG selects, to standard error.
fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .init();
}
