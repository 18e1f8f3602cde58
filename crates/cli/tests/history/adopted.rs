//! Videos of an interrupted batch that `wait` has saved.

use std::{
    fs,
    sync::{Arc, atomic::Ordering},
};

use crate::{
    batch, recorded, service,
    support::{Request, Server, cli::Cli},
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
