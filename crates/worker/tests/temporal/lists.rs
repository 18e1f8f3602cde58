//! Lists of jobs.

use aimlapi_video_worker::temporal::protocol::JobState;

use crate::world::World;

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
    assert_eq!(listed(Some(JobState::Ambiguous)).await, []);
    worker.stop().await;
}
