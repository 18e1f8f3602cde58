//! Lists of jobs.

use aimlapi_video_simulator::Scenario;
use aimlapi_video_worker::temporal::{
    jobs::Jobs,
    protocol::{JobState, Queues},
};

use crate::world::{World, input};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn list_shows_jobs_by_their_state() {
    let world = World::start().await;
    // The first worker registers the attribute of the state.
    world.worker(world.options()).stop().await;
    world.submit("later", "A kite").await;
    let listed = async |state| {
        let listed = world.jobs.list(state, 10).await.unwrap_or_default();
        let keys = listed.into_iter().map(|job| (job.key, job.state));
        keys.collect::<Vec<_>>()
    };
    let later = [("later".to_owned(), JobState::Planned)];
    // The server's lists lag behind.
    while listed(Some(JobState::Planned)).await != later {}
    let worker = world.worker(world.options());
    world.state("later", JobState::Saved).await;
    world.record("later", "saved").await;
    let saved = [("later".to_owned(), JobState::Saved)];
    while listed(Some(JobState::Saved)).await != saved {}
    assert_eq!(listed(None).await, saved);
    for other in [JobState::Waiting, JobState::Saving, JobState::Ambiguous] {
        assert_eq!(listed(Some(other)).await, []);
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn list_shows_a_save_that_lasts() {
    let slow = r#"{ "next": [{ "downloads": [{ "delay_seconds": 9 }] }] }"#;
    let slow: Scenario = slow.parse().expect("a scenario");
    let world = World::with(|simulator| simulator.scenario(slow)).await;
    let worker = world.worker(world.options());
    world.submit("boat", "A paper boat").await;
    for state in [JobState::Waiting, JobState::Saving, JobState::Saved] {
        let listed = loop {
            let listed = world.jobs.list(Some(state), 10).await;
            if let [job] = &*listed.unwrap_or_default() {
                break job.state;
            }
        };
        assert_eq!(listed, state);
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn list_has_the_jobs_of_its_queues_alone() {
    let world = World::start().await;
    world.submit("boat", "A paper boat").await;
    let names = ["the 'other' team", "third"];
    let accounts = names.map(|name| Jobs::new(world.client.clone(), Queues::new(name)));
    for (jobs, key) in accounts.iter().zip(names) {
        let submitted = jobs.submit(key, input("A kite")).await;
        submitted.expect("submitted");
    }
    for (jobs, key) in accounts.iter().zip(names).chain([(&world.jobs, "boat")]) {
        let listed = || async { jobs.list(None, 10).await.expect("a list") };
        // The server's lists lag behind.
        while listed().await.is_empty() {}
        let keys: Vec<_> = listed().await.into_iter().map(|job| job.key).collect();
        assert_eq!(keys, [key]);
    }
}
