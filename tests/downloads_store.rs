//! Downloads to object stores: what the store receives, and when the object appears.
#![cfg(feature = "object-store")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{path::PathBuf, sync::Arc};

use aimlapi_video::{
    Client, Error, ErrorKind, Generation, Saved,
    object_store::{
        Attribute, ObjectStore, ObjectStoreExt, local::LocalFileSystem, memory::InMemory,
        path::Path,
    },
};
use serde_json::json;
use sha2::Digest;
use store::{Act, Watched};
use support::{
    Server, client,
    files::{CLIP, Film, Host, Plan, Validator},
    http,
};
use tokio::sync::mpsc;

mod store;

const TAG: Validator = Validator::Etag("\"v1\"");
const KEY: &str = "videos/kite.mp4";
/// The library's size of a part.
const PART: u64 = 8 * 1024 * 1024;

/// A video of two parts.
fn film() -> Film {
    Film::new(PART + 70_000, 7)
}

async fn host(film: Film) -> Host {
    Host::start(film, TAG, |_, _| Plan::Whole).await
}

fn generation(url: &str) -> Generation {
    Generation::from_json(json!({ "id": "g", "status": "completed", "video": { "url": url } }))
}

async fn save(host: &Host, store: &Arc<Watched>) -> Result<Saved, Error> {
    let store = Arc::clone(store) as Arc<dyn ObjectStore>;
    let generation = generation(&host.link());
    let mut saved = client(&host.url).save_to(&generation, store, KEY).await?;
    Ok(saved.remove(0))
}

async fn read(store: &dyn ObjectStore, key: &str) -> Option<Vec<u8>> {
    let object = store.get(&Path::from(key)).await.ok()?;
    Some(object.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn small_video_is_stored_by_one_request() {
    let store = Watched::new(InMemory::new());
    let host = host(Film::new(5000, 7)).await;
    let saved = save(&host, &store).await.unwrap();
    assert_eq!(store.log(), ["head", "put"]);
    let object = store.inner.get(&Path::from(KEY)).await.unwrap();
    let kind = object.attributes.get(&Attribute::ContentType);
    assert_eq!(kind.map(|kind| kind.as_ref()), Some("video/mp4"));
    let bytes = object.bytes().await.unwrap();
    assert_eq!(bytes, Film::new(5000, 7).bytes());
    assert_eq!((saved.path, saved.bytes), (PathBuf::from(KEY), 5000));
    let sha256: String = sha2::Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(saved.sha256, Some(sha256));
}

#[tokio::test]
async fn large_video_is_stored_in_parts_and_appears_at_the_end() {
    let store = Watched::new(InMemory::new());
    let host = Host::start(film(), TAG, |_, _| Plan::Hold(PART + 1000)).await;
    let saving = save(&host, &store);
    let observe = async {
        store.wait_for("part 0").await;
        assert_eq!(read(&*store.inner, KEY).await, None);
        host.release();
    };
    let (saved, ()) = tokio::join!(saving, observe);
    assert_eq!(saved.unwrap().bytes, film().length);
    assert_eq!(
        store.log(),
        [
            "head",
            "open",
            "part 0",
            "part 1",
            "head",
            "complete",
            "completed"
        ]
    );
    assert_eq!(read(&*store.inner, KEY).await, Some(film().bytes()));
}

#[tokio::test]
async fn upload_continues_after_a_dropped_connection() {
    let store = Watched::new(InMemory::new());
    let host = Host::start(film(), TAG, |number, _| match number {
        0 => Plan::Cut(PART + 5000),
        _ => Plan::Whole,
    })
    .await;
    save(&host, &store).await.unwrap();
    let rest = format!("bytes={}-", PART + 5000);
    assert_eq!(host.ranges(), [None, Some(rest)]);
    assert_eq!(store.count("open"), 1);
    assert_eq!(read(&*store.inner, KEY).await, Some(film().bytes()));
}

#[tokio::test]
async fn upload_restarts_if_the_file_has_changed() {
    let store = Watched::new(InMemory::new());
    let (old, new) = (film().bytes(), Film::new(PART + 90_000, 9).bytes());
    let expected = new.clone();
    let server = Server::start(move |number, _| match number {
        // The announced length is never reached, so the connection breaks.
        0 => {
            let length = (old.len() + 1).to_string();
            http(
                200,
                &[("etag", "\"v1\""), ("content-length", &length)],
                &old,
            )
        }
        _ => http(200, &[("etag", "\"v2\"")], &new),
    })
    .await;
    let target = Arc::clone(&store) as Arc<dyn ObjectStore>;
    let generation = generation(&server.url());
    client(server.url())
        .save_to(&generation, target, KEY)
        .await
        .unwrap();
    assert_eq!((store.count("open"), store.count("abort")), (2, 1));
    assert_eq!(read(&*store.inner, KEY).await, Some(expected));
}

#[tokio::test]
async fn truncated_video_does_not_appear_in_the_store() {
    for length in [4000, PART as usize + 1000] {
        let store = Watched::new(InMemory::new());
        let bytes = Film::new(length as u64 + 2000, 7).piece(0, length);
        let server = Server::always(http(200, &[("etag", "\"v1\"")], bytes)).await;
        let target = Arc::clone(&store) as Arc<dyn ObjectStore>;
        let generation = generation(&server.url());
        let saved = client(server.url()).save_to(&generation, target, KEY).await;
        let error = saved.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Download);
        assert!(error.to_string().contains("truncated"), "{error}");
        assert_eq!(read(&*store.inner, KEY).await, None);
        assert_eq!((store.count("put"), store.count("complete")), (0, 0));
        assert_eq!(store.count("open"), store.count("abort"));
    }
}

#[tokio::test]
async fn video_with_another_digest_does_not_appear_in_the_store() {
    let store = Watched::new(InMemory::new());
    let host = host(film()).await;
    let generation = generation(&host.link());
    let client = client(&host.url);
    let download = client.download(&generation).expect_sha256("0".repeat(64));
    let target = Arc::clone(&store) as Arc<dyn ObjectStore>;
    let error = download.to_store(target, KEY).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Download);
    assert_eq!(read(&*store.inner, KEY).await, None);
    assert_eq!((store.count("open"), store.count("abort")), (1, 1));
}

#[tokio::test]
async fn upload_is_aborted_if_the_store_fails() {
    for step in ["open", "part 0", "part 1", "complete"] {
        let store = Watched::planned(InMemory::new(), move |event| match event == step {
            true => Act::Fail,
            false => Act::Pass,
        });
        let error = save(&host(film()).await, &store).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{step}");
        assert_eq!(error.handle().map(|handle| handle.id()), Some("g"));
        let text = format!("{error:?}");
        assert!(
            text.starts_with("the object videos/kite.mp4 cannot be written"),
            "{text}"
        );
        assert!(text.contains("503 Service Unavailable"), "{text}");
        assert!(!text.contains("secret"), "{text}");
        assert_eq!(read(&*store.inner, KEY).await, None, "{step}");
        let opened = usize::from(step != "open");
        assert_eq!(store.count("abort"), opened, "{step}");
    }
}

#[tokio::test]
async fn store_that_fails_the_lookup_or_the_only_request_is_reported() {
    for (step, what) in [
        ("head", "cannot be looked up"),
        ("put", "cannot be written"),
    ] {
        let store = Watched::planned(InMemory::new(), move |event| match event == step {
            true => Act::Fail,
            false => Act::Pass,
        });
        let host = host(Film::new(5000, 7)).await;
        let error = save(&host, &store).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert_eq!(error.to_string(), format!("the object {KEY} {what}"));
        assert_eq!(host.requests().len(), usize::from(step == "put"));
    }
}

#[tokio::test]
async fn dropped_download_aborts_the_upload() {
    // In the second case the store has not stated the id of the upload yet when the download is dropped.
    for step in ["part 0", "open"] {
        let store = Watched::planned(InMemory::new(), move |event| match event == step {
            true => Act::Hold,
            false => Act::Pass,
        });
        let host = host(Film::new(2 * PART + 1, 7)).await;
        tokio::select! {
            saved = save(&host, &store) => panic!("it cannot end: {saved:?}"),
            () = store.wait_for(step) => {}
        }
        store.release();
        store.wait_for("abort").await;
        assert_eq!(store.count("complete"), 0);
        assert_eq!(read(&*store.inner, KEY).await, None);
    }
}

#[tokio::test]
async fn download_that_is_dropped_after_the_checks_still_stores_the_video() {
    let store = Watched::planned(InMemory::new(), |event| match event {
        "complete" => Act::Hold,
        _ => Act::Pass,
    });
    let host = host(film()).await;
    tokio::select! {
        saved = save(&host, &store) => panic!("it cannot end: {saved:?}"),
        () = store.wait_for("complete") => {}
    }
    store.release();
    store.wait_for("completed").await;
    assert_eq!(store.count("abort"), 0);
    assert_eq!(read(&*store.inner, KEY).await, Some(film().bytes()));
}

#[tokio::test]
async fn existing_object_is_kept_and_no_video_requested() {
    let store = Watched::new(InMemory::new());
    store
        .inner
        .put(&Path::from(KEY), "other".into())
        .await
        .unwrap();
    let host = host(film()).await;
    let error = save(&host, &store).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(
        error.to_string().contains("videos/kite.mp4 already exists"),
        "{error}"
    );
    assert_eq!(host.requests().len(), 0);
    assert_eq!(read(&*store.inner, KEY).await.unwrap(), b"other");
}

#[tokio::test]
async fn object_that_appears_during_the_download_is_kept() {
    for film in [Film::new(5000, 7), film()] {
        let store = Watched::new(InMemory::new());
        let host = Host::start(film, TAG, |_, _| Plan::Hold(1000)).await;
        let interfere = async {
            store.wait_for("head").await;
            store
                .inner
                .put(&Path::from(KEY), "other".into())
                .await
                .unwrap();
            host.release();
        };
        let (saved, ()) = tokio::join!(save(&host, &store), interfere);
        let error = saved.unwrap_err();
        assert!(error.to_string().contains("already exists"), "{error}");
        assert_eq!(read(&*store.inner, KEY).await.unwrap(), b"other");
        assert_eq!(store.count("open"), store.count("abort"));
    }
}

#[tokio::test]
async fn existing_object_is_replaced_on_request() {
    for film in [Film::new(5000, 7), film()] {
        let store = Watched::new(InMemory::new());
        store
            .inner
            .put(&Path::from(KEY), "other".into())
            .await
            .unwrap();
        let host = host(film.clone()).await;
        let (client, generation) = (client(&host.url), generation(&host.link()));
        let target = Arc::clone(&store) as Arc<dyn ObjectStore>;
        let download = client.download(&generation).overwrite(true);
        download.to_store(target, KEY).await.unwrap();
        assert_eq!(read(&*store.inner, KEY).await, Some(film.bytes()));
    }
}

#[tokio::test]
async fn store_without_conditions_and_attributes_gets_the_video() {
    for film in [Film::new(5000, 7), film()] {
        let store = Watched::planned(InMemory::new(), |event| match event {
            "put" | "open" => Act::OnlyPlain,
            _ => Act::Pass,
        });
        save(&host(film.clone()).await, &store).await.unwrap();
        assert_eq!(read(&*store.inner, KEY).await, Some(film.bytes()));
    }
}

#[tokio::test]
async fn second_video_gets_the_next_free_number() {
    let server = Server::always(http(200, &[("content-type", "video/mp4")], CLIP)).await;
    let videos = json!([{ "url": server.url() }, { "url": server.url() }]);
    let generation =
        Generation::from_json(json!({ "id": "g", "status": "completed", "video": videos }));
    let store = Arc::new(InMemory::new());
    let taken = Path::from("videos/50%/kite-2.mp4");
    store.put(&taken, "other".into()).await.unwrap();
    let client: Client = client(server.url());
    let target = Arc::clone(&store) as Arc<dyn ObjectStore>;
    let saved = client
        .save_to(&generation, target, "videos/50%/kite.mp4")
        .await
        .unwrap();
    let paths: Vec<&str> = saved
        .iter()
        .map(|saved| saved.path.to_str().unwrap())
        .collect();
    assert_eq!(paths, ["videos/50%25/kite.mp4", "videos/50%25/kite-3.mp4"]);
    for path in paths {
        let object = store.get(&Path::parse(path).unwrap()).await.unwrap();
        assert_eq!(object.bytes().await.unwrap(), CLIP);
    }
}

#[tokio::test]
async fn empty_path_is_refused() {
    let host = host(film()).await;
    let store = Arc::new(InMemory::new());
    let saved = client(&host.url)
        .save_to(&generation(&host.link()), store, "/")
        .await;
    assert!(
        saved
            .unwrap_err()
            .to_string()
            .contains("the path of the object is empty")
    );
    assert_eq!(host.requests().len(), 0);
}

#[tokio::test]
async fn folder_as_a_store_has_the_video_and_no_other_file() {
    for film in [Film::new(5000, 7), film()] {
        let folder = tempfile::tempdir().unwrap();
        let store = Watched::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap());
        save(&host(film.clone()).await, &store).await.unwrap();
        assert_eq!(
            std::fs::read(folder.path().join(KEY)).unwrap(),
            film.bytes()
        );
        assert_eq!(
            std::fs::read_dir(folder.path().join("videos"))
                .unwrap()
                .count(),
            1
        );
    }
}

#[tokio::test]
async fn failed_upload_leaves_no_file_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let local = LocalFileSystem::new_with_prefix(folder.path()).unwrap();
    let store = Watched::planned(local, |event| match event {
        "part 1" => Act::Fail,
        _ => Act::Pass,
    });
    save(&host(film()).await, &store).await.unwrap_err();
    assert_eq!(
        std::fs::read_dir(folder.path().join("videos"))
            .unwrap()
            .count(),
        0
    );
}

#[tokio::test]
async fn progress_of_an_upload_is_reported() {
    let (sender, mut progress) = mpsc::unbounded_channel();
    let host = host(Film::new(5000, 7)).await;
    let (client, generation) = (client(&host.url), generation(&host.link()));
    let download = client.download(&generation).on_progress(move |received| {
        let _ = sender.send(received.bytes);
    });
    download
        .to_store(Arc::new(InMemory::new()), KEY)
        .await
        .unwrap();
    let mut last = 0;
    while let Some(bytes) = progress.recv().await {
        last = bytes;
    }
    assert_eq!(last, 5000);
}
