//! Saves the videos of a job, and then its record.

use aimlapi_video::{Client, Generation, Saved};
use object_store::{Error, ObjectStoreExt};
use serde::{Deserialize, Serialize};

use super::{SaveError, Store, StoreError};

/// The record of a job whose videos are in the store: `{job}.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SavedJob {
    /// The key of the job.
    pub job: String,
    /// The id of the generation.
    pub generation: Option<String>,
    /// The videos, in the order of the generation.
    pub videos: Vec<SavedVideo>,
}

/// A video in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SavedVideo {
    /// The key of the object.
    pub key: String,
    /// The size in bytes.
    pub bytes: u64,
    /// The SHA-256 in hexadecimal.
    pub sha256: String,
    /// The media type that the video's host sent, or else the one that the generation states.
    pub content_type: Option<String>,
    /// How the video differs from what the generation or its host states.
    pub disagreement: Option<String>,
}

impl Store {
    /// Streams the videos of a completed generation to the store, and writes the record of the job after the last one. If the
    /// record of this generation is there, nothing is downloaded.
    ///
    /// # Errors
    ///
    /// If a video cannot be downloaded or stored, or the record cannot be written. A repeated save replaces what is there.
    pub async fn save(
        &self,
        client: &Client,
        job: &str,
        generation: &Generation,
    ) -> Result<SavedJob, SaveError> {
        if let Some(saved) = self.saved(job).await?
            && saved.generation.as_deref() == generation.id()
        {
            return Ok(saved);
        }
        let name = generation.file_name();
        let extension = name
            .rsplit_once('.')
            .map_or("mp4", |(_, extension)| extension);
        let mut saved = SavedJob {
            job: job.to_owned(),
            generation: generation.id().map(str::to_owned),
            videos: Vec::new(),
        };
        // A generation without a video is an error of the first download.
        for index in 0..generation.videos().len().max(1) {
            let key = self.key(job, &format!("{}.{extension}", index + 1));
            let download = client.download(generation).video(index).overwrite(true);
            let videos = download.to_store(self.bucket.clone(), key.clone()).await?;
            saved.videos.extend(
                videos
                    .into_iter()
                    .map(|video| SavedVideo::new(key.to_string(), video)),
            );
        }
        let record = serde_json::to_vec_pretty(&saved).unwrap_or_default();
        let written = self.bucket.put(&self.record_key(job), record.into()).await;
        written.map_err(|error| self.failed(&error))?;
        Ok(saved)
    }

    /// The record of a job, if its videos are in the store.
    ///
    /// # Errors
    ///
    /// If the store fails, or the record is not one.
    pub async fn saved(&self, job: &str) -> Result<Option<SavedJob>, StoreError> {
        let key = self.record_key(job);
        let read = async { self.bucket.get(&key).await?.bytes().await };
        let record = match read.await {
            Ok(record) => record,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(self.failed(&error)),
        };
        let wrong = |error| {
            StoreError::new(
                &self.url,
                format!("{key} is not a record of a job: {error}"),
            )
        };
        serde_json::from_slice(&record).map(Some).map_err(wrong)
    }
}

impl SavedVideo {
    fn new(key: String, saved: Saved) -> Self {
        Self {
            key,
            bytes: saved.bytes,
            sha256: saved.sha256.unwrap_or_default(),
            content_type: saved.content_type,
            disagreement: saved.disagreement,
        }
    }
}
