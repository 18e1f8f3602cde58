//! Targets (`-o`): checks before the create, created folders, and the printed resume command.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;
use support::{
    Bytes, Request, Server,
    cli::{Cli, Ran},
    http,
};

const MODEL: &str = "klingai/v2-master-text-to-video";
const STEM: &str = "klingai-v2-master-text-to-video-g";

/// Everything that a service and its host answer for a generation of so many videos.
fn answer(videos: usize, request: &Request) -> Bytes {
    if let Some(number) = request.target.strip_prefix("/files/") {
        return http(200, &[], format!("film {number}"));
    }
    let base = format!("http://{}", request.header("host").unwrap());
    let links = (1..=videos).map(|number| format!("{base}/files/{number}"));
    let links: Vec<String> = links.collect();
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
    let creates = requests.iter().filter(|request| request.method == "POST");
    creates.count()
}

async fn generate(cli: &Cli, more: &[&str]) -> Ran {
    let generate = ["generate", MODEL, "--prompt", "x", "--speed", "1000"];
    cli.run(&[&generate[..], more].concat()).await
}

/// The command that was printed, without the program's name.
fn printed(ran: &Ran) -> Vec<String> {
    let line = ran
        .stderr
        .lines()
        .find_map(|line| line.strip_prefix("resume with: aimlapi-video "));
    line.unwrap().split(' ').map(str::to_owned).collect()
}

async fn paste(cli: &Cli, ran: &Ran) -> Ran {
    let words = printed(ran);
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    words.extend(["--speed", "1000"]);
    cli.run(&words).await
}

#[tokio::test]
async fn folder_is_created_before_the_create_and_receives_the_default_name() {
    let server = Server::start(|_, request| answer(2, request)).await;
    let cli = Cli::at(server.url());
    fs::create_dir(cli.path("there")).unwrap();
    for output in [
        "new/",
        "new/newer/",
        "there",
        "there/below/.",
        ".",
        "{{a}}/",
    ] {
        let ran = generate(&cli, &["-o", output]).await;
        assert_eq!(ran.code, 0, "{output} {ran:?}");
        let folder = output.replace("{{", "{").replace("}}", "}");
        for (name, content) in [("", "film 1"), ("-2", "film 2")] {
            let path = cli.path(&folder).join(format!("{STEM}{name}.mp4"));
            assert_eq!(fs::read_to_string(path).unwrap(), content);
        }
    }
    let ran = generate(&cli, &["-o", "third/x.mp4"]).await;
    assert_eq!(
        ran.stdout.lines().next(),
        Some("saved third/x.mp4 (6 bytes)")
    );
}

#[tokio::test]
async fn printed_resume_command_saves_into_the_same_folder() {
    let server = Server::start(|number, request| match request.target.as_str() {
        "/files/1" if number < 4 => http(403, &[], ""),
        _ => answer(1, request),
    })
    .await;
    let cli = Cli::at(server.url());
    let ran = generate(&cli, &["-o", "new/"]).await;
    assert_eq!(ran.code, 7, "{ran:?}");
    assert_eq!(printed(&ran), ["wait", "-o", "new/", "g"]);
    let ran = paste(&cli, &ran).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        cli.path("new").join(format!("{STEM}.mp4")).is_file()
            || cli.path("new/video-g.mp4").is_file()
    );
    assert_eq!(creates(&server), 1);
}

#[tokio::test]
async fn unwritable_target_is_an_error_before_any_create() {
    let server = Server::start(|_, request| answer(1, request)).await;
    let cli = Cli::at(server.url());
    fs::write(cli.path("file"), "mine").unwrap();
    let long = "n".repeat(256);
    let template = format!("{}-{{id}}.mp4", "n".repeat(200));
    let mut cases = vec![
        (
            "file",
            "already exists; name another file, or ask to overwrite it by --overwrite",
        ),
        ("file/", "the folder file cannot be made"),
        ("file/a.mp4", "cannot be written: Not a directory"),
        ("file/new/", "cannot be made: Not a directory"),
        (&*long, "File name too long"),
        (&*template, "File name too long"),
    ];
    if cfg!(unix) {
        std::os::unix::fs::symlink("nowhere", cli.path("dangling")).unwrap();
        cases.push((
            "dangling",
            "is a symbolic link to nowhere, where there is no file",
        ));
        cases.push(("/dev/null", "is a device, a pipe or a socket"));
        cases.push(("/dev/stdout", "is a device, a pipe or a socket"));
    }
    let before = cli.files();
    for (output, expected) in cases {
        let ran = generate(&cli, &["-o", output]).await;
        assert_eq!(ran.code, 2, "{output} {ran:?}");
        assert!(ran.stderr.contains(expected), "{output} {ran:?}");
    }
    assert!(server.requests().is_empty());
    assert_eq!(cli.files(), before);
}

#[tokio::test]
async fn second_command_for_the_same_file_is_an_error_before_any_create() {
    let server = Server::start(|_, request| match request.method.as_str() {
        "POST" => support::json(201, json!({ "id": "g", "status": "queued" })),
        _ => support::json(200, json!({ "id": "g", "status": "generating" })),
    })
    .await;
    let cli = Cli::at(server.url());
    let arguments = [
        "generate", MODEL, "--prompt", "x", "--speed", "1000", "-o", "a.mp4",
    ];
    let mut first = cli.command(&arguments).spawn().unwrap();
    while creates(&server) == 0 {
        assert!(first.try_wait().unwrap().is_none(), "it ended early");
        tokio::task::yield_now().await;
    }
    let second = cli.run(&arguments).await;
    assert_eq!(second.code, 2, "{second:?}");
    assert!(
        second
            .stderr
            .contains("is being written by another download"),
        "{second:?}"
    );
    assert_eq!(creates(&server), 1);
    first.kill().await.unwrap();
    // A kill leaves an empty file, which the next run replaces.
    let ran = cli
        .run(&["wait", "g", "-o", "a.mp4", "--deadline", "1s"])
        .await;
    assert_eq!(ran.code, 4, "{ran:?}");
    assert_eq!(cli.files(), [""; 0]);
}

/// A service beside which another program writes `mine` to these files when it is first polled.
async fn intruded(files: Vec<PathBuf>, videos: usize, is_gone: bool) -> Server {
    Server::start(move |number, request| {
        if number == 1 {
            for file in &files {
                fs::write(file, "mine").unwrap();
            }
        }
        match request.target.as_str() {
            "/files/2" if is_gone && number < 6 => http(410, &[], ""),
            _ => answer(videos, request),
        }
    })
    .await
}

#[tokio::test]
async fn file_that_appears_during_the_wait_is_kept_and_the_resume_command_names_another() {
    let mut cli = Cli::at("");
    let server = intruded(vec![cli.path("a.mp4")], 1, false).await;
    cli.base = Some(server.url());
    let ran = generate(&cli, &["-o", "a.mp4"]).await;
    assert_eq!(ran.code, 7, "{ran:?}");
    assert_eq!(printed(&ran), ["wait", "-o", "a-new1.mp4", "g"]);
    let ran = paste(&cli, &ran).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(read(&cli.path("a.mp4")), "mine");
    assert_eq!(read(&cli.path("a-new1.mp4")), "film 1");
    assert_eq!(creates(&server), 1);
}

#[tokio::test]
async fn printed_resume_command_overwrites_only_files_of_the_first_command() {
    let mut cli = Cli::at("");
    let server = intruded(vec![cli.path("a-2.mp4")], 2, true).await;
    cli.base = Some(server.url());
    let ran = generate(&cli, &["-o", "a.mp4"]).await;
    assert_eq!(ran.code, 7, "{ran:?}");
    assert_eq!(printed(&ran), ["wait", "-o", "a-new1.mp4", "g"]);
    let ran = paste(&cli, &ran).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        cli.files(),
        ["a-2.mp4", "a-new1-2.mp4", "a-new1.mp4", "a.mp4"]
    );
    assert_eq!(read(&cli.path("a-2.mp4")), "mine");
    assert_eq!(read(&cli.path("a-new1-2.mp4")), "film 2");
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}
