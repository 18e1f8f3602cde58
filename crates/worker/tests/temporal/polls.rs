//! The polls of jobs: what they cost in histories, and their rate.

use std::time::{Duration, Instant};

use aimlapi_video_simulator::{Scenario, SimulatorBuilder};
use aimlapi_video_worker::job::JobState;
use temporalio_client::{UntypedWorkflow, WorkflowDescribeOptions};

use crate::world::{SPEED, World, input};

/// Generations never end.
fn stalled(simulator: SimulatorBuilder) -> SimulatorBuilder {
    let scenario = r#"{ "next": [{ "times": "always", "end": { "stall": "generating" } }] }"#;
    let scenario: Scenario = scenario.parse().expect("a scenario");
    simulator.scenario(scenario)
}

fn polls(world: &World) -> u32 {
    world.simulator.tasks().iter().map(|task| task.polls).sum()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn history_of_a_waiting_job_does_not_grow_with_its_polls() {
    let world = World::with(stalled).await;
    let worker = world.worker(world.options());
    world.submit("boat", "A paper boat").await;
    world.until(|world| polls(world) >= 20).await;
    let handle = world.client.get_workflow_handle::<UntypedWorkflow>("boat");
    let described = handle.describe(WorkflowDescribeOptions::default()).await;
    let events = described.expect("described").history_length();
    // Without a signal, or another task of the workflow.
    assert!(events <= 12, "{events}");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn poll_without_an_end_is_repeated_soon_after_its_timeout() {
    let sixth_hangs = r#"{ "next": [{
        "end": { "stall": "generating" },
        "polls": [{ "times": 5 }, { "delay_seconds": 12 }]
    }] }"#;
    let scenario: Scenario = sixth_hangs.parse().expect("a scenario");
    let world = World::with(|simulator| simulator.scenario(scenario)).await;
    let mut options = world.options();
    options.grace = Duration::ZERO;
    let worker = world.worker(options);
    let mut input = input("A paper boat");
    let timeout = Duration::from_secs(6);
    input.timeouts.poll = timeout;
    world.jobs.submit("boat", input).await.expect("submitted");
    let times = || {
        let requests = world.simulator.requests();
        let polls = requests.iter().filter(|request| request.method == "GET");
        polls.map(|request| request.at).collect::<Vec<_>>()
    };
    world.until(|_| times().len() > 6).await;
    worker.stop().await;
    let times = times();
    let pause = times[6].duration_since(times[5]).expect("ordered");
    assert!(pause < timeout * 3 / 2, "{pause:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn stop_gives_a_poll_in_flight_back() {
    let first_hangs = r#"{ "next": [{ "polls": [{ "delay_seconds": 50 }] }] }"#;
    let scenario: Scenario = first_hangs.parse().expect("a scenario");
    let world = World::with(|simulator| simulator.scenario(scenario)).await;
    let mut options = world.options();
    options.grace = Duration::ZERO;
    let worker = world.worker(options);
    let input = input("A paper boat");
    world.jobs.submit("boat", input).await.expect("submitted");
    let is_polled = |world: &World| {
        let requests = world.simulator.requests();
        requests.iter().any(|request| request.method == "GET")
    };
    world.until(is_polled).await;
    let begin = Instant::now();
    worker.stop().await;
    assert!(begin.elapsed() < Duration::from_secs(30), "{begin:?}");
    let worker = world.worker(world.options());
    world.state("boat", JobState::Saved).await;
    worker.stop().await;
    assert_eq!(world.simulator.tasks().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn polls_of_two_workers_keep_one_rate() {
    let world = World::with(stalled).await;
    // 4 polls a second.
    let budget = 4.0 * 60.0 / SPEED;
    let workers = ["one", "two"].map(|name| {
        let mut options = world.options();
        options.spool = world.folder.path().join(name);
        options.budget = budget;
        world.worker(options)
    });
    for number in 0..20 {
        world
            .submit(&format!("boat-{number}"), "A paper boat")
            .await;
    }
    world.until(|world| polls(world) >= 60).await;
    let requests = world.simulator.requests();
    let times = requests
        .iter()
        .filter(|request| request.method == "GET")
        .map(|request| request.at);
    let times: Vec<_> = times.collect();
    let window = Duration::from_secs(10);
    let most = times.iter().map(|start| {
        let in_window =
            |time: &&std::time::SystemTime| **time >= *start && **time < *start + window;
        times.iter().filter(in_window).count()
    });
    let most = most.max().expect("polls");
    assert!(most <= 40, "{most} polls in 10 s");
    for worker in workers {
        worker.stop().await;
    }
}
