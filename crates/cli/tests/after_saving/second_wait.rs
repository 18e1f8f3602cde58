//! A second `wait` for a saved video.

use std::fs;

use serde_json::{Value, json};

use super::{generate, support, support::cli::Cli};

#[tokio::test]
async fn second_wait_for_a_saved_video_sends_nothing() {
    let server = support::paid::service().await;
    let cli = Cli::at(server.url());
    assert_eq!(generate(&cli, &["-o", "out/a.mp4"]).await.code, 0);
    let sent = server.requests().len();
    for options in [
        &["g"][..],
        &["g", "-o", "out/a.mp4"],
        &["g", "-o", "out/"],
        &["--last"],
    ] {
        let ran = cli.run(&[&["wait"][..], options].concat()).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stdout.starts_with("saved already: "), "{ran:?}");
        assert!(ran.stdout.contains("out/a.mp4"), "{ran:?}");
    }
    let object = cli.run(&["wait", "g", "--json"]).await.json();
    assert_eq!(object["saved_earlier"], true, "{object}");
    assert_eq!(object["usd_spent"], 0.25, "{object}");
    assert_eq!(server.requests().len(), sent);
    // Another place, the wish for a new download, or another file.
    for options in [&["-o", "b.mp4"][..], &["--overwrite", "-o", "out/a.mp4"]] {
        let ran = cli
            .run(&[&["wait", "g", "--speed", "1000"][..], options].concat())
            .await;
        assert!(ran.code == 0 && ran.stdout.starts_with("saved "), "{ran:?}");
        assert!(!ran.stdout.contains("already"), "{ran:?}");
    }
    alter(&cli, "out/a.mp4");
    let ran = cli.run(&["wait", "g", "--speed", "1000"]).await;
    assert!(
        ran.code == 0 && ran.stdout.starts_with("saved ") && !ran.stdout.contains("already"),
        "{ran:?}"
    );
}

/// The same size is not the same video.
fn alter(cli: &Cli, video: &str) {
    let mut bytes = fs::read(cli.path(video)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(cli.path(video), bytes).unwrap();
}

#[tokio::test]
async fn second_wait_for_a_saved_video_runs_its_program() {
    let server = support::paid::service().await;
    let cli = Cli::at(server.url());
    assert_eq!(generate(&cli, &["-o", "a.mp4"]).await.code, 0);
    for (options, code) in [
        (&["--exec", "cp {} b.mp4"][..], 0),
        (&["--exec", "false"], 8),
    ] {
        let wait = [&["wait", "g"][..], options].concat();
        let ran = cli.run(&wait).await;
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(ran.stdout.starts_with("saved already: "), "{ran:?}");
        let object = cli.run(&[&wait[..], &["--json"]].concat()).await.json();
        let path = object["videos"][0]["path"].as_str().unwrap();
        assert!(path.ends_with("a.mp4"), "{object}");
        let is_failed = object["error"]["kind"] == "exec_failed";
        assert_eq!(is_failed, code == 8, "{object}");
    }
    assert_eq!(cli.files(), ["a.mp4", "b.mp4"]);
}

#[tokio::test]
async fn second_wait_recognises_a_video_by_its_sidecar_and_checksum() {
    let server = support::paid::service().await;
    let mut cli = Cli::at(server.url());
    assert_eq!(generate(&cli, &["-o", "a.mp4", "--sidecar"]).await.code, 0);
    let wait = ["wait", "g", "--speed", "1000", "-o", "a.mp4"];
    // Another machine has no history of it.
    cli.home = tempfile::tempdir().unwrap();
    let ran = cli.run(&wait).await;
    assert!(
        ran.code == 0 && ran.stdout.starts_with("saved already: "),
        "{ran:?}"
    );
    alter(&cli, "a.mp4");
    let ran = cli.run(&wait).await;
    assert!(
        ran.code == 2 && ran.error().contains("--overwrite"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn wait_that_finds_the_videos_by_their_sidecars_ends_the_entry_of_the_history() {
    let server = support::paid::service().await;
    let cli = Cli::at(server.url());
    let elsewhere = ["-o", "a.mp4", "--sidecar", "--no-history"];
    assert_eq!(generate(&cli, &elsewhere).await.code, 0);
    assert_eq!(generate(&cli, &["--no-wait"]).await.code, 0);
    let wait = ["wait", "g", "--speed", "1000", "-o", "a.mp4"];
    // The second video is not there.
    let mut sidecar: Value =
        serde_json::from_slice(&fs::read(cli.path("a.json")).unwrap()).unwrap();
    sidecar["videos"] = json!(2);
    fs::write(cli.path("a.json"), sidecar.to_string()).unwrap();
    let ran = cli.run(&[&wait[..], &["--no-history"]].concat()).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    fs::copy(cli.path("a.mp4"), cli.path("a-2.mp4")).unwrap();
    sidecar["file"] = json!("a-2.mp4");
    fs::write(cli.path("a-2.json"), sidecar.to_string()).unwrap();
    let sent = server.requests().len();
    let ran = cli.run(&wait).await;
    assert_eq!(ran.stdout.matches("saved already: ").count(), 2, "{ran:?}");
    let entries = cli.run(&["history", "--json"]).await.json();
    assert_eq!(entries[0]["state"], "saved", "{entries}");
    assert_eq!(entries[0]["sha256"][1], sidecar["sha256"], "{entries}");
    assert_eq!(cli.run(&["resume"]).await.code, 0);
    assert_eq!(server.requests().len(), sent);
}
