//! Jobs that a person resets to their begin: the engine runs them again, and their claims have the same ids.

use aimlapi_video_simulator::Scenario;
use aimlapi_video_worker::temporal::protocol::{Job, JobState};
use temporalio_client::tonic::IntoRequest;
use temporalio_common::protos::temporal::api::{
    common::v1::WorkflowExecution, workflowservice::v1::ResetWorkflowExecutionRequest,
};

use crate::world::{Worker, World};

/// The event that completes the first task of each workflow.
const FIRST_TASK: i64 = 4;

/// Resets the job to its first task, before the create.
async fn reset(world: &World, job: &str) {
    let mut engine = world.client.connection().workflow_service();
    let request = ResetWorkflowExecutionRequest {
        namespace: world.client.options().namespace.clone(),
        workflow_execution: Some(WorkflowExecution {
            workflow_id: job.into(),
            run_id: String::new(),
        }),
        reason: "a test".into(),
        workflow_task_finish_event_id: FIRST_TASK,
        request_id: format!("{:032x}", fastrand::u128(..)),
        ..ResetWorkflowExecutionRequest::default()
    };
    let reset = engine.reset_workflow_execution(request.into_request());
    reset.await.expect("the engine resets the job");
}

async fn world(scenario: &str) -> World {
    let scenario: Scenario = scenario.parse().expect("a scenario");
    World::with(|simulator| simulator.scenario(scenario)).await
}

/// Checks that the job saves the one generation that was bought.
async fn assert_saved(world: &World, worker: Worker) {
    let job = world.state("boat", JobState::Saved).await;
    worker.stop().await;
    assert_eq!(world.creates(), 1);
    assert_eq!(job.generations().len(), 1);
}

/// A create that takes three seconds.
const SLOW: &str = r#"{ "next": [{ "create": { "delay_seconds": 3 } }] }"#;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn saved_job_that_is_reset_saves_the_same_generation() {
    let world = World::start().await;
    let worker = world.worker(world.options());
    world.submit("boat", "A paper boat").await;
    let first = world.state("boat", JobState::Saved).await;
    reset(&world, "boat").await;
    let again = world.state("boat", JobState::Saved).await;
    worker.stop().await;
    assert_eq!(world.creates(), 1);
    let handle = |job: &Job| job.generations()[0].handle.clone();
    assert_eq!(handle(&again), handle(&first));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn waiting_job_that_is_reset_waits_for_the_same_generation() {
    let world = world(r#"{ "next": [{ "times": "always", "seconds": 3600 }] }"#).await;
    let worker = world.worker(world.options());
    world.submit("boat", "A paper boat").await;
    world.state("boat", JobState::Waiting).await;
    reset(&world, "boat").await;
    assert_saved(&world, worker).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn job_that_is_reset_twice_passes_the_claims_that_bought_nothing() {
    let world = world(r#"{ "next": [{ "create": { "status": 429 } }] }"#).await;
    let worker = world.worker(world.options());
    world.submit("boat", "A paper boat").await;
    world.state("boat", JobState::Saved).await;
    for _ in 0..2 {
        reset(&world, "boat").await;
        let job = world.state("boat", JobState::Saved).await;
        assert_eq!(job.claims().len(), 2);
        assert_eq!(job.generations().len(), 1);
    }
    worker.stop().await;
    assert_eq!(world.creates(), 2);
    assert_eq!(world.simulator.tasks().len(), 1);
}

/// The create has ended, and the workflow has not seen its result.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn job_that_is_reset_while_no_worker_runs_receives_the_handle() {
    let world = world(SLOW).await;
    let worker = world.worker(world.options());
    world.submit("boat", "A paper boat").await;
    world.until(|world| world.creates() == 1).await;
    worker.stop().await;
    assert_eq!(world.simulator.tasks().len(), 1);
    reset(&world, "boat").await;
    let worker = world.worker(world.options());
    assert_saved(&world, worker).await;
}

/// The create is in flight during the reset. Its outcome is for the run after it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn job_that_is_reset_during_its_create_receives_the_handle() {
    let world = world(SLOW).await;
    let worker = world.worker(world.options());
    world.submit("boat", "A paper boat").await;
    world.until(|world| world.creates() == 1).await;
    reset(&world, "boat").await;
    assert_saved(&world, worker).await;
}
