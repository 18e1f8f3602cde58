//! Jobs from their submit to their videos.

use aimlapi_video_worker::{
    store::Store,
    temporal::{
        jobs::{JobError, Submitted},
        media,
        protocol::{JobInput, JobState},
    },
};
use serde_json::json;

use crate::world::{World, input, request};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn job_ends_with_its_video_in_the_store() {
    let world = World::start().await;
    let worker = world.worker(world.options());
    world.submit("boat", "A paper boat").await;
    let job = world.state("boat", JobState::Saved).await;
    worker.stop().await;
    assert_eq!(world.creates(), 1);
    let tasks = world.simulator.tasks();
    assert_eq!(tasks.len(), 1);
    assert_eq!(job.handle().expect("a handle").id(), tasks[0].id);
    let video = world.store().join("boat").join("1.mp4");
    assert!(video.metadata().expect("saved").len() > 1000);
    // All its claims were reported, so nothing is left in the spool.
    let left = std::fs::read_dir(world.spool()).expect("a folder").count();
    assert_eq!(left, 0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn same_key_is_the_same_job_and_another_body_an_error() {
    let world = World::start().await;
    assert_eq!(world.submit("boat", "A paper boat").await, Submitted::New);
    assert_eq!(
        world.submit("boat", "A paper boat").await,
        Submitted::Exists
    );
    let other = world.jobs.submit("boat", input("A steam boat")).await;
    let error = other.expect_err("another body");
    assert!(matches!(error, JobError::OtherBody { .. }), "{error}");
    let worker = world.worker(world.options());
    world.state("boat", JobState::Saved).await;
    // Also after the job has ended.
    assert_eq!(
        world.submit("boat", "A paper boat").await,
        Submitted::Exists
    );
    worker.stop().await;
    assert_eq!(world.creates(), 1);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn large_picture_goes_to_the_store_and_not_into_the_history() {
    let world = World::start().await;
    let picture = format!("data:image/png;base64,{}", "A".repeat(600 * 1024));
    let request = request(json!({
        "model": "klingai/v2.1-master-image-to-video",
        "prompt": "It sails",
        "image_url": picture,
    }));
    let mut input = JobInput::new(&request);
    let error = world.jobs.submit("boat", input.clone()).await;
    assert!(matches!(error, Err(JobError::TooLarge)));
    let store = format!("file://{}", world.store().display());
    let store = Store::open(&store).expect("a store");
    input.body = media::offload(&store, input.body).await.expect("stored");
    world.jobs.submit("boat", input).await.expect("submitted");
    let worker = world.worker(world.options());
    world.state("boat", JobState::Saved).await;
    worker.stop().await;
    let requests = world.simulator.requests();
    let create = requests.iter().find(|request| request.method == "POST");
    assert!(create.expect("sent").body_bytes > 600 * 1024);
}
