//! The object store: opened by URL, with the credentials of the environment.

use std::sync::Arc;

use object_store::{ObjectStore, parse_url_opts, path::Path};
use url::Url;

/// A folder of an object store.
#[derive(Clone, Debug)]
pub struct Store {
    /// The bucket, or the file system.
    pub bucket: Arc<dyn ObjectStore>,
    /// The prefix of all keys.
    pub prefix: Path,
}

impl Store {
    /// Opens the store at `url`: `file:///folder`, `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`. The options and
    /// credentials of a cloud are those of its environment variables, such as `AWS_REGION`.
    ///
    /// # Errors
    ///
    /// If the URL or the environment's settings cannot be used.
    pub fn open(url: &str) -> Result<Self, object_store::Error> {
        let parsed = Url::parse(url).map_err(|source| object_store::Error::Generic {
            store: "URL",
            source: source.into(),
        })?;
        let settings = std::env::vars().map(|(name, value)| (name.to_ascii_lowercase(), value));
        let (bucket, prefix) = parse_url_opts(&parsed, settings)?;
        Ok(Self {
            bucket: bucket.into(),
            prefix,
        })
    }

    /// The key of an object of a job.
    pub(super) fn key(&self, job: &str, name: &str) -> Path {
        self.prefix.clone().join(job).join(name)
    }
}
