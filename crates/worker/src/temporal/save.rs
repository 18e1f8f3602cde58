//! The save step: the videos of a completed generation, from their host to the object store.

use std::sync::Arc;

use aimlapi_video::Generation;
use object_store::ObjectStoreExt;
use sha2::{Digest, Sha256};
use temporalio_common::error::ApplicationFailure;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use tokio::time::interval;
use tracing::{Instrument, info_span};

use super::{
    create::{DEFAULT_HEARTBEAT, text},
    protocol::{SavedObject, hex},
    service::Service,
    store::Store,
    tasks::SaveTask,
};
use crate::job::ClaimId;

pub struct SaveStep {
    pub(super) service: Arc<Service>,
    pub(super) store: Store,
}

#[activities]
impl SaveStep {
    /// Saves the videos; a repeated save replaces them.
    #[activity(name = "save")]
    pub async fn save(
        self: Arc<Self>,
        context: ActivityContext,
        task: SaveTask,
    ) -> Result<Vec<SavedObject>, ActivityError> {
        let info = context.info();
        let job = info.workflow_id.clone().unwrap_or_default();
        let mut beats = interval(info.heartbeat_timeout.unwrap_or(DEFAULT_HEARTBEAT) / 3);
        let span = info_span!(
            "save",
            job,
            claim = task.claim.as_ref().map(ClaimId::as_str),
            handle = task.handle.id(),
            model = task.handle.model(),
            attempt = info.attempt
        );
        // URLs expire, so only the first attempt uses those of the poll.
        let response = task.response.filter(|_| info.attempt == 1);
        let save = async {
            let generation = match response {
                Some(response) => Generation::from_json(response),
                None => self.service.client.fetch(&task.handle).await?,
            };
            self.store_videos(&job, &generation).await
        };
        let mut save = Box::pin(save.instrument(span));
        loop {
            tokio::select! {
                saved = &mut save => {
                    return saved.map_err(|error| ActivityError::application(ApplicationFailure::new(text(&*error))));
                }
                // The worker stops, and another one saves.
                () = context.cancelled() => return Err(ActivityError::cancelled()),
                _ = beats.tick() => context.record_heartbeat(()).await?,
            }
        }
    }
}

impl SaveStep {
    async fn store_videos(
        &self,
        job: &str,
        generation: &Generation,
    ) -> Result<Vec<SavedObject>, SaveError> {
        let mut saved = Vec::new();
        for index in 0..generation.videos().len() {
            let video = self
                .service
                .client
                .download(generation)
                .video(index)
                .to_bytes()
                .await?;
            let key = self.store.key(job, &format!("{}.mp4", index + 1));
            let object = SavedObject {
                key: key.to_string(),
                sha256: hex(&Sha256::digest(&video)),
                bytes: video.len() as u64,
            };
            self.store.bucket.put(&key, video.into()).await?;
            saved.push(object);
        }
        Ok(saved)
    }
}

type SaveError = Box<dyn std::error::Error + Send + Sync>;
