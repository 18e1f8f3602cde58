//! Videos of an interrupted batch that `wait` has saved.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use hmac_sha256::Hash;
use serde_json::{Value, json};

use crate::{
    MODEL, batch, history, recorded, service,
    support::{Request, Server, cli::Cli, files::CLIP},
    until,
};

const RUN: [&str; 6] = ["batch", "b.jsonl", "--out", "videos", "--speed", "1000"];

/// Kills a batch of three generations, and saves the last one by `wait`.
async fn saved_by_wait() -> (Cli, Server) {
    let released = Arc::default();
    let server = service(&released).await;
    let cli = Cli::at(server.url());
    fs::write(cli.path("b.jsonl"), batch(&["b1", "b2", "b3"])).unwrap();
    let mut child = cli.command(&RUN).spawn().unwrap();
    let journal = cli.path("videos/journal.jsonl");
    let has_all = |text: &str| text.matches("\"event\":\"created\"").count() == 3;
    until(|| has_all(&fs::read_to_string(&journal).unwrap_or_default())).await;
    until(|| has_all(&recorded(&cli))).await;
    child.kill().await.unwrap();
    released.store(true, Ordering::SeqCst);
    let ran = cli.run(&["wait", "--last", "--speed", "1000"]).await;
    assert!(cli.path("videos/0003.mp4").is_file(), "{ran:?}");
    (cli, server)
}

#[tokio::test]
async fn video_that_wait_saved_does_not_block_its_batch() {
    let resume = ["resume", "videos/journal.jsonl", "--speed", "1000"];
    for finish in [&RUN[..], &resume, &["resume", "--speed", "1000"]] {
        let (cli, server) = saved_by_wait().await;
        let dry = cli.run(&[&RUN[..], &["--dry-run"]].concat()).await;
        assert!(dry.stdout.contains("to create: 0"), "{dry:?}");
        let ran = cli.run(finish).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stderr.contains("saved already: 1"), "{ran:?}");
        for line in 1..=3 {
            assert!(cli.path(&format!("videos/000{line}.mp4")).is_file());
        }
        // The journal has it too: the next run needs no history.
        let ran = cli.run(&[&RUN[..], &["--no-history"]].concat()).await;
        assert!(ran.stderr.contains("saved already: 3"), "{ran:?}");
        let requests = server.requests();
        let is_of_b3 = |request: &&Request| request.target.starts_with("/b3.mp4");
        assert_eq!(requests.iter().filter(is_of_b3).count(), 1);
    }
}

#[tokio::test]
async fn other_file_in_the_place_of_a_paid_video_is_not_answered_with_another_folder() {
    let (cli, _server) = saved_by_wait().await;
    fs::write(cli.path("videos/0003.mp4"), "mine").unwrap();
    for finish in [&RUN[..], &["resume", "videos/journal.jsonl"]] {
        let ran = cli.run(finish).await;
        assert_eq!(ran.code, 2, "{ran:?}");
        let remedy = "is not of this batch; move it, and run the same command again";
        assert!(ran.error().contains(remedy), "{ran:?}");
    }
}

/// A batch whose second create got no response, and the entry that the history has of it.
async fn with_lost_response(released: &Arc<AtomicBool>) -> (Cli, Server, String) {
    let server = service(released).await;
    let cli = Cli::at(server.url());
    fs::write(cli.path("b.jsonl"), batch(&["b1", "silent", "b3"])).unwrap();
    released.store(true, Ordering::SeqCst);
    let mut child = cli.command(&RUN).spawn().unwrap();
    let journal = cli.path("videos/journal.jsonl");
    let has_others = |text: &str| text.matches("\"event\":\"saved\"").count() == 2;
    until(|| has_others(&fs::read_to_string(&journal).unwrap_or_default())).await;
    until(|| has_others(&recorded(&cli)) && recorded(&cli).contains("silent")).await;
    child.kill().await.unwrap();
    let entries = history(&cli).await;
    let is_lost = |entry: &&Value| entry["state"] == "ambiguous";
    let lost = entries.iter().find(is_lost).unwrap();
    let entry = lost["entry"].as_str().unwrap().to_owned();
    (cli, server, entry)
}

#[tokio::test]
async fn video_of_a_lost_response_that_wait_saved_is_that_of_its_line() {
    let resume = ["resume", "videos/journal.jsonl", "--speed", "1000"];
    for finish in [&RUN[..], &resume] {
        let (cli, server, entry) = with_lost_response(&Arc::default()).await;
        let wait = ["wait", "b2", "--entry", &entry, "--speed", "1000"];
        let ran = cli.run(&wait).await;
        // Where its batch would have saved it.
        assert!(cli.path("videos/0002.mp4").is_file(), "{ran:?}");
        let sent = server.requests().len();
        let dry = cli.run(&[&RUN[..], &["--dry-run"]].concat()).await;
        assert!(dry.stdout.contains("to create: 0"), "{dry:?}");
        let ran = cli.run(finish).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stderr.contains("saved already: 3"), "{ran:?}");
        // The journal has it too.
        let ran = cli.run(&[&RUN[..], &["--no-history"]].concat()).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(server.requests().len(), sent);
    }
}

#[tokio::test]
async fn generation_of_a_lost_response_that_wait_named_is_finished_with_its_batch() {
    let resume = ["resume", "videos/journal.jsonl", "--speed", "1000"];
    for finish in [&RUN[..], &resume, &["resume", "--speed", "1000"]] {
        let released = Arc::default();
        let (cli, server, entry) = with_lost_response(&released).await;
        released.store(false, Ordering::SeqCst);
        let wait = ["wait", "b2", "--entry", &entry, "--deadline", "1ms"];
        assert_eq!(cli.run(&wait).await.code, 4);
        released.store(true, Ordering::SeqCst);
        let ran = cli.run(finish).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stderr.contains("line 2: saved "), "{ran:?}");
        assert!(cli.path("videos/0002.mp4").is_file(), "{ran:?}");
        let states: Vec<Value> = history(&cli).await;
        let is_saved = |entry: &Value| entry["state"] == "saved";
        assert!(states.iter().all(is_saved), "{states:?}");
        let creates = server.requests();
        let creates = creates.iter().filter(|request| request.method == "POST");
        assert_eq!(creates.count(), 3);
    }
}

#[tokio::test]
async fn video_whose_sidecar_names_the_generation_of_its_line_does_not_block_its_batch() {
    let (mut cli, _server) = saved_by_wait().await;
    let wait = ["wait", "b2", "-o", "videos/0002.mp4", "--speed", "1000"];
    assert_eq!(cli.run(&wait).await.code, 0);
    let hash = Hash::hash(CLIP);
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let sidecar = json!({
        "aimlapi_video_sidecar": 1, "state": "saved", "id": "b2", "model": MODEL, "request": {},
        "ended_at": "2026-01-01T00:00:00Z", "file": "0002.mp4", "bytes": CLIP.len(), "sha256": hash, "videos": 1,
    });
    fs::write(cli.path("videos/0002.json"), sidecar.to_string()).unwrap();
    fs::remove_file(cli.path("videos/0003.mp4")).unwrap();
    // Another machine has no history of it.
    cli.home = tempfile::tempdir().unwrap();
    let ran = cli.run(&RUN).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("saved already: 1"), "{ran:?}");
}
