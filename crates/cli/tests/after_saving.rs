//! What happens after a video is saved: `--exec`, and a second `wait`.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::fs;

use serde_json::{Value, json};
use support::cli::{Cli, Ran};

const MODEL: &str = "klingai/v2-master-text-to-video";

async fn generate(cli: &Cli, options: &[&str]) -> Ran {
    let generate = ["generate", MODEL, "--prompt", "g", "--speed", "1000"];
    cli.run(&[&generate[..], options].concat()).await
}

#[tokio::test]
async fn exec_runs_for_the_saved_video_without_a_shell() {
    let server = support::paid::service().await;
    let cli = Cli::at(server.url());
    let ran = generate(&cli, &["-o", "a b.mp4", "--exec", "cp {} 'copy $HOME.mp4'"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(cli.files(), ["a b.mp4", "copy $HOME.mp4"]);
    // Without braces the path is the last word, and the output of the program is not data.
    let ran = generate(&cli, &["-o", "c.mp4", "--json", "--exec", "ls -1"]).await;
    assert_eq!(ran.json()["videos"][0]["path"], "c.mp4", "{ran:?}");
    let path = fs::canonicalize(cli.path("c.mp4")).unwrap();
    assert!(
        ran.stderr
            .lines()
            .any(|line| line == path.to_str().unwrap()),
        "{ran:?}"
    );
}

#[tokio::test]
async fn failed_exec_is_reported_and_loses_nothing() {
    let server = support::paid::service().await;
    let cli = Cli::at(server.url());
    for (command, why) in [
        ("sh -c 'exit 3'", "failed: exit status: 3"),
        ("./missing {}", "it cannot be started: "),
    ] {
        let ran = generate(&cli, &["-o", "a.mp4", "--overwrite", "--exec", command]).await;
        assert_eq!(ran.code, 8, "{ran:?}");
        assert!(ran.stdout.starts_with("saved a.mp4 ("), "{ran:?}");
        assert!(ran.error().contains(why), "{ran:?}");
        assert!(!ran.stderr.contains("resume with"), "{ran:?}");
        let object = ["-o", "a.mp4", "--overwrite", "--json", "--exec", command];
        let object = generate(&cli, &object).await.json();
        assert_eq!(object["error"]["kind"], "exec_failed", "{object}");
        assert_eq!(object["error"]["exit_code"], 8, "{object}");
        assert_eq!(object["videos"][0]["path"], "a.mp4", "{object}");
        assert_eq!(object["usd_spent"], 0.25, "{object}");
    }
    let entries = cli.run(&["history", "--json"]).await.json();
    let states = entries
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["state"]);
    assert!(
        states.into_iter().all(|state| state == "saved"),
        "{entries}"
    );
}

#[tokio::test]
async fn unusable_exec_is_refused_before_a_create() {
    let server = support::paid::service().await;
    let cli = Cli::at(server.url());
    for options in [
        &["--exec", "cp 'x"][..],
        &["--exec", ""],
        &["--exec", "ls", "--no-wait"],
        &["--exec", "ls", "-o", "-"],
    ] {
        let ran = generate(&cli, options).await;
        assert!(ran.code == 2 && ran.stderr.contains("--exec"), "{ran:?}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn exec_of_a_batch_runs_one_program_at_a_time_and_its_failure_is_that_of_its_line() {
    let server = support::paid::service().await;
    let cli = Cli::at(server.url());
    let line = |prompt| json!({ "model": MODEL, "prompt": prompt });
    let items = json!([line("a"), line("b"), line("fail"), line("c")]);
    fs::write(cli.path("b.json"), items.to_string()).unwrap();
    // It fails if another one runs, and for the second item.
    let script =
        "mkdir lock && case $1 in *0002*) code=4 ;; esac; echo ran; rmdir lock; exit $code";
    let exec = format!("sh -c '{script}' name");
    let batch = [
        "batch", "b.json", "--out", "o", "--speed", "1000", "--json", "--exec", &exec,
    ];
    let ran = cli.run(&batch).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    let objects = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let objects: Vec<Value> = objects.collect();
    assert_eq!(objects.len(), 4, "{ran:?}");
    for object in &objects {
        let code = match object["line"].as_u64() {
            Some(2) => json!(8),
            Some(3) => json!(3),
            _ => Value::Null,
        };
        assert_eq!(object["error"]["exit_code"], code, "{object}");
    }
    assert_eq!(
        ran.stderr.lines().filter(|line| *line == "ran").count(),
        3,
        "{ran:?}"
    );
    // A JSON array has items.
    assert!(
        ran.stderr
            .contains("item 2: error: the video is saved, but `sh "),
        "{ran:?}"
    );
    assert!(!ran.stderr.contains("line "), "{ran:?}");
    assert!(ran.stderr.contains("3 of 4 saved, 1 failed"), "{ran:?}");
}

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

#[tokio::test]
async fn signal_ends_a_command_that_reads_its_request_from_standard_input() {
    for arguments in [
        &["batch", "-", "--out", "o"][..],
        &["generate", MODEL, "--simulate", "--prompt", "-"],
    ] {
        let cli = Cli::new();
        let mut child = cli.command(arguments).spawn().unwrap();
        // More than a pipe holds: once it is written, the command reads.
        let mut stdin = child.stdin.take().unwrap();
        let blank = [b'\n'; 1 << 18];
        tokio::io::AsyncWriteExt::write_all(&mut stdin, &blank)
            .await
            .unwrap();
        support::cli::interrupt(&child);
        assert_eq!(child.wait().await.unwrap().code(), None, "{arguments:?}");
    }
}

#[tokio::test]
async fn wait_for_the_last_generation_without_a_key_is_a_missing_key() {
    let ran = Cli::new().run(&["wait", "--last", "--json"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(ran.json()["error"]["kind"], "missing_key", "{ran:?}");
}

#[tokio::test]
async fn signal_while_a_video_is_written_to_standard_output_leaves_no_folder() {
    // More than a pipe holds, in a box that players skip.
    let mut video = support::files::CLIP.to_vec();
    video.extend(1_000_008_u32.to_be_bytes());
    video.extend(b"free");
    video.resize(video.len() + 1_000_000, 0);
    let server = support::Server::start(move |_, request| {
        if !request.target.contains("generation_id=") {
            return support::http(200, &[("content-type", "video/mp4")], &video);
        }
        let url = format!("http://{}/v.mp4", request.header("host").unwrap());
        let video = json!({ "url": url });
        support::json(
            200,
            json!({ "id": "g", "status": "completed", "video": video }),
        )
    })
    .await;
    for signal in ["-INT", "-TERM"] {
        let cli = Cli::at(server.url());
        let mut command = cli.command(&["wait", "g", "-o", "-"]);
        command.env("TMPDIR", cli.folder.path());
        let mut child = command.spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let mut first = [0; 8];
        tokio::io::AsyncReadExt::read_exact(&mut stdout, &mut first)
            .await
            .unwrap();
        let id = child.id().unwrap().to_string();
        let kill = std::process::Command::new("kill")
            .args([signal, &id])
            .status();
        assert!(kill.unwrap().success());
        assert_eq!(child.wait().await.unwrap().code(), Some(130), "{signal}");
        assert!(cli.files().is_empty(), "{:?}", cli.files());
    }
}
