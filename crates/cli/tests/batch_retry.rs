//! `batch --retry-failed`: what it says, asks and creates.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Value, json};
use support::{
    Server,
    cli::{Cli, Ran},
    paid::{respond, service},
};

const MODEL: &str = "klingai/v2-master-text-to-video";

/// The prompts of all creates, sorted.
fn created(server: &Server) -> Vec<String> {
    let requests = server.requests();
    let creates = requests.iter().filter(|request| request.method == "POST");
    let prompt = |body: Value| body["prompt"].as_str().unwrap().to_owned();
    let mut created: Vec<String> = creates
        .map(|request| prompt(serde_json::from_slice(&request.body).unwrap()))
        .collect();
    created.sort();
    created
}

fn write_batch(cli: &Cli, prompts: &[&str]) {
    let line = |prompt: &&str| json!({ "model": MODEL, "prompt": prompt }).to_string() + "\n";
    let text: String = prompts.iter().map(line).collect();
    fs::write(cli.path("b.jsonl"), text).unwrap();
}

const RUN: &[&str] = &["batch", "b.jsonl", "--out", "videos", "--speed", "1000"];

async fn run(cli: &Cli, more: &[&str]) -> Ran {
    cli.run(&[RUN, more].concat()).await
}

#[tokio::test]
async fn failed_lines_are_created_again_once_and_only_after_a_yes() {
    let server = service().await;
    let cli = Cli::at(server.url());
    write_batch(&cli, &["a", "fail-b", "fail-c"]);
    let first = ["a", "fail-b", "fail-c"];
    for _ in 0..2 {
        let ran = run(&cli, &[]).await;
        assert_eq!(ran.code, 3);
        let way_on =
            "note: `batch` with --retry-failed creates again, and pays for, what has failed\n";
        assert!(ran.stderr.ends_with(way_on), "{ran:?}");
        assert_eq!(created(&server), first);
    }

    // A corrected line is refused with the option that creates it.
    write_batch(&cli, &["a", "b", "fail-c"]);
    let ran = run(&cli, &[]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    let error = "in these lines: 2; their generations failed, so --retry-failed creates them as they are now";
    assert!(ran.error().contains(error), "{ran:?}");
    let ran = run(&cli, &["--retry-failed", "--dry-run"]).await;
    assert!(ran.stdout.contains("to create: 2"), "{ran:?}");
    let ran = run(&cli, &["--retry-failed"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    let told = "generations that failed: 2, of these lines: 2, 3; to create them again, estimate: 0.50 USD";
    assert!(ran.stderr.contains(told), "{ran:?}");
    assert!(ran.error().contains("add --yes"), "{ran:?}");
    assert_eq!(created(&server), first);

    let ran = run(&cli, &["--retry-failed", "--yes"]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stderr.contains("saved already: 1"), "{ran:?}");
    assert!(
        ran.stderr.contains("line 2: saved videos/0002.mp4"),
        "{ran:?}"
    );
    let second = ["a", "b", "fail-b", "fail-c", "fail-c"];
    assert_eq!(created(&server), second);

    // Without the option, nothing is created again; with it, only what failed may differ.
    assert_eq!(run(&cli, &[]).await.code, 3);
    write_batch(&cli, &["other", "b", "c"]);
    let ran = run(&cli, &["--retry-failed", "--yes"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.error().contains("in these lines: 1; restore"),
        "{ran:?}"
    );
    assert_eq!(created(&server), second);
    write_batch(&cli, &["a", "b", "c"]);
    assert_eq!(run(&cli, &["--retry-failed", "--yes"]).await.code, 0);
    let ran = run(&cli, &["--retry-failed"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("no generation has failed"), "{ran:?}");
    assert_eq!(created(&server).len(), 6);
}

#[tokio::test]
async fn saved_video_that_is_gone_and_expired_is_not_answered_with_retry_failed() {
    let has_expired = Arc::new(AtomicBool::new(false));
    let expired = Arc::clone(&has_expired);
    let server = Server::start(move |_, request| {
        let is_poll = request.target.contains("generation_id=");
        match is_poll && expired.load(Ordering::SeqCst) {
            true => support::json(200, json!({ "id": "a", "status": "expired" })),
            false => respond(request, json!({})),
        }
    })
    .await;
    let cli = Cli::at(server.url());
    write_batch(&cli, &["a"]);
    assert_eq!(run(&cli, &[]).await.code, 0);
    has_expired.store(true, Ordering::SeqCst);
    fs::remove_file(cli.path("videos/0001.mp4")).unwrap();
    for _ in 0..2 {
        let ran = run(&cli, &[]).await;
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(!ran.stderr.contains("what has failed"), "{ran:?}");
        assert!(
            ran.stderr
                .contains("of these lines: 1; `batch` with another --out"),
            "{ran:?}"
        );
    }
    // What the note says.
    has_expired.store(false, Ordering::SeqCst);
    let again = ["batch", "b.jsonl", "--out", "again", "--speed", "1000"];
    assert_eq!(cli.run(&again).await.code, 0);
    assert!(cli.path("again/0001.mp4").is_file());
    assert_eq!(created(&server), ["a", "a"]);
}

#[tokio::test]
async fn yes_without_retry_failed_is_an_error() {
    let cli = Cli::new();
    write_batch(&cli, &["a"]);
    let ran = run(&cli, &["--yes"]).await;
    assert!(
        ran.code == 2 && ran.stderr.contains("--retry-failed"),
        "{ran:?}"
    );
}
