//! The store of results: URLs, keys, records, and what killed processes leave.
#![cfg(feature = "store")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aimlapi_video::{Client, Generation};
use aimlapi_video_worker::store::{SaveError, Store};
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result as StoreResult,
    memory::InMemory, path::Path as Key,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// A complete MP4 file of minimal length.
const CLIP: &[u8] =
    b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x08moov\0\0\0\x1emdatand the rest of a film";

/// Serves the clip, and counts its requests.
async fn host() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            counted.fetch_add(1, Ordering::SeqCst);
            let length = CLIP.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            );
            stream
                .write_all(&[head.as_bytes(), CLIP].concat())
                .await
                .unwrap();
        }
    });
    (url, count)
}

/// A store that replaces objects whatever the condition is, as some servers with the protocol of S3 do.
#[derive(Debug)]
struct Replacing(InMemory);

impl std::fmt::Display for Replacing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for Replacing {
    async fn put_opts(
        &self,
        key: &Key,
        content: PutPayload,
        mut options: PutOptions,
    ) -> StoreResult<PutResult> {
        options.mode = PutMode::Overwrite;
        self.0.put_opts(key, content, options).await
    }

    async fn put_multipart_opts(
        &self,
        key: &Key,
        options: PutMultipartOptions,
    ) -> StoreResult<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(key, options).await
    }

    async fn get_opts(&self, key: &Key, options: GetOptions) -> StoreResult<GetResult> {
        self.0.get_opts(key, options).await
    }

    fn delete_stream(
        &self,
        keys: BoxStream<'static, StoreResult<Key>>,
    ) -> BoxStream<'static, StoreResult<Key>> {
        self.0.delete_stream(keys)
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Key>) -> StoreResult<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Key, to: &Key, options: CopyOptions) -> StoreResult<()> {
        self.0.copy_opts(from, to, options).await
    }
}

fn store(folder: &Path) -> Store {
    Store::open(&format!("file://{}", folder.display())).unwrap()
}

fn generation(id: &str, url: &str) -> Generation {
    let videos = json!([{ "url": url }, { "url": url }]);
    Generation::from_json(json!({ "id": id, "status": "completed", "video": videos }))
}

#[tokio::test]
async fn save_stores_each_video_under_its_key_and_then_the_record() {
    let folder = tempfile::tempdir().unwrap();
    let (url, requests) = host().await;
    let client = Client::builder()
        .base_url(&url)
        .api_key("any")
        .build()
        .unwrap();
    let store = store(&folder.path().join("new").join("results"));
    store.check().await.unwrap();
    let saved = store
        .save(&client, "boat", &generation("g", &url))
        .await
        .unwrap();
    let results = folder.path().join("new").join("results");
    for name in ["boat/1.mp4", "boat/2.mp4"] {
        assert_eq!(fs::read(results.join(name)).unwrap(), CLIP);
    }
    assert_eq!(saved.videos[1].key, "boat/2.mp4");
    assert_eq!(
        (saved.videos[1].bytes, saved.videos[1].sha256.len()),
        (CLIP.len() as u64, 64)
    );
    assert!(results.join("boat.json").is_file());
    assert_eq!(store.saved("boat").await.unwrap(), Some(saved.clone()));

    // The same generation is not downloaded again, and another one replaces it.
    let again = store
        .save(&client, "boat", &generation("g", &url))
        .await
        .unwrap();
    assert_eq!((again, requests.load(Ordering::SeqCst)), (saved, 2));
    let other = store
        .save(&client, "boat", &generation("h", &url))
        .await
        .unwrap();
    assert_eq!(
        (other.generation.as_deref(), requests.load(Ordering::SeqCst)),
        (Some("h"), 4)
    );
}

#[tokio::test]
async fn job_whose_video_cannot_be_saved_has_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let (url, _) = host().await;
    let client = Client::builder()
        .base_url(&url)
        .api_key("any")
        .build()
        .unwrap();
    let store = store(folder.path());
    let none = Generation::from_json(json!({ "id": "g", "status": "completed" }));
    let error = store.save(&client, "boat", &none).await.unwrap_err();
    assert!(matches!(error, SaveError::Video(_)), "{error}");
    assert_eq!(store.saved("boat").await.unwrap(), None);
}

#[test]
fn url_that_names_no_store_is_refused_in_one_line() {
    for (url, what) in [
        (
            "results",
            "the store results: not a URL; expected s3://bucket/prefix, ",
        ),
        (
            "ftp://host/folder",
            "the store ftp://host/folder: the scheme `ftp` is unknown; expected s3://",
        ),
        (
            "s3:///results",
            "the store s3:///results: it names no bucket; expected s3://bucket/prefix",
        ),
        ("gs:", "the store gs:: it names no bucket; expected"),
        (
            "s3://key@films/a",
            "the store s3://films/a: a key belongs into the environment",
        ),
        (
            "s3://films/a?region=x",
            "the store s3://films/a?…: its settings belong into the environment",
        ),
        (
            "file://host/folder",
            "the store file://host/folder: it names no folder of this machine",
        ),
        (
            "file:results",
            "the store file:results: the folder is relative; expected file:///folder",
        ),
        (
            "file:///dev/null/folder",
            "the store file:///dev/null/folder: the folder cannot be created: ",
        ),
    ] {
        let error = Store::open(url).unwrap_err().to_string();
        assert!(error.starts_with(what), "{error}");
        assert_eq!(error.lines().count(), 1);
    }
}

#[tokio::test]
async fn store_that_ignores_the_condition_of_a_write_cannot_hold_claims() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = store(folder.path());
    for _ in 0..2 {
        store.check_conditions().await.unwrap();
    }
    store.bucket = Arc::new(Replacing(InMemory::new()));
    let error = store.check_conditions().await.unwrap_err().to_string();
    assert!(error.contains("`If-None-Match: *`"), "{error}");
}

#[tokio::test]
async fn incomplete_files_of_a_killed_process_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let job = folder.path().join("boat");
    fs::create_dir(&job).unwrap();
    for name in ["1.mp4", "1.mp4#1", "1.mp4#12", "1.mp4#x"] {
        fs::write(job.join(name), name).unwrap();
    }
    let store = store(folder.path());
    assert_eq!(store.sweep(Duration::from_secs(3600)).await.unwrap(), 0);
    assert_eq!(store.sweep(Duration::ZERO).await.unwrap(), 2);
    let mut left: Vec<_> = fs::read_dir(job)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["1.mp4", "1.mp4#x"]);
}
