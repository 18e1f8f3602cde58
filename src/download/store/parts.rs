//! An open multipart upload and its parts in transfer.

use std::mem;

use object_store::{MultipartUpload, Result as StoreResult};
use sync_wrapper::SyncWrapper;
use tokio::{
    runtime::Handle,
    task::{JoinHandle, JoinSet},
};

use super::error::broken;

/// A multipart upload that is aborted when it is dropped, unless it was completed.
pub(super) struct OpenUpload {
    /// `None` after the upload was completed or aborted.
    upload: Option<SyncWrapper<Box<dyn MultipartUpload>>>,
    parts: JoinSet<StoreResult<()>>,
    /// The runtime of the upload, which may be dropped on another thread.
    runtime: Handle,
}

/// The maximum number of parts in transfer. A download holds one more part, which it receives.
const MAX_PARTS: usize = 8;

impl OpenUpload {
    pub(super) fn new(upload: Box<dyn MultipartUpload>) -> Self {
        Self {
            upload: Some(SyncWrapper::new(upload)),
            parts: JoinSet::new(),
            runtime: Handle::current(),
        }
    }

    /// Starts to send the next part, once there are few enough parts in transfer.
    pub(super) async fn put(&mut self, part: Vec<u8>) -> StoreResult<()> {
        self.wait_for(MAX_PARTS - 1).await?;
        if let Some(upload) = &mut self.upload {
            self.parts.spawn(upload.get_mut().put_part(part.into()));
        }
        Ok(())
    }

    /// Waits until at most `max` parts are in transfer.
    async fn wait_for(&mut self, max: usize) -> StoreResult<()> {
        while self.parts.len() > max
            && let Some(sent) = self.parts.join_next().await
        {
            sent.unwrap_or_else(|error| Err(broken(error)))?;
        }
        Ok(())
    }

    /// Waits for every part.
    pub(super) async fn wait(&mut self) -> StoreResult<()> {
        self.wait_for(0).await
    }

    /// Makes the object visible.
    pub(super) async fn complete(&mut self) -> StoreResult<()> {
        if let Some(upload) = &mut self.upload {
            upload.get_mut().complete().await?;
            self.upload = None;
        }
        Ok(())
    }

    /// Starts to abort the upload, so that the store keeps no parts; `None` if it was completed.
    pub(super) fn abort(&mut self) -> Option<JoinHandle<()>> {
        let mut upload = self.upload.take()?.into_inner();
        let mut parts = mem::take(&mut self.parts);
        Some(self.runtime.spawn(async move {
            // A part that arrives after the abort could stay.
            parts.shutdown().await;
            let _ = upload.abort().await;
        }))
    }
}

impl Drop for OpenUpload {
    fn drop(&mut self) {
        self.abort();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use object_store::{PutPayload, PutResult, UploadPart};

    use super::*;

    /// An upload whose parts never end.
    #[derive(Debug)]
    struct Stalled;

    #[async_trait::async_trait]
    impl MultipartUpload for Stalled {
        fn put_part(&mut self, _: PutPayload) -> UploadPart {
            Box::pin(std::future::pending())
        }

        async fn complete(&mut self) -> StoreResult<PutResult> {
            Err(broken("a part is in transfer"))
        }

        async fn abort(&mut self) -> StoreResult<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn part_waits_while_the_maximum_of_parts_is_in_transfer() {
        let mut open = OpenUpload::new(Box::new(Stalled));
        for _ in 0..MAX_PARTS {
            let put = open.put(vec![1]).now_or_never();
            assert!(put.is_some_and(|put| put.is_ok()));
        }
        assert!(open.put(vec![1]).now_or_never().is_none());
        assert_eq!(open.parts.len(), MAX_PARTS);
    }
}
