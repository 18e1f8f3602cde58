//! The sink of an object store: a part of a multipart upload at a time, and nothing under the key before the end.
//!
//! A video that is not larger than one part is stored by a single request. A larger one opens a multipart upload, whose
//! parts are sent while the download continues. The upload is completed only after the video was checked, and aborted
//! on every other path.

use std::{borrow::Cow, mem, sync::Arc, time::Duration};

use bytes::Bytes;
use object_store::{
    Attribute, AttributeValue, Attributes, Error as StoreError, GetOptions, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, Result as StoreResult, path::Path,
};

use super::{
    super::{arrived::HEAD, sink::Sink, version::Version},
    error::{broken, store_error},
    parts::OpenUpload,
};
use crate::{Error, request::media::media_type};

/// The upload of one video.
pub(super) struct Upload {
    store: Arc<dyn ObjectStore>,
    path: Path,
    overwrite: bool,
    /// The content type that the host sent.
    sent: Option<String>,
    /// The bytes after those in `open`, at most one part.
    part: Vec<u8>,
    open: Option<OpenUpload>,
}

/// The size of each part but the last. Some stores require that these parts have the same size, and 5 MiB is the
/// minimum at most stores. A store of 10,000 parts holds objects of 78 GiB.
const PART: usize = 8 * 1024 * 1024;

/// How long an error waits for the upload to be aborted, which continues after that.
const MAX_ABORT: Duration = Duration::from_secs(10);

impl Upload {
    /// Prepares an upload to `path`; the store receives nothing yet.
    pub(super) fn new(store: Arc<dyn ObjectStore>, path: Path, overwrite: bool) -> Self {
        Self {
            store,
            path,
            overwrite,
            sent: None,
            part: Vec::new(),
            open: None,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the store has an object at the path.
    pub(super) async fn is_taken(&self) -> Result<bool, Error> {
        let failed = |error| store_error(&self.path, "cannot be looked up", &error);
        is_taken(&*self.store, &self.path).await.map_err(failed)
    }

    /// Makes the object visible, in a task of its own, so that a dropped future does not leave an open upload.
    pub(super) async fn finish(mut self) -> Result<(), Error> {
        let path = self.path.clone();
        let finished = tokio::spawn(async move {
            let stored = self.store_rest().await;
            if stored.is_err() {
                self.abort().await;
            }
            stored
        });
        let stored = finished.await.unwrap_or_else(|error| Err(broken(error)));
        stored.map_err(|error| store_error(&path, "cannot be written", &error))
    }

    /// Aborts the open upload, if any, so that the store keeps no parts.
    pub(super) async fn abort(&mut self) {
        self.part.clear();
        if let Some(aborted) = self.open.take().and_then(|mut open| open.abort()) {
            let _ = tokio::time::timeout(MAX_ABORT, aborted).await;
        }
    }

    async fn store_rest(&mut self) -> StoreResult<()> {
        let part = mem::take(&mut self.part);
        let Some(open) = &mut self.open else {
            return self.put(part).await;
        };
        if !part.is_empty() {
            open.put(part).await?;
        }
        open.wait().await?;
        // A multipart upload replaces an object. Only another check right before its end finds one.
        if !self.overwrite && is_taken(&*self.store, &self.path).await? {
            return Err(StoreError::AlreadyExists {
                path: self.path.to_string(),
                source: "another program stored it during the download".into(),
            });
        }
        open.complete().await
    }

    /// Stores the whole video by one request. The first attempt requests everything: that no object is replaced, and
    /// the content type. Some stores support one of the two, or neither.
    async fn put(&self, video: Vec<u8>) -> StoreResult<()> {
        let attributes = self.attributes(&video);
        let video = PutPayload::from(video);
        let modes = match self.overwrite {
            true => vec![PutMode::Overwrite],
            false => vec![PutMode::Create, PutMode::Overwrite],
        };
        let mut stored = Ok(());
        for mode in modes {
            for attributes in &attributes {
                let options = PutOptions {
                    mode: mode.clone(),
                    attributes: attributes.clone(),
                    ..PutOptions::default()
                };
                let put = self.store.put_opts(&self.path, video.clone(), options);
                stored = put.await.map(drop);
                if !is_unsupported(&stored) {
                    return stored;
                }
            }
        }
        stored
    }

    /// Opens an upload, in a task of its own: if this future is dropped, the task aborts the upload once its id is
    /// known.
    async fn open(&self) -> StoreResult<OpenUpload> {
        let (store, path) = (Arc::clone(&self.store), self.path.clone());
        let attributes = self.attributes(&self.part);
        let opened = tokio::spawn(async move {
            let mut opened = Err(broken("the store has no multipart uploads"));
            for attributes in attributes {
                let options = PutMultipartOptions {
                    attributes,
                    ..PutMultipartOptions::default()
                };
                let upload = store.put_multipart_opts(&path, options).await;
                opened = upload.map(OpenUpload::new);
                if !is_unsupported(&opened) {
                    break;
                }
            }
            opened
        });
        opened.await.unwrap_or_else(|error| Err(broken(error)))
    }

    /// The attributes of the object that begins with `video`, then none, for a store that supports none.
    ///
    /// The content decides on the content type, since browsers do not play what many hosts send.
    fn attributes(&self, video: &[u8]) -> [Attributes; 2] {
        let kind = media_type(&video[..video.len().min(HEAD)]).map(Cow::into_owned);
        let kind = kind.or_else(|| self.sent.clone());
        let attributes = kind.map(|kind| (Attribute::ContentType, AttributeValue::from(kind)));
        [attributes.into_iter().collect(), Attributes::new()]
    }

    /// Sends the part, and waits while too many parts are in transfer.
    async fn push(&mut self) -> StoreResult<()> {
        if self.open.is_none() {
            self.open = Some(self.open().await?);
        }
        let part = mem::take(&mut self.part);
        match &mut self.open {
            Some(open) => open.put(part).await,
            None => Ok(()),
        }
    }
}

impl Sink for Upload {
    async fn begin(&mut self, version: &Version) -> Result<u64, Error> {
        self.abort().await;
        self.sent = version.content_type.clone();
        Ok(0)
    }

    async fn write(&mut self, mut bytes: Bytes) -> Result<(), Error> {
        while !bytes.is_empty() {
            if self.part.len() == PART {
                let pushed = self.push().await;
                pushed.map_err(|error| store_error(&self.path, "cannot be written", &error))?;
            }
            if self.part.is_empty() {
                self.part.reserve_exact(PART);
            }
            let taken = bytes.split_to(bytes.len().min(PART - self.part.len()));
            self.part.extend_from_slice(&taken);
        }
        Ok(())
    }
}

async fn is_taken(store: &dyn ObjectStore, path: &Path) -> StoreResult<bool> {
    let options = GetOptions {
        head: true,
        ..GetOptions::default()
    };
    match store.get_opts(path, options).await {
        Ok(_) => Ok(true),
        Err(StoreError::NotFound { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_unsupported<T>(outcome: &StoreResult<T>) -> bool {
    let error = outcome.as_ref().err();
    error.is_some_and(|error| {
        matches!(
            error,
            StoreError::NotImplemented { .. } | StoreError::NotSupported { .. }
        )
    })
}
