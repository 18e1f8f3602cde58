//! Jobs on Temporal under faults: workers are killed and frozen, connections cut, the engine killed and restarted, requests
//! refused and responses lost. Afterwards the simulator's own lists say what was bought.
//!
//! `TEMPORAL_BIN` names the server's program. The faults are drawn from a seed; their effects also depend on timing.
//!
//! | Variable | Meaning | Default |
//! |---|---|---|
//! | `CHAOS_JOBS` | the number of jobs | 60 |
//! | `CHAOS_SECONDS` | the time over which they are submitted, and faults strike | 20 |
//! | `CHAOS_INTERVAL` | the seconds from one fault to the next | 1 |
//! | `CHAOS_FAULTS` | `kills`: workers are killed, and each create takes half a second, so that many kills fall into creates | all |
//! | `CHAOS_SEED` | the seed of the faults | 1 |
//! | `CHAOS_BUDGET` | the maximum number of polls a minute, in real time | 6000 |
//!
//! Logs, spools and the store stay in `target/tmp/chaos` until the next run.
#![cfg(unix)]

mod audit;
mod cut;
mod engine;
mod faults;
mod fleet;
mod pace;

use std::{
    env,
    fmt::Debug,
    fs,
    path::Path,
    str::FromStr,
    time::{Duration, Instant},
};

use aimlapi_video::{GenerationRequest, Route};
use aimlapi_video_simulator::{RecordedRequest, Simulator};
use aimlapi_video_worker::temporal::{
    jobs::Jobs,
    protocol::{JobInput, Timeouts},
};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};

use audit::Audit;
use cut::Cut;
use engine::Engine;
use faults::Faults;
use fleet::Fleet;

/// How many times faster than in reality the simulated service's time passes.
const SPEED: f64 = 600.0;

const WORKERS: usize = 3;

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
    let budget: f64 = setting("CHAOS_BUDGET", 6000.0);
    let mut faults = Faults::new(
        setting("CHAOS_SEED", 1),
        setting("CHAOS_FAULTS", "all".to_owned()) == "kills",
    );
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("chaos");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("store")).expect("a folder");

    let simulator = Simulator::builder()
        .speed(SPEED)
        .max_tasks(4 * jobs)
        .max_requests(400 * jobs)
        .scenario(faults.scenario())
        .start()
        .await
        .expect("a simulator");
    let engine = Engine::start(&folder);
    let mut world = World {
        service: Cut::start(simulator.address()).await,
        to_engine: Cut::start(engine.address()).await,
        simulator,
        engine,
    };
    let client = world.engine.jobs().await;
    let mut fleet = Fleet::start(fleet::Settings {
        engine: world.to_engine.address(),
        service: world.service.address(),
        folder: folder.clone(),
        speed: SPEED,
        // The option counts polls a minute of the service's time.
        budget: budget / SPEED,
        workers: WORKERS,
    });

    let begin = Instant::now();
    let mut tick = interval(Duration::from_secs_f64(setting("CHAOS_INTERVAL", 1.0)));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let submits = submit_all(&client, jobs, time);
    let strikes = async {
        while begin.elapsed() < time {
            tick.tick().await;
            fleet.tick();
            faults.strike(&mut fleet, &mut world);
        }
    };
    tokio::join!(submits, strikes);
    fleet.recover().await;
    println!("{faults}");

    let audit = Audit::new(&client, &world.simulator, folder.join("store"), jobs);
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
    simulator: Simulator,
    engine: Engine,
    /// The way of the workers to the simulator.
    service: Cut,
    /// The way of the workers to the engine.
    to_engine: Cut,
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
