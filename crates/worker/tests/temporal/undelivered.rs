//! Creates that the engine starts and no worker receives, as an engine under load does.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use aimlapi_video_worker::temporal::protocol::{JobState, Queues};
use temporalio_client::{Client, tonic::IntoRequest};
use temporalio_common::protos::temporal::api::{
    taskqueue::v1::TaskQueue, workflowservice::v1::PollActivityTaskQueueRequest,
};

use crate::world::World;

const JOBS: usize = 6;

/// More than a worker has, so that some creates end here.
const POLLS: usize = 12;

/// Takes a step from the queue of creates, and drops it; returns whether it was a create.
async fn swallow(client: Client) -> bool {
    let mut engine = client.connection().workflow_service();
    let request = PollActivityTaskQueueRequest {
        namespace: client.options().namespace.clone(),
        task_queue: Some(TaskQueue {
            name: Queues::default().create(),
            ..TaskQueue::default()
        }),
        identity: "a worker that receives nothing".into(),
        ..PollActivityTaskQueueRequest::default()
    };
    let task = engine.poll_activity_task_queue(request.into_request());
    let task = task.await;
    let step = task.ok().and_then(|task| task.into_inner().activity_type);
    step.is_some_and(|step| step.name == "create")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn create_that_reaches_no_worker_is_repeated_without_a_person() {
    let world = World::start().await;
    let swallowed = Arc::new(AtomicUsize::new(0));
    for _ in 0..POLLS {
        let (client, swallowed) = (world.client.clone(), Arc::clone(&swallowed));
        tokio::spawn(async move {
            let count = usize::from(swallow(client).await);
            swallowed.fetch_add(count, Ordering::SeqCst);
        });
    }
    let worker = world.worker(world.options());
    let key = |number| format!("boat-{number}");
    for number in 0..JOBS {
        world.submit(&key(number), "A paper boat").await;
    }
    let mut claims = 0;
    for number in 0..JOBS {
        let job = world.state(&key(number), JobState::Saved).await;
        assert!(job.decisions().is_empty());
        assert_eq!(job.open_claims().count(), 0);
        claims += job.claims().len();
    }
    worker.stop().await;
    let swallowed = swallowed.load(Ordering::SeqCst);
    assert!(swallowed > 0, "all creates have reached the worker");
    assert_eq!(claims, JOBS + swallowed);
    assert_eq!(world.creates(), JOBS);
}
