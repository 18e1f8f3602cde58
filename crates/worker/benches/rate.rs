//! Jobs a second of a worker, compared with the bare engine in the same run: a workflow of the same shape, whose steps do nothing.
//!
//! Both have one worker process's queues and concurrency, run on one development server, which `TEMPORAL_BIN` names, and take turns.
//! The median ratio of two turns counts. It ends with an error if jobs are slower than 0.8 of the bare engine. `RATE_JOBS` is the number
//! of jobs in each turn (40).
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench may fail")]

// The code that the macros generate names `futures`.
extern crate futures_util as futures;

#[allow(dead_code, reason = "tests also restart it")]
#[path = "../tests/chaos/engine.rs"]
mod engine;

use std::{
    env,
    future::pending,
    path::Path,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use aimlapi_video::{Client as Service, GenerationRequest, Route};
use aimlapi_video_simulator::{Scenario, Simulator};
use aimlapi_video_worker::temporal::{
    jobs::Jobs,
    protocol::{JobInput, JobState, Queues, Timeouts},
    worker::{self, WorkerOptions},
    workflow::JobWorkflow,
};
use futures_util::future::join_all;
use serde_json::json;
use temporalio_client::{Client, WorkflowGetResultOptions, WorkflowStartOptions};
use temporalio_common::RetryPolicy;
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    self as sdk, ActivityOptions, WorkflowContext, WorkflowResult,
    activities::{ActivityContext, ActivityError},
    runtime::worker_tuner::{FixedSizeSlotSupplier, TunerHolder},
};
use tokio::{runtime::Handle, task::JoinSet, time::timeout};

use engine::Engine;

/// The number of turns of each.
const ROUNDS: usize = 15;

/// The minimum of jobs a second, relative to the bare engine.
const MIN_RATIO: f64 = 0.8;

/// The maximum number of steps of each kind at once.
const CONCURRENCY: usize = 100;

#[tokio::main]
async fn main() -> ExitCode {
    if env::var_os("TEMPORAL_BIN").is_none() {
        println!("TEMPORAL_BIN is not set: it names the program `temporal`");
        return ExitCode::SUCCESS;
    }
    let jobs: usize = env::var("RATE_JOBS").map_or(40, |jobs| jobs.parse().unwrap());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rate");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join("store")).unwrap();
    let engine = Engine::start(&folder);
    let client = engine.client().await;
    // Generations end at once, so that a job has as many steps as a bare workflow: one attempt of each.
    let scenario: Scenario = r#"{ "next": [{ "times": "always", "seconds": 0 }] }"#
        .parse()
        .unwrap();
    let simulator = Simulator::builder()
        .speed(SPEED)
        .scenario(scenario)
        .max_requests(10)
        .start()
        .await
        .unwrap();
    let service = Service::builder()
        .api_key("sk-rate")
        .base_url(simulator.url());
    let store = format!("file://{}", folder.join("store").display());
    let mut options = WorkerOptions::new(service, folder.join("spool"), store);
    options.speed = SPEED;
    options.concurrency = CONCURRENCY;
    // A client takes one worker for each queue.
    let (own, other) = (engine.client().await, engine.client().await);
    on_a_thread(move || async {
        worker::run(own, options, pending()).await.unwrap();
    });
    on_a_thread(move || bare_workers(other));

    let mut ratios = Vec::new();
    for round in 0..=ROUNDS {
        let job = |number| run_job(client.clone(), format!("job-{round}-{number}"));
        let ours = measure(jobs, job).await;
        let workflow = |number| run_bare(client.clone(), format!("bare-{round}-{number}"));
        let bare = measure(jobs, workflow).await;
        let ratio = ours / bare;
        println!("round {round}: {ours:.1} jobs/s, {bare:.1} bare workflows/s, ratio {ratio:.2}");
        // The first round opens connections and fills caches.
        if round > 0 {
            ratios.push(ratio);
        }
    }
    let polls: u32 = simulator.tasks().iter().map(|task| task.polls).sum();
    let generations = simulator.tasks().len();
    println!("{polls} polls of {generations} generations");
    let ratio = median(ratios);
    println!("{jobs} jobs in each turn, median of {ROUNDS} ratios: {ratio:.2}");
    match ratio >= MIN_RATIO {
        true => ExitCode::SUCCESS,
        false => {
            println!("expected at least {MIN_RATIO}");
            ExitCode::FAILURE
        }
    }
}

/// How many of `job` end in a second, if all are started at once.
async fn measure<F: Future<Output = ()> + Send + 'static>(
    jobs: usize,
    job: impl Fn(usize) -> F,
) -> f64 {
    let begin = Instant::now();
    let mut running: JoinSet<()> = (0..jobs).map(job).collect();
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
    jobs as f64 / begin.elapsed().as_secs_f64()
}

/// Submits a job, and waits for its end.
async fn run_job(client: Client, key: String) {
    let body =
        json!({ "model": "klingai/v2-master-text-to-video", "prompt": "a paper boat on a river" });
    let request = GenerationRequest::from_json(Route::Universal, body).unwrap();
    let jobs = Jobs::new(client.clone(), Queues::default());
    jobs.submit(&key, JobInput::new(&request)).await.unwrap();
    let job = client.get_workflow_handle::<JobWorkflow>(key);
    let ended = job.get_result(WorkflowGetResultOptions::default());
    // An engine that is overloaded loses steps, and a lost create parks its job.
    let job = timeout(MAX_TIME, ended)
        .await
        .expect("the job has ended")
        .unwrap();
    assert_eq!(job.phase().state(), JobState::Saved, "{job:?}");
}

/// Starts a workflow whose steps do nothing, and waits for its end.
async fn run_bare(client: Client, id: String) {
    let options = WorkflowStartOptions::new(bare_queues().jobs(), id).build();
    let workflow = client.start_workflow(Bare::run, (), options).await.unwrap();
    workflow
        .get_result(WorkflowGetResultOptions::default())
        .await
        .unwrap();
}

/// Runs a worker on a thread of its own, since the engine's workers are not `Send`. It never ends, so it is not one of the runtime's
/// threads, which the end of the bench would wait for.
fn on_a_thread<F: Future<Output = ()>>(worker: impl FnOnce() -> F + Send + 'static) {
    let runtime = Handle::current();
    thread::spawn(move || runtime.block_on(worker()));
}

/// The workers of the bare workflow: as many, with the same queues and slots, as those of jobs.
async fn bare_workers(client: Client) {
    let runtime = sdk::Runtime::from_current_tokio(Default::default()).unwrap();
    let queues = bare_queues();
    let fixed = FixedSizeSlotSupplier::new;
    let steps = |queue: String| {
        let slots = TunerHolder::builder()
            .workflow_task_slot_supplier(fixed(1))
            .activity_task_slot_supplier(fixed(CONCURRENCY))
            .local_activity_task_slot_supplier(fixed(1))
            .nexus_task_slot_supplier(fixed(1))
            .build();
        sdk::WorkerOptions::new(queue)
            .tuner(slots)
            .max_cached_workflows(0usize)
            .register_activities(NoOp)
            .build()
    };
    let workflows = sdk::WorkerOptions::new(queues.jobs())
        .register_workflow::<Bare>()
        .unwrap()
        .build();
    let all = [
        workflows,
        steps(queues.create()),
        steps(queues.poll()),
        steps(queues.save()),
    ];
    let mut workers =
        all.map(|options| sdk::Worker::new(&runtime, client.clone(), options).unwrap());
    let runs = workers
        .iter_mut()
        .map(|worker| async { worker.run().await.unwrap() });
    join_all(runs).await;
}

fn bare_queues() -> Queues {
    Queues::new("bare")
}

#[workflow]
#[derive(Default)]
struct Bare;

#[workflow_methods]
impl Bare {
    /// Three steps with the options of those of a job.
    #[run(name = "bare")]
    async fn run(context: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        let (queues, timeouts) = (bare_queues(), Timeouts::default());
        for (queue, timeout, heartbeat, attempts) in [
            (
                queues.create(),
                timeouts.create,
                Some(timeouts.heartbeat),
                1,
            ),
            (queues.poll(), timeouts.poll, None, 0),
            (queues.save(), timeouts.save, Some(timeouts.heartbeat), 0),
        ] {
            let options = ActivityOptions::with_start_to_close_timeout(timeout)
                .task_queue(queue)
                .schedule_to_start_timeout(timeouts.wait)
                .maybe_heartbeat_timeout(heartbeat)
                .retry_policy(RetryPolicy::builder().maximum_attempts(attempts).build())
                .do_not_eagerly_execute(true)
                .build();
            context.execute_activity(NoOp::no_op, (), options).await?;
        }
        Ok(())
    }
}

struct NoOp;

#[activities]
impl NoOp {
    #[activity(name = "no-op")]
    async fn no_op(_context: ActivityContext) -> Result<(), ActivityError> {
        Ok(())
    }
}

fn median(mut ratios: Vec<f64>) -> f64 {
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

/// A job that has not ended then never will.
const MAX_TIME: Duration = Duration::from_secs(300);

/// So fast that a generation takes no time.
const SPEED: f64 = 1e6;
