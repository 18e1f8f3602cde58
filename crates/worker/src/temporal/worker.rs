//! The process that runs the steps of jobs.

use std::{
    error::Error as StdError,
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use aimlapi_video::{ClientBuilder, CreateRetries};
use futures::future::join_all;
use temporalio_client::{Client, tonic::Status};
use temporalio_common::telemetry::{TelemetryOptions, metrics::CoreMeter};
use temporalio_sdk::{
    self as sdk,
    runtime::worker_tuner::{FixedSizeSlotSupplier, TunerHolder},
};
use tokio::task::JoinHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    attribute,
    create::{CreateStep, text},
    jobs::Jobs,
    metrics::{Exporter, Metrics},
    poll::PollStep,
    protocol::Queues,
    reports::Reports,
    save::SaveStep,
    service::Service,
    workflow::JobWorkflow,
};
use crate::{spool::Spool, store::Store};

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
    /// Where the metrics are served.
    pub metrics: Option<Exporter>,
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
            metrics: None,
        }
    }
}

/// Runs steps until `stop` completes, then finishes the creates in flight and gives the other steps back to their queues.
///
/// # Errors
///
/// If an option cannot be used, or if the engine cannot be reached at the start, or refuses this worker then. Later, the worker goes on
/// trying.
pub async fn run(
    temporal: Client,
    options: WorkerOptions,
    stop: impl Future<Output = ()>,
) -> Result<(), WorkerError> {
    let store = Store::open(&options.store)
        .map_err(|error| WorkerError::new("the object store cannot be used", error))?;
    store
        .check_conditions()
        .await
        .map_err(|error| WorkerError::new("the object store cannot be used", error))?;
    let spool = Spool::open(&options.spool)
        .map_err(|error| WorkerError::new("the spool cannot be used", error))?;
    // The engine limits the rate of polls for all workers, and each create has a claim of its own.
    let client = options
        .service
        .poll_budget(None)
        .create_retries(CreateRetries::none());
    let client = client
        .build()
        .map_err(|error| WorkerError::new("the service cannot be used", error))?;
    attribute::ensure(&temporal).await?;

    let spool = Arc::new(spool);
    let budget = options.budget * options.speed / 60.0;
    let metrics = Arc::new(Metrics::new(options.metrics.as_ref(), budget));
    let service = Service::new(client, options.speed, Arc::clone(&metrics));
    let service = Arc::new(service);
    let reports = Arc::new(Reports {
        engine: temporal.clone(),
        spool: Arc::clone(&spool),
        metrics: Arc::clone(&metrics),
        orphans: options.spool.join("orphans.jsonl"),
        pending: Mutex::default(),
    });
    let in_flight = TaskTracker::new();
    let create = CreateStep {
        service: Arc::clone(&service),
        spool: Arc::clone(&spool),
        store: store.clone(),
        reports: Arc::clone(&reports),
        in_flight: in_flight.clone(),
    };
    let poll = PollStep {
        service: Arc::clone(&service),
    };
    let save = SaveStep {
        service,
        store: store.clone(),
    };

    let queues = options.queues;
    let rate = budget / BURSTS;
    let steps = |queue: String| {
        sdk::WorkerOptions::new(queue)
            .tuner(slots(options.concurrency))
            .max_cached_workflows(0usize)
            // By default, the SDK sends a heartbeat when 80 % of the timeout have passed, which leaves a busy engine little time.
            .max_heartbeat_throttle_interval(Duration::ZERO)
    };
    let jobs = sdk::WorkerOptions::new(queues.jobs())
        .register_workflow::<JobWorkflow>()
        .map_err(|error| WorkerError::new("the workflow cannot be registered", error))?
        .build();
    let all = [
        jobs,
        // Without a period: a create in flight is never cancelled.
        steps(queues.create()).register_activities(create).build(),
        steps(queues.poll())
            .register_activities(poll)
            .max_task_queue_activities_per_second(rate)
            .graceful_shutdown_period(options.grace)
            .build(),
        steps(queues.save())
            .register_activities(save)
            .graceful_shutdown_period(options.grace)
            .build(),
    ];
    let clean = tokio::spawn(async move {
        if let Err(error) = store.sweep(LEFT_OVER).await {
            tracing::warn!(%error, "the store cannot be swept");
        }
    });
    let swept = CancellationToken::new();
    let sweeps = tokio::spawn({
        let (reports, swept) = (Arc::clone(&reports), swept.clone());
        async move {
            let mut sweeps = tokio::time::interval(SWEEP);
            while swept.run_until_cancelled(sweeps.tick()).await.is_some() {
                reports.sweep().await;
            }
        }
    });
    let watch = options.metrics.is_some().then(|| {
        let jobs = Jobs::new(temporal.clone(), queues);
        tokio::spawn(async move { metrics.watch_parked(jobs).await })
    });
    let meter = options.metrics.as_ref().map(Exporter::meter);
    let stopping = CancellationToken::new();
    let ended = {
        let runs = run_always(&temporal, all, meter, &stopping);
        tokio::pin!(runs);
        tokio::select! {
            ended = &mut runs => ended,
            () = stop => {
                stopping.cancel();
                runs.await
            }
        }
    };
    in_flight.close();
    in_flight.wait().await;
    clean.abort();
    watch.inspect(JoinHandle::abort);
    // A sweep that is aborted would forget the outcome that it delivers.
    swept.cancel();
    drop(sweeps.await);
    reports.sweep().await;
    if let Err(error) = spool.close() {
        tracing::warn!(%error, "the spool cannot be removed");
    }
    ended
}

/// Runs the workers until `stopping`. The SDK ends a worker whose poll of the engine is refused, as by a proxy while the engine is
/// away; the workers are then started again.
async fn run_always(
    temporal: &Client,
    all: [sdk::WorkerOptions; 4],
    meter: Option<Arc<dyn CoreMeter>>,
    stopping: &CancellationToken,
) -> Result<(), WorkerError> {
    loop {
        match run_all(temporal, all.clone(), meter.clone(), stopping).await {
            Err(error) if error.is_away => {
                tracing::error!(error = text(&error), "the engine is tried again");
                let pause = tokio::time::sleep(AGAIN);
                if stopping.run_until_cancelled(pause).await.is_none() {
                    return Ok(());
                }
            }
            ended => return ended,
        }
    }
}

/// Runs the workers until `stopping`, or until one of them fails.
async fn run_all(
    temporal: &Client,
    all: [sdk::WorkerOptions; 4],
    meter: Option<Arc<dyn CoreMeter>>,
    stopping: &CancellationToken,
) -> Result<(), WorkerError> {
    let telemetry = TelemetryOptions::builder()
        .maybe_metrics(meter)
        .attach_service_name(false)
        .build();
    let runtime = sdk::runtime::RuntimeOptions::builder()
        .telemetry_options(telemetry)
        .build()
        .map_err(|error| WorkerError::new("the engine's runtime cannot be started", error))?;
    let runtime = sdk::Runtime::from_current_tokio(runtime)
        .map_err(|error| WorkerError::new("the engine's runtime cannot be started", error))?;
    let mut workers = Vec::new();
    for options in all {
        let worker = sdk::Worker::new(&runtime, temporal.clone(), options);
        workers
            .push(worker.map_err(|error| WorkerError::new("a worker cannot be started", error))?);
    }
    let ending = stopping.child_token();
    let stops: Vec<_> = workers.iter().map(sdk::Worker::shutdown_handle).collect();
    let runs = workers.iter_mut().map(|worker| async {
        let ended = worker.run().await;
        ending.cancel();
        ended.map_err(failed)
    });
    let stops = async {
        ending.cancelled().await;
        stops.iter().for_each(|stop| stop());
    };
    let (ended, ()) = tokio::join!(join_all(runs), stops);
    ended.into_iter().collect()
}

/// The error of a worker, which has the status of the engine as a cause if the engine refused a call.
fn failed(error: sdk::WorkerRunError) -> WorkerError {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&error);
    let mut is_away = false;
    while let Some(error) = cause {
        is_away |= error.is::<Status>();
        cause = error.source();
    }
    WorkerError {
        is_away,
        ..WorkerError::new("a worker has failed", error)
    }
}

fn slots(steps: usize) -> TunerHolder {
    let fixed = FixedSizeSlotSupplier::new;
    TunerHolder::builder()
        .workflow_task_slot_supplier(fixed(1))
        .activity_task_slot_supplier(fixed(steps))
        .local_activity_task_slot_supplier(fixed(1))
        .nexus_task_slot_supplier(fixed(1))
        .build()
}

/// How much the engine's bursts exceed the rate that it is given.
const BURSTS: f64 = 1.2;

/// The pause before the workers are started again.
const AGAIN: Duration = Duration::from_secs(10);

/// The age from which on an incomplete upload belongs to no save.
const LEFT_OVER: Duration = Duration::from_secs(24 * 3600);

/// The interval at which the spool is swept.
const SWEEP: Duration = Duration::from_secs(10);

/// The error of a worker that could not start, or had to end.
#[derive(Debug)]
pub struct WorkerError {
    message: String,
    is_away: bool,
    source: Box<dyn StdError + Send + Sync>,
}

impl WorkerError {
    pub(super) fn new(
        message: impl Into<String>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self {
            message: message.into(),
            is_away: false,
            source: source.into(),
        }
    }

    pub(super) fn away(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            is_away: true,
            ..Self::new("the engine cannot be reached", source)
        }
    }

    /// Whether the engine could not be reached, so that another start can succeed.
    pub fn is_away(&self) -> bool {
        self.is_away
    }
}

impl fmt::Display for WorkerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for WorkerError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worker_that_the_engine_refuses_is_started_again_and_another_failure_ends_the_process() {
        let fatal = |source| sdk::WorkerRunError::Fatal {
            message: "activity polling failed".into(),
            source,
        };
        let refused = Status::permission_denied("the proxy has no such backend");
        assert!(failed(fatal(refused.into())).is_away());
        assert!(!failed(fatal("the workflow is gone".into())).is_away());
    }
}
