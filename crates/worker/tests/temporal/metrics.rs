//! Metrics of workers.

use std::net::SocketAddr;

use aimlapi_video_simulator::{Scenario, SimulatorBuilder};
use aimlapi_video_worker::temporal::{metrics::Exporter, protocol::JobState};

use crate::{
    scrape::sample,
    world::{Worker, World},
};

fn scenario(json: &str) -> impl FnOnce(SimulatorBuilder) -> SimulatorBuilder {
    let scenario: Scenario = json.parse().expect("a scenario");
    |simulator| simulator.scenario(scenario)
}

/// Starts a worker that serves its metrics.
fn measured(world: &World) -> (Worker, impl Fn(&str) -> Option<f64> + use<>) {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let exporter = Exporter::start(any).expect("a free port");
    let address = exporter.address();
    let mut options = world.options();
    options.metrics = Some(exporter);
    let read = move |name: &str| sample(address, &format!("aimlapi_video_{name}"));
    (world.worker(options), read)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn saved_job_is_counted_with_its_rate_limited_create() {
    let world = World::with(scenario(r#"{ "next": [{ "create": { "status": 429 } }] }"#)).await;
    let (worker, read) = measured(&world);
    world.submit("boat", "A paper boat").await;
    let job = world.state("boat", JobState::Saved).await;
    let polls = world.simulator.tasks()[0].polls;
    for (name, value) in [
        (r#"creates_total{outcome="created"}"#, 1.0),
        (r#"creates_total{outcome="not_bought"}"#, 1.0),
        (r#"creates_total{outcome="ambiguous"}"#, 0.0),
        (r#"rate_limited_total{step="create"}"#, 1.0),
        (r#"rate_limited_total{step="poll"}"#, 0.0),
        (r#"polls_total{outcome="state"}"#, f64::from(polls)),
        ("late_handles_total", 0.0),
        ("completion_lag_seconds_count", 1.0),
        ("saved_videos_total", 1.0),
        // 120 a minute, at the simulator's speed.
        ("poll_budget_per_second", 1200.0),
    ] {
        assert_eq!(read(name), Some(value), "{name}");
    }
    let mut saved = std::fs::read_dir(world.store().join(job.key())).expect("a folder");
    let video = saved.next().expect("a video").expect("read");
    let bytes = video.metadata().expect("read").len();
    assert_eq!(
        read("saved_bytes_total").map(|read| read as u64),
        Some(bytes)
    );
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn ambiguous_job_is_shown_with_its_age() {
    let lost = r#"{ "next": [{ "create": { "close": true, "created": true } }] }"#;
    let world = World::with(scenario(lost)).await;
    let (first, read) = measured(&world);
    world.submit("boat", "A paper boat").await;
    world.state("boat", JobState::Ambiguous).await;
    assert_eq!(read(r#"creates_total{outcome="ambiguous"}"#), Some(1.0));
    first.stop().await;
    let listed = || world.jobs.list(Some(JobState::Ambiguous), 10);
    while listed().await.expect("a list").is_empty() {}
    // A worker reads the parked jobs when it starts.
    let (second, read) = measured(&world);
    world
        .until(|_| read(r#"parked_jobs{state="lost"}"#).is_some())
        .await;
    assert_eq!(read(r#"parked_jobs{state="ambiguous"}"#), Some(1.0));
    let age = read(r#"oldest_parked_job_seconds{state="ambiguous"}"#);
    assert!(age > Some(0.0), "{age:?}");
    assert_eq!(
        read(r#"oldest_parked_job_seconds{state="lost"}"#),
        Some(0.0)
    );
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn handle_that_a_sweep_delivers_is_counted_as_late() {
    let slow = r#"{ "next": [{ "create": { "delay_seconds": 3 } }] }"#;
    let mut world = World::with(scenario(slow)).await;
    let (worker, read) = measured(&world);
    world.submit("boat", "A paper boat").await;
    world.until(|world| world.creates() == 1).await;
    world.engine.kill();
    world
        .until(|_| read("undelivered_outcomes") == Some(1.0))
        .await;
    assert_eq!(read("late_handles_total"), Some(0.0));
    world.engine.restart();
    world
        .until(|_| read("late_handles_total") == Some(1.0))
        .await;
    assert_eq!(read("undelivered_outcomes"), Some(0.0));
    worker.stop().await;
}
