//! `worker`: a process that runs the steps of jobs.

use std::{fs, io, path::Path, process::ExitCode};

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
    check_spool(&worker.spool)?;
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

/// Checks that the folder of the spool can be written, before the engine counts this process among its workers.
fn check_spool(folder: &Path) -> Result<(), Failure> {
    let probe = folder.join(format!("{}.probe", uuid::Uuid::new_v4()));
    let written = fs::create_dir_all(folder)
        .and_then(|()| fs::write(&probe, "probe"))
        .and_then(|()| fs::remove_file(&probe));
    written.map_err(|error| {
        Failure::usage(format!(
            "the spool {} cannot be written: {error}; name a folder on a local disk by --spool",
            folder.display()
        ))
    })
}

/// Writes warnings, or what RUST_LOG selects, to standard error.
fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|error| {
        if std::env::var_os(EnvFilter::DEFAULT_ENV).is_some_and(|filter| !filter.is_empty()) {
            note(format!(
                "warning: RUST_LOG is ignored: {error}; expected a filter such as info or aimlapi_video_worker=debug"
            ));
        }
        EnvFilter::new("warn")
    });
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .init();
}
