//! A store that records its open uploads in itself, so that any process can abort those of a killed one.
//!
//! A store lists no open uploads by the common trait. A multipart upload has an id, with which any process can abort it.

use std::{
    collections::BTreeMap,
    fmt,
    ops::Range,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{TryStreamExt, stream::BoxStream};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartId, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result, UploadPart,
    multipart::{MultipartStore, PartId},
    path::Path,
};

use super::{LeftOvers, folder::is_older};

#[derive(Debug)]
pub(super) struct Recorded<S> {
    store: Arc<S>,
    /// The prefix of the records, one object for each open upload.
    records: Path,
}

impl<S> Recorded<S> {
    pub(super) fn new(store: S, records: Path) -> Self {
        Self {
            store: Arc::new(store),
            records,
        }
    }
}

#[async_trait]
impl<S: ObjectStore + MultipartStore> LeftOvers for Recorded<S> {
    async fn sweep(&self, age: Duration) -> Result<usize> {
        let records: Vec<ObjectMeta> = self.store.list(Some(&self.records)).try_collect().await?;
        let mut swept = 0;
        for record in records {
            if !is_older(record.last_modified.into(), age) {
                continue;
            }
            let text = match self.store.get(&record.location).await {
                Ok(found) => found.bytes().await?,
                // Another process sweeps, too.
                Err(Error::NotFound { .. }) => continue,
                Err(error) => return Err(error),
            };
            let text = String::from_utf8_lossy(&text);
            if let Some((path, id)) = text.split_once('\n') {
                match self
                    .store
                    .abort_multipart(&Path::parse(path)?, &id.to_owned())
                    .await
                {
                    Ok(()) => swept += 1,
                    // The upload was completed or aborted, and the process killed before it removed the record.
                    Err(Error::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            self.store.delete(&record.location).await?;
        }
        Ok(swept)
    }
}

#[async_trait]
impl<S: ObjectStore + MultipartStore> ObjectStore for Recorded<S> {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.store.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let id = self.store.create_multipart_opts(path, options).await?;
        let record = self.records.clone().join(id.as_str());
        let mut upload = RecordedUpload {
            store: Arc::clone(&self.store),
            path: path.clone(),
            id,
            record,
            count: 0,
            parts: Arc::default(),
        };
        let text = format!("{path}\n{}", upload.id);
        if let Err(error) = self.store.put(&upload.record, text.into()).await {
            let _ = upload.abort().await;
            return Err(error);
        }
        Ok(Box::new(upload))
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.store.get_opts(path, options).await
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.store.get_ranges(path, ranges).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.store.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.store.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.store.copy_opts(from, to, options).await
    }
}

impl<S: fmt::Display> fmt::Display for Recorded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

struct RecordedUpload<S> {
    store: Arc<S>,
    path: Path,
    id: MultipartId,
    record: Path,
    count: usize,
    parts: Arc<Mutex<BTreeMap<usize, PartId>>>,
}

#[async_trait]
impl<S: ObjectStore + MultipartStore> MultipartUpload for RecordedUpload<S> {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (store, path, id) = (Arc::clone(&self.store), self.path.clone(), self.id.clone());
        let (index, parts) = (self.count, Arc::clone(&self.parts));
        self.count += 1;
        Box::pin(async move {
            let part = store.put_part(&path, &id, index, data).await?;
            let mut parts = parts.lock().expect("no panic while held");
            parts.insert(index, part);
            Ok(())
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let parts: Vec<PartId> = {
            let parts = self.parts.lock().expect("no panic while held");
            parts.values().cloned().collect()
        };
        if parts.len() < self.count {
            return Err(Error::Generic {
                store: "upload",
                source: "a part is not stored yet".into(),
            });
        }
        let done = self
            .store
            .complete_multipart(&self.path, &self.id, parts)
            .await?;
        // A record that stays is swept: the id of a completed upload is unknown to the store.
        let _ = self.store.delete(&self.record).await;
        Ok(done)
    }

    async fn abort(&mut self) -> Result<()> {
        self.store.abort_multipart(&self.path, &self.id).await?;
        let _ = self.store.delete(&self.record).await;
        Ok(())
    }
}

impl<S> fmt::Debug for RecordedUpload<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedUpload")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    fn store() -> Recorded<InMemory> {
        Recorded::new(InMemory::new(), "p/.uploads".into())
    }

    async fn count(store: &Recorded<InMemory>) -> usize {
        let records = store.store.list(Some(&store.records));
        records
            .try_collect::<Vec<_>>()
            .await
            .map_or(0, |records| records.len())
    }

    #[tokio::test]
    async fn upload_is_recorded_until_it_is_completed_or_aborted() -> Result<()> {
        let store = store();
        let path = Path::from("p/boat/1.mp4");
        let mut upload = store.put_multipart(&path).await?;
        assert_eq!(count(&store).await, 1);
        // The parts arrive in another order than they were sent in.
        let (first, second) = (upload.put_part("a".into()), upload.put_part("b".into()));
        assert!(upload.complete().await.is_err());
        second.await?;
        first.await?;
        upload.complete().await?;
        assert_eq!(store.get(&path).await?.bytes().await?, "ab");
        store.put_multipart(&path).await?.abort().await?;
        assert_eq!(count(&store).await, 0);
        Ok(())
    }

    #[tokio::test]
    async fn upload_of_a_killed_process_is_aborted_by_another_one() -> Result<()> {
        let store = store();
        let mut left = store.put_multipart(&Path::from("p/boat/1.mp4")).await?;
        let part = left.put_part("a".into());
        assert_eq!(store.sweep(Duration::from_secs(3600)).await?, 0);
        assert_eq!(
            (store.sweep(Duration::ZERO).await?, count(&store).await),
            (1, 0)
        );
        assert!(part.await.is_err());
        Ok(())
    }
}
