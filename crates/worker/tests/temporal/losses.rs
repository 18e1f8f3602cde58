//! Faults that pass, and do not end a job as lost.

use std::time::Duration;

use aimlapi_video::{GenerationHandle, GenerationRequest, Route};
use aimlapi_video_simulator::{RecordedRequest, Scenario};
use aimlapi_video_worker::{
    store::Store,
    temporal::{
        media,
        protocol::{JobInput, JobState, Verdict},
    },
};
use serde_json::json;
use temporalio_client::{UntypedWorkflow, WorkflowDescribeOptions};
use temporalio_common::protos::temporal::api::workflow::v1::PendingActivityInfo;

use crate::{
    decisions::{decision, lost_create},
    world::{World, input, request},
};

async fn world(scenario: &str) -> World {
    let scenario: Scenario = scenario.parse().expect("a scenario");
    World::with(|simulator| simulator.scenario(scenario)).await
}

/// The polls that the simulator has answered.
fn polls(world: &World) -> usize {
    let is_poll = |request: &&RecordedRequest| {
        request.target.contains("generation_id=") && request.status.is_some()
    };
    world.simulator.requests().iter().filter(is_poll).count()
}

/// The step that the job waits for.
async fn step(world: &World, job: &str) -> Option<PendingActivityInfo> {
    let workflow = world.client.get_workflow_handle::<UntypedWorkflow>(job);
    let described = workflow.describe(WorkflowDescribeOptions::default()).await;
    let described = described.expect("described").raw_description;
    described.pending_activities.into_iter().next()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn bare_id_of_another_route_is_adopted_on_the_route_of_the_request() {
    let world = World::with(lost_create).await;
    let worker = world.worker(world.options());
    let body = json!({ "model": "klingai/v2-master-text-to-video", "prompt": "A paper boat" });
    let request = GenerationRequest::from_json(Route::LegacyKling, body).expect("a request");
    let input = JobInput::new(&request);
    world.jobs.submit("boat", input).await.expect("submitted");
    let job = world.state("boat", JobState::Ambiguous).await;
    let handle = GenerationHandle::new(&*world.simulator.tasks()[0].id);
    let adopt = decision(&job, Verdict::Adopt(handle));
    let job = world.jobs.resolve("boat", adopt).await.expect("allowed");
    assert_eq!(job.handle().expect("a handle").route(), Route::LegacyKling);
    world.state("boat", JobState::Saved).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn store_that_is_away_costs_no_polls() {
    let world = World::start().await;
    let worker = world.worker(world.options());
    // No folder can be made here.
    let obstacle = world.store().join("boat");
    std::fs::write(&obstacle, "").expect("written");
    world.submit("boat", "A paper boat").await;
    world.state("boat", JobState::Saving).await;
    let before = polls(&world);
    while step(&world, "boat").await.expect("a step").attempt < 4 {}
    assert_eq!(polls(&world), before);
    std::fs::remove_file(obstacle).expect("removed");
    world.state("boat", JobState::Saved).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn expired_url_is_replaced_by_one_poll() {
    let world = world(r#"{ "next": [{ "downloads": [{ "status": 403 }] }] }"#).await;
    let worker = world.worker(world.options());
    world.submit("boat", "A paper boat").await;
    world.state("boat", JobState::Saved).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn busy_engine_has_two_thirds_of_the_timeout_for_a_heartbeat() {
    let world = world(r#"{ "next": [{ "downloads": [{ "delay_seconds": 12 }] }] }"#).await;
    let worker = world.worker(world.options());
    let mut input = input("A paper boat");
    input.timeouts.heartbeat = Duration::from_secs(6);
    world.jobs.submit("boat", input).await.expect("submitted");
    world.state("boat", JobState::Saving).await;
    let mut heartbeats = Vec::new();
    while let Some(step) = step(&world, "boat").await {
        assert_eq!(step.attempt, 1);
        let last = step.last_heartbeat_time;
        if last.is_some() && heartbeats.last() != Some(&last) {
            heartbeats.push(last);
        }
    }
    worker.stop().await;
    // One each two seconds; a busy machine may show one less. When 80 % of the timeout have passed, it would be three.
    assert!(heartbeats.len() >= 4, "{heartbeats:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn media_may_take_longer_to_read_than_a_heartbeat() {
    let world = World::start().await;
    let picture = format!("data:image/png;base64,{}", "A".repeat(24 * 1024 * 1024));
    let request = request(json!({
        "model": "klingai/v2.1-master-image-to-video",
        "prompt": "It sails",
        "image_url": picture,
    }));
    let mut input = JobInput {
        timeouts: input("").timeouts,
        ..JobInput::new(&request)
    };
    input.timeouts.heartbeat = Duration::from_secs(1);
    let store = format!("file://{}", world.store().display());
    let store = Store::open(&store).expect("a store");
    input.body = media::offload(&store, input.body).await.expect("stored");
    world.jobs.submit("boat", input).await.expect("submitted");
    let worker = world.worker(world.options());
    world.state("boat", JobState::Saved).await;
    worker.stop().await;
    assert_eq!(world.creates(), 1);
}
