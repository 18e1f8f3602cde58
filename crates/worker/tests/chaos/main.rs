//! Jobs on Temporal under faults: workers are killed and frozen, connections cut, the engine killed and restarted, requests
//! refused and responses lost. Afterwards the simulator's own lists say what was bought.
//!
//! `TEMPORAL_BIN` names the server's program. The faults are drawn from a seed; their effects also depend on timing.
//!
//! | Variable | Meaning | Default |
//! |---|---|---|
//! | `CHAOS_JOBS` | the number of jobs | 60 |
//! | `CHAOS_SECONDS` | the time over which they are submitted, and faults strike | 20; of the test of the budget 40 |
//! | `CHAOS_INTERVAL` | the seconds from one fault to the next | 1; of the test of the budget 8 |
//! | `CHAOS_FAULTS` | `kills`: workers are killed, and each create takes half a second, so that many kills fall into creates | all |
//! | `CHAOS_SEED` | the seed of the faults | 1 |
//! | `CHAOS_BUDGET` | the maximum number of polls a minute, in real time; the busiest minute has to use at least half of it | unlimited; of the test of the budget 120 |
//!
//! Logs, spools and the store stay in `target/tmp/chaos` until the next run.
#![cfg(unix)]

mod audit;
mod budget;
mod cut;
mod engine;
mod faults;
mod fleet;
mod pace;

use std::{
    env,
    fmt::Debug,
    fs,
    path::{Path, PathBuf},
    str::FromStr,
    time::{Duration, Instant},
};

use aimlapi_video::{GenerationRequest, Route};
use aimlapi_video_simulator::{RecordedRequest, Scenario, Simulator};
use aimlapi_video_worker::temporal::{
    jobs::Jobs,
    protocol::{JobInput, Queues, Timeouts},
};
use serde_json::json;
use tokio::time::interval;

use audit::Audit;
use cut::Cut;
use engine::Engine;
use faults::Faults;
use fleet::Fleet;

/// How many times faster than in reality the simulated service's time passes.
const SPEED: f64 = 600.0;

const WORKERS: usize = 3;

/// A budget that no run uses up.
const UNLIMITED: f64 = 1e6;

/// Short timeouts, so that a frozen worker is missed within seconds. A freeze lasts longer than each of them.
fn timeouts() -> Timeouts {
    Timeouts {
        heartbeat: Duration::from_secs(2),
        create: Duration::from_secs(6),
        poll: Duration::from_secs(3),
        save: Duration::from_secs(6),
        ..Timeouts::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn jobs_under_faults_buy_each_generation_once_and_save_every_video() {
    let jobs: usize = setting("CHAOS_JOBS", 60);
    let time = Duration::from_secs(setting("CHAOS_SECONDS", 20));
    let budget: f64 = setting("CHAOS_BUDGET", f64::INFINITY);
    let mut faults = Faults::new(
        setting("CHAOS_SEED", 1),
        setting("CHAOS_FAULTS", "all".to_owned()) == "kills",
    );
    let mut world = World::start("chaos", faults.scenario(), jobs).await;
    let client = world.jobs().await;
    let mut fleet = world.fleet(budget);

    let begin = Instant::now();
    let submits = submit_all(&client, jobs, time);
    tokio::join!(submits, faults.strike_for(time, &mut fleet, &mut world));
    fleet.recover().await;
    println!("{faults}");

    let audit = Audit::new(&client, &world.simulator, world.folder.join("store"), jobs);
    let mut parked = 0;
    // A late handle can change a job while a person decides.
    loop {
        audit.settle(Duration::from_secs(300)).await;
        match audit.decide().await {
            0 => break,
            decided => parked += decided,
        }
    }
    let figures = audit.check(budget).await;
    let seconds = begin.elapsed().as_secs_f64();
    println!("{jobs} jobs in {seconds:.0} s; {parked} parked; {figures}");
    fleet.stop().await;
}

/// What faults strike, in addition to the workers.
struct World {
    folder: PathBuf,
    simulator: Simulator,
    engine: Engine,
    /// The way of the workers to the simulator.
    service: Cut,
    /// The way of the workers to the engine.
    to_engine: Cut,
}

impl World {
    /// Starts the service and the engine, in a new folder of this name.
    async fn start(name: &str, scenario: Scenario, jobs: usize) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("store")).expect("a folder");
        let simulator = Simulator::builder()
            .speed(SPEED)
            .max_tasks(4 * jobs)
            .max_requests(400 * jobs)
            .scenario(scenario)
            .start()
            .await
            .expect("a simulator");
        let engine = Engine::start(&folder);
        Self {
            service: Cut::start(simulator.address()).await,
            to_engine: Cut::start(engine.address()).await,
            folder,
            simulator,
            engine,
        }
    }

    /// A client of the jobs, without faults in between.
    async fn jobs(&self) -> Jobs {
        Jobs::new(self.engine.client().await, Queues::default())
    }

    /// Starts the workers with a budget of polls a minute, in real time.
    fn fleet(&self, budget: f64) -> Fleet {
        Fleet::start(fleet::Settings {
            engine: self.to_engine.address(),
            service: self.service.address(),
            folder: self.folder.clone(),
            speed: SPEED,
            // The option counts polls a minute of the service's time.
            budget: (budget / SPEED).min(UNLIMITED),
            workers: WORKERS,
        })
    }
}

/// Submits the jobs, evenly over the time.
async fn submit_all(client: &Jobs, jobs: usize, time: Duration) {
    let mut tick = interval(time / jobs as u32);
    for number in 0..jobs {
        tick.tick().await;
        submit(client, number, "klingai/v2-master-text-to-video").await;
    }
}

/// A request whose prompt begins with the key of its job.
fn request(number: usize, model: &str) -> GenerationRequest {
    let body = json!({
        "model": model,
        "prompt": format!("{} a paper boat on a river", key(number)),
    });
    GenerationRequest::from_json(Route::Universal, body).expect("a request")
}

fn is_poll(request: &RecordedRequest) -> bool {
    request.method == "GET" && request.target.contains("generation_id")
}

/// The maximum number of polls within a window of real time.
fn most_polls(simulator: &Simulator, window: Duration) -> usize {
    let requests = simulator.requests();
    let polls = requests.iter().filter(|one| is_poll(one));
    let polls: Vec<_> = polls.map(|one| one.at).collect();
    let mut first = 0;
    let mut most = 0;
    for last in 0..polls.len() {
        while polls[last]
            .duration_since(polls[first])
            .is_ok_and(|time| time > window)
        {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}

/// Submits a job. The engine may be away for a moment.
async fn submit(client: &Jobs, number: usize, model: &str) {
    let key = key(number);
    let mut input = JobInput::new(&request(number, model));
    input.timeouts = timeouts();
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match client.submit(&key, input.clone()).await {
            Ok(_) => return,
            Err(error) if Instant::now() > deadline => panic!("{key}: {error:?}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

fn key(number: usize) -> String {
    format!("job-{number:05}")
}

fn setting<T: FromStr<Err: Debug>>(name: &str, default: T) -> T {
    env::var(name).map_or(default, |value| value.parse().expect(name))
}
