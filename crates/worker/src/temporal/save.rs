//! The save step: the videos of a completed generation, from their host to the object store.

use std::{error::Error as StdError, sync::Arc};

use aimlapi_video::{ErrorKind, Generation};
use temporalio_common::error::ApplicationFailure;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use tracing::{Instrument, info_span};

use super::{
    create::{DEFAULT_HEARTBEAT, beats, text},
    protocol::SavedObject,
    service::Service,
    tasks::SaveTask,
};
use crate::{
    job::ClaimId,
    store::{SaveError, Store},
};

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
        let mut beats = beats(info.heartbeat_timeout.unwrap_or(DEFAULT_HEARTBEAT));
        let span = info_span!(
            "save",
            job,
            claim = task.claim.as_ref().map(ClaimId::as_str),
            handle = task.handle.id(),
            model = task.handle.model().or(task.model.as_deref()),
            attempt = info.attempt,
            traceparent = task.traceparent
        );
        let save = self.save_all(&job, &task);
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
    /// Saves the videos that the response of the poll names. The service is polled only if their URLs do not work, as after they
    /// have expired: these polls are not in the queue of polls, and a store that is away must not cost any.
    async fn save_all(&self, job: &str, task: &SaveTask) -> Saved<Vec<SavedObject>> {
        if let Some(response) = &task.response {
            match self
                .save_one(job, &Generation::from_json(response.clone()))
                .await
            {
                Err(SaveError::Video(error)) if error.kind() == ErrorKind::Download => {
                    tracing::warn!(error = text(&error), "the service is polled for new URLs");
                }
                saved => return Ok(saved?),
            }
        }
        let generation = self.service.poll("save", &task.handle).await?;
        Ok(self.save_one(job, &generation).await?)
    }

    async fn save_one(
        &self,
        job: &str,
        generation: &Generation,
    ) -> Result<Vec<SavedObject>, SaveError> {
        let saved = self
            .store
            .save(&self.service.client, job, generation)
            .await?;
        let objects = saved.videos.into_iter().map(|video| SavedObject {
            key: video.key,
            sha256: video.sha256,
            bytes: video.bytes,
        });
        let objects: Vec<_> = objects.collect();
        self.service.metrics.saved(&objects);
        Ok(objects)
    }
}

type Saved<T> = Result<T, Box<dyn StdError + Send + Sync>>;
