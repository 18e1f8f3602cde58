//! The targets of downloads: the check before payment and the download refuse the same targets.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{
    fs,
    path::{Path, PathBuf},
};

use aimlapi_video::{Download, Error, ErrorKind, Generation, Saved};
use serde_json::json;
use support::{
    Server, client,
    files::{Film, Host, Plan, Validator},
    http,
};

const TAG: Validator = Validator::Etag("\"v1\"");

fn film() -> Film {
    Film::new(300_000, 3)
}

fn generation(videos: &[String]) -> Generation {
    Generation::from_json(json!({ "id": "g", "status": "completed", "video": videos }))
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// A host of three videos, whose content is their path.
async fn host_of_three() -> (Server, Generation) {
    let server = Server::start(|_, request| http(200, &[], format!("film at {}", request.target)));
    let server = server.await;
    let videos = ["/1", "/2", "/3"].map(|path| server.url() + path);
    let generation = generation(&videos);
    (server, generation)
}

/// Asserts that the check and a download refuse the target with the same message, and that no request is sent.
async fn is_refused_by_both(path: &Path, overwrite: bool, message: &str) {
    let (server, generation) = host_of_three().await;
    let checked = Download::check_target(path, overwrite).unwrap_err();
    assert_eq!(checked.kind(), ErrorKind::Io);
    assert!(whole(&checked).contains(message), "{}", whole(&checked));
    let download = client(server.url())
        .download(&generation)
        .overwrite(overwrite);
    let saved = download.to_file(path).await.unwrap_err();
    assert_eq!(saved.to_string(), checked.to_string());
    assert!(server.requests().is_empty());
}

fn whole(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[tokio::test]
async fn check_makes_missing_folders_and_leaves_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/newer/a.mp4");
    Download::check_target(&path, false).unwrap();
    assert_eq!(entries(folder.path()), ["new"]);
    assert_eq!(entries(&folder.path().join("new/newer")), [""; 0]);
    let other = folder.path().join("other/folder");
    Download::check_folder(&other).unwrap();
    assert_eq!(entries(&other), [""; 0]);
}

#[tokio::test]
async fn download_makes_missing_folders() {
    let (server, generation) = host_of_three().await;
    let folder = tempfile::tempdir().unwrap();
    let client = client(server.url());
    let path = folder.path().join("new/newer/a.mp4");
    client
        .download(&generation)
        .video(0)
        .to_file(&path)
        .await
        .unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"film at /1");
    let saved = client
        .download(&generation)
        .to_folder(folder.path().join("third"));
    assert_eq!(saved.await.unwrap().len(), 3);
    assert_eq!(entries(&folder.path().join("third")).len(), 3);
}

#[tokio::test]
async fn path_that_leads_through_a_file_or_names_a_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("file"), "mine").unwrap();
    fs::create_dir(at("folder")).unwrap();
    for overwrite in [false, true] {
        is_refused_by_both(&at("file/a.mp4"), overwrite, "cannot be written: ").await;
        is_refused_by_both(&at("file/new/a.mp4"), overwrite, "cannot be").await;
        for name in ["folder", "folder/", "new/", "new/.", "new/..", ""] {
            is_refused_by_both(&at(name), overwrite, "is a folder; name the file").await;
        }
        is_refused_by_both(Path::new(""), overwrite, "is not a file name").await;
    }
    assert_eq!(entries(folder.path()), ["file", "folder"]);
    assert_eq!(fs::read(at("file")).unwrap(), b"mine");
}

#[cfg(unix)]
mod special {
    use std::os::unix::{fs::symlink, net::UnixListener};

    use super::*;

    #[tokio::test]
    async fn dangling_symlink_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        symlink("nowhere.mp4", at("dangling.mp4")).unwrap();
        symlink("loop-b", at("loop-a")).unwrap();
        symlink("loop-a", at("loop-b")).unwrap();
        let message = "is a symbolic link to nowhere.mp4, where there is no file; remove the link";
        is_refused_by_both(&at("dangling.mp4"), false, message).await;
        is_refused_by_both(&at("loop-a"), false, "is a symbolic link to loop-b").await;
        is_refused_by_both(&at("loop-a/a.mp4"), false, "cannot be written: ").await;
        is_refused_by_both(&at("dangling.mp4/a.mp4"), false, "cannot be made").await;
        assert_eq!(entries(folder.path()), ["dangling.mp4", "loop-a", "loop-b"]);
    }

    #[tokio::test]
    async fn symlink_is_replaced_and_not_followed_with_overwrite() {
        let (server, generation) = host_of_three().await;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "mine").unwrap();
        symlink("file", at("a.mp4")).unwrap();
        symlink("nowhere", at("b.mp4")).unwrap();
        is_refused_by_both(&at("a.mp4"), false, "already exists").await;
        for name in ["a.mp4", "b.mp4"] {
            Download::check_target(at(name), true).unwrap();
            assert!(fs::symlink_metadata(at(name)).unwrap().is_symlink());
            let client = client(server.url());
            let download = client.download(&generation).video(0).overwrite(true);
            download.to_file(at(name)).await.unwrap();
            assert!(fs::symlink_metadata(at(name)).unwrap().is_file());
        }
        assert_eq!(fs::read(at("file")).unwrap(), b"mine");
        assert_eq!(entries(folder.path()), ["a.mp4", "b.mp4", "file"]);
    }

    #[tokio::test]
    async fn device_pipe_and_socket_are_refused_even_with_overwrite() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let _socket = UnixListener::bind(at("socket")).unwrap();
        let made = std::process::Command::new("mkfifo")
            .arg(at("pipe"))
            .status();
        assert!(made.unwrap().success());
        symlink("/dev/null", at("link")).unwrap();
        symlink("/proc/self/fd/1", at("stream")).unwrap();
        let message = "is a device, a pipe or a socket";
        for overwrite in [false, true] {
            for name in ["socket", "pipe", "link", "stream", "/dev/null", "/dev/full"] {
                is_refused_by_both(&at(name), overwrite, message).await;
            }
        }
        assert_eq!(entries(folder.path()), ["link", "pipe", "socket", "stream"]);
    }

    #[tokio::test]
    async fn symlink_in_place_of_the_note_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("victim"), "theirs").unwrap();
        symlink("victim", at("a.mp4.part.json")).unwrap();
        is_refused_by_both(&at("a.mp4"), false, "a.mp4.part.json cannot be written").await;
        assert_eq!(fs::read(at("victim")).unwrap(), b"theirs");
        assert_eq!(entries(folder.path()), ["a.mp4.part.json", "victim"]);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn unwritable_folder_is_refused() {
    // Not even the superuser can write to this folder.
    let message = "cannot be";
    is_refused_by_both(Path::new("/proc/self/a.mp4"), false, message).await;
    is_refused_by_both(Path::new("/proc/self/new/a.mp4"), false, message).await;
    let error = Download::check_folder("/proc/self").unwrap_err();
    let message = "the folder /proc/self takes no new file";
    assert_eq!(error.to_string(), message);
}

/// Names that most file systems accept, but that leave no room for the suffix of the part.
#[cfg(not(windows))]
fn long_names() -> impl Iterator<Item = String> {
    let latin = [200, 241, 242, 246, 247, 250, 251, 255].map(|length| "n".repeat(length - 4));
    let wide = [78, 80, 82, 83].map(|count| "\u{89c6}".repeat(count) + "-");
    let names = latin.into_iter().chain(wide);
    names.map(|stem| stem + ".mp4").chain(["n".repeat(255)])
}

#[cfg(not(windows))]
#[tokio::test]
async fn file_with_a_long_name_is_saved_and_its_part_is_continued() {
    for name in long_names() {
        assert!(name.len() <= 255, "{}", name.len());
        let host = Host::start(film(), TAG, |number, _| match number {
            0 => Plan::Cut(100_000),
            _ => Plan::Whole,
        })
        .await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(&name);
        Download::check_target(&path, false).unwrap();
        assert_eq!(entries(folder.path()), [""; 0]);
        let generation = generation(&[host.link()]);
        let download = client(&host.url).download(&generation).retries(0);
        download.to_file(&path).await.unwrap_err();
        assert_eq!(entries(folder.path()).len(), 2);
        client(&host.url).save(&generation, &path).await.unwrap();
        assert_eq!(host.ranges(), [None, Some("bytes=100000-".into())]);
        assert_eq!(fs::read(&path).unwrap(), film().bytes());
        assert_eq!(entries(folder.path()), [name]);
    }
}

#[cfg(not(windows))]
#[tokio::test]
async fn further_videos_of_a_long_name_get_distinct_names() {
    let (server, generation) = host_of_three().await;
    for name in long_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(&name);
        let saved = client(server.url()).save(&generation, &path).await.unwrap();
        assert_eq!(saved[0].path, path);
        contents_are_in_order(&saved);
        assert_eq!(entries(folder.path()).len(), 3, "{name}");
        // A second download replaces each file.
        let download = client(server.url()).download(&generation).overwrite(true);
        assert_eq!(download.to_file(&path).await.unwrap(), saved);
        assert_eq!(entries(folder.path()).len(), 3, "{name}");
    }
}

fn contents_are_in_order(saved: &[Saved]) {
    for (file, number) in saved.iter().zip(1..) {
        let content = fs::read_to_string(&file.path).unwrap();
        assert_eq!(content, format!("film at /{number}"));
    }
}

#[cfg(not(windows))]
#[tokio::test]
async fn name_or_path_that_is_too_long_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for length in [256, 300, 5000] {
        let path = folder.path().join("n".repeat(length));
        is_refused_by_both(&path, false, "cannot be written: File name too long").await;
    }
    let deep: PathBuf = std::iter::repeat_n("d".repeat(200), 30).collect();
    is_refused_by_both(&folder.path().join(deep).join("a.mp4"), false, "too long").await;
    assert_eq!(entries(folder.path()), [""; 0]);
}

#[tokio::test]
async fn further_video_whose_name_is_taken_gets_the_next_free_number() {
    let (server, generation) = host_of_three().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    fs::write(folder.path().join("a-2.mp4"), "mine").unwrap();
    let saved = client(server.url()).save(&generation, &path).await.unwrap();
    contents_are_in_order(&saved);
    let names = ["a-2.mp4", "a-3.mp4", "a-4.mp4", "a.mp4"];
    assert_eq!(entries(folder.path()), names);
    assert_eq!(fs::read(folder.path().join("a-2.mp4")).unwrap(), b"mine");
}

#[tokio::test]
async fn reserved_target_is_refused_to_others_until_it_is_saved_or_dropped() {
    let (server, generation) = host_of_three().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    let kept = Download::reserve_target(&path, false).unwrap();
    assert_eq!(kept.path(), path);
    let message = "is being written by another download; wait for its end";
    is_refused_by_both(&path, false, message).await;
    drop(kept);
    assert_eq!(entries(folder.path()), [""; 0]);
    let kept = Download::reserve_target(&path, false).unwrap();
    let saved = client(server.url()).download(&generation).to_reserved(kept);
    contents_are_in_order(&saved.await.unwrap());
    assert_eq!(entries(folder.path()), ["a-2.mp4", "a-3.mp4", "a.mp4"]);
    is_refused_by_both(&path, false, "already exists").await;
    let kept = Download::reserve_target(&path, true).unwrap();
    let download = client(server.url()).download(&generation).video(2);
    download.to_reserved(kept).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"film at /3");
}

#[tokio::test]
async fn part_of_an_earlier_download_survives_checks_and_reservations() {
    let host = Host::start(film(), TAG, |number, _| match number {
        0 => Plan::Cut(100_000),
        _ => Plan::Whole,
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mp4");
    let generation = generation(&[host.link()]);
    let client = client(&host.url);
    let download = client.download(&generation).retries(0);
    download.to_file(&path).await.unwrap_err();
    Download::check_target(&path, false).unwrap();
    let kept = Download::reserve_target(&path, false).unwrap();
    client
        .download(&generation)
        .to_reserved(kept)
        .await
        .unwrap();
    assert_eq!(host.ranges(), [None, Some("bytes=100000-".into())]);
    assert_eq!(fs::read(&path).unwrap(), film().bytes());
}

#[test]
fn path_is_a_folder_if_it_exists_as_one_or_ends_with_a_separator() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("file"), "").unwrap();
    for path in ["", "new/", "new/.", "new/..", "new//"] {
        assert!(Download::is_folder(at(path)), "{path}");
    }
    for path in [".", "..", "/", "new/", "./"] {
        assert!(Download::is_folder(path), "{path}");
    }
    for path in ["file", "new", "new.", ".new", "new/..a", "new/a."] {
        assert!(!Download::is_folder(at(path)), "{path}");
    }
    assert!(!Download::is_folder(""));
}
