//! Downloads to memory, to a writer and to a folder, with digests, limits, and a chosen video.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use aimlapi_video::{ErrorKind, Generation};
use serde_json::json;
use support::{
    Server, client,
    files::{Film, Host, Plan, Validator},
    http,
};
use tokio::io::AsyncWrite;

const TAG: Validator = Validator::Etag("\"v1\"");

fn film() -> Film {
    Film::new(300_000, 3)
}

fn generation(url: &str) -> Generation {
    Generation::from_json(json!({ "id": "g", "status": "completed", "video": { "url": url } }))
}

#[tokio::test]
async fn broken_download_continues_into_memory_and_a_writer() {
    let cut = |number: usize, _: &support::Request| match number {
        0 | 2 => Plan::Cut(100_000),
        _ => Plan::Whole,
    };
    let host = Host::start(film(), TAG, cut).await;
    let (client, generation) = (client(&host.url), generation(&host.link()));
    let mut progress = Vec::new();
    let download = client
        .download(&generation)
        .on_progress(|received| progress.push(received.bytes));
    assert_eq!(download.to_bytes().await.unwrap(), film().bytes());
    assert!(
        progress.is_sorted() && progress.last() == Some(&300_000),
        "{progress:?}"
    );

    let (mut writer, mut progress) = (Vec::new(), Vec::new());
    let download = client
        .download(&generation)
        .on_progress(|received| progress.push(received.bytes));
    let written = download.to_writer(&mut writer).await.unwrap();
    assert_eq!(writer, film().bytes());
    assert_eq!(
        (written.bytes, written.content_type.as_deref()),
        (300_000, Some("video/mp4"))
    );
    assert!(
        progress.is_sorted() && progress.last() == Some(&300_000),
        "{progress:?}"
    );
    let rest = Some("bytes=100000-".to_owned());
    assert_eq!(host.ranges(), [None, rest.clone(), None, rest]);
}

#[tokio::test]
async fn writer_does_not_get_bytes_twice_if_the_host_sends_the_file_again() {
    let host = Host::start(film(), TAG, |number, _| match number {
        0 => Plan::Cut(100_000),
        _ => Plan::NoRange(Box::new(Plan::Whole)),
    })
    .await;
    let mut writer = Vec::new();
    let generation = generation(&host.link());
    let written = client(&host.url)
        .download(&generation)
        .to_writer(&mut writer)
        .await
        .unwrap();
    assert_eq!((written.bytes, writer), (300_000, film().bytes()));
}

#[tokio::test]
async fn writer_does_not_get_halves_of_different_files() {
    for validator in [Validator::None, Validator::Etag("\"v1\"")] {
        let other = http(200, &[("etag", "\"v2\"")], Film::new(300_000, 4).bytes());
        let host = Host::start(film(), validator, move |number, _| match number {
            0 => Plan::Cut(100_000),
            _ => Plan::Raw(other.clone()),
        })
        .await;
        let mut writer = Vec::new();
        let generation = generation(&host.link());
        let error = client(&host.url)
            .download(&generation)
            .to_writer(&mut writer)
            .await
            .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("broke off after 100000 bytes, which the writer has"),
            "{error}"
        );
        assert_eq!(writer, film().piece(0, 100_000));
    }
}

#[tokio::test]
async fn page_is_not_written_to_the_writer() {
    let server = Server::always(http(
        200,
        &[("content-type", "video/mp4")],
        "<html>expired</html>",
    ))
    .await;
    let mut writer = Vec::new();
    let generation = generation(&server.url());
    let error = client(server.url())
        .download(&generation)
        .to_writer(&mut writer)
        .await
        .unwrap_err();
    assert_eq!((error.kind(), writer.len()), (ErrorKind::Download, 0));
}

/// A writer with room for a limited number of bytes.
struct Full(usize);

impl AsyncWrite for Full {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let count = bytes.len().min(self.0);
        self.0 -= count;
        Poll::Ready(match count {
            0 => Err(io::ErrorKind::StorageFull.into()),
            count => Ok(count),
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn full_writer_ends_the_download_at_once() {
    let host = Host::start(film(), TAG, |_, _| Plan::Whole).await;
    let generation = generation(&host.link());
    let error = client(&host.url)
        .download(&generation)
        .to_writer(Full(100_000))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    let cause = std::error::Error::source(&error)
        .unwrap()
        .downcast_ref::<io::Error>();
    assert_eq!(cause.map(io::Error::kind), Some(io::ErrorKind::StorageFull));
    assert_eq!(host.requests().len(), 1);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn full_device_is_reported() {
    let host = Host::start(film(), TAG, |_, _| Plan::Whole).await;
    let generation = generation(&host.link());
    let device = std::os::fd::OwnedFd::from(
        std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap(),
    );
    let error = client(&host.url)
        .download(&generation)
        .to_writer(Device(device.into()))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    let cause = std::error::Error::source(&error)
        .unwrap()
        .downcast_ref::<io::Error>();
    assert_eq!(cause.map(io::Error::kind), Some(io::ErrorKind::StorageFull));
}

#[cfg(target_os = "linux")]
struct Device(std::fs::File);

#[cfg(target_os = "linux")]
impl AsyncWrite for Device {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(io::Write::write(&mut self.0, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A writer whose first flush takes longer than the idle timeout, while the host continues to send.
struct Slow<'a> {
    host: &'a Host,
    pause: Option<Pin<Box<tokio::time::Sleep>>>,
    written: usize,
}

const IDLE: Duration = Duration::from_millis(500);

impl AsyncWrite for Slow<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.written += bytes.len();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.written > 0 {
            self.host.release();
            let pause = self
                .pause
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(2 * IDLE)));
            // A completed sleep is ready on every later poll, too.
            if !pause.is_elapsed() {
                return pause.as_mut().poll(cx).map(Ok);
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn slow_writer_does_not_count_as_an_idle_host() {
    let host = Host::start(film(), TAG, |_, _| Plan::Hold(100_000)).await;
    let client = support::builder(&host.url)
        .idle_timeout(IDLE)
        .build()
        .unwrap();
    let mut writer = Slow {
        host: &host,
        pause: None,
        written: 0,
    };
    let generation = generation(&host.link());
    client
        .download(&generation)
        .to_writer(&mut writer)
        .await
        .unwrap();
    assert_eq!(writer.written, 300_000);
    assert_eq!(host.requests().len(), 1);
}

#[tokio::test]
async fn download_to_memory_is_limited() {
    // A file whose announced size is too large, and a file without an announced size that has one byte too many.
    let announced = Server::always(http(
        200,
        &[("content-length", "300000000")],
        film().bytes(),
    ))
    .await;
    let error = client(announced.url())
        .download(&generation(&announced.url()))
        .to_bytes()
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("limit of 268435456 bytes; raise `max_bytes`"),
        "{error}"
    );
    let open = b"HTTP/1.0 200 OK\r\n\r\n"
        .iter()
        .copied()
        .chain(film().bytes())
        .collect();
    let server = Server::always(open).await;
    let (client, generation) = (client(server.url()), generation(&server.url()));
    let download = client.download(&generation).max_bytes(299_999);
    assert!(
        download
            .to_bytes()
            .await
            .unwrap_err()
            .to_string()
            .contains("limit of 299999 bytes")
    );
    assert_eq!(
        client
            .download(&generation)
            .max_bytes(300_000)
            .to_bytes()
            .await
            .unwrap(),
        film().bytes()
    );
}

#[tokio::test]
async fn video_is_chosen_by_its_index() {
    let server =
        Server::start(|_, request| http(200, &[], format!("film at {}", request.target))).await;
    let videos = ["/0", "/1", "/2"].map(|path| server.url() + path);
    let generation =
        Generation::from_json(json!({ "id": "g", "status": "completed", "video": videos }));
    let client = client(server.url());
    assert_eq!(
        client.download(&generation).to_bytes().await.unwrap(),
        b"film at /0"
    );
    assert_eq!(
        client
            .download(&generation)
            .video(2)
            .to_bytes()
            .await
            .unwrap(),
        b"film at /2"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    let saved = client
        .download(&generation)
        .video(1)
        .to_file(&path)
        .await
        .unwrap();
    assert_eq!(
        (saved.len(), std::fs::read(&path).unwrap()),
        (1, b"film at /1".to_vec())
    );
    for index in [3, usize::MAX] {
        let error = client
            .download(&generation)
            .video(index)
            .to_bytes()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MissingVideo);
    }
    let none = Generation::from_json(json!({ "id": "g", "status": "completed" }));
    assert_eq!(
        client.download(&none).to_bytes().await.unwrap_err().kind(),
        ErrorKind::MissingVideo
    );
}

#[tokio::test]
async fn folder_gets_files_named_after_model_and_id_with_the_extension_of_their_content() {
    let webm = include_bytes!("fixtures/clips/file.webm");
    let server = Server::start(move |_, request| match request.target.as_str() {
        "/0" => http(200, &[], film().bytes()),
        "/1" => http(200, &[("content-type", "video/mp4")], webm),
        "/2" => http(200, &[("content-type", "video/quicktime")], "film"),
        _ => http(200, &[], "film"),
    })
    .await;
    let videos = ["/0", "/1", "/2", "/3"].map(|path| server.url() + path);
    let generation = Generation::from_json(json!({
        "id": "5e0f:x/../y", "model": "klingai/v2.1-master", "status": "completed", "video": videos,
    }));
    let folder = tempfile::tempdir().unwrap();
    let client = client(server.url());
    let saved = client
        .download(&generation)
        .to_folder(folder.path())
        .await
        .unwrap();
    let names: Vec<String> = saved
        .iter()
        .map(|file| file.path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    let stem = generation
        .file_name()
        .strip_suffix(".mp4")
        .unwrap()
        .to_owned();
    assert!(
        stem.starts_with("klingai-v2.1-master-5e0f-x-..-y-"),
        "{stem}"
    );
    let expected = [".mp4", "-2.webm", "-3.mov", "-4.mp4"].map(|end| format!("{stem}{end}"));
    assert_eq!(names, expected);
    assert!(saved.iter().all(|file| file.path.is_file()));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4);
    let error = client
        .download(&generation)
        .to_folder(folder.path())
        .await
        .unwrap_err();
    assert_eq!((error.kind(), server.requests().len()), (ErrorKind::Io, 4));
}

mod sums {
    use sha2::{Digest, Sha256};

    use super::*;

    fn digest() -> String {
        Sha256::digest(film().bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    #[tokio::test]
    async fn digest_of_a_resumed_download_is_that_of_the_whole_file() {
        let cut = |number: usize, _: &support::Request| match number % 4 {
            0 => Plan::Cut(100_000),
            1 => Plan::Cut(50_000),
            2 => Plan::NoRange(Box::new(Plan::Cut(200_000))),
            _ => Plan::Whole,
        };
        let host = Host::start(film(), TAG, cut).await;
        let (client, generation) = (client(&host.url), generation(&host.link()));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp4");
        let saved = client
            .download(&generation)
            .sha256(true)
            .to_file(&path)
            .await
            .unwrap();
        assert_eq!(saved[0].sha256, Some(digest()));
        let written = client
            .download(&generation)
            .sha256(true)
            .to_writer(tokio::io::sink())
            .await
            .unwrap();
        assert_eq!(written.sha256, Some(digest()));
        let without_digest = client
            .download(&generation)
            .overwrite(true)
            .to_file(&path)
            .await
            .unwrap();
        assert_eq!(without_digest[0].sha256, None);
        assert_eq!(host.requests().len(), 12);
    }

    #[tokio::test]
    async fn digest_includes_the_part_of_an_earlier_run() {
        let host = Host::start(film(), TAG, |number, _| match number {
            0 => Plan::Cut(100_000),
            _ => Plan::Whole,
        })
        .await;
        let (client, generation) = (client(&host.url), generation(&host.link()));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp4");
        client
            .download(&generation)
            .retries(0)
            .to_file(&path)
            .await
            .unwrap_err();
        let download = client
            .download(&generation)
            .sha256(true)
            .expect_sha256(digest().to_uppercase());
        let saved = download.to_file(&path).await.unwrap();
        assert_eq!(host.ranges()[1].as_deref(), Some("bytes=100000-"));
        assert_eq!(saved[0].sha256, Some(digest()));
    }

    #[tokio::test]
    async fn file_with_another_digest_is_not_saved_and_its_part_is_removed() {
        let host = Host::start(film(), TAG, |_, _| Plan::Whole).await;
        let (client, generation) = (client(&host.url), generation(&host.link()));
        let folder = tempfile::tempdir().unwrap();
        let download = client.download(&generation).expect_sha256("0".repeat(64));
        let error = download
            .to_file(folder.path().join("a.mp4"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Download);
        assert!(error.to_string().contains(&digest()), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);

        let error = client
            .download(&generation)
            .expect_sha256("abc")
            .to_bytes()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        let two = Generation::from_json(
            json!({ "id": "g", "status": "completed", "video": [host.link(), host.link()] }),
        );
        let folder = folder.path().join("b.mp4");
        let error = client
            .download(&two)
            .expect_sha256(digest())
            .to_file(&folder)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        client
            .download(&two)
            .video(1)
            .expect_sha256(digest())
            .to_file(&folder)
            .await
            .unwrap();
        assert_eq!(host.requests().len(), 2);
    }
}
