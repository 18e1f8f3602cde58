//! `gallery`, `batch --gallery` and `--open`; what the page does is tested in a browser.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Value, json};
use support::cli::{Cli, Ran, binary};

const MODEL: &str = "klingai/v2-master-text-to-video";

/// The data of the page in a folder.
fn data(cli: &Cli, folder: &str) -> Value {
    let page = fs::read_to_string(cli.path(folder).join("index.html")).unwrap();
    let (_, data) = page.split_once("id=\"data\">").unwrap();
    serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap()
}

async fn batch(cli: &Cli, more: &[&str]) -> Ran {
    let lines = ["A kite </script>", "A boat"]
        .map(|prompt| json!({ "model": MODEL, "prompt": prompt }).to_string());
    fs::write(cli.path("b.jsonl"), lines.join("\n")).unwrap();
    let arguments = [
        "batch",
        "b.jsonl",
        "--out",
        "out",
        "--simulate",
        "--speed",
        "1000",
    ];
    cli.run(&[&arguments, more].concat()).await
}

#[tokio::test]
async fn batch_writes_a_page_and_gallery_writes_the_same_cards() {
    let cli = Cli::new();
    let ran = batch(&cli, &["--gallery"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("gallery: out/index.html"), "{ran:?}");
    let written = data(&cli, "out");
    assert_eq!(written["running"], Value::Null);
    let cards = written["cards"].as_array().unwrap();
    let prompts: Vec<&Value> = cards.iter().map(|card| &card["prompt"]).collect();
    assert_eq!(prompts, ["A kite </script>", "A boat"]);
    assert_eq!(
        (&cards[0]["name"], &cards[0]["has_video"]),
        (&json!("0001.mp4"), &json!(true))
    );
    let ran = cli.run(&["gallery", "out"]).await;
    assert_eq!((ran.code, ran.stdout.trim()), (0, "out/index.html"));
    assert_eq!(data(&cli, "out")["cards"], written["cards"]);
}

#[tokio::test]
async fn videos_without_a_sidecar_are_described_by_the_history() {
    let server = support::Server::start(|_, request| {
        if request.method == "POST" {
            return support::json(201, json!({ "id": "g1", "status": "queued" }));
        }
        if !request.target.contains("generation_id=") {
            return support::http(200, &[("content-type", "video/mp4")], support::files::CLIP);
        }
        let url = format!("http://{}/v.mp4", request.header("host").unwrap());
        let meta = json!({ "usage": { "usd_spent": 0.5 } });
        let video = json!({ "url": url });
        support::json(
            200,
            json!({ "id": "g1", "status": "completed", "video": video, "meta": meta }),
        )
    })
    .await;
    let cli = Cli::at(server.url());
    let generate = [
        "generate", MODEL, "--prompt", "Rain", "--speed", "1000", "-o", "rain.mp4",
    ];
    assert_eq!(cli.run(&generate).await.code, 0);
    fs::write(cli.path("other.webm"), "").unwrap();
    assert_eq!(cli.run(&["gallery"]).await.code, 0);
    let cards = &data(&cli, "")["cards"];
    assert_eq!(
        (&cards[0]["name"], &cards[0]["model"]),
        (&json!("other.webm"), &Value::Null)
    );
    assert_eq!(
        (&cards[1]["prompt"], &cards[1]["usd_spent"]),
        (&json!("Rain"), &json!(0.5))
    );
    assert_eq!(cli.run(&["gallery", "--no-history"]).await.code, 0);
    assert_eq!(data(&cli, "")["cards"][1]["prompt"], Value::Null);
}

#[tokio::test]
async fn request_without_a_video_has_the_command_that_makes_it() {
    let cli = Cli::new();
    let sidecar = |name: &str, more: Value| {
        let mut sidecar = json!({
            "aimlapi_video_sidecar": 1,
            "model": "kling-video/v2.1/standard/image-to-video",
            "request": {
                "prompt": "5",
                "cfg_scale": 0.5,
                "image_url": { "bytes": 5, "sha256": "2c" },
                "images": [{ "bytes": 5, "sha256": "2c" }, "https://h.example/a"],
                "labels": ["a b"],
            },
            "ended_at": "2026-01-02T03:04:05.000Z",
            "error": "why",
        });
        sidecar
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        fs::write(cli.path(name), sidecar.to_string()).unwrap();
    };
    sidecar("1.json", json!({ "state": "failed" }));
    sidecar("2.json", json!({ "state": "unfinished", "id": "-g" }));
    sidecar("3.json", json!({ "state": "unfinished" }));
    // The video of a later run is what counts, and a removed video is not missed.
    sidecar("4.json", json!({ "state": "failed" }));
    fs::write(cli.path("4.mp4"), "").unwrap();
    sidecar("5.json", json!({ "state": "saved", "file": "5.mp4" }));
    assert_eq!(cli.run(&["gallery"]).await.code, 0);
    let data = data(&cli, "");
    let cards = data["cards"].as_array().unwrap();
    let shown: Vec<_> = cards
        .iter()
        .map(|card| (&card["name"], &card["state"]))
        .collect();
    assert_eq!(
        json!(shown),
        json!([
            ["1", "failed"],
            ["2", "unfinished"],
            ["3", "unfinished"],
            ["4.mp4", "saved"]
        ])
    );
    let generate = "aimlapi-video generate kling-video/v2.1/standard/image-to-video --set cfg_scale=0.5 --set image_url=@FILE \
        --set images+=@FILE --set 'images+=\"https://h.example/a\"' --set 'labels=[\"a b\"]' --set prompt=5 --sidecar -o ./1.mp4";
    assert_eq!(cards[0]["command"], generate);
    assert_eq!(cards[1]["command"], "aimlapi-video wait -o ./2.mp4 -- -g");
    assert_eq!(cards[2]["command"], Value::Null);
}

#[tokio::test]
async fn commands_of_the_cards_make_the_videos() {
    let is_later = Arc::new(AtomicBool::new(false));
    let later = is_later.clone();
    let server = support::Server::start(move |_, request| {
        let is_later = later.load(Ordering::Relaxed);
        if request.method == "POST" {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let is_slow = body["prompt"] == "slow";
            let id = if is_slow || is_later { "slow" } else { "fails" };
            return support::json(201, json!({ "id": id, "status": "queued" }));
        }
        if !request.target.contains("generation_id=") {
            return support::http(200, &[("content-type", "video/mp4")], support::files::CLIP);
        }
        let id = request.target.rsplit('=').next().unwrap();
        let url = format!("http://{}/v.mp4", request.header("host").unwrap());
        support::json(
            200,
            match id {
                "fails" => {
                    json!({ "id": id, "status": "error", "error": { "message": "not this scene" } })
                }
                _ if is_later => {
                    json!({ "id": id, "status": "completed", "video": { "url": url } })
                }
                _ => json!({ "id": id, "status": "generating" }),
            },
        )
    })
    .await;
    let cli = Cli::at(server.url());
    let lines = ["it's <b>&$HOME", "slow"]
        .map(|prompt| json!({ "model": MODEL, "prompt": prompt, "duration": 10 }).to_string());
    fs::write(cli.path("b.jsonl"), lines.join("\n")).unwrap();
    let batch = [
        "batch",
        "b.jsonl",
        "--out",
        "out {1}",
        "--gallery",
        "--speed",
        "1000",
        "--deadline",
        "2000s",
    ];
    let ran = cli.run(&batch).await;
    assert_eq!(ran.code, 4, "{ran:?}");
    let before = data(&cli, "out {1}");
    assert_eq!(before["cards"][0]["state"], "failed", "{before}");
    assert!(
        before["cards"][0]["error"]
            .as_str()
            .unwrap()
            .contains("not this scene"),
        "{before}"
    );
    assert_eq!(before["cards"][1]["state"], "unfinished", "{before}");
    is_later.store(true, Ordering::Relaxed);
    for card in before["cards"].as_array().unwrap() {
        let command = format!("{} --speed 1000", card["command"].as_str().unwrap());
        let program = binary();
        let command = command.replacen("aimlapi-video", program.to_str().unwrap(), 1);
        let ran = tokio::process::Command::new("sh")
            .args(["-c", &command])
            .current_dir(cli.folder.path())
            .env("AIMLAPI_VIDEO_HOME", cli.home.path())
            .env("AIML_API_KEY", support::KEY)
            .env("AIML_API_BASE", server.url())
            .output()
            .await
            .unwrap();
        assert!(ran.status.success(), "{command}: {ran:?}");
    }
    // The card of a failed request names another file, so that its batch goes on.
    let ran = cli.run(&batch).await;
    assert!(ran.stderr.contains("saved already: 1"), "{ran:?}");
    assert_eq!(ran.code, 3, "{ran:?}");
    let gallery = ["gallery", "out {1}", "--no-history"];
    assert_eq!(cli.run(&gallery).await.code, 0);
    let after = data(&cli, "out {1}");
    let cards = after["cards"].as_array().unwrap();
    let names: Vec<&Value> = cards.iter().map(|card| &card["name"]).collect();
    assert_eq!(names, ["0001", "0001-retry.mp4", "0002.mp4"]);
    for (card, prompt) in cards[1..].iter().zip(["it's <b>&$HOME", "slow"]) {
        assert_eq!(
            (&card["state"], &card["prompt"]),
            (&json!("saved"), &json!(prompt))
        );
        assert_eq!(card["length"], 10, "{card}");
        assert_eq!(card["sha256"].as_str().unwrap().len(), 64, "{card}");
    }
}

#[tokio::test]
async fn folder_without_videos_and_a_foreign_page_are_errors_that_write_nothing() {
    let cli = Cli::new();
    let ran = cli.run(&["gallery", "missing"]).await;
    assert_eq!(
        (ran.code, ran.error()),
        (2, "error: missing is not a folder")
    );
    let ran = cli.run(&["gallery"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.error()
            .starts_with("error: no video in .; name the folder"),
        "{ran:?}"
    );
    assert!(cli.files().is_empty());
    fs::create_dir(cli.path("out")).unwrap();
    fs::write(cli.path("out/index.html"), "<p>mine").unwrap();
    for ran in [
        batch(&cli, &["--gallery"]).await,
        cli.run(&["gallery", "out"]).await,
    ] {
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(
            ran.error()
                .contains("out/index.html exists and is not a gallery"),
            "{ran:?}"
        );
    }
    assert_eq!(fs::read(cli.path("out/index.html")).unwrap(), b"<p>mine");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn open_shows_the_video_and_the_page_in_the_program_of_the_system() {
    let cli = Cli::new();
    let tools = tempfile::tempdir().unwrap();
    let pipe = tools.path().join("opened");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let script = format!("#!/bin/sh\necho \"$1\" > '{}'\n", pipe.display());
    fs::write(tools.path().join("xdg-open"), script).unwrap();
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(tools.path().join("xdg-open"), executable).unwrap();
    let path = format!("{}:/usr/bin:/bin", tools.path().display());
    let generate = [
        "generate",
        MODEL,
        "--prompt",
        "x",
        "--simulate",
        "--speed",
        "1000",
        "-o",
        "a b.mp4",
        "--open",
    ];
    for (arguments, expected) in [
        (&generate[..], "a b.mp4"),
        (&["gallery", "--open"], "index.html"),
    ] {
        let output = cli
            .command(arguments)
            .env("PATH", &path)
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        // The read waits until the program that opens files writes.
        let opened = tokio::fs::read_to_string(&pipe).await.unwrap();
        assert_eq!(
            opened.trim(),
            cli.folder
                .path()
                .canonicalize()
                .unwrap()
                .join(expected)
                .to_str()
                .unwrap()
        );
    }
}
