//! `Client::generate_to`: the checks before the create, the saved files, and the handle in errors.
#![cfg(feature = "kling")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{fs, path::Path, sync::Mutex, time::Duration};

use aimlapi_video::{
    Client, Download, Error, ErrorKind, GenerationRequest, State, Update, WaitOptions,
    types::KlingaiV2MasterTextToVideo,
};
use serde_json::json;
use support::{Bytes, Request, Server, http};

fn request() -> KlingaiV2MasterTextToVideo {
    let request = KlingaiV2MasterTextToVideo::builder().prompt("A paper boat");
    request.build().unwrap()
}

/// A service whose generations have `videos` videos; the last video is missing at its host if `is_gone`.
async fn service(videos: usize, is_gone: bool) -> Server {
    Server::start(move |_, request| response(videos, is_gone, request)).await
}

fn response(videos: usize, is_gone: bool, request: &Request) -> Bytes {
    if let Some(number) = request.target.strip_prefix("/files/") {
        return match is_gone && number == videos.to_string() {
            true => http(410, &[], ""),
            false => http(200, &[("etag", "\"a\"")], format!("film {number}")),
        };
    }
    let base = format!("http://{}", request.header("host").unwrap());
    let links: Vec<String> = (1..=videos)
        .map(|number| format!("{base}/files/{number}"))
        .collect();
    match request.method.as_str() {
        "POST" => support::json(201, json!({ "id": "g", "status": "queued" })),
        _ => support::json(
            200,
            json!({ "id": "g", "status": "completed", "video": links }),
        ),
    }
}

fn creates(server: &Server) -> usize {
    let requests = server.requests();
    requests
        .iter()
        .filter(|request| request.method == "POST")
        .count()
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The example of the README, with another path.
async fn example(client: &Client, path: &Path) -> Result<(), Error> {
    let request = KlingaiV2MasterTextToVideo::builder()
        .prompt("A paper boat sails down a rain gutter at dusk")
        .duration(5)
        .build()?;
    let made = client.generate_to(request, path).await?;
    assert_eq!(made.saved[0].path, path);
    Ok(())
}

#[tokio::test]
async fn example_run_twice_pays_once() {
    let server = service(1, false).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("boat.mp4");
    let client = support::client(server.url());
    example(&client, &path).await.unwrap();
    assert_eq!(
        (creates(&server), fs::read(&path).unwrap()),
        (1, b"film 1".to_vec())
    );
    let seen = server.requests().len();
    let error = example(&client, &path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(
        error.to_string().contains("boat.mp4 already exists"),
        "{error}"
    );
    assert!(error.handle().is_none());
    assert_eq!(server.requests().len(), seen);
    assert_eq!(entries(folder.path()), ["boat.mp4"]);
    assert_eq!(fs::read(&path).unwrap(), b"film 1");
}

#[tokio::test]
async fn unwritable_target_or_invalid_request_is_refused_before_the_create() {
    let server = service(1, false).await;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "mine").unwrap();
    let client = support::client(server.url());
    let name = "n".repeat(256);
    let overwriting = |path: &str, overwrite| {
        let made = client.generate_to(request(), folder.path().join(path));
        made.overwrite(overwrite)
    };
    for (path, overwrite) in [("file", false), ("file/a.mp4", true), (&name, true)] {
        let error = overwriting(path, overwrite).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    }
    // An invalid request creates no folder.
    let wrong = GenerationRequest::from(request()).with_property("duration", 7);
    let made = client.generate_to(wrong, folder.path().join("new/a.mp4"));
    let error = made.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(server.requests().is_empty());
    assert_eq!(entries(folder.path()), ["file"]);
}

#[tokio::test]
async fn several_videos_are_saved_and_replaced_only_with_overwrite() {
    let server = service(3, false).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/a.mp4");
    let client = support::client(server.url());
    for overwrite in [false, true] {
        let made = client.generate_to(request(), &path).overwrite(overwrite);
        let made = made.await.unwrap();
        assert_eq!(made.generation.videos().len(), 3);
        let names = ["a-2.mp4", "a-3.mp4", "a.mp4"];
        assert_eq!(entries(&folder.path().join("new")), names);
        for (file, number) in made.saved.iter().zip(1..) {
            let content = fs::read_to_string(&file.path).unwrap();
            assert_eq!(content, format!("film {number}"));
        }
    }
}

#[tokio::test]
async fn folder_gets_the_videos_under_their_default_names() {
    let server = service(2, false).await;
    let folder = tempfile::tempdir().unwrap();
    let client = support::client(server.url());
    let path = folder.path().join("new/");
    let made = client.generate_to(request(), &path).await.unwrap();
    let stem = "klingai-v2-master-text-to-video-g";
    let names = [format!("{stem}-2.mp4"), format!("{stem}.mp4")];
    assert_eq!(entries(&path), names);
    assert_eq!(made.saved[0].path, path.join(&names[1]));
}

#[tokio::test]
async fn target_is_reserved_from_the_check_until_it_is_saved() {
    let server = service(1, false).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    let client = support::client(server.url());
    let checks = Mutex::new(Vec::new());
    let made = client.generate_to(request(), &path).on_update(|_| {
        let error = Download::check_target(&path, false).unwrap_err();
        checks.lock().unwrap().push(error.to_string());
    });
    made.await.unwrap();
    let checks = checks.into_inner().unwrap();
    assert!(!checks.is_empty());
    assert!(
        checks
            .iter()
            .all(|message| message.contains("is being written by another download")),
        "{checks:?}"
    );
}

#[tokio::test]
async fn every_error_after_the_create_has_the_handle() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    let options = WaitOptions::default()
        .speed(1000.0)
        .deadline(Duration::from_secs(60));
    let failing = |body: serde_json::Value| {
        Server::start(move |_, request| match request.method.as_str() {
            "POST" => support::json(201, json!({ "id": "g", "status": "queued" })),
            _ => support::json(200, body.clone()),
        })
    };
    let unsafe_link =
        json!({ "id": "g", "status": "completed", "video": { "url": "ftp://a.example/v" } });
    for (server, kind) in [
        (
            failing(json!({ "id": "g", "status": "error" })).await,
            ErrorKind::GenerationFailed,
        ),
        (
            failing(json!({ "id": "g", "status": "queued" })).await,
            ErrorKind::DeadlineExceeded,
        ),
        (
            failing(json!({ "id": "g", "status": "completed" })).await,
            ErrorKind::MissingVideo,
        ),
        (failing(unsafe_link).await, ErrorKind::Download),
        (service(1, true).await, ErrorKind::Download),
    ] {
        let made = support::client(server.url()).generate_to(request(), &path);
        let error = made.wait_options(options.clone()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.handle().unwrap().id(), "g");
        assert_eq!(creates(&server), 1);
        assert_eq!(entries(folder.path()), [""; 0]);
    }
}

#[tokio::test]
async fn error_of_one_video_lists_the_saved_ones_and_the_handle_fetches_the_rest() {
    let server = service(2, true).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    let made = support::client(server.url()).generate_to(request(), &path);
    let error = made.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Download);
    assert_eq!(error.saved().len(), 1);
    let later = service(2, false).await;
    let handle = error.handle().unwrap().id().to_owned();
    let client = support::client(later.url());
    let generation = client.wait(handle).await.unwrap();
    client
        .download(&generation)
        .overwrite(true)
        .to_file(&path)
        .await
        .unwrap();
    assert_eq!(entries(folder.path()), ["a-2.mp4", "a.mp4"]);
    assert_eq!(creates(&later), 0);
}

#[tokio::test]
async fn file_that_appears_during_the_wait_is_kept_and_the_video_can_be_fetched() {
    let server = service(1, false).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    let client = support::client(server.url());
    let made = client.generate_to(request(), &path).on_update(|_| {
        fs::write(&path, "mine").unwrap();
    });
    let error = made.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    let generation = client.wait(error.handle().unwrap()).await.unwrap();
    let other = folder.path().join("b.mp4");
    client.save(&generation, &other).await.unwrap();
    assert_eq!(fs::read(&other).unwrap(), b"film 1");
}

#[tokio::test]
async fn callbacks_receive_updates_and_progress() {
    let server = service(1, false).await;
    let folder = tempfile::tempdir().unwrap();
    let (mut states, mut received) = (Vec::new(), 0);
    let made = support::client(server.url())
        .generate_to(request(), folder.path().join("a.mp4"))
        .on_update(|update| {
            states.push(match update {
                Update::Progress(progress) => progress.state,
                Update::Completed(generation) => generation.state(),
                other => panic!("{other:?}"),
            });
        })
        .on_progress(|so_far| received = so_far.bytes);
    made.await.unwrap();
    assert_eq!(states.last(), Some(&State::Completed));
    assert_eq!(received, 6);
}

#[tokio::test]
async fn future_that_is_dropped_before_it_is_polled_does_nothing() {
    let server = service(1, false).await;
    let folder = tempfile::tempdir().unwrap();
    let client = support::client(server.url());
    drop(client.generate_to(request(), folder.path().join("new/a.mp4")));
    drop(
        client
            .generate_to(request(), folder.path().join("new/a.mp4"))
            .into_future(),
    );
    assert_eq!(entries(folder.path()), [""; 0]);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn dropped_wait_releases_the_target() {
    let server = Server::start(|_, request| match request.method.as_str() {
        "POST" => support::json(201, json!({ "id": "g", "status": "queued" })),
        _ => support::json(200, json!({ "id": "g", "status": "generating" })),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    let waits = tokio::sync::Notify::new();
    let client = support::client(server.url());
    let made = client
        .generate_to(request(), &path)
        .on_update(|_| waits.notify_one());
    tokio::select! {
        ended = made.into_future() => panic!("it cannot end: {ended:?}"),
        () = waits.notified() => {}
    }
    assert_eq!(entries(folder.path()), [""; 0]);
    Download::check_target(&path, false).unwrap();
}
