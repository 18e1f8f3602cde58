//! The command line: output, exit codes and resume commands.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use aimlapi_video_simulator::Simulator;
use serde_json::{Value, json};
use support::{
    Server,
    cli::{Cli, interrupt},
    http,
};
use tokio::io::AsyncWriteExt;

const MODEL: &str = "klingai/v2-master-text-to-video";

fn is_mp4(path: &Path) -> bool {
    &std::fs::read(path).unwrap()[4..8] == b"ftyp"
}

#[tokio::test]
async fn command_of_the_readme_saves_a_video() {
    let cli = Cli::new();
    let prompt = "A paper boat sails down a rain gutter at dusk";
    let ran = cli
        .run(&[
            "generate",
            MODEL,
            "--simulate",
            "--prompt",
            prompt,
            "--speed",
            "1000",
            "-o",
            "boat.mp4",
        ])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.starts_with("saved boat.mp4 ("), "{ran:?}");
    assert!(ran.stderr.contains("queued "), "{ran:?}");
    assert!(is_mp4(&cli.path("boat.mp4")));
    assert_eq!(cli.files(), ["boat.mp4"]);
    let readme = include_str!("../../../README.md").replace("\\\n  ", "");
    assert!(readme.contains(&format!(
        "cargo run -- generate {MODEL} --prompt \"{prompt}\" --simulate -o boat.mp4"
    )));
}

#[tokio::test]
async fn json_output_is_one_object_with_every_video() {
    let simulator = Simulator::builder()
        .speed(2000.0)
        .videos(2)
        .start()
        .await
        .unwrap();
    let cli = Cli::at(simulator.url());
    let ran = cli
        .run(&[
            "generate", MODEL, "--prompt", "x", "--speed", "2000", "--json", "-o", "a.mp4",
        ])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let object = ran.json();
    assert_eq!(
        (&object["state"], &object["model"], &object["route"]),
        (&json!("completed"), &json!(MODEL), &json!("universal"))
    );
    let videos = object["videos"].as_array().unwrap();
    assert_eq!(
        (&videos[0]["path"], &videos[1]["path"]),
        (&json!("a.mp4"), &json!("a-2.mp4"))
    );
    assert!(
        videos
            .iter()
            .all(|video| video["url"].is_string() && video["bytes"].as_u64() > Some(1000))
    );
    assert_eq!(cli.files(), ["a-2.mp4", "a.mp4"]);
}

#[tokio::test]
async fn video_without_an_output_is_named_after_the_generation() {
    let cli = Cli::new();
    let ran = cli
        .run(&[
            "generate",
            MODEL,
            "--prompt",
            "x",
            "--simulate",
            "--speed",
            "2000",
            "--json",
        ])
        .await;
    let name = ran.json()["videos"][0]["path"].as_str().unwrap().to_owned();
    let id = ran.json()["id"].as_str().unwrap().to_owned();
    // The id ends with the model, which is not repeated in the name.
    let id = id.strip_suffix(&format!(":{MODEL}")).unwrap();
    assert_eq!(name, format!("{}-{id}.mp4", MODEL.replace('/', "-")));
    assert_eq!(cli.files(), [name]);
}

#[tokio::test]
async fn every_flag_reaches_the_body() {
    let server = Server::always(support::json(201, json!({ "id": "g", "status": "queued" }))).await;
    let cli = Cli::at(server.url());
    std::fs::write(cli.path("a.png"), PNG).unwrap();
    let request = json!({ "model": "klingai/v2-master-image-to-video", "negative_prompt": "@rain", "duration": 5 });
    std::fs::write(cli.path("body.json"), request.to_string()).unwrap();
    let ran = cli
        .run(&[
            "generate", "--request", "body.json", "--prompt", "p", "--image", "a.png", "--set", "duration=10", "--set",
            "cfg_scale=0.5", "--set", "static_mask=@a.png", "--set", "provider=123", "--set", "camera_control={\"type\":\"simple\"}",
            "--set", "dynamic_masks+={\"mask\":\"m\",\"trajectories\":[{\"x\":1,\"y\":2},{\"x\":3,\"y\":4}]}", "--no-wait",
        ])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let body: Value = serde_json::from_slice(&server.requests()[0].body).unwrap();
    let inline = body["image_url"].as_str().unwrap();
    assert!(inline.starts_with("data:image/png;base64,"), "{inline}");
    assert_eq!(
        body,
        json!({
            "model": "klingai/v2-master-image-to-video", "prompt": "p", "negative_prompt": "@rain", "duration": 10, "cfg_scale": 0.5,
            "image_url": inline, "static_mask": inline, "provider": "123", "camera_control": { "type": "simple" },
            "dynamic_masks": [{ "mask": "m", "trajectories": [{ "x": 1, "y": 2 }, { "x": 3, "y": 4 }] }],
        })
    );
}

#[tokio::test]
async fn file_is_sent_inline_where_a_legacy_body_states_no_format() {
    let server = Server::always(support::json(201, json!({ "id": "g", "status": "queued" }))).await;
    let cli = Cli::at(server.url());
    std::fs::write(cli.path("a.png"), PNG).unwrap();
    let ran = cli
        .run(&[
            "generate",
            "kling-video/v2.1/standard/image-to-video",
            "--legacy",
            "--image",
            "a.png",
            "--set",
            "tail_image_url=@a.png",
            "--no-wait",
        ])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let request = &server.requests()[0];
    assert_eq!(request.target, "/v2/generate/video/kling/generation");
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert!(
        body["tail_image_url"]
            .as_str()
            .unwrap()
            .starts_with("data:image/png;base64,")
    );
    let handle = ran.json();
    assert_eq!(
        (&handle["id"], &handle["route"], &handle["origin"]),
        (&json!("g"), &json!("legacy-kling"), &json!(server.url()))
    );
}

#[tokio::test]
async fn no_wait_prints_a_handle_that_wait_reads_from_a_file_and_standard_input() {
    let simulator = Simulator::builder().speed(2000.0).start().await.unwrap();
    let cli = Cli::at(simulator.url());
    let created = cli
        .run(&["generate", MODEL, "--legacy", "--prompt", "x", "--no-wait"])
        .await;
    assert_eq!(created.code, 0, "{created:?}");
    std::fs::write(cli.path("handle.json"), &created.stdout).unwrap();
    for (from, input, file) in [
        ("handle.json", "", "a.mp4"),
        ("-", created.stdout.as_str(), "b.mp4"),
    ] {
        let ran = cli
            .run_with(&["wait", from, "--speed", "2000", "-o", file], input)
            .await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(is_mp4(&cli.path(file)));
    }
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let ran = cli
        .run(&["wait", &id, "--legacy", "--speed", "2000", "-o", "c.mp4"])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = cli.run(&["status", &id, "--legacy"]).await;
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!((ran.code, lines[0]), (0, "completed"));
    assert!(
        lines[1].starts_with(&format!("{}/_simulator/files/", simulator.url())),
        "{ran:?}"
    );
    let ran = cli.run(&["status", &id, "--legacy", "--json"]).await;
    assert_eq!(ran.json()["status"], "completed");
}

#[tokio::test]
async fn bad_input_exits_with_2_and_one_line_and_creates_nothing() {
    let server = Server::always(http(500, &[], "")).await;
    let cli = Cli::at(server.url());
    std::fs::write(cli.path("text.png"), "no picture").unwrap();
    std::fs::write(cli.path("sound.png"), b"ID3\x04\0\0\0\0\0\0").unwrap();
    std::fs::write(cli.path("large.png"), [PNG, &[0; 2 * 1024 * 1024]].concat()).unwrap();
    std::fs::write(cli.path("mine.mp4"), "mine").unwrap();
    std::fs::write(cli.path("broken.json"), "{").unwrap();
    let before = cli.files();
    let image = "klingai/v2-master-image-to-video";
    let cases: &[(&[&str], &[&str])] = &[
        (
            &["klingai/v2-master-text-to-vide", "--prompt", "x"],
            &["/model", "klingai/v2-master-text-to-video"],
        ),
        (
            &["--prompt", "x"],
            &["model is missing", "aimlapi-video models"],
        ),
        (&[MODEL], &["/prompt is missing"]),
        (
            &[MODEL, "--prompt", "x", "--set", "duration=7"],
            &["/duration is 7", "5, 10"],
        ),
        (
            &[MODEL, "--prompt", "x", "--set", "duration=long"],
            &["/duration is \"long\"", "5, 10"],
        ),
        (
            &[MODEL, "--prompt", "x", "--set", "cfg_scale=1.5"],
            &["/cfg_scale is 1.5", "0 to 1"],
        ),
        (
            &[MODEL, "--prompt", "x", "--set", "cfg_scale"],
            &["NAME=VALUE"],
        ),
        (
            &[MODEL, "--prompt", "x", "--image", "a.png"],
            &["no parameter for the opening image"],
        ),
        (
            &[image, "--image", "none.png"],
            &["none.png", "cannot be read"],
        ),
        (
            &[image, "--image", "text.png"],
            &["text.png", "is not an image"],
        ),
        (&[image, "--image", "sound.png"], &["sound.png", "audio/"]),
        (
            &[image, "--image", "large.png", "--max-media", "1"],
            &["large.png", "limit of 1048576 bytes"],
        ),
        (
            &[MODEL, "--prompt", "x", "-o", "mine.mp4/such/folder.mp4"],
            &["mine.mp4/such/folder.mp4", "cannot be written"],
        ),
        (
            &[MODEL, "--prompt", "x", "-o", ""],
            &["a value is required"],
        ),
        (
            &[MODEL, "--prompt", "x", "-o", "mine.mp4"],
            &["mine.mp4 already exists", "--overwrite"],
        ),
        (&["--request", "none.json"], &["none.json cannot be read"]),
        (
            &["--request", "broken.json"],
            &["broken.json:1:1: not JSON"],
        ),
        (&["--request", "-"], &["standard input:1:1: not JSON"]),
        (
            &[MODEL, "--legacy", "--prompt", "x", "--set", "duration=7"],
            &["/duration is 7"],
        ),
        (
            &[
                "kling-video/v2.1/pro/image-to-video",
                "--legacy",
                "--image",
                "https://a.example/b",
            ],
            &["/model"],
        ),
    ];
    for (arguments, expected) in cases {
        let ran = cli.run(&[&["generate"], *arguments].concat()).await;
        assert_eq!(ran.code, 2, "{arguments:?} {ran:?}");
        for part in *expected {
            assert!(ran.error().contains(part), "{arguments:?} {ran:?}");
        }
        assert!(ran.stdout.is_empty(), "{ran:?}");
    }
    for base in ["nonsense", "http://a.example", "ftp://a.example"] {
        let wrong = Cli::at(base);
        let ran = wrong.run(&["generate", MODEL, "--prompt", "x"]).await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.error().contains(base), "{ran:?}");
    }
    let keyless = Cli {
        key: None,
        ..Cli::at(server.url())
    };
    let ran = keyless.run(&["generate", MODEL, "--prompt", "x"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.error().contains("AIML_API_KEY") && ran.error().contains("--simulate"),
        "{ran:?}"
    );
    assert!(server.requests().is_empty());
    assert_eq!(cli.files(), before);
    assert_eq!(std::fs::read(cli.path("mine.mp4")).unwrap(), b"mine");
}

#[tokio::test]
async fn failure_without_a_generation_has_its_own_exit_codes() {
    let cases = [
        (
            http(401, &[], r#"{"message":"who?"}"#),
            5,
            "the key was refused",
        ),
        (http(403, &[], "{}"), 5, "no credits"),
        // A longer pause than this is an error at once.
        (
            http(429, &[("retry-after", "3600")], "{}"),
            5,
            "too many requests",
        ),
        (
            http(400, &[], r#"{"message":"prompt: expected poetry"}"#),
            2,
            "expected poetry",
        ),
        (http(500, &[], ""), 6, "may have been accepted and billed"),
        (
            http(200, &[("content-type", "text/html")], "<html>"),
            6,
            "not JSON (text/html",
        ),
        (Vec::new(), 6, "response was lost"),
    ];
    for (answer, code, expected) in cases {
        let server = Server::always(answer).await;
        let cli = Cli::at(server.url());
        let ran = cli
            .run(&["generate", MODEL, "--prompt", "x", "-o", "a.mp4", "--json"])
            .await;
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.error().contains(expected), "{ran:?}");
        assert_eq!(ran.json()["error"]["exit_code"], code);
        assert_eq!(server.requests().len(), 1);
        assert_eq!(cli.files(), [""; 0]);
    }
    let server = Server::always(Vec::new()).await;
    let cli = Cli::at(server.url());
    drop(server);
    let ran = cli.run(&["generate", MODEL, "--prompt", "x"]).await;
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(
        ran.error().contains("was not reached; nothing was created"),
        "{ran:?}"
    );
}

/// A service that creates `g` and responds to polls with this text; `{url}` in it becomes the URL of the service.
async fn polls(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Server {
    Server::start(move |_, request| {
        let url = format!("http://{}", request.header("host").unwrap_or_default());
        match request.method.as_str() {
            "POST" => support::json(201, json!({ "id": "-g:1/x", "status": "queued" })),
            _ if request.target.starts_with("/files/") => http(404, &[], ""),
            _ => answer(&url),
        }
    })
    .await
}

#[tokio::test]
async fn failure_with_a_generation_prints_the_resume_command() {
    let state = |state: &str| support::json(200, json!({ "id": "-g:1/x", "status": state }));
    let (queued, done) = (state("queued"), state("completed"));
    let failed = support::json(
        200,
        json!({ "id": "-g:1/x", "status": "error", "error": { "name": "Moderation", "message": "no" } }),
    );
    type Answer = Box<dyn Fn(&str) -> Vec<u8> + Send + Sync>;
    let cases: Vec<(Answer, i32, &str, bool)> = vec![
        (
            Box::new(move |_| failed.clone()),
            3,
            "Moderation: no",
            false,
        ),
        (Box::new(move |_| queued.clone()), 4, "gave up after", true),
        (
            Box::new(|_| http(401, &[], "{}")),
            4,
            "the key was refused",
            true,
        ),
        (
            Box::new(|_| http(200, &[], "<html>")),
            4,
            "gave up after",
            true,
        ),
        (Box::new(move |_| done.clone()), 7, "has no video", true),
        (
            Box::new(|url| {
                support::json(
                    200,
                    json!({ "id": "-g:1/x", "status": "completed", "video": { "url": format!("{url}/files/1?sig=s") } }),
                )
            }),
            7,
            "responded with 404",
            true,
        ),
    ];
    for (answer, code, expected, resumable) in cases {
        let server = polls(answer).await;
        let cli = Cli::at(server.url());
        let arguments = [
            "generate",
            MODEL,
            "--prompt",
            "x",
            "-o",
            "a b.mp4",
            "--json",
            "--deadline",
            "50s",
            "--speed",
            "100",
        ];
        let ran = cli.run(&arguments).await;
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.error().contains(expected), "{ran:?}");
        let resume = "resume with: aimlapi-video wait -o 'a b.mp4' -- -g:1/x";
        assert_eq!(
            ran.stderr.lines().any(|line| line == resume),
            resumable,
            "{ran:?}"
        );
        assert_eq!(ran.json()["handle"]["id"], "-g:1/x");
        assert_eq!(
            server
                .requests()
                .iter()
                .filter(|request| request.method == "POST")
                .count(),
            1
        );
        assert_eq!(cli.files(), [""; 0]);
    }
}

#[tokio::test]
async fn wait_or_status_that_gets_no_first_response_exits_with_5() {
    for status in [401, 404] {
        let server = Server::always(http(status, &[], "{}")).await;
        let cli = Cli::at(server.url());
        for arguments in [&["wait", "g", "-o", "a.mp4"][..], &["status", "g"]] {
            let ran = cli.run(arguments).await;
            assert_eq!(ran.code, 5, "{ran:?}");
            assert!(!ran.stderr.contains("resume with"), "{ran:?}");
        }
    }
    let server = Server::always(Vec::new()).await;
    let cli = Cli::at(server.url());
    drop(server);
    for arguments in [
        &["wait", "g", "--deadline", "10s", "--speed", "100"][..],
        &["status", "g"],
    ] {
        let ran = cli.run(arguments).await;
        assert_eq!(ran.code, 5, "{ran:?}");
        ran.error();
    }
    // A generation that was polled once exists.
    let server = Server::start(|number, _| match number {
        0 => support::json(200, json!({ "id": "g", "status": "queued" })),
        _ => http(401, &[], "{}"),
    })
    .await;
    let ran = Cli::at(server.url())
        .run(&["wait", "g", "--speed", "100"])
        .await;
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(
        ran.stderr.contains("resume with: aimlapi-video wait g"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn unusable_handle_exits_with_2() {
    let server = Server::always(http(500, &[], "")).await;
    let cli = Cli::at(server.url());
    std::fs::write(cli.path("broken.json"), "{").unwrap();
    std::fs::write(
        cli.path("other.json"),
        r#"{"id":"g","origin":"https://api.aimlapi.com"}"#,
    )
    .unwrap();
    for (given, expected) in [
        ("none.json", "cannot be read"),
        ("broken.json", "expected a handle"),
        ("other.json", "created on"),
    ] {
        let ran = cli.run(&["wait", given]).await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.error().contains(expected), "{ran:?}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn printed_resume_command_resumes() {
    // The first command misses its second video; the one it prints saves both.
    let is_missing = Arc::new(AtomicBool::new(true));
    let missing = Arc::clone(&is_missing);
    let server = Server::start(move |_, request| {
        let url = format!(
            "http://{}/files",
            request.header("host").unwrap_or_default()
        );
        match request.method.as_str() {
            "POST" => support::json(201, json!({ "id": "-g:1/x", "status": "queued" })),
            _ if request.target == "/files/2" && missing.load(Ordering::SeqCst) => {
                http(404, &[], "")
            }
            _ if request.target.starts_with("/files/") => http(200, &[], support::files::CLIP),
            _ => {
                let videos = [format!("{url}/1"), format!("{url}/2")];
                support::json(
                    200,
                    json!({ "id": "-g:1/x", "status": "completed", "video": videos }),
                )
            }
        }
    })
    .await;
    let cli = Cli::at(server.url());
    let ran = cli
        .run(&[
            "generate", MODEL, "--prompt", "x", "--speed", "1000", "-o", "a.mp4", "--json",
        ])
        .await;
    assert_eq!(ran.code, 7, "{ran:?}");
    assert_eq!(cli.files(), ["a.mp4"]);
    assert_eq!(ran.json()["videos"].as_array().map(Vec::len), Some(1));
    let resume = ran.json()["resume"].as_str().unwrap().to_owned();
    assert_eq!(resume, "aimlapi-video wait -o a.mp4 --overwrite -- -g:1/x");
    let words: Vec<&str> = resume.split(' ').skip(1).collect();
    is_missing.store(false, Ordering::SeqCst);
    let ran = cli.run(&words).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(cli.files(), ["a-2.mp4", "a.mp4"]);
}

#[tokio::test]
async fn response_without_an_id_is_printed() {
    let server = Server::always(support::json(201, json!({ "task_id": "t-1" }))).await;
    let ran = Cli::at(server.url())
        .run(&["generate", MODEL, "--prompt", "x", "--json"])
        .await;
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(
        ran.stderr
            .contains(r#"the response began: {"task_id":"t-1"}"#),
        "{ran:?}"
    );
    assert_eq!(ran.json()["answer"], r#"{"task_id":"t-1"}"#);
    let sent = server.requests()[0]
        .header("x-client-request-id")
        .unwrap()
        .to_owned();
    assert!(ran.error().contains(&sent), "{ran:?}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn handle_that_cannot_be_printed_is_not_lost() {
    let server = polls(|_| http(500, &[], "")).await;
    let cli = Cli::at(server.url());
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut command = cli.command(&["generate", MODEL, "--prompt", "x", "--no-wait"]);
    let child = command.stdout(full).spawn().unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(4));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("resume with: aimlapi-video wait -- -g:1/x"),
        "{stderr}"
    );
}

#[tokio::test]
async fn environment_variables_are_read_in_order() {
    let server = Server::always(support::json(200, json!({ "id": "g", "status": "queued" }))).await;
    let cli = Cli::new();
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("AIMLAPI_API_KEY", "second")], "Bearer second"),
        (
            &[("AIML_API_KEY", "first"), ("AIMLAPI_API_KEY", "second")],
            "Bearer first",
        ),
        (
            &[("AIML_API_KEY", " "), ("AIMLAPI_API_KEY", "second")],
            "Bearer second",
        ),
    ];
    for (variables, expected) in cases {
        let mut command = cli.command(&["status", "g"]);
        command
            .envs(variables.iter().copied())
            .env("AIMLAPI_API_BASE", server.url());
        assert!(command.status().await.unwrap().success(), "{variables:?}");
        let request = server.requests().pop().unwrap();
        assert_eq!(request.header("authorization"), Some(*expected));
    }
    let mut command = cli.command(&["status", "g"]);
    command
        .env("AIML_API_KEY", "k")
        .env("AIML_API_BASE", server.url())
        .env("AIMLAPI_API_BASE", "nonsense");
    assert!(command.status().await.unwrap().success());
}

#[cfg(unix)]
#[tokio::test]
async fn interrupted_create_still_prints_the_id() {
    // Responds to the create only after the interrupt.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let cli = Cli::at(format!("http://{}", listener.local_addr().unwrap()));
    let child = cli
        .command(&["generate", MODEL, "--prompt", "x", "-o", "a.mp4"])
        .spawn()
        .unwrap();
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut head = [0; 64];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut head)
        .await
        .unwrap();
    interrupt(&child);
    stream
        .write_all(&support::json(
            201,
            json!({ "id": "g", "status": "queued" }),
        ))
        .await
        .unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(130));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("resume with: aimlapi-video wait -o a.mp4 g"),
        "{stderr}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn interrupt_exits_with_130_and_prints_the_resume_command() {
    let server = polls(|_| support::json(200, json!({ "id": "-g:1/x", "status": "queued" }))).await;
    let cli = Cli::at(server.url());
    let child = cli
        .command(&[
            "generate", MODEL, "--prompt", "x", "-o", "a.mp4", "--speed", "100",
        ])
        .spawn()
        .unwrap();
    while server.requests().len() < 3 {
        tokio::task::yield_now().await;
    }
    interrupt(&child);
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(130));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("resume with: aimlapi-video wait -o a.mp4 -- -g:1/x"),
        "{stderr}"
    );
    assert_eq!(cli.files(), [""; 0]);
}

#[tokio::test]
async fn mistyped_parameter_is_warned_of_before_the_create() {
    let cli = Cli::new();
    let ran = cli
        .run(&[
            "generate",
            MODEL,
            "--prompt",
            "x",
            "--set",
            "durration=5",
            "--simulate",
            "--speed",
            "2000",
            "-o",
            "a.mp4",
        ])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stderr.contains(
            "/durration: the document has no property `durration`; the most similar one is `duration`"
        ),
        "{ran:?}"
    );
}

#[tokio::test]
async fn validate_prints_a_verdict_per_line() {
    let cli = Cli::new();
    let lines = [
        json!({ "model": MODEL, "prompt": "x" }).to_string(),
        json!({ "model": MODEL, "prompt": "x", "cfg_scale": 1.5, "duration": "5" }).to_string(),
        String::new(),
        "{".to_owned(),
        json!({ "model": MODEL, "prompt": "x", "newer": 1 }).to_string(),
    ];
    let ran = cli.run_with(&["validate"], &lines.join("\n")).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    let verdicts: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        verdicts[0],
        json!({ "line": 1, "model": MODEL, "valid": true, "violations": [], "warnings": [] })
    );
    let violations = json!([
        { "pointer": "/cfg_scale", "given": 1.5, "allowed": "0 to 1", "keyword": "maximum" },
        { "pointer": "/duration", "given": "5", "allowed": "5, 10", "keyword": "type" },
    ]);
    assert_eq!(verdicts[1]["violations"], violations);
    assert_eq!(
        (&verdicts[2]["line"], &verdicts[2]["valid"]),
        (&json!(4), &json!(false))
    );
    assert_eq!(verdicts[3]["warnings"][0]["pointer"], "/newer");

    std::fs::write(cli.path("requests.jsonl"), lines[1].replace("1.5", "1")).unwrap();
    assert_eq!(cli.run(&["validate", "requests.jsonl"]).await.code, 2);
    assert_eq!(
        cli.run(&["validate", "requests.jsonl", "--coerce"])
            .await
            .code,
        0
    );
    assert_eq!(cli.run(&["validate", "none.jsonl"]).await.code, 2);
}

#[tokio::test]
async fn models_and_schema_list_the_models_of_the_build() {
    let cli = Cli::new();
    let ran = cli.run(&["models", "--vendor", "kling"]).await;
    assert!(
        ran.stdout
            .lines()
            .any(|line| line.starts_with(MODEL) && line.contains("300-840 s")),
        "{ran:?}"
    );
    let ran = cli.run(&["models", "--json"]).await;
    assert!(
        ran.json()
            .as_array()
            .unwrap()
            .iter()
            .any(|model| model["id"] == MODEL)
    );
    let ran = cli.run(&["models", "--vendor", "klingon"]).await;
    assert!(ran.code == 2 && ran.error().contains("kling"), "{ran:?}");

    let ran = cli.run(&["schema", MODEL]).await;
    assert!(
        ran.stdout
            .lines()
            .any(|line| line.starts_with("duration ") && line.contains("5, 10")),
        "{ran:?}"
    );
    let ran = cli.run(&["schema", MODEL, "--json"]).await;
    let schema: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(schema["properties"]["duration"]["enum"], json!([5, 10]));
    let ran = cli.run(&["schema", MODEL, "--ledger"]).await;
    assert!(ran.stdout.lines().any(|line| line.contains("cfg_scale")
        && line.contains("maximum")
        && line.contains("type")));
    let ran = cli.run(&["schema", "klingai/v2-master-text-to-vide"]).await;
    let nearest = format!("such as {MODEL}, ");
    assert!(ran.code == 2 && ran.error().contains(&nearest), "{ran:?}");
}

#[tokio::test]
async fn simulate_serves_until_an_interrupt() {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let cli = Cli::new();
    let mut child = cli
        .command(&["simulate", "--listen", "127.0.0.1:0", "--speed", "1000"])
        .spawn()
        .unwrap();
    let line = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .next_line()
        .await
        .unwrap()
        .unwrap();
    let url = line.strip_prefix("listening on ").unwrap();
    let client = Cli::at(url);
    let ran = client
        .run(&[
            "generate", MODEL, "--prompt", "x", "--speed", "1000", "-o", "a.mp4",
        ])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    child.kill().await.unwrap();
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x09\0\0\0\x10\x08\x06\0\0\0";
