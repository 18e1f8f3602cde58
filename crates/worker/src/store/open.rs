//! Opens a store by its URL.

use std::{sync::Arc, time::Duration};

use aimlapi_video::reqwest::Url;
use object_store::{
    ObjectStore, aws::AmazonS3Builder, azure::MicrosoftAzureBuilder,
    gcp::GoogleCloudStorageBuilder, local::LocalFileSystem, multipart::MultipartStore, path::Path,
};

use super::{LeftOvers, Store, StoreError, folder::Folder, recorded::Recorded};

pub(super) fn open(url: &str) -> Result<Store, StoreError> {
    let wrong = |what: String| StoreError::wrong_url(url, what);
    let failed = |error: object_store::Error| StoreError::of(url, &error);
    let parsed = Url::parse(url).map_err(|_| wrong(format!("not a URL; expected {EXPECTED}")))?;
    // What a store would ignore.
    if !parsed.username().is_empty() || parsed.password().is_some() {
        let what = "a key belongs into the environment, such as AWS_ACCESS_KEY_ID";
        return Err(wrong(what.into()));
    }
    if parsed.query().is_some() || parsed.fragment().is_some() {
        let what = "its settings belong into the environment, such as AWS_REGION; remove the query";
        return Err(wrong(what.into()));
    }
    if parsed.scheme() == "file" {
        // The parser takes `file:folder` for a folder of the root.
        if !url
            .get("file:".len()..)
            .is_some_and(|path| path.starts_with('/'))
        {
            let what = "the folder is relative; expected file:///folder";
            return Err(wrong(what.into()));
        }
        return open_folder(url, &parsed);
    }
    if parsed.host_str().is_none_or(str::is_empty) && ["s3", "gs", "az"].contains(&parsed.scheme())
    {
        return Err(wrong(format!("it names no bucket; expected {EXPECTED}")));
    }
    let prefix = Path::from_url_path(parsed.path()).map_err(|error| failed(error.into()))?;
    match parsed.scheme() {
        "s3" => {
            let bucket = AmazonS3Builder::from_env().with_url(url).build();
            Ok(recorded(url, bucket.map_err(failed)?, prefix))
        }
        "gs" => {
            let bucket = GoogleCloudStorageBuilder::from_env().with_url(url).build();
            Ok(recorded(url, bucket.map_err(failed)?, prefix))
        }
        "az" => {
            let bucket = MicrosoftAzureBuilder::from_env().with_url(url).build();
            Ok(store(
                url,
                Arc::new(bucket.map_err(failed)?),
                prefix,
                Arc::new(NoLeftOvers),
            ))
        }
        other => Err(wrong(format!(
            "the scheme `{other}` is unknown; expected {EXPECTED}"
        ))),
    }
}

const EXPECTED: &str =
    "s3://bucket/prefix, gs://bucket/prefix, az://container/prefix or file:///folder";

fn open_folder(url: &str, parsed: &Url) -> Result<Store, StoreError> {
    let wrong = |what: String| StoreError::wrong_url(url, what);
    let folder = parsed.to_file_path().map_err(|()| {
        wrong("it names no folder of this machine; expected file:///folder".into())
    })?;
    std::fs::create_dir_all(&folder)
        .map_err(|error| StoreError::new(url, format!("the folder cannot be created: {error}")))?;
    let bucket = LocalFileSystem::new_with_prefix(&folder);
    // A job whose videos are saved is not saved again after a power failure.
    let bucket = bucket
        .map_err(|error| StoreError::of(url, &error))?
        .with_fsync(true);
    Ok(store(
        url,
        Arc::new(bucket),
        Path::default(),
        Arc::new(Folder { folder }),
    ))
}

fn recorded<S: ObjectStore + MultipartStore>(url: &str, bucket: S, prefix: Path) -> Store {
    let bucket = Arc::new(Recorded::new(bucket, prefix.clone().join(".uploads")));
    store(url, Arc::clone(&bucket) as _, prefix, bucket)
}

fn store(
    url: &str,
    bucket: Arc<dyn ObjectStore>,
    prefix: Path,
    left_overs: Arc<dyn LeftOvers>,
) -> Store {
    Store {
        bucket,
        prefix,
        url: url.to_owned(),
        left_overs,
    }
}

/// A store that removes incomplete uploads by itself.
#[derive(Debug)]
struct NoLeftOvers;

#[async_trait::async_trait]
impl LeftOvers for NoLeftOvers {
    async fn sweep(&self, _: Duration) -> object_store::Result<usize> {
        Ok(0)
    }
}
