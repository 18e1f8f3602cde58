//! The history: what is recorded of each create, and what later commands do with it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod adopted;
mod entry;
mod list;
mod processes;
mod times;
mod unfinished;

use aimlapi_video_test_support as support;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Value, json};
use support::{
    Bytes, KEY, Request, SILENCE, Server,
    cli::{Cli, Ran},
    http,
};

/// The beginning of a picture, by which its type is detected.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\x01\0\x08\x02\0\0\0";

const MODEL: &str = "klingai/v2-master-text-to-video";

/// A service that completes generations once they are released, at a cost of 0.25 USD. The id of a generation is its prompt;
/// a create whose prompt begins with `silent` gets no response, and a generation whose prompt begins with `fail` fails.
async fn service(released: &Arc<AtomicBool>) -> Server {
    let released = Arc::clone(released);
    Server::start(move |_, request| answer(request, released.load(Ordering::SeqCst))).await
}

fn answer(request: &Request, released: bool) -> Bytes {
    if request.method == "POST" {
        let prompt = prompt(request);
        if prompt.starts_with("silent") {
            return SILENCE.into();
        }
        return support::json(201, json!({ "id": prompt, "status": "queued" }));
    }
    let Some((_, id)) = request.target.split_once("generation_id=") else {
        return http(200, &[("content-type", "video/mp4")], support::files::CLIP);
    };
    let host = request.header("host").unwrap();
    let usage = json!({ "usage": { "credits_used": 500_000, "usd_spent": 0.25 } });
    support::json(
        200,
        match (released, id.starts_with("fail")) {
            (false, _) => json!({ "id": id, "status": "generating" }),
            (true, true) => json!({ "id": id, "status": "failed", "error": "no" }),
            (true, false) => {
                let video = json!({ "url": format!("http://{host}/{id}.mp4?sig=do-not-store") });
                json!({ "id": id, "status": "completed", "video": video, "meta": usage })
            }
        },
    )
}

fn prompt(request: &Request) -> String {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    body["prompt"].as_str().unwrap().to_owned()
}

fn generate<'a>(prompt: &'a str, output: &'a str) -> Vec<&'a str> {
    let head = ["generate", MODEL, "--speed", "1000", "--prompt", prompt];
    [&head[..], &["-o", output]].concat()
}

/// The text of all files of the history.
fn recorded(cli: &Cli) -> String {
    let texts = files(cli).into_iter().map(fs::read_to_string);
    texts.map(Result::unwrap).collect()
}

fn files(cli: &Cli) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(cli.home.path().join("history")) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().unwrap() == "jsonl")
        .collect()
}

async fn until(mut is: impl FnMut() -> bool) {
    while !is() {
        tokio::task::yield_now().await;
    }
}

/// Starts a command, and kills it as soon as the history has the generation `id`.
async fn killed(cli: &Cli, arguments: &[&str], id: &str) {
    killed_by("-KILL", cli, arguments, id).await;
}

async fn killed_by(signal: &str, cli: &Cli, arguments: &[&str], id: &str) {
    let mut child = cli.command(arguments).spawn().unwrap();
    until(|| recorded(cli).contains(&format!("\"id\":\"{id}\""))).await;
    let process = child.id().unwrap().to_string();
    let mut kill = std::process::Command::new("kill");
    assert!(kill.args([signal, &process]).status().unwrap().success());
    assert!(!child.wait().await.unwrap().success());
}

async fn history(cli: &Cli) -> Vec<Value> {
    let ran = cli.run(&["history", "--json"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    serde_json::from_value(ran.json()).unwrap()
}

fn notes(ran: &Ran) -> Vec<&str> {
    let lines = ran.stderr.lines();
    lines.filter(|line| line.starts_with("note: ")).collect()
}

fn batch(prompts: &[&str]) -> String {
    let line = |prompt: &&str| json!({ "model": MODEL, "prompt": prompt }).to_string() + "\n";
    prompts.iter().map(line).collect()
}

#[tokio::test]
async fn create_is_recorded_before_it_is_sent() {
    let cli = Cli::new();
    let home = cli.home.path().join("history");
    let is_recorded = move |prompt: &str| {
        let files = fs::read_dir(&home).unwrap();
        let mut texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
        texts.any(|text| text.contains(&format!("\"prompt\":\"{prompt}\"")))
    };
    let server = Server::start(move |_, request| {
        let is_unrecorded = request.method == "POST" && !is_recorded(&prompt(request));
        match is_unrecorded {
            true => http(400, &[], r#"{"message":"not recorded"}"#),
            false => answer(request, true),
        }
    })
    .await;
    let cli = Cli {
        base: Some(server.url()),
        key: Some(KEY),
        ..cli
    };
    let ran = cli.run(&generate("g1", "a.mp4")).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = cli
        .run(&["generate", MODEL, "--prompt", "g2", "--no-wait"])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    fs::write(cli.path("b.jsonl"), batch(&["b1", "b2", "b3"])).unwrap();
    let ran = cli
        .run(&["batch", "b.jsonl", "--out", "o", "--speed", "1000"])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[tokio::test]
async fn history_is_in_the_state_folder_of_the_user() {
    let server = service(&Arc::new(AtomicBool::new(true))).await;
    let cli = Cli::at(server.url());
    let state = cli.home.path().join("state");
    let mut command = cli.command(&generate("g1", "a.mp4"));
    command
        .env_remove("AIMLAPI_VIDEO_HOME")
        .env("XDG_STATE_HOME", &state)
        .env("HOME", cli.home.path());
    assert!(command.output().await.unwrap().status.success());
    // macOS has no folder for state.
    let folders = [state, cli.home.path().join("Library/Application Support")];
    let found = folders
        .iter()
        .filter(|folder| folder.join("aimlapi-video/history").is_dir());
    assert_eq!(found.count(), 1);
}

#[tokio::test]
async fn entry_has_no_key_no_media_and_no_signature() {
    let released = Arc::new(AtomicBool::new(true));
    let server = service(&released).await;
    let cli = Cli::at(server.url());
    fs::write(cli.path("cat.png"), PNG).unwrap();
    let model = "kling-video/v2.1/standard/image-to-video";
    for image in [
        "cat.png",
        "https://h.example/c.png?X-Amz-Signature=do-not-store",
    ] {
        let arguments = [
            "generate", model, "--speed", "1000", "--prompt", "g1", "--image", image,
        ];
        let ran = cli
            .run(&[&arguments[..], &["--overwrite", "-o", "a.mp4"]].concat())
            .await;
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let text = recorded(&cli);
    assert!(
        !text.contains(KEY) && !text.contains("do-not-store"),
        "{text}"
    );
    assert!(!text.contains("base64"), "{text}");
    let entries = history(&cli).await;
    let image = entries[0]["request"].as_object().unwrap().values();
    let image = image.into_iter().find(|value| value.is_object()).unwrap();
    assert_eq!(image["bytes"], PNG.len());
    assert!(text.contains("https://h.example/c.png"), "{text}");

    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(cli.home.path().join("history")), 0o700);
    for file in files(&cli) {
        assert_eq!(mode(file), 0o600);
    }
}

#[tokio::test]
async fn nothing_is_recorded_of_a_simulation_or_without_a_history() {
    let cli = Cli::new();
    let simulated = [&generate("x", "a.mp4")[..], &["--simulate"]].concat();
    assert_eq!(cli.run(&simulated).await.code, 0);
    let released = Arc::new(AtomicBool::new(true));
    let server = service(&released).await;
    let cli = Cli {
        base: Some(server.url()),
        key: Some(KEY),
        ..cli
    };
    let unrecorded = [&generate("x", "b.mp4")[..], &["--no-history"]].concat();
    assert_eq!(cli.run(&unrecorded).await.code, 0);
    assert_eq!(files(&cli), [""; 0].map(PathBuf::from));
}

#[tokio::test]
async fn folder_that_cannot_be_written_is_one_warning() {
    let released = Arc::new(AtomicBool::new(true));
    let server = service(&released).await;
    let cli = Cli::at(server.url());
    fs::write(cli.home.path().join("history"), "a file").unwrap();
    let ran = cli.run(&generate("g1", "a.mp4")).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(cli.path("a.mp4").is_file());
    let warnings = ran.stderr.matches("warning: the history cannot be").count();
    assert_eq!(warnings, 1, "{ran:?}");
}
