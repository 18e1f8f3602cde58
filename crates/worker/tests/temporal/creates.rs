//! Creates that buy nothing, and claims.

use std::time::{Duration, Instant};

use aimlapi_video_simulator::{Scenario, SimulatorBuilder};
use aimlapi_video_worker::{
    job::{ClaimOutcome, Fact, Phase, Timestamp},
    temporal::{
        jobs::Submitted,
        protocol::{Job, JobState, Verdict},
        workflow::JobWorkflow,
    },
};
use temporalio_client::{UntypedWorkflow, WorkflowDescribeOptions, WorkflowSignalOptions};

use crate::{
    decisions::decision,
    world::{World, input},
};

fn scenario(json: &str) -> impl FnOnce(SimulatorBuilder) -> SimulatorBuilder {
    let scenario: Scenario = json.parse().expect("a scenario");
    |simulator| simulator.scenario(scenario)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn create_that_is_rate_limited_is_repeated_under_another_claim() {
    let world = World::with(scenario(r#"{ "next": [{ "create": { "status": 429 } }] }"#)).await;
    let worker = world.worker(world.options());
    world.submit("boat", "A paper boat").await;
    let job = world.state("boat", JobState::Saved).await;
    worker.stop().await;
    assert_eq!(world.creates(), 2);
    assert_eq!(job.claims().len(), 2);
    assert_eq!(world.simulator.tasks().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn job_with_many_claims_continues_in_a_new_history() {
    let busy = r#"{ "next": [{ "create": { "status": 429 }, "times": 6 }] }"#;
    let world = World::with(scenario(busy)).await;
    let worker = world.worker(world.options());
    world.submit("boat", "A paper boat").await;
    let job = world.state("boat", JobState::Saved).await;
    worker.stop().await;
    assert_eq!(job.claims().len(), 7);
    let handle = world.client.get_workflow_handle::<UntypedWorkflow>("boat");
    let described = handle.describe(WorkflowDescribeOptions::default()).await;
    let described = described.expect("described");
    // In one history, these claims have more than 110 events.
    assert!(
        described.history_length() < 100,
        "{}",
        described.history_length()
    );
    // Lists follow the histories with a delay.
    let listed = loop {
        let listed = world.jobs.list(None, 10).await.expect("a list");
        if listed.iter().any(|job| job.state == JobState::Saved) {
            break listed;
        }
    };
    assert_eq!(listed.len(), 1, "{listed:?}");
    let input = world.submit("boat", "A paper boat").await;
    assert_eq!(input, Submitted::Exists);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn create_that_is_refused_ends_the_job() {
    let world = World::with(scenario(r#"{ "next": [{ "create": { "status": 422 } }] }"#)).await;
    let worker = world.worker(world.options());
    world.submit("boat", "A paper boat").await;
    world.state("boat", JobState::Refused).await;
    worker.stop().await;
    assert_eq!(world.creates(), 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn refused_key_does_not_end_the_job() {
    let world = World::with(scenario(r#"{ "next": [{ "create": { "status": 401 } }] }"#)).await;
    let worker = world.worker(world.options());
    world.submit("boat", "A paper boat").await;
    world.until(|world| world.creates() == 1).await;
    let job = world.state("boat", JobState::Planned).await;
    worker.stop().await;
    assert!(matches!(
        job.claims()[0].outcome,
        ClaimOutcome::NotBought(_)
    ));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn claim_that_was_used_before_sends_nothing() {
    let world = World::start().await;
    // As after the retention of an earlier job with the same key.
    let claims = world.store().join("claims");
    std::fs::create_dir_all(&claims).expect("a folder");
    std::fs::write(claims.join("boat%2F1"), "boat").expect("written");
    let worker = world.worker(world.options());
    world.submit("boat", "A paper boat").await;
    world.state("boat", JobState::Ambiguous).await;
    worker.stop().await;
    assert_eq!(world.creates(), 0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn claim_that_was_used_before_sends_nothing_after_the_store_was_away() {
    let world = World::start().await;
    let claims = world.store().join("claims");
    // The folder appears with the claim at once, so that no create finds it without.
    let [used, hidden] = ["used", "hidden"].map(|name| world.folder.path().join(name));
    std::os::unix::fs::symlink(&used, &claims).expect("linked");
    std::fs::create_dir_all(&hidden).expect("a folder");
    std::fs::write(hidden.join("boat%2F1"), "boat").expect("written");
    let worker = world.worker(world.options());
    world.submit("boat", "A paper boat").await;
    let is_away =
        |job: &Job| matches!(job.phase(), Phase::Planned { .. } if !job.claims().is_empty());
    while !is_away(&world.jobs.show("boat").await.expect("shown")) {}
    std::fs::rename(hidden, used).expect("renamed");
    world.state("boat", JobState::Ambiguous).await;
    worker.stop().await;
    assert_eq!(world.creates(), 0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn job_goes_on_after_the_store_was_away() {
    let world = World::start().await;
    let claims = world.store().join("claims");
    std::fs::write(&claims, "no folder").expect("written");
    let worker = world.worker(world.options());
    world.submit("boat", "A paper boat").await;
    while world.jobs.show("boat").await.expect("shown").claims().len() < 2 {}
    std::fs::remove_file(&claims).expect("removed");
    world.state("boat", JobState::Saved).await;
    worker.stop().await;
    assert_eq!(world.creates(), 1);
    // The first number that no create has used.
    assert!(claims.join("boat%2F1").exists());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn claim_that_the_job_has_never_had_keeps_its_number() {
    let world = World::start().await;
    world.submit("boat", "A paper boat").await;
    // As after a reset, whose history begins with the facts of the one before.
    let early = Fact::not_bought("boat/2".into(), Timestamp::default(), "429");
    let job = world.client.get_workflow_handle::<JobWorkflow>("boat");
    let signal = job.signal(JobWorkflow::fact, early, WorkflowSignalOptions::default());
    signal.await.expect("signalled");
    let worker = world.worker(world.options());
    let job = world.state("boat", JobState::Saved).await;
    worker.stop().await;
    let claims = job.claims().iter().map(|record| record.id.as_str());
    assert_eq!(claims.collect::<Vec<_>>(), ["boat/2", "boat/3"]);
    assert_eq!(world.creates(), 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn wait_of_zero_is_the_default() {
    let world = World::start().await;
    let mut input = input("A paper boat");
    input.timeouts.wait = Duration::ZERO;
    world.jobs.submit("boat", input).await.expect("submitted");
    let worker = world.worker(world.options());
    world.state("boat", JobState::Saved).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn repeat_takes_the_claim_of_the_create_that_it_repeats() {
    let slow = scenario(r#"{ "next": [{ "create": { "close": true, "created": true } }] }"#);
    let world = World::with(slow).await;
    let worker = world.worker(world.options());
    world.submit("boat", "A paper boat").await;
    let job = world.state("boat", JobState::Ambiguous).await;
    // As if the worker had ended before it took the claim.
    let first = world.store().join("claims").join("boat%2F1");
    std::fs::remove_file(&first).expect("removed");
    let repeat = decision(&job, Verdict::Repeat);
    world.jobs.resolve("boat", repeat).await.expect("allowed");
    world.state("boat", JobState::Saved).await;
    worker.stop().await;
    assert!(first.exists());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn stopping_worker_finishes_its_creates() {
    let slow = scenario(r#"{ "next": [{ "create": { "delay_seconds": 3 } }] }"#);
    let world = World::with(slow).await;
    let worker = world.worker(world.options());
    world.submit("boat", "A paper boat").await;
    world.until(|world| world.creates() == 1).await;
    worker.stop().await;
    assert_eq!(world.simulator.tasks().len(), 1);
    // Everything was reported.
    let left = std::fs::read_dir(world.spool()).expect("a folder").count();
    assert_eq!(left, 0);
    let next = world.worker(world.options());
    world.state("boat", JobState::Saved).await;
    next.stop().await;
    assert_eq!(world.creates(), 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn handle_that_arrives_while_the_engine_is_away_is_not_lost() {
    let slow = scenario(r#"{ "next": [{ "create": { "delay_seconds": 3 } }] }"#);
    let mut world = World::with(slow).await;
    let worker = world.worker(world.options());
    // The job must not wait for the end of the heartbeats.
    let mut input = input("A paper boat");
    input.timeouts.heartbeat = Duration::from_secs(60);
    world.jobs.submit("boat", input).await.expect("submitted");
    world.until(|world| world.creates() == 1).await;
    world.engine.kill();
    let is_answered = |world: &World| {
        let requests = world.simulator.requests();
        requests.iter().any(|request| request.status.is_some())
    };
    world.until(is_answered).await;
    world.engine.restart();
    let restarted = Instant::now();
    let job = world.state("boat", JobState::Saved).await;
    let elapsed = restarted.elapsed();
    worker.stop().await;
    assert!(elapsed < Duration::from_secs(45), "{elapsed:?}");
    assert_eq!(world.creates(), 1);
    assert!(job.decisions().is_empty());
}
