//! How soon a job goes on after the worker of its step was killed, while another worker runs.
//!
//! The workflow itself may wait for the killed worker, whose cache has it, for up to ten seconds. So timeouts below 14 s would be
//! exceeded by more than half.

use std::time::{Duration, SystemTime};

use aimlapi_video_simulator::{RecordedRequest, Scenario};
use aimlapi_video_worker::temporal::protocol::JobState;

use crate::{
    child::WorkerProcess,
    world::{World, input},
};

/// The timeout of a step without a heartbeat, and of a poll.
const TIMEOUT: Duration = Duration::from_secs(16);

/// Runs a job until its worker is in the step that hangs, lets another worker start, and kills the first one. Returns the world, the
/// other worker and the time of the kill.
async fn kill_in_step(
    scenario: &str,
    is_step: fn(&RecordedRequest) -> bool,
) -> (World, WorkerProcess, SystemTime) {
    let scenario: Scenario = scenario.parse().expect("a scenario");
    let world = World::with(|simulator| simulator.scenario(scenario)).await;
    let killed = WorkerProcess::start(&world, &world.folder.path().join("elsewhere"));
    let mut input = input("A paper boat");
    input.timeouts.heartbeat = TIMEOUT;
    input.timeouts.poll = TIMEOUT;
    world.jobs.submit("boat", input).await.expect("submitted");
    let is_hanging = |world: &World| world.simulator.requests().iter().any(is_step);
    world.until(is_hanging).await;
    let other = WorkerProcess::start(&world, &world.spool());
    let is_running = |world: &World| world.spool().exists();
    world.until(is_running).await;
    killed.signal("KILL");
    let at = SystemTime::now();
    (world, other, at)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn job_whose_creator_was_killed_is_parked_soon_after_the_timeout() {
    let hangs = r#"{ "next": [{ "create": { "delay_seconds": 50 } }] }"#;
    let (world, _other, killed) = kill_in_step(hangs, |request| request.method == "POST").await;
    world.state("boat", JobState::Ambiguous).await;
    assert_soon(killed.elapsed().expect("later"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn poll_of_a_killed_worker_is_repeated_soon_after_the_timeout() {
    let hangs = r#"{ "next": [{ "polls": [{ "delay_seconds": 50 }] }] }"#;
    assert_repeated(hangs, is_poll).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn save_of_a_killed_worker_is_repeated_soon_after_the_timeout() {
    let hangs = r#"{ "next": [{ "downloads": [{ "delay_seconds": 50 }] }] }"#;
    assert_repeated(hangs, is_download).await;
}

/// Checks how soon another worker repeats a request that was in flight when its worker was killed.
async fn assert_repeated(scenario: &str, is_step: fn(&RecordedRequest) -> bool) {
    let (world, _other, killed) = kill_in_step(scenario, is_step).await;
    let repeated = || {
        let requests = world.simulator.requests();
        requests.into_iter().filter(is_step).nth(1)
    };
    world.until(|_| repeated().is_some()).await;
    let at = repeated().expect("just seen").at;
    assert_soon(at.duration_since(killed).expect("later"));
    world.state("boat", JobState::Saved).await;
    assert_eq!(world.creates(), 1);
}

fn assert_soon(pause: Duration) {
    assert!(pause <= TIMEOUT * 3 / 2, "{pause:?} after the kill");
}

fn is_poll(request: &RecordedRequest) -> bool {
    request.method == "GET" && request.target.contains("generation_id")
}

fn is_download(request: &RecordedRequest) -> bool {
    request.method == "GET" && !request.target.contains("generation_id")
}
