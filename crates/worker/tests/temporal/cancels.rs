//! Workflows that are cancelled in the engine, as by a button of its user interface.

use aimlapi_video_simulator::Scenario;
use aimlapi_video_worker::temporal::protocol::JobState;
use temporalio_client::{UntypedWorkflow, WorkflowCancelOptions};

use crate::world::World;

async fn world(scenario: &str) -> World {
    let scenario: Scenario = scenario.parse().expect("a scenario");
    World::with(|simulator| simulator.scenario(scenario)).await
}

async fn cancel(world: &World, job: &str) {
    let job = world.client.get_workflow_handle::<UntypedWorkflow>(job);
    let cancelled = job.cancel(WorkflowCancelOptions::default()).await;
    cancelled.expect("cancelled");
}

const GIVEN_UP: &str = "given up: the workflow was cancelled in the engine";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn cancelled_job_that_pauses_before_its_next_create_is_given_up() {
    let busy =
        r#"{ "next": [{ "create": { "status": 429, "headers": { "retry-after": "600" } } }] }"#;
    let world = world(busy).await;
    let worker = world.worker(world.options());
    world.submit("boat", "A paper boat").await;
    world.until(|world| world.creates() == 1).await;
    world.state("boat", JobState::Planned).await;
    cancel(&world, "boat").await;
    let job = world.state("boat", JobState::Failed).await;
    assert_eq!(job.phase().reason(), Some(GIVEN_UP));
    // The worker goes on.
    world.submit("kite", "A kite").await;
    world.state("kite", JobState::Saved).await;
    worker.stop().await;
    assert_eq!(world.creates(), 2);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn cancelled_job_in_its_create_saves_what_it_buys() {
    let world = world(r#"{ "next": [{ "create": { "delay_seconds": 3 } }] }"#).await;
    let worker = world.worker(world.options());
    world.submit("boat", "A paper boat").await;
    world.until(|world| world.creates() == 1).await;
    cancel(&world, "boat").await;
    let job = world.state("boat", JobState::Saved).await;
    worker.stop().await;
    assert_eq!(world.creates(), 1);
    assert!(job.decisions().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn cancelled_job_that_waits_for_its_generation_is_saved() {
    let world = world(r#"{ "next": [{ "polls": [{ "delay_seconds": 3 }] }] }"#).await;
    let worker = world.worker(world.options());
    world.submit("boat", "A paper boat").await;
    let is_polled = |world: &World| {
        let requests = world.simulator.requests();
        requests.iter().any(|request| request.method == "GET")
    };
    world.until(is_polled).await;
    cancel(&world, "boat").await;
    world.state("boat", JobState::Saved).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn cancelled_job_that_waits_for_a_decision_is_given_up() {
    let world = world(r#"{ "next": [{ "create": { "close": true, "created": true } }] }"#).await;
    let worker = world.worker(world.options());
    world.submit("boat", "A paper boat").await;
    world.state("boat", JobState::Ambiguous).await;
    cancel(&world, "boat").await;
    let job = world.state("boat", JobState::Failed).await;
    assert_eq!(job.phase().reason(), Some(GIVEN_UP));
    assert_eq!(job.open_claims().count(), 1);
    worker.stop().await;
}
