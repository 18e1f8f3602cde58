//! How soon workers see the end of generations, and by how many polls, compared with one process that waits for all of them.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use aimlapi_video::Client;
use aimlapi_video_simulator::Simulator;
use aimlapi_video_worker::{
    job::JobState,
    temporal::{jobs::Jobs, protocol::Queues},
};
use tokio::{
    task::JoinSet,
    time::{interval, sleep},
};

use super::{WORKERS, engine::Engine, fleet, fleet::Fleet, is_poll, key, request, setting, submit};

/// Generations of this model take about 43 s. They run in real time, since the engine's timers are no faster for a fast service.
const MODEL: &str = "bytedance/seedance-1-0-lite-t2v";

/// The time from one create to the next.
const PAUSE: Duration = Duration::from_millis(200);

/// The mean time from the end of a generation to its last poll, in seconds, and the mean number of polls.
#[derive(Debug)]
struct Pace {
    lag: f64,
    polls: f64,
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn jobs_of_three_workers_end_as_soon_as_waits_of_one_process_by_as_many_polls() {
    let jobs: usize = setting("CHAOS_JOBS", 60);
    let (alone, workers) = tokio::join!(one_process(jobs), three_workers(jobs));
    println!("one process: {alone:?}; {WORKERS} workers: {workers:?}");
    assert!(workers.lag <= 1.2 * alone.lag, "{workers:?} {alone:?}");
    assert!(workers.polls <= 1.05 * alone.polls, "{workers:?} {alone:?}");
}

async fn one_process(jobs: usize) -> Pace {
    let simulator = simulator().await;
    let client = Client::builder()
        .api_key("sk-chaos")
        .base_url(simulator.url())
        .poll_budget(None)
        .build()
        .expect("a client");
    let waits = async {
        let mut waits = JoinSet::new();
        let mut tick = interval(PAUSE);
        for number in 0..jobs {
            tick.tick().await;
            let client = client.clone();
            waits.spawn(async move { client.generate(request(number, MODEL)).await.map(drop) });
        }
        while let Some(ended) = waits.join_next().await {
            ended.expect("no panic").expect("a generation");
        }
    };
    pace(&simulator, jobs, waits).await
}

async fn three_workers(jobs: usize) -> Pace {
    let simulator = simulator().await;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pace");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("store")).expect("a folder");
    let engine = Engine::start(&folder);
    let client = Jobs::new(engine.client().await, Queues::default());
    let fleet = Fleet::start(fleet::Settings {
        engine: engine.address(),
        service: simulator.address(),
        folder,
        speed: 1.0,
        budget: 1e6,
        workers: WORKERS,
    });
    let waits = async {
        let mut tick = interval(PAUSE);
        for number in 0..jobs {
            tick.tick().await;
            submit(&client, number, MODEL).await;
        }
        for number in 0..jobs {
            while client
                .show(&key(number))
                .await
                .is_ok_and(|job| job.phase().state() != JobState::Saved)
            {
                sleep(Duration::from_millis(100)).await;
            }
        }
    };
    let pace = pace(&simulator, jobs, waits).await;
    fleet.stop().await;
    pace
}

async fn simulator() -> Simulator {
    let simulator = Simulator::builder().speed(1.0).max_requests(1_000_000);
    simulator.start().await.expect("a simulator")
}

/// Watches the simulator until `waits` has completed.
async fn pace(simulator: &Simulator, jobs: usize, waits: impl Future<Output = ()>) -> Pace {
    let mut ends = BTreeMap::new();
    let watch = async {
        let mut tick = interval(Duration::from_millis(100));
        loop {
            tick.tick().await;
            for task in simulator.tasks() {
                if let Some(left) = task.left.filter(|left| !left.is_zero()) {
                    let end = SystemTime::now() + left;
                    ends.entry(task.id).or_insert(end);
                }
            }
        }
    };
    tokio::select! {
        () = watch => {}
        () = waits => {}
    }
    let tasks = simulator.tasks();
    assert_eq!(tasks.len(), jobs);
    let requests: BTreeMap<_, _> = simulator
        .requests()
        .into_iter()
        .map(|request| (request.number, request))
        .collect();
    let mut lag = Duration::ZERO;
    let mut polls = 0;
    for task in tasks {
        let own = task.requests.iter().map(|number| &requests[number]);
        let last = own.filter(|one| is_poll(one)).map(|one| one.at).max();
        lag += last
            .expect("a poll")
            .duration_since(ends[&task.id])
            .unwrap_or_default();
        polls += task.polls;
    }
    Pace {
        lag: lag.as_secs_f64() / jobs as f64,
        polls: f64::from(polls) / jobs as f64,
    }
}
