//! A store that records its requests, and fails or delays them as a test plans.

use std::{
    fmt,
    ops::Range,
    sync::{Arc, Mutex},
};

use aimlapi_video::object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    UploadPart, path::Path,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use tokio::sync::watch;

/// What the store does with a request.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Act {
    Pass,
    /// Fails with a text that contains a signed URL.
    Fail,
    /// Passes the request on after [`Watched::release`].
    Hold,
    /// Refuses conditions and attributes as not implemented.
    OnlyPlain,
}

/// The store. Its events are `head`, `put`, `open`, `part 0` and so on, `complete`, `completed` and `abort`.
pub(crate) struct Watched {
    pub(crate) inner: Arc<dyn ObjectStore>,
    watch: Watch,
}

#[derive(Clone)]
struct Watch {
    plan: Arc<dyn Fn(&str) -> Act + Send + Sync>,
    log: Arc<Mutex<Vec<String>>>,
    changed: watch::Sender<()>,
    release: watch::Sender<bool>,
}

impl Watched {
    pub(crate) fn new(inner: impl ObjectStore) -> Arc<Self> {
        Self::planned(inner, |_| Act::Pass)
    }

    pub(crate) fn planned(
        inner: impl ObjectStore,
        plan: impl Fn(&str) -> Act + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            inner: Arc::new(inner),
            watch: Watch {
                plan: Arc::new(plan),
                log: Arc::default(),
                changed: watch::channel(()).0,
                release: watch::channel(false).0,
            },
        })
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.watch.log.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, event: &str) -> usize {
        self.log().iter().filter(|logged| *logged == event).count()
    }

    pub(crate) async fn wait_for(&self, event: &str) {
        let mut changed = self.watch.changed.subscribe();
        while self.count(event) == 0 {
            changed.changed().await.unwrap();
        }
    }

    pub(crate) fn release(&self) {
        self.watch.release.send_replace(true);
    }
}

impl Watch {
    fn record(&self, event: &str) {
        self.log.lock().unwrap().push(event.to_owned());
        self.changed.send_replace(());
    }

    async fn act(&self, event: &str, is_plain: bool) -> Result<()> {
        self.record(event);
        match (self.plan)(event) {
            Act::Fail => Err(Error::Generic {
                store: "S3",
                source: "PUT http://user:secret@s3.example/b/k?X-Amz-Signature=secret in 1ms - 503 Service Unavailable"
                    .into(),
            }),
            Act::Hold => {
                let mut release = self.release.subscribe();
                release.wait_for(|released| *released).await.unwrap();
                Ok(())
            }
            Act::OnlyPlain if !is_plain => Err(Error::NotImplemented {
                operation: event.into(),
                implementer: "test".into(),
            }),
            Act::OnlyPlain | Act::Pass => Ok(()),
        }
    }
}

#[async_trait]
impl ObjectStore for Watched {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let is_plain = options.mode == PutMode::Overwrite && options.attributes.is_empty();
        self.watch.act("put", is_plain).await?;
        self.inner.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.watch
            .act("open", options.attributes.is_empty())
            .await?;
        Ok(Box::new(WatchedUpload {
            inner: self.inner.put_multipart_opts(path, options).await?,
            parts: 0,
            watch: self.watch.clone(),
        }))
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.watch.act("head", true).await?;
        self.inner.get_opts(path, options).await
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(path, ranges).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

struct WatchedUpload {
    inner: Box<dyn MultipartUpload>,
    parts: usize,
    watch: Watch,
}

#[async_trait]
impl MultipartUpload for WatchedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (event, watch) = (format!("part {}", self.parts), self.watch.clone());
        self.parts += 1;
        let part = self.inner.put_part(data);
        Box::pin(async move {
            watch.act(&event, true).await?;
            part.await
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.watch.act("complete", true).await?;
        let completed = self.inner.complete().await;
        self.watch.record("completed");
        completed
    }

    async fn abort(&mut self) -> Result<()> {
        let aborted = self.inner.abort().await;
        self.watch.record("abort");
        aborted
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

impl fmt::Debug for WatchedUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WatchedUpload")
    }
}
