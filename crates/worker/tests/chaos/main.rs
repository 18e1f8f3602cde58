//! Jobs on Temporal under faults: workers are killed and frozen, connections cut, the engine killed and restarted, requests
//! refused and responses lost. Afterwards the simulator's own lists say what was bought.
//!
//! `TEMPORAL_BIN` names the server's program. The faults are drawn from a seed; their effects also depend on timing.
//!
//! | Variable | Meaning | Default |
//! |---|---|---|
//! | `CHAOS_JOBS` | the number of jobs | 60 |
//! | `CHAOS_SECONDS` | the time over which they are submitted; a fault a second falls into it | 20 |
//! | `CHAOS_SEED` | the seed of the faults | 1 |
//! | `CHAOS_BUDGET` | the maximum number of polls a minute, in real time | 6000 |
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod audit;
mod cut;
mod engine;
mod faults;
mod fleet;

use std::{
    env,
    fmt::Debug,
    str::FromStr,
    time::{Duration, Instant},
};

use aimlapi_video::GenerationRequest;
use aimlapi_video_simulator::Simulator;
use aimlapi_video_worker::temporal::{
    jobs::{Jobs, Submitted},
    protocol::{JobInput, JobState, Timeouts},
};
use serde_json::json;

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
    let mut timeouts = Timeouts::default();
    timeouts.heartbeat = Duration::from_secs(2);
    timeouts.create = Duration::from_secs(6);
    timeouts.poll = Duration::from_secs(3);
    timeouts.save = Duration::from_secs(6);
    timeouts
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_under_faults_buy_each_generation_once_and_save_every_video() {
    let jobs: usize = setting("CHAOS_JOBS", 60);
    let time = Duration::from_secs(setting("CHAOS_SECONDS", 20));
    let budget: f64 = setting("CHAOS_BUDGET", 6000.0);
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::builder()
        .speed(SPEED)
        .max_tasks(4 * jobs)
        .max_requests(400 * jobs)
        .start()
        .await
        .unwrap();
    let mut engine = Engine::start(folder.path()).await;
    let service = Cut::start(simulator.address()).await;
    let to_engine = Cut::start(engine.address()).await;
    let mut fleet = Fleet::start(fleet::Settings {
        engine: to_engine.address(),
        service: service.address(),
        folder: folder.path().to_owned(),
        speed: SPEED,
        // The option counts polls a minute of the service's time.
        budget: budget / SPEED,
        workers: WORKERS,
    });
    let client = engine.jobs().await;

    let mut faults = Faults::new(setting("CHAOS_SEED", 1));
    let begin = Instant::now();
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    let mut submitted = 0;
    while submitted < jobs {
        tick.tick().await;
        fleet.tick();
        let due =
            (jobs as f64 * begin.elapsed().as_secs_f64() / time.as_secs_f64()).ceil() as usize;
        while submitted < due.min(jobs) {
            submit(&client, submitted).await;
            submitted += 1;
        }
        faults
            .strike(&mut fleet, &mut engine, &simulator, &service, &to_engine)
            .await;
    }
    fleet.recover().await;
    println!("{faults}");

    let keys: Vec<_> = (0..jobs).map(key).collect();
    let audit = Audit::new(&client, &simulator, folder.path().join("store"), keys);
    audit.settle(Duration::from_secs(240)).await;
    let parked = audit.decide().await;
    audit.settle(Duration::from_secs(120)).await;
    let figures = audit.check(budget).await;
    let seconds = begin.elapsed().as_secs_f64();
    println!("{jobs} jobs in {seconds:.0} s; {parked} parked; {figures}");
    fleet.stop().await;
}

/// Submits a job whose prompt begins with its key. The engine may be away for a moment.
async fn submit(client: &Jobs, number: usize) {
    let key = key(number);
    let body = json!({
        "model": "klingai/v2-master-text-to-video",
        "prompt": format!("{key} a paper boat on a river"),
    });
    let mut input = JobInput::new(&GenerationRequest::from_json(body).unwrap());
    input.timeouts = timeouts();
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match client.submit(&key, input.clone()).await {
            Ok(Submitted::New | Submitted::Exists) => return,
            Err(error) if Instant::now() > deadline => panic!("{key}: {error:?}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

fn key(number: usize) -> String {
    format!("job-{number:05}.")
}

fn is_final(state: JobState) -> bool {
    use JobState::{Ambiguous, Failed, Lost, Refused, Saved};
    matches!(state, Saved | Ambiguous | Failed | Refused | Lost)
}

fn setting<T: FromStr<Err: Debug>>(name: &str, default: T) -> T {
    env::var(name).map_or(default, |value| value.parse().unwrap())
}
