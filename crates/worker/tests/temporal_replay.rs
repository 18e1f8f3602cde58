//! Replays a stored history, so that a version of the workflow continues the jobs of earlier ones.

use aimlapi_video_worker::temporal::workflow::JobWorkflow;
use temporalio_client::WorkflowHistory;
use temporalio_sdk::workflow_replayer::{WorkflowReplayer, WorkflowReplayerOptions};

#[tokio::test]
async fn stored_histories_are_replayed() {
    for history in [
        include_str!("fixtures/saved.json"),
        include_str!("fixtures/repeated.json"),
    ] {
        let options = WorkflowReplayerOptions::new()
            .register_workflow::<JobWorkflow>()
            .expect("registered")
            .build();
        let replayer = WorkflowReplayer::new(options).expect("a replayer");
        let history = WorkflowHistory::from_json(history.as_bytes()).expect("a history");
        replayer.replay_workflow(history).await.expect("replayed");
    }
}
