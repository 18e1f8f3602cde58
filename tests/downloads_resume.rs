//! Resumed downloads: broken connections, parts of earlier runs, changed files, and hosts with wrong responses.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{
    fs,
    path::{Path, PathBuf},
};

use aimlapi_video::{Client, Download, Error, ErrorKind, Generation, Saved};
use serde_json::json;
use support::{
    KEY, client,
    files::{Film, Host, Plan, Validator},
    http,
};
use tokio::sync::mpsc;

const TAG: Validator = Validator::Etag("\"v1\"");
const LENGTH: u64 = 300_000;

fn film() -> Film {
    Film::new(LENGTH, 7)
}

fn generation(id: &str, url: &str) -> Generation {
    Generation::from_json(json!({ "id": id, "status": "completed", "video": { "url": url } }))
}

async fn save(host: &Host, path: &Path) -> Result<Vec<Saved>, Error> {
    client(&host.url)
        .save(&generation("g", &host.link()), path)
        .await
}

fn entries(folder: &Path) -> Vec<String> {
    let entry =
        |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(entry).collect();
    names.sort();
    names
}

fn from(bytes: u64) -> Option<String> {
    Some(format!("bytes={bytes}-"))
}

/// Drops a download after `bytes` bytes, which leaves a part.
async fn dropped(host: &Host, path: &Path, bytes: u64) {
    let (sender, mut progress) = mpsc::unbounded_channel();
    let (client, generation) = (client(&host.url), generation("g", &host.link()));
    let download = client
        .download(&generation)
        .overwrite(true)
        .on_progress(move |received| {
            let _ = sender.send(received.bytes);
        });
    let part = part(path);
    tokio::select! {
        ended = download.to_file(path) => panic!("it cannot end: {ended:?}"),
        () = async { while progress.recv().await.unwrap() < bytes {} } => {}
    }
    // The write of the last piece may not have ended yet.
    while fs::metadata(&part).unwrap().len() < bytes {
        tokio::task::yield_now().await;
    }
}

fn part(path: &Path) -> PathBuf {
    PathBuf::from(format!("{}.part", path.display()))
}

#[tokio::test]
async fn download_continues_after_a_dropped_connection() {
    for validator in [TAG, Validator::Modified("Wed, 21 Oct 2015 07:28:00 GMT")] {
        let host = Host::start(film(), validator, |number, _| match number {
            0 => Plan::Cut(100_000),
            1 => Plan::Cut(80_000),
            _ => Plan::Whole,
        })
        .await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp4");
        let saved = save(&host, &path).await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), film().bytes());
        assert_eq!(saved[0].bytes, LENGTH);
        assert_eq!(saved[0].content_type.as_deref(), Some("video/mp4"));
        assert_eq!(host.ranges(), [None, from(100_000), from(180_000)]);
        assert_eq!(entries(folder.path()), ["a.mp4"]);
        for request in host.requests() {
            assert!(!format!("{request:?}").contains(KEY));
            assert_eq!(request.header("accept-encoding"), Some("identity"));
        }
    }
}

#[tokio::test]
async fn broken_download_restarts_without_a_validator() {
    for validator in [Validator::None, Validator::Etag("W/\"weak\"")] {
        let host = Host::start(film(), validator, |number, _| match number {
            0 => Plan::Cut(100_000),
            _ => Plan::Whole,
        })
        .await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp4");
        save(&host, &path).await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), film().bytes());
        assert_eq!(host.ranges(), [None, None]);
    }
}

#[tokio::test]
async fn host_without_progress_is_retried_up_to_the_limit_and_the_part_is_kept() {
    let host = Host::start(film(), TAG, |number, _| match number {
        0 => Plan::Cut(100_000),
        _ => Plan::Cut(10),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    let generation = generation("g", &host.link());
    let client = client(&host.url);
    let error = client
        .download(&generation)
        .retries(3)
        .to_file(&path)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Download);
    let kept = format!(
        "; 3 retries failed; 100030 bytes are kept in {}, and the next download continues this part; remove the part to \
         start over",
        part(&path).display()
    );
    assert!(error.to_string().ends_with(&kept), "{error}");
    assert!(error.is_resumable());
    assert_eq!(host.requests().len(), 4);
    assert_eq!(entries(folder.path()), ["a.mp4.part", "a.mp4.part.json"]);
    assert_eq!(fs::read(part(&path)).unwrap(), film().piece(0, 100_030));
}

#[tokio::test]
async fn host_with_progress_is_retried_until_the_file_is_complete() {
    let host = Host::start(film(), TAG, |_, _| Plan::Cut(70_000)).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    let generation = generation("g", &host.link());
    client(&host.url)
        .download(&generation)
        .retries(1)
        .to_file(&path)
        .await
        .unwrap();
    assert_eq!(fs::read(&path).unwrap(), film().bytes());
    assert_eq!(host.requests().len(), 5);
}

#[tokio::test]
async fn idle_host_is_disconnected_and_the_rest_is_requested() {
    let host = Host::start(film(), TAG, |number, _| match number {
        0 => Plan::Hold(100_000),
        _ => Plan::Whole,
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    let client = support::builder(&host.url)
        .idle_timeout(std::time::Duration::from_millis(500))
        .build()
        .unwrap();
    client
        .save(&generation("g", &host.link()), &path)
        .await
        .unwrap();
    assert_eq!(fs::read(&path).unwrap(), film().bytes());
    assert_eq!(host.ranges(), [None, from(100_000)]);
}

#[tokio::test]
async fn busy_host_is_retried() {
    let host = Host::start(film(), TAG, |number, _| match number {
        0 => Plan::Raw(http(503, &[("retry-after", "0")], "")),
        1 => Plan::Raw(http(429, &[], "")),
        2 => Plan::Raw(Vec::new()),
        _ => Plan::Whole,
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    save(&host, &path).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), film().bytes());
    assert_eq!(host.requests().len(), 4);
}

#[tokio::test]
async fn dropped_download_leaves_a_part_that_the_next_one_continues() {
    let host = Host::start(film(), TAG, |number, _| match number {
        0 => Plan::Hold(100_000),
        _ => Plan::Whole,
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    fs::write(&path, "an earlier film").unwrap();
    dropped(&host, &path, 100_000).await;
    assert_eq!(fs::read(&path).unwrap(), b"an earlier film");
    assert_eq!(
        entries(folder.path()),
        ["a.mp4", "a.mp4.part", "a.mp4.part.json"]
    );
    let note = fs::read_to_string(folder.path().join("a.mp4.part.json")).unwrap();
    assert!(!note.contains("http") && !note.contains(KEY), "{note}");

    let first = std::sync::Mutex::new(None);
    let generation = generation("g", &host.link());
    let saved = client(&host.url)
        .download(&generation)
        .overwrite(true)
        .on_progress(|received| {
            first
                .lock()
                .unwrap()
                .get_or_insert((received.bytes > 100_000, received.total));
        })
        .to_file(&path)
        .await
        .unwrap();
    assert_eq!(saved[0].bytes, LENGTH);
    assert_eq!(*first.lock().unwrap(), Some((true, Some(LENGTH))));
    assert_eq!(fs::read(&path).unwrap(), film().bytes());
    assert_eq!(host.ranges(), [None, from(100_000)]);
    assert_eq!(host.requests()[1].header("if-range"), Some("\"v1\""));
    assert_eq!(entries(folder.path()), ["a.mp4"]);
}

#[tokio::test]
async fn dropped_download_without_a_validator_leaves_no_part() {
    let host = Host::start(film(), Validator::None, |_, _| Plan::Hold(100_000)).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    let (sender, mut progress) = mpsc::unbounded_channel();
    let generation = generation("g", &host.link());
    let client = client(&host.url);
    let download = client.download(&generation).on_progress(move |received| {
        let _ = sender.send(received.bytes);
    });
    tokio::select! {
        ended = download.to_file(&path) => panic!("it cannot end: {ended:?}"),
        () = async { while progress.recv().await.unwrap() < 100_000 {} } => {}
    }
    assert_eq!(entries(folder.path()), [""; 0]);
}

/// The outcome of a second download after the part of a first, whose file had the tag `v1`.
async fn after_a_part(
    second: Film,
    validator: Validator,
    plan: impl Fn(usize, &support::Request) -> Plan + Send + Sync + 'static,
) -> (Result<Vec<Saved>, Error>, Host, tempfile::TempDir) {
    let host = Host::start(film(), TAG, |_, _| Plan::Hold(100_000)).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    dropped(&host, &path, 100_000).await;
    let host = Host::start(second, validator, plan).await;
    let outcome = save(&host, &path).await;
    (outcome, host, folder)
}

/// Asserts that the whole file is requested after this response to the request for the rest of a part.
async fn asserts_restart_after(response: Vec<u8>) {
    let (outcome, host, folder) = after_a_part(film(), TAG, move |number, _| match number {
        0 => Plan::Raw(response.clone()),
        _ => Plan::Whole,
    })
    .await;
    outcome.unwrap();
    assert_eq!(
        fs::read(folder.path().join("a.mp4")).unwrap(),
        film().bytes()
    );
    assert_eq!(host.ranges(), [from(100_000), None]);
}

#[tokio::test]
async fn part_of_a_changed_file_is_replaced_by_the_new_file() {
    let other = Film::new(LENGTH, 8);
    let changed = Validator::Etag("\"v2\"");
    let (outcome, host, folder) = after_a_part(other.clone(), changed, |_, _| Plan::Whole).await;
    assert_eq!(outcome.unwrap()[0].bytes, LENGTH);
    assert_eq!(
        fs::read(folder.path().join("a.mp4")).unwrap(),
        other.bytes()
    );
    assert_eq!(host.ranges(), [from(100_000)]);
    assert_eq!(entries(folder.path()), ["a.mp4"]);
}

#[tokio::test]
async fn download_restarts_after_a_wrong_response_to_a_range() {
    let part = |range: &str, tag: &str| {
        http(
            206,
            &[("content-range", range), ("etag", tag)],
            vec![0; 200_000],
        )
    };
    for response in [
        part("bytes 99999-299998/300000", "\"v1\""),
        part("bytes 100000-299999/300000", "\"v2\""),
        part("bytes 100000-299999/300001", "\"v1\""),
        part("nonsense", "\"v1\""),
        http(416, &[("content-range", "bytes */99")], ""),
        http(416, &[], ""),
    ] {
        asserts_restart_after(response).await;
    }
}

#[tokio::test]
async fn complete_part_is_saved_without_another_byte() {
    let host = Host::start(film(), TAG, |_, _| Plan::Whole).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    // The state that a process leaves if it is killed before the rename.
    fs::write(part(&path), film().bytes()).unwrap();
    let note = json!({ "video": "g 1", "validator": { "etag": "\"v1\"" }, "total": LENGTH, "content_type": "video/mp4" });
    fs::write(folder.path().join("a.mp4.part.json"), note.to_string()).unwrap();
    let saved = save(&host, &path).await.unwrap();
    assert_eq!(
        (saved[0].bytes, saved[0].content_type.as_deref()),
        (LENGTH, Some("video/mp4"))
    );
    assert_eq!(host.ranges(), [from(LENGTH)]);
    assert_eq!(fs::read(&path).unwrap(), film().bytes());
    assert_eq!(entries(folder.path()), ["a.mp4"]);
}

#[tokio::test]
async fn page_in_place_of_the_rest_does_not_discard_the_part() {
    let page = http(
        200,
        &[("etag", "\"p\"")],
        "<html>sign in to the hotel's network</html>",
    );
    let (outcome, _, folder) = after_a_part(film(), TAG, move |_, _| Plan::Raw(page.clone())).await;
    let error = outcome.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("an HTML page instead of a video"),
        "{error}"
    );
    assert_eq!(
        fs::read(folder.path().join("a.mp4.part")).unwrap(),
        film().piece(0, 100_000)
    );
    let host = Host::start(film(), TAG, |_, _| Plan::Whole).await;
    save(&host, &folder.path().join("a.mp4")).await.unwrap();
    assert_eq!(host.ranges(), [from(100_000)]);
}

#[tokio::test]
async fn part_of_another_video_is_not_continued() {
    let host = Host::start(film(), TAG, |number, _| match number {
        0 => Plan::Hold(100_000),
        _ => Plan::Whole,
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    dropped(&host, &path, 100_000).await;
    let other = generation("another", &host.link());
    client(&host.url).save(&other, &path).await.unwrap();
    assert_eq!(host.ranges(), [None, None]);
    assert_eq!(fs::read(&path).unwrap(), film().bytes());
}

#[tokio::test]
async fn part_with_a_truncated_note_is_replaced() {
    let host = Host::start(film(), TAG, |_, _| Plan::Whole).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    for note in ["", "{\"video\": \"g 1\", \"vali"] {
        fs::write(part(&path), "half of something").unwrap();
        fs::write(folder.path().join("a.mp4.part.json"), note).unwrap();
        save(&host, &path).await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), film().bytes());
        assert_eq!(entries(folder.path()), ["a.mp4"]);
        fs::remove_file(&path).unwrap();
    }
    assert_eq!(host.ranges(), [None, None]);
}

#[tokio::test]
async fn file_of_another_program_in_place_of_the_part_is_kept() {
    let host = Host::start(film(), TAG, |_, _| Plan::Whole).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    fs::write(part(&path), "a browser's download").unwrap();
    let error = save(&host, &path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(
        error
            .to_string()
            .contains("is not a part that this crate left; move it elsewhere"),
        "{error}"
    );
    let before = Download::check_target(&path, false).unwrap_err();
    assert_eq!(before.to_string(), error.to_string());
    assert_eq!(fs::read(part(&path)).unwrap(), b"a browser's download");
    assert!(host.requests().is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn symlink_in_place_of_the_part_is_not_followed() {
    let host = Host::start(film(), TAG, |_, _| Plan::Whole).await;
    let folder = tempfile::tempdir().unwrap();
    let (path, victim) = (folder.path().join("a.mp4"), folder.path().join("victim"));
    fs::write(&victim, "").unwrap();
    std::os::unix::fs::symlink(&victim, part(&path)).unwrap();
    let error = save(&host, &path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(fs::read(&victim).unwrap(), b"");
    assert!(host.requests().is_empty());
}

#[tokio::test]
async fn second_download_to_the_same_target_is_refused_during_the_first() {
    let host = Host::start(film(), TAG, |_, _| Plan::Hold(100_000)).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    let (sender, mut progress) = mpsc::unbounded_channel();
    let generation = generation("g", &host.link());
    let client: Client = client(&host.url);
    let first = client.download(&generation).on_progress(move |received| {
        let _ = sender.send(received.bytes);
    });
    let second = async {
        while progress.recv().await.unwrap() < 100_000 {}
        let checked = Download::check_target(&path, false).unwrap_err();
        let error = client.save(&generation, &path).await.unwrap_err();
        host.release();
        (checked, error)
    };
    let (first, (checked, second)) = tokio::join!(first.to_file(&path), second);
    first.unwrap();
    assert_eq!(
        (checked.kind(), second.kind()),
        (ErrorKind::Io, ErrorKind::Io)
    );
    assert!(
        second
            .to_string()
            .contains("is being written by another download"),
        "{second}"
    );
    assert_eq!(host.requests().len(), 1);
    assert_eq!(fs::read(&path).unwrap(), film().bytes());
    assert_eq!(entries(folder.path()), ["a.mp4"]);
}

#[tokio::test]
async fn file_that_appears_during_the_download_is_kept_and_so_is_the_part() {
    let host = Host::start(film(), TAG, |number, _| match number {
        0 => Plan::Hold(100_000),
        _ => Plan::Whole,
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    let generation = generation("g", &host.link());
    let client = client(&host.url);
    let download = client.download(&generation).on_progress(|received| {
        if received.bytes == 100_000 {
            fs::write(&path, "mine").unwrap();
            host.release();
        }
    });
    let error = download.to_file(&path).await.unwrap_err();
    assert!(error.to_string().contains("already exists"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    assert_eq!(fs::read(part(&path)).unwrap(), film().bytes());
    client
        .download(&generation)
        .overwrite(true)
        .to_file(&path)
        .await
        .unwrap();
    assert_eq!(host.ranges(), [None, from(LENGTH)]);
    assert_eq!(fs::read(&path).unwrap(), film().bytes());
}

#[tokio::test]
async fn part_beyond_the_limit_is_removed() {
    let host = Host::start(film(), TAG, |_, _| Plan::Whole).await;
    let folder = tempfile::tempdir().unwrap();
    let chunked = format!(
        "HTTP/1.1 200 OK\r\netag: \"a\"\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n",
        200_000
    );
    let mut endless = chunked.into_bytes();
    endless.extend_from_slice(&film().piece(0, 200_000));
    let unannounced = Host::start(film(), TAG, move |_, _| Plan::Raw(endless.clone())).await;
    for (host, requests) in [(&host, 1), (&unannounced, 1)] {
        let generation = generation("g", &host.link());
        let download = client(&host.url).download(&generation).max_bytes(100_000);
        let error = download
            .to_file(folder.path().join("a.mp4"))
            .await
            .unwrap_err();
        assert!(
            error.to_string().contains("limit of 100000 bytes"),
            "{error}"
        );
        assert_eq!(host.requests().len(), requests);
        assert_eq!(entries(folder.path()), [""; 0]);
    }
}

#[tokio::test]
async fn failed_range_is_followed_by_a_request_for_the_whole_file() {
    let unreadable = b"HTTP/1.1 206 Partial\r\ncontent-length: -5000\r\n\r\n".to_vec();
    let page = http(
        200,
        &[("content-type", "text/html")],
        "<html>no ranges here</html>",
    );
    let compressed = http(
        206,
        &[
            ("content-range", "bytes 100000-299999/300000"),
            ("etag", "\"v1\""),
            ("content-encoding", "gzip"),
        ],
        vec![0; 200_000],
    );
    for response in [
        http(400, &[], ""),
        http(403, &[], ""),
        http(416, &[("content-range", "bytes */299999")], ""),
        http(500, &[], ""),
        http(501, &[], ""),
        unreadable,
        page,
        compressed,
        Vec::new(),
    ] {
        let shown = String::from_utf8_lossy(&response[..response.len().min(60)]).into_owned();
        let (outcome, host, folder) = after_a_part(film(), TAG, move |_, request| {
            match request.header("range") {
                Some(_) => Plan::Raw(response.clone()),
                None => Plan::Whole,
            }
        })
        .await;
        outcome.unwrap_or_else(|error| panic!("{shown}: {error}"));
        assert_eq!(
            fs::read(folder.path().join("a.mp4")).unwrap(),
            film().bytes()
        );
        assert_eq!(host.ranges().last(), Some(&None), "{shown}");
    }
}

#[tokio::test]
async fn range_with_status_200_continues_the_part() {
    let slice = http(
        200,
        &[
            ("content-range", "bytes 100000-299999/300000"),
            ("etag", "\"v1\""),
        ],
        film().piece(100_000, 200_000),
    );
    let (outcome, host, folder) =
        after_a_part(film(), TAG, move |_, _| Plan::Raw(slice.clone())).await;
    outcome.unwrap();
    assert_eq!(
        fs::read(folder.path().join("a.mp4")).unwrap(),
        film().bytes()
    );
    assert_eq!(host.ranges(), [from(100_000)]);
}

#[tokio::test]
async fn range_with_status_200_is_not_the_whole_file() {
    let slice = |range: Option<&str>| {
        let mut headers = vec![("etag", "\"v1\"")];
        headers.extend(range.map(|range| ("content-range", range)));
        http(200, &headers, film().piece(50_000, 250_000))
    };
    for response in [slice(Some("bytes 50000-299999/300000")), slice(None)] {
        asserts_restart_after(response).await;
    }
}

#[tokio::test]
async fn more_bytes_than_the_range_states_are_refused() {
    let longer = http(
        206,
        &[
            ("content-range", "bytes 100000-299999/300000"),
            ("etag", "\"v1\""),
            ("transfer-encoding", "chunked"),
        ],
        "",
    );
    let longer = String::from_utf8(longer)
        .unwrap()
        .replace("content-length: 0\r\n", "");
    let longer = [
        longer.as_bytes(),
        b"3d090\r\n",
        &film().piece(50_000, 250_000),
        b"\r\n0\r\n\r\n",
    ]
    .concat();
    asserts_restart_after(longer).await;
}

#[tokio::test]
async fn download_restarts_three_times_at_most() {
    // A host that cannot send only the rest, and breaks off each time.
    let host = Host::start(film(), Validator::None, |number, _| {
        Plan::Cut(100_000 + 20 * number as u64)
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let generation = generation("g", &host.link());
    let error = client(&host.url)
        .download(&generation)
        .retries(50)
        .to_file(folder.path().join("a.mp4"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Download);
    assert!(error.to_string().contains("restarted 3 times"), "{error}");
    assert_eq!(host.ranges(), [None, None, None, None]);
    assert_eq!(entries(folder.path()), [""; 0]);
}

#[tokio::test]
async fn error_promises_to_continue_only_if_the_host_serves_ranges() {
    let promise = "the next download continues this part";
    let cut = |accepts: Option<&str>| {
        let mut headers = vec![("etag", "\"v1\""), ("content-length", "300000")];
        headers.extend(accepts.map(|accepts| ("accept-ranges", accepts)));
        http(200, &headers, film().piece(0, 100_000))
    };
    for (accepts, expected) in [
        (
            Some("bytes"),
            Some(format!("{promise}; remove the part to start over")),
        ),
        (
            None,
            Some(format!("{promise} if the host can send only the rest")),
        ),
        (Some("none"), None),
    ] {
        let first = cut(accepts);
        let host = Host::start(film(), TAG, move |_, _| Plan::Raw(first.clone())).await;
        let folder = tempfile::tempdir().unwrap();
        let generation = generation("g", &host.link());
        let error = client(&host.url)
            .download(&generation)
            .retries(0)
            .to_file(folder.path().join("a.mp4"))
            .await
            .unwrap_err();
        match &expected {
            Some(expected) => assert!(error.to_string().ends_with(expected), "{error}"),
            None => assert!(!error.to_string().contains(promise), "{error}"),
        }
        assert_eq!(entries(folder.path()).is_empty(), expected.is_none());
    }
}

#[tokio::test]
async fn file_smaller_than_stated_is_requested_once_more_and_then_refused() {
    let stated = |host: &Host| {
        Generation::from_json(json!({
            "id": "g", "status": "completed", "video": { "url": host.link(), "file_size": LENGTH + 1 },
        }))
    };
    let chunked = {
        let head =
            b"HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n493e0\r\n";
        [&head[..], &film().bytes(), b"\r\n0\r\n\r\n"].concat()
    };
    for (validator, chunks, ranges) in [
        (TAG, None, vec![None, None]),
        (Validator::None, None, vec![None, None]),
        (Validator::None, Some(chunked), vec![None, None]),
    ] {
        let host = Host::start(film(), validator, move |_, _| match &chunks {
            Some(chunks) => Plan::Raw(chunks.clone()),
            None => Plan::Whole,
        })
        .await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp4");
        let client = client(&host.url);
        let generation = stated(&host);
        let error = client.save(&generation, &path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Download);
        assert!(error.is_resumable());
        let what = "the generation states 300001 bytes, and its host has 300000";
        assert!(error.to_string().contains(what), "{error}");
        assert!(
            error
                .to_string()
                .contains("a second request returned the same bytes"),
            "{error}"
        );
        assert_eq!(host.ranges(), ranges);
        assert_eq!(
            fs::read(part(&path)).unwrap(),
            film().bytes(),
            "the received bytes are kept"
        );
        assert!(!path.exists());

        let download = client.download(&generation).allow_truncated(true);
        let saved = download.to_file(&path).await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), film().bytes());
        assert!(
            saved[0]
                .disagreement
                .as_deref()
                .is_some_and(|note| note.contains("300001"))
        );
    }
}

#[tokio::test]
async fn complete_part_is_kept_without_a_validator_if_the_rename_fails() {
    let host = Host::start(film(), Validator::None, |_, _| Plan::Hold(100_000)).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    let generation = generation("g", &host.link());
    let client = client(&host.url);
    let download = client.download(&generation).on_progress(|received| {
        if received.bytes == 100_000 {
            fs::write(&path, "mine").unwrap();
            host.release();
        }
    });
    let error = download.to_file(&path).await.unwrap_err();
    assert!(error.to_string().contains("already exists"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    assert_eq!(fs::read(part(&path)).unwrap(), film().bytes());
}

#[tokio::test]
async fn slice_in_every_response_is_refused_with_advice() {
    let slice = http(200, &[("etag", "\"v1\"")], film().piece(50_000, 250_000));
    let (outcome, host, folder) =
        after_a_part(film(), TAG, move |_, _| Plan::Raw(slice.clone())).await;
    let error = outcome.unwrap_err();
    let part = folder.path().join("a.mp4.part");
    let advice = format!("remove {} to start over", part.display());
    assert!(
        error.to_string().contains("two sizes for the same version"),
        "{error}"
    );
    assert!(error.to_string().ends_with(&advice), "{error}");
    assert_eq!(host.ranges(), [from(100_000), None]);
    assert_eq!(fs::read(part).unwrap(), film().piece(0, 100_000));
}
