//! Failures and interrupts with a generation: the resume command.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::{
    MODEL,
    support::{
        self, Server,
        cli::{Cli, interrupt},
        http,
    },
};

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
