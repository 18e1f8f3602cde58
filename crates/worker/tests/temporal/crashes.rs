//! Workers that are killed and frozen inside a create.

use aimlapi_video_simulator::{Scenario, SimulatorBuilder};
use aimlapi_video_worker::temporal::protocol::{JobState, Verdict};

use crate::{child::WorkerProcess, decisions::decision, world::World};

/// The response to the first create takes five seconds.
fn slow_create(simulator: SimulatorBuilder) -> SimulatorBuilder {
    let scenario: Scenario = r#"{ "next": [{ "create": { "delay_seconds": 5 } }] }"#
        .parse()
        .expect("a scenario");
    simulator.scenario(scenario)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn worker_killed_inside_the_create_leaves_one_create_and_a_question() {
    let world = World::with(slow_create).await;
    let killed = WorkerProcess::start(&world, &world.folder.path().join("elsewhere"));
    world.submit("boat", "A paper boat").await;
    world.until(|world| world.creates() == 1).await;
    killed.signal("KILL");
    // On another machine, which does not have the spool of the killed one.
    let worker = world.worker(world.options());
    let job = world.state("boat", JobState::Ambiguous).await;
    worker.stop().await;
    assert_eq!(world.creates(), 1);
    assert_eq!(job.claims().len(), 1);
    assert!(job.generations().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn spool_of_a_killed_worker_parks_the_job_before_its_timeout() {
    let world = World::with(slow_create).await;
    let killed = WorkerProcess::start(&world, &world.spool());
    world.submit("boat", "A paper boat").await;
    world.until(|world| world.creates() == 1).await;
    killed.signal("KILL");
    drop(killed);
    let worker = world.worker(world.options());
    let job = world.state("boat", JobState::Ambiguous).await;
    let reason = job.phase().reason().expect("a reason");
    assert_eq!(reason, "the worker ended during the create");
    worker.stop().await;
    assert_eq!(world.creates(), 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn handle_of_a_worker_that_was_frozen_past_its_timeout_is_accepted() {
    let world = World::with(slow_create).await;
    let frozen = WorkerProcess::start(&world, &world.folder.path().join("elsewhere"));
    world.submit("boat", "A paper boat").await;
    world.until(|world| world.creates() == 1).await;
    frozen.signal("STOP");
    let worker = world.worker(world.options());
    world.state("boat", JobState::Ambiguous).await;
    frozen.signal("CONT");
    let job = world.state("boat", JobState::Saved).await;
    worker.stop().await;
    assert_eq!(world.creates(), 1);
    assert_eq!(job.generations().len(), 1);
    assert!(job.decisions().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn handle_that_arrives_after_the_end_of_its_job_is_kept_for_a_person() {
    let world = World::with(slow_create).await;
    let spool = world.folder.path().join("elsewhere");
    let frozen = WorkerProcess::start(&world, &spool);
    world.submit("boat", "A paper boat").await;
    world.until(|world| world.creates() == 1).await;
    frozen.signal("STOP");
    let worker = world.worker(world.options());
    let job = world.state("boat", JobState::Ambiguous).await;
    let give_up = decision(&job, Verdict::GiveUp);
    world.jobs.resolve("boat", give_up).await.expect("allowed");
    world.state("boat", JobState::Failed).await;
    frozen.signal("CONT");
    let orphans = spool.join("orphans.jsonl");
    world.until(|_| orphans.exists()).await;
    worker.stop().await;
    let orphans = std::fs::read_to_string(orphans).expect("written");
    let id = &world.simulator.tasks()[0].id;
    assert!(orphans.contains(&**id), "{orphans}");
}
