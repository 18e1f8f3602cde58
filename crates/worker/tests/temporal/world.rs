//! A server, a simulator of the service, a store and workers.

use std::{path::PathBuf, time::Duration};

use aimlapi_video::{Client as Service, GenerationRequest, Route};
use aimlapi_video_simulator::{Simulator, SimulatorBuilder};
use aimlapi_video_worker::temporal::{
    jobs::{Jobs, Submitted},
    protocol::{Job, JobInput, JobState, Queues, Timeouts},
    worker::{self, WorkerOptions},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use temporalio_client::{Client, UntypedWorkflow, WorkflowFetchHistoryOptions};
use tokio::{sync::oneshot, task::JoinHandle};

use crate::engine::{Engine, connect};

pub const SPEED: f64 = 600.0;

pub const KEY: &str = "test-key";

pub struct World {
    pub engine: Engine,
    pub client: Client,
    pub jobs: Jobs,
    pub simulator: Simulator,
    pub folder: TempDir,
}

/// A worker in this process.
pub struct Worker {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), worker::WorkerError>>,
}

impl World {
    pub async fn start() -> Self {
        Self::with(|simulator| simulator).await
    }

    pub async fn with(settings: impl FnOnce(SimulatorBuilder) -> SimulatorBuilder) -> Self {
        let engine = Engine::start();
        let client = connect(&engine.address()).await;
        let simulator = settings(Simulator::builder().speed(SPEED)).start();
        Self {
            jobs: Jobs::new(client.clone(), Queues::default()),
            client,
            engine,
            simulator: simulator.await.expect("a simulator"),
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    pub fn spool(&self) -> PathBuf {
        self.folder.path().join("spool")
    }

    pub fn store(&self) -> PathBuf {
        let store = self.folder.path().join("store");
        std::fs::create_dir_all(&store).expect("a folder");
        store
    }

    pub fn options(&self) -> WorkerOptions {
        options(&self.simulator.url(), self.spool(), self.store())
    }

    /// Starts a worker on a thread of its own, since the engine's workers are not `Send`.
    pub fn worker(&self, options: WorkerOptions) -> Worker {
        let (stop, stopped) = oneshot::channel();
        let address = self.engine.address();
        let task = tokio::task::spawn_blocking(move || {
            let stopped = async {
                let _ = stopped.await;
            };
            tokio::runtime::Handle::current().block_on(async {
                // A client takes one worker for each queue.
                let client = connect(&address).await;
                worker::run(client, options, stopped).await
            })
        });
        Worker { stop, task }
    }

    pub async fn submit(&self, key: &str, prompt: &str) -> Submitted {
        self.jobs
            .submit(key, input(prompt))
            .await
            .expect("submitted")
    }

    /// Waits until the job is in the state.
    pub async fn state(&self, key: &str, wanted: JobState) -> Job {
        loop {
            match self.jobs.show(key).await {
                Ok(job) if job.phase().state() == wanted => return job,
                Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Waits until the simulator shows what `is_met` asks for.
    pub async fn until(&self, is_met: impl Fn(&Self) -> bool) {
        while !is_met(self) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Stores the history of a job as a fixture, if the variable `RECORD_HISTORIES` is set.
    pub async fn record(&self, key: &str, name: &str) {
        if std::env::var_os("RECORD_HISTORIES").is_none() {
            return;
        }
        let handle = self.client.get_workflow_handle::<UntypedWorkflow>(key);
        let history = handle.fetch_history(WorkflowFetchHistoryOptions::default());
        let history = history.to_json().await.expect("a history");
        let fixture = format!("{}/tests/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
        std::fs::write(fixture, history).expect("written");
    }

    /// The creates that the simulator has received.
    pub fn creates(&self) -> usize {
        let requests = self.simulator.requests();
        requests
            .iter()
            .filter(|request| request.method == "POST")
            .count()
    }
}

impl Worker {
    /// Stops the worker gracefully.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        self.task.await.expect("ended").expect("no error");
    }
}

pub fn options(service: &str, spool: PathBuf, store: PathBuf) -> WorkerOptions {
    let service = Service::builder().api_key(KEY).base_url(service);
    let store = format!("file://{}", store.display());
    let mut options = WorkerOptions::new(service, spool, store);
    options.speed = SPEED;
    options
}

pub fn request(body: Value) -> GenerationRequest {
    GenerationRequest::from_json(Route::Universal, body).expect("a request")
}

pub fn input(prompt: &str) -> JobInput {
    let body = json!({ "model": "klingai/v2-master-text-to-video", "prompt": prompt });
    let mut input = JobInput::new(&request(body));
    input.timeouts = Timeouts {
        heartbeat: Duration::from_secs(2),
        ..Timeouts::default()
    };
    input
}
