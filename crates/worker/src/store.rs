//! The store of results: opened by a URL, with a fixed key for each video.
//!
//! The videos of a job are `{prefix}/{job}/{n}.{ext}`, counted from 1, and its record is `{prefix}/{job}.json`. A key belongs to
//! one job, so a repeated save replaces the same video.

use std::{sync::Arc, time::Duration};

use futures_util::TryStreamExt;
use object_store::{ObjectStore, PutMode, PutOptions, path::Path};

mod error;
mod folder;
mod open;
mod recorded;
mod save;

pub use error::{SaveError, StoreError};
pub use save::{SavedJob, SavedVideo};

/// A folder of an object store.
#[derive(Clone, Debug)]
pub struct Store {
    /// The bucket, or the folder of a file system.
    pub bucket: Arc<dyn ObjectStore>,
    /// The prefix of all keys.
    pub prefix: Path,
    /// The URL, for messages.
    url: String,
    left_overs: Arc<dyn LeftOvers>,
}

/// What killed processes leave in a store.
#[async_trait::async_trait]
trait LeftOvers: std::fmt::Debug + Send + Sync {
    /// Removes what is older than `age`, and returns its number.
    async fn sweep(&self, age: Duration) -> object_store::Result<usize>;
}

impl Store {
    /// Opens the store at `url`: `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix` or `file:///folder`, which is
    /// created. A cloud takes its other settings from the environment variables that begin with `AWS_`, `GOOGLE_` or `AZURE_`. No
    /// request is sent; see [`check`](Self::check).
    ///
    /// # Errors
    ///
    /// One line with the reason, such as an unknown scheme.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        open::open(url)
    }

    /// Checks that the bucket exists and that it can be listed.
    ///
    /// # Errors
    ///
    /// One line with the reason.
    pub async fn check(&self) -> Result<(), StoreError> {
        let listed = self.bucket.list(Some(&self.prefix)).try_next().await;
        listed.map(drop).map_err(|error| self.failed(&error))
    }

    /// Checks that the store keeps an object of which only a new one is requested, as claims need it: with a store that ignores this
    /// condition, two workers could hold the same claim. It writes the object `{prefix}/claims/.condition`.
    ///
    /// # Errors
    ///
    /// One line, only if the store replaces the object or has no such condition. A store that cannot be written at the moment takes no claim either.
    pub async fn check_conditions(&self) -> Result<(), StoreError> {
        let key = self.key("claims", ".condition");
        for _ in 0..2 {
            let only_new = PutOptions::from(PutMode::Create);
            match self.bucket.put_opts(&key, "".into(), only_new).await {
                Ok(_) => {}
                // It has no conditional writes, or the settings switch them off.
                Err(object_store::Error::NotImplemented { .. }) => break,
                // Others are errors of claims as well.
                Err(_) => return Ok(()),
            }
        }
        Err(StoreError::replaces(&self.url))
    }

    /// The key of an object of a job.
    #[must_use]
    pub fn key(&self, job: &str, name: &str) -> Path {
        self.prefix.clone().join(job).join(name)
    }

    /// The key of a job's record.
    #[must_use]
    pub fn record_key(&self, job: &str) -> Path {
        self.prefix.clone().join(format!("{job}.json"))
    }

    /// Removes what killed processes left: the open uploads of large videos in a cloud, which are billed, or incomplete files in a
    /// folder. Choose an `age` longer than any save, since a younger upload may be in use. Returns their number.
    ///
    /// On S3 and Google Cloud Storage an upload is recorded in `{prefix}/.uploads/`; a process that is killed between opening and
    /// recording it leaves an upload that only a lifecycle rule of the bucket removes (`AbortIncompleteMultipartUpload`). Azure
    /// drops incomplete blobs after a week by itself.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub async fn sweep(&self, age: Duration) -> Result<usize, StoreError> {
        let swept = self.left_overs.sweep(age).await;
        swept.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &object_store::Error) -> StoreError {
        StoreError::of(&self.url, error)
    }
}

#[cfg(test)]
mod tests {
    use object_store::aws::{AmazonS3Builder, S3ConditionalPut};

    use super::*;

    #[tokio::test]
    async fn store_without_conditional_writes_holds_no_claims() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store =
            Store::open(&format!("file://{}", folder.path().display())).expect("a store");
        store.check_conditions().await.expect("a folder has them");
        let bucket = AmazonS3Builder::new()
            .with_bucket_name("videos")
            .with_access_key_id("none")
            .with_secret_access_key("none")
            .with_conditional_put(S3ConditionalPut::Disabled);
        store.bucket = Arc::new(bucket.build().expect("a bucket"));
        // No request is sent.
        let error = store.check_conditions().await.expect_err("no condition");
        assert!(error.to_string().contains("conditional writes"), "{error}");
    }
}
