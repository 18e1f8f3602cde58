//! The save step: the videos of a completed generation, from their host to the object store.

use std::{error::Error as StdError, sync::Arc};

use aimlapi_video::Generation;
use object_store::ObjectStoreExt;
use serde_json::{Value, json};
use temporalio_common::error::ApplicationFailure;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use tokio::time::interval;
use tracing::{Instrument, info_span};

use super::{
    create::{DEFAULT_HEARTBEAT, text},
    protocol::SavedObject,
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
            attempt = info.attempt,
            traceparent = task.traceparent
        );
        // URLs expire, so only the first attempt uses those of the poll.
        let response = task.response.clone().filter(|_| info.attempt == 1);
        let save = self.save_all(&job, &task, response);
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
    async fn save_all(
        &self,
        job: &str,
        task: &SaveTask,
        response: Option<Value>,
    ) -> Saved<Vec<SavedObject>> {
        let generation = match response {
            Some(response) => Generation::from_json(response),
            None => self.service.poll("save", &task.handle).await?,
        };
        let saved = self.store_videos(job, &generation).await?;
        self.store_record(job, task, &saved).await?;
        self.service.metrics.saved(&saved);
        Ok(saved)
    }

    /// Stores each video as `{job}/{n}.{extension}`.
    async fn store_videos(&self, job: &str, generation: &Generation) -> Saved<Vec<SavedObject>> {
        let name = generation.file_name();
        let extension = name.rsplit('.').next().unwrap_or_default();
        let mut objects = Vec::new();
        for index in 0..generation.videos().len() {
            let key = self.store.key(job, &format!("{}.{extension}", index + 1));
            let download = self.service.client.download(generation).video(index);
            let bucket = Arc::clone(&self.store.bucket);
            let saved = download.overwrite(true).to_store(bucket, key).await?;
            objects.extend(saved.into_iter().map(|saved| SavedObject {
                key: saved.path.display().to_string(),
                sha256: saved.sha256.unwrap_or_default(),
                bytes: saved.bytes,
            }));
        }
        Ok(objects)
    }

    /// Stores `{job}.json`, which names the generation and its objects.
    async fn store_record(&self, job: &str, task: &SaveTask, saved: &[SavedObject]) -> Saved<()> {
        let record =
            json!({ "job": job, "handle": task.handle, "claim": task.claim, "saved": saved });
        let key = self.store.prefix.clone().join(format!("{job}.json"));
        self.store
            .bucket
            .put(&key, record.to_string().into())
            .await?;
        Ok(())
    }
}

type Saved<T> = Result<T, Box<dyn StdError + Send + Sync>>;
