//! The save step: the videos of a completed generation, from their host to the object store.

use std::sync::Arc;

use aimlapi_video::{Client, Generation};
use temporalio_common::error::ApplicationFailure;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use tokio::time::interval;
use tracing::{Instrument, info_span};

use super::{
    create::{DEFAULT_HEARTBEAT, text},
    protocol::{SaveTask, SavedObject},
    store::Store,
};

pub(super) struct SaveStep {
    pub(super) service: Client,
    pub(super) store: Store,
}

#[activities]
impl SaveStep {
    /// Saves the videos; a repeated save replaces them.
    #[activity(name = "save")]
    pub(super) async fn save(
        self: Arc<Self>,
        context: ActivityContext,
        task: SaveTask,
    ) -> Result<Vec<SavedObject>, ActivityError> {
        let info = context.info();
        let job = info.workflow_id.clone().unwrap_or_default();
        let mut beats = interval(info.heartbeat_timeout.unwrap_or(DEFAULT_HEARTBEAT) / 3);
        let span = info_span!("save", job, handle = task.handle.id(), attempt = info.attempt);
        // URLs expire, so only the first attempt uses those of the poll.
        let response = task.response.filter(|_| info.attempt == 1);
        let save = async {
            let generation = match response {
                Some(response) => Generation::from_json(response),
                None => self.service.fetch(&task.handle).await?,
            };
            self.store_videos(&job, &generation).await
        };
        let mut save = Box::pin(save.instrument(span));
        loop {
            tokio::select! {
                saved = &mut save => {
                    return saved.map_err(|error| ActivityError::application(ApplicationFailure::new(text(&error))));
                }
                // The worker stops, and another one saves.
                () = context.cancelled() => return Err(ActivityError::cancelled()),
                _ = beats.tick() => context.record_heartbeat(()).await?,
            }
        }
    }
}

impl SaveStep {
    async fn store_videos(&self, job: &str, generation: &Generation) -> Result<Vec<SavedObject>, aimlapi_video::Error> {
        todo!()
    }
}
