//! Downloads to a file against a real server: the request, redirects, errors, limits, and the saved file.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{path::Path, sync::Mutex};

use aimlapi_video::{Error, ErrorKind, Generation, GenerationHandle, Route, Saved};
use serde_json::json;
use support::{KEY, Server, client, http};

const PAGE: &str = "<!doctype html><title>expired</title> sig=secret";
const FILE: &[u8] = support::files::CLIP;

async fn save(server: &Server, path: &Path, url: &str) -> Result<Vec<Saved>, Error> {
    let generation =
        Generation::from_json(json!({ "id": "g", "status": "completed", "video": { "url": url } }));
    client(server.url()).save(&generation, path).await
}

fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn download_saves_the_whole_file_and_sends_the_url_unchanged_and_without_the_key() {
    let server = Server::always(http(200, &[("content-type", "video/mp4")], FILE)).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("boat.mp4");
    let url = format!("{}/a%2Fb/c.mp4?X-Amz-Signature=%2Fab%3D&e=1", server.url());
    let saved = save(&server, &path, &url).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), FILE);
    assert_eq!(
        (saved[0].bytes, saved[0].disagreement.as_deref()),
        (FILE.len() as u64, None)
    );
    let request = &server.requests()[0];
    assert_eq!(request.target, "/a%2Fb/c.mp4?X-Amz-Signature=%2Fab%3D&e=1");
    assert!(!format!("{request:?}").contains(KEY));
    assert_eq!(request.header("authorization"), None);
    assert_eq!(request.header("x-client-request-id"), None);
    assert_eq!(entries(folder.path()), ["boat.mp4"]);
}

#[cfg(unix)]
#[tokio::test]
async fn saved_file_has_the_mode_of_any_new_file() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::always(http(200, &[], FILE)).await;
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("boat.mp4"), folder.path().join("other"));
    std::fs::write(&other, "").unwrap();
    save(&server, &path, &server.url()).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&path), mode(&other));
}

#[tokio::test]
async fn failed_download_leaves_no_files_and_hides_the_signature() {
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("broke off", http(200, &[("content-length", "4096")], FILE)),
        ("empty file", http(200, &[], "")),
        ("responded with 403", http(403, &[], "denied")),
        ("responded with 404", http(404, &[], "")),
        ("could not be reached", Vec::new()),
        (
            "is not an https or http URL",
            http(302, &[("location", "ftp://a.example/x?sig=secret")], ""),
        ),
        (
            "redirects more than 5 times",
            http(302, &[("location", "/x.mp4?sig=secret")], ""),
        ),
        (
            "redirects to no URL",
            http(302, &[("location", "http://[?sig=secret")], ""),
        ),
        (
            "an HTML page",
            http(200, &[("content-type", "video/mp4")], PAGE),
        ),
        ("JSON", http(200, &[], "{\"message\":\"sig=secret\"}")),
        (
            "sent text",
            http(
                200,
                &[("content-type", "text/plain")],
                "the link has expired",
            ),
        ),
        (
            "an XML document",
            http(200, &[("etag", "\"a\"")], "<?xml version=\"1.0\"?><Error/>"),
        ),
        (
            "a compressed file (gzip)",
            http(200, &[("content-encoding", "gzip")], b"\x1f\x8b\x08\0"),
        ),
        ("carries no video", http(204, &[], "")),
        (
            "sent a range, although the request is for the whole file",
            http(206, &[("content-range", "bytes 0-3/9")], "film"),
        ),
        ("responded with 416", http(416, &[], "")),
        ("responded with 503", http(503, &[("retry-after", "0")], "")),
        (
            "larger than the limit",
            http(200, &[("content-length", "9000000000")], FILE),
        ),
    ];
    for (expected, response) in cases {
        let server = Server::always(response).await;
        let folder = tempfile::tempdir().unwrap();
        let url = format!("{}/x.mp4?sig=secret", server.url());
        let error = save(&server, &folder.path().join("boat.mp4"), &url)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Download, "{expected}: {error}");
        assert!(error.to_string().contains(expected), "{expected}: {error}");
        assert_eq!(error.handle().map(GenerationHandle::id), Some("g"));
        assert!(error.is_resumable() && error.service().is_none());
        let mut chain = format!("{error} {error:?}");
        let mut cause = std::error::Error::source(&error);
        while let Some(next) = cause {
            chain.push_str(&format!(" {next} {next:?}"));
            cause = next.source();
        }
        assert!(!chain.contains("secret"), "{chain}");
        assert_eq!(entries(folder.path()), [""; 0], "{expected}");
    }
}

#[tokio::test]
async fn five_redirects_are_followed_without_the_key() {
    let server = Server::start(|number, _| match number {
        0..5 => http(302, &[("location", "/next")], ""),
        _ => http(200, &[], FILE),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    save(&server, &folder.path().join("a.mp4"), &server.url())
        .await
        .unwrap();
    for request in server.requests() {
        assert_eq!(
            (request.header("authorization"), request.header("referer")),
            (None, None)
        );
    }

    let circle = Server::always(http(302, &[("location", "/again")], "")).await;
    let error = save(&circle, &folder.path().join("b.mp4"), &circle.url())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Download);
    assert_eq!(circle.requests().len(), 6);
}

#[tokio::test]
async fn plain_http_url_is_refused_unless_the_api_is_on_this_machine() {
    let client = aimlapi_video::Client::builder()
        .api_key(KEY)
        .build()
        .unwrap();
    let server = Server::always(http(200, &[], FILE)).await;
    let folder = tempfile::tempdir().unwrap();
    for url in [
        server.url(),
        "file:///etc/passwd".into(),
        "data:video/mp4;base64,AA==".into(),
        "nonsense".into(),
    ] {
        let generation = Generation::from_json(
            json!({ "id": "g", "status": "completed", "video": { "url": url } }),
        );
        let error = client
            .save(&generation, folder.path().join("a.mp4"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Download, "{url}");
    }
    assert!(server.requests().is_empty());
    assert_eq!(entries(folder.path()), [""; 0]);
}

#[tokio::test]
async fn existing_file_is_kept_unless_overwrite_is_on() {
    let server = Server::always(http(200, &[], FILE)).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("boat.mp4");
    std::fs::write(&path, "mine").unwrap();
    let error = save(&server, &path, &server.url()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    assert!(server.requests().is_empty());

    let video =
        Generation::from_json(json!({ "id": "g", "status": "completed", "video": server.url() }));
    client(server.url())
        .download(&video)
        .overwrite(true)
        .to_file(&path)
        .await
        .unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), FILE);
}

#[tokio::test]
async fn unwritable_target_is_refused_before_any_request() {
    let server = Server::always(http(200, &[], FILE)).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    for path in [
        folder.path().to_owned(),
        folder.path().join("file/below.mp4"),
    ] {
        let error = save(&server, &path, &server.url()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{}", path.display());
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn stated_size_is_in_the_progress_and_a_disagreement_is_reported() {
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n5\r\nhello\r\n4\r\n you\r\n0\r\n\r\n";
    let server = Server::always(chunked.to_vec()).await;
    let folder = tempfile::tempdir().unwrap();
    let generation = Generation::from_json(json!({
        "id": "g", "status": "completed",
        "video": { "url": server.url(), "file_size": 8, "content_type": "video/webm" },
    }));
    let progress = Mutex::new(Vec::new());
    let saved = client(server.url())
        .download(&generation)
        .on_progress(|received| {
            progress
                .lock()
                .unwrap()
                .push((received.bytes, received.total))
        })
        .to_file(folder.path().join("a.webm"))
        .await
        .unwrap();
    assert_eq!(progress.into_inner().unwrap().last(), Some(&(9, Some(8))));
    assert_eq!(
        saved[0].disagreement.as_deref(),
        Some(
            "the generation states a file of 8 bytes, and 9 arrived; its content is of an unknown video format"
        )
    );
    assert_eq!(saved[0].content_type.as_deref(), Some("video/webm"));

    let page = Server::always(http(
        200,
        &[("content-type", "video/webm; codecs=vp9")],
        "hello you",
    ))
    .await;
    let saved = client(page.url())
        .download(&Generation::from_json(json!({
            "id": "g", "status": "completed",
            "video": { "url": page.url(), "file_size": 9, "content_type": "video/mp4" },
        })))
        .to_file(folder.path().join("b.mp4"))
        .await
        .unwrap();
    assert_eq!(
        saved[0].disagreement.as_deref(),
        Some(
            "the generation states video/mp4, and video/webm arrived; its content is of an unknown video format"
        )
    );
}

#[tokio::test]
async fn file_beyond_the_limit_is_refused() {
    let server = Server::always(http(200, &[], FILE)).await;
    let folder = tempfile::tempdir().unwrap();
    let generation =
        Generation::from_json(json!({ "id": "g", "status": "completed", "video": server.url() }));
    let client = client(server.url());
    let download = client.download(&generation).max_bytes(10);
    let error = download
        .to_file(folder.path().join("a.mp4"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("limit of 10 bytes"), "{error}");
    assert_eq!(entries(folder.path()), [""; 0]);
}

#[tokio::test]
async fn failed_video_does_not_prevent_saving_the_others() {
    let server = Server::start(|_, request| match request.target.as_str() {
        "/missing" => http(404, &[], ""),
        _ => http(200, &[], FILE),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let videos = [
        server.url(),
        format!("{}/missing", server.url()),
        server.url(),
    ];
    let generation =
        Generation::from_json(json!({ "id": "g", "status": "completed", "video": videos }));
    let error = client(server.url())
        .save(&generation, folder.path().join("a.mp4"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Download);
    assert_eq!(entries(folder.path()), ["a-3.mp4", "a.mp4"]);
    assert_eq!(error.saved().len(), 2);
}

#[tokio::test]
async fn download_error_has_the_handle_of_the_wait() {
    let server = Server::start(|_, request| match request.target.as_str() {
        target if target.starts_with("/v2/generate") => {
            // A final response that does not repeat the id.
            let url = format!(
                "http://{}/x.mp4",
                request.header("host").unwrap_or_default()
            );
            support::json(200, json!({ "status": "completed", "video": url }))
        }
        _ => http(403, &[], ""),
    })
    .await;
    let client = client(server.url());
    let handle = GenerationHandle::new("g").with_route(Route::LegacyKling);
    let generation = client.wait(&handle).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let error = client
        .save(&generation, folder.path().join("a.mp4"))
        .await
        .unwrap_err();
    assert_eq!(error.handle(), Some(&handle));
    assert!(error.is_resumable() && !error.is_out_of_credits());
}
