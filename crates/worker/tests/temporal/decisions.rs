//! Decisions of people about jobs whose create was lost.

use aimlapi_video::GenerationHandle;
use aimlapi_video_simulator::{Scenario, SimulatorBuilder};
use aimlapi_video_worker::temporal::{
    jobs::JobError,
    protocol::{Decision, Job, JobState, Verdict},
};

use crate::world::World;

/// The response to the first create is lost.
pub fn lost_create(simulator: SimulatorBuilder) -> SimulatorBuilder {
    let scenario = r#"{ "next": [{ "create": { "close": true, "created": true } }] }"#;
    let scenario: Scenario = scenario.parse().expect("a scenario");
    simulator.scenario(scenario)
}

pub fn decision(job: &Job, verdict: Verdict) -> Decision {
    Decision {
        verdict,
        by: "Ada".into(),
        why: "looked at the account's log".into(),
        revision: job.revision(),
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn repeat_creates_a_second_generation() {
    let world = World::with(lost_create).await;
    let worker = world.worker(world.options());
    world.submit("boat", "A paper boat").await;
    let job = world.state("boat", JobState::Ambiguous).await;
    assert_eq!(world.creates(), 1);
    let repeat = decision(&job, Verdict::Repeat);
    world
        .jobs
        .resolve("boat", repeat.clone())
        .await
        .expect("allowed");
    let job = world.state("boat", JobState::Saved).await;
    worker.stop().await;
    world.record("boat", "repeated").await;
    assert_eq!(world.creates(), 2);
    assert_eq!(job.decisions(), [repeat]);
    assert_eq!(job.claims().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn adopted_handle_is_waited_for() {
    let world = World::with(lost_create).await;
    let worker = world.worker(world.options());
    world.submit("boat", "A paper boat").await;
    let job = world.state("boat", JobState::Ambiguous).await;
    let handle = GenerationHandle::new(&*world.simulator.tasks()[0].id);
    let adopt = decision(&job, Verdict::Adopt(handle));
    world.jobs.resolve("boat", adopt).await.expect("allowed");
    world.state("boat", JobState::Saved).await;
    worker.stop().await;
    assert_eq!(world.creates(), 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn decision_about_a_job_that_has_changed_since_is_refused() {
    let world = World::with(lost_create).await;
    let worker = world.worker(world.options());
    world.submit("boat", "A paper boat").await;
    let job = world.state("boat", JobState::Ambiguous).await;
    let stale = Decision {
        revision: job.revision() - 1,
        ..decision(&job, Verdict::Repeat)
    };
    let error = world.jobs.resolve("boat", stale).await.expect_err("stale");
    assert!(matches!(error, JobError::NotAllowed(_)), "{error:?}");
    let give_up = decision(&job, Verdict::GiveUp);
    let job = world.jobs.resolve("boat", give_up).await.expect("allowed");
    assert_eq!(job.phase().state(), JobState::Failed);
    worker.stop().await;
    assert_eq!(world.creates(), 1);
}
