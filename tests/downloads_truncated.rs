//! Truncated files, and files whose content is not that of their name or media type.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{fs, path::Path};

use aimlapi_video::{Client, Error, ErrorKind, Generation, Saved};
use serde_json::json;
use support::{Server, client, http};

fn clip(name: &str) -> Vec<u8> {
    fs::read(Path::new("tests/fixtures/clips").join(name)).unwrap()
}

fn generation(server: &Server) -> Generation {
    Generation::from_json(
        json!({ "id": "g", "status": "completed", "video": { "url": server.url() } }),
    )
}

/// A host of one file, which has a strong tag.
async fn host(kind: &'static str, bytes: Vec<u8>) -> (Server, Client) {
    let server = Server::start(move |_, request| {
        let headers = [("content-type", kind), ("etag", "\"v1\"")];
        let from = request.header("range").and_then(|range| {
            let from = range.strip_prefix("bytes=")?.strip_suffix('-')?;
            from.parse::<usize>().ok()
        });
        match from.filter(|_| request.header("if-range") == Some("\"v1\"")) {
            Some(from) if from >= bytes.len() => {
                let range = format!("bytes */{}", bytes.len());
                http(416, &[("content-range", &range), ("etag", "\"v1\"")], "")
            }
            Some(from) => {
                let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
                let headers = [headers[0], headers[1], ("content-range", &range)];
                http(206, &headers, &bytes[from..])
            }
            None => http(200, &headers, &bytes),
        }
    })
    .await;
    let client = client(server.url());
    (server, client)
}

async fn save(server: &Server, client: &Client, path: &Path) -> Result<Saved, Error> {
    let mut saved = client.save(&generation(server), path).await?;
    Ok(saved.remove(0))
}

#[tokio::test]
async fn truncated_file_is_requested_once_more_and_then_refused_with_its_bytes_kept() {
    for (name, kind) in [
        ("index-first.mp4", "video/mp4"),
        ("index-last.mp4", "video/mp4"),
        ("timecode.mov", "video/quicktime"),
        ("file.webm", "video/webm"),
        ("file.avi", "video/x-msvideo"),
    ] {
        let whole = clip(name);
        let cut = whole[..whole.len() * 2 / 5].to_vec();
        let (server, client) = host(kind, cut.clone()).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let part = folder.path().join(format!("{name}.part"));
        let error = save(&server, &client, &path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Download);
        assert!(error.is_resumable());
        let message = error.to_string();
        assert!(
            message.starts_with("the video is truncated: it"),
            "{message}"
        );
        assert!(
            message.contains("a second request returned the same bytes"),
            "{message}"
        );
        assert!(message.contains(&part.display().to_string()), "{message}");
        assert_eq!(server.requests().len(), 2);
        assert_eq!(fs::read(&part).unwrap(), cut);
        assert!(!path.exists());

        // The next download requests the rest, and then the whole file once more.
        save(&server, &client, &path).await.unwrap_err();
        assert_eq!(server.requests()[2].header("if-range"), Some("\"v1\""));
        assert_eq!(server.requests().len(), 4);

        let generation = generation(&server);
        let download = client.download(&generation).allow_truncated(true);
        let saved = download.to_file(&path).await.unwrap();
        let note = saved[0].disagreement.as_deref().unwrap_or_default();
        assert!(note.starts_with("the file is truncated: it"), "{note}");
        assert_eq!(fs::read(&path).unwrap(), cut);
    }
}

#[tokio::test]
async fn file_that_its_host_completes_in_the_meantime_is_saved() {
    let whole = clip("index-first.mp4");
    let (bytes, half) = (whole.clone(), whole.len() / 2);
    let server = Server::start(move |number, _| match number {
        0 => http(200, &[("etag", "\"v1\"")], &bytes[..half]),
        1 => http(200, &[("etag", "\"v2\"")], &bytes[..half + 100]),
        _ => http(200, &[("etag", "\"v3\"")], &bytes),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    save(&server, &client(server.url()), &path).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), whole);
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn truncated_file_is_refused_in_memory_and_to_a_writer() {
    let whole = clip("index-first.mp4");
    let (server, client) = host("video/mp4", whole[..whole.len() / 2].to_vec()).await;
    let generation = generation(&server);
    let error = client.download(&generation).to_bytes().await.unwrap_err();
    assert!(
        error.to_string().starts_with("the video is truncated"),
        "{error}"
    );
    assert_eq!(server.requests().len(), 2);
    // Bytes in a writer cannot be replaced.
    let mut written = Vec::new();
    let download = client.download(&generation);
    let error = download.to_writer(&mut written).await.unwrap_err();
    assert!(
        error.to_string().starts_with("the video is truncated"),
        "{error}"
    );
    assert_eq!(
        (server.requests().len(), written.len()),
        (3, whole.len() / 2)
    );
}

#[tokio::test]
async fn complete_clips_are_saved_without_a_disagreement() {
    let mut names: Vec<String> = fs::read_dir("tests/fixtures/clips")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".md") && !name.ends_with(".avif"))
        .collect();
    names.sort();
    assert!(names.len() > 15, "{names:?}");
    for name in names {
        let whole = clip(&name);
        let (server, client) = host("application/octet-stream", whole.clone()).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(&name);
        let saved = save(&server, &client, &path).await;
        let saved = saved.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(saved.disagreement, None, "{name}");
        assert_eq!(fs::read(&path).unwrap(), whole);
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn content_of_another_type_is_saved_with_a_disagreement() {
    let picture = [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], &[1; 600]].concat();
    for (bytes, kind, name, note) in [
        (
            picture.clone(),
            "video/mp4",
            "a.mp4",
            Some("its content is image/png, which is not a video"),
        ),
        (
            vec![0; 4096],
            "video/mp4",
            "a.mp4",
            Some("its content is of an unknown video format"),
        ),
        (
            vec![7; 4096],
            "application/octet-stream",
            "a",
            Some("its content is of an unknown video format"),
        ),
        (
            clip("file.webm"),
            "video/webm",
            "a.mp4",
            Some("its name ends in .mp4, and its content is WebM"),
        ),
        (
            clip("file.webm"),
            "video/mp4",
            "a.webm",
            Some("it is labelled video/mp4, and its content is WebM"),
        ),
        (
            clip("index-first.mp4"),
            "video/mp4",
            "a.webm",
            Some("its name ends in .webm, and its content is MP4"),
        ),
        (clip("file.webm"), "video/webm", "a.mkv", None),
        (clip("timecode.mov"), "video/quicktime", "a.mp4", None),
        (
            clip("index-first.mp4"),
            "binary/octet-stream",
            "a.download",
            None,
        ),
    ] {
        let (server, client) = host(kind, bytes.clone()).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let saved = save(&server, &client, &path).await.unwrap();
        assert_eq!(saved.disagreement.as_deref(), note, "{kind} {name}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

#[tokio::test]
async fn file_in_a_folder_gets_the_extension_of_its_content() {
    for (name, extension) in [
        ("file.webm", "webm"),
        ("live.mkv", "mkv"),
        ("file.avi", "avi"),
        ("animation.gif", "gif"),
        ("timecode.mov", "mov"),
        ("index-last.mp4", "mp4"),
    ] {
        let (server, client) = host("video/mp4", clip(name)).await;
        let folder = tempfile::tempdir().unwrap();
        let generation = generation(&server);
        let saved = client
            .download(&generation)
            .to_folder(folder.path())
            .await
            .unwrap();
        assert_eq!(saved[0].path.extension().unwrap(), extension, "{name}");
    }
}

#[tokio::test]
async fn truncated_file_is_kept_if_the_second_request_fails() {
    let whole = clip("index-first.mp4");
    let cut = whole[..whole.len() / 2].to_vec();
    let sent = cut.clone();
    let server = Server::start(move |number, request| match number {
        0 => http(200, &[], &sent),
        _ if request.target.starts_with("/v") => http(502, &[], ""),
        _ => http(403, &[], ""),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    let error = save(&server, &client(server.url()), &path)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("responded with 403"), "{error}");
    assert_eq!(fs::read(folder.path().join("a.mp4.part")).unwrap(), cut);
}

#[tokio::test]
async fn folder_with_the_video_under_another_extension_is_refused_before_the_download() {
    let (server, client) = host("video/webm", clip("file.webm")).await;
    let folder = tempfile::tempdir().unwrap();
    let generation = generation(&server);
    let saved = client
        .download(&generation)
        .to_folder(folder.path())
        .await
        .unwrap();
    assert_eq!(saved[0].path.extension().unwrap(), "webm");
    let error = client
        .download(&generation)
        .to_folder(folder.path())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("already exists"), "{error}");
    assert_eq!(server.requests().len(), 1);
}
