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

/// The jobs that are submitted together.
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
    let count = || swallowed.load(Ordering::SeqCst);
    let (mut submitted, mut claims) = (0, 0);
    // On a busy machine the first polls of the engine may be those of the worker.
    while count() == 0 && submitted < 5 * JOBS {
        let keys: Vec<_> = (0..JOBS)
            .map(|number| format!("boat-{}", submitted + number))
            .collect();
        for key in &keys {
            world.submit(key, "A paper boat").await;
        }
        for key in &keys {
            let job = world.state(key, JobState::Saved).await;
            assert!(job.decisions().is_empty());
            assert_eq!(job.open_claims().count(), 0);
            claims += job.claims().len();
        }
        submitted += JOBS;
    }
    worker.stop().await;
    let swallowed = count();
    assert!(swallowed > 0, "all creates have reached the worker");
    assert!(claims >= submitted + swallowed, "{claims} {swallowed}");
    assert_eq!(world.creates(), submitted);
}
